//! Writes the report from what was measured. `report FIGURES MARKDOWN SVG`

use std::{env, fs, io, path::PathBuf};

use sse_encoder_benches::{
    chart,
    figures::{self, Figures, Line},
    report,
};

fn main() -> io::Result<()> {
    let mut paths = env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(markdown), Some(svg)) = (paths.next(), paths.next(), paths.next())
    else {
        return Err(io::Error::other("usage: report FIGURES MARKDOWN SVG"));
    };
    // Any part may not have run yet.
    let figures = Figures {
        encoders: figures::read(&folder.join("encode.tsv")).or_else(none_yet)?,
        loads: figures::read(&folder.join("loopback.tsv")).or_else(none_yet)?,
        latencies: figures::read(&folder.join("latency.tsv")).or_else(none_yet)?,
        limits: figures::read(&folder.join("limits.tsv")).or_else(none_yet)?,
        lingers: figures::read(&folder.join("linger.tsv")).or_else(none_yet)?,
        sizes: figures::read(&folder.join("sizes.tsv")).or_else(none_yet)?,
    };
    fs::write(markdown, report::markdown(&figures))?;
    fs::write(svg, chart::svg(&figures.encoders, &figures.loads))
}

fn none_yet<T: Line>(error: io::Error) -> io::Result<Vec<T>> {
    if error.kind() == io::ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) }
}
