//! Writes the report from what was measured. `report FIGURES MARKDOWN SVG`

use std::{env, fs, io, path::PathBuf};

use sse_encoder_benches::{chart, figures, report};

fn main() -> io::Result<()> {
    let mut paths = env::args_os().skip(1).map(PathBuf::from);
    let (Some(folder), Some(markdown), Some(svg)) = (paths.next(), paths.next(), paths.next())
    else {
        return Err(io::Error::other("usage: report FIGURES MARKDOWN SVG"));
    };
    // Either program may not have run yet.
    let rows = figures::read_rows(&folder.join("encode.tsv")).or_else(none_yet)?;
    let loads = figures::read_load_rows(&folder.join("loopback.tsv")).or_else(none_yet)?;
    fs::write(markdown, report::markdown(&rows, &loads))?;
    fs::write(svg, chart::svg(&rows, &loads))
}

fn none_yet<T>(error: io::Error) -> io::Result<Vec<T>> {
    if error.kind() == io::ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) }
}
