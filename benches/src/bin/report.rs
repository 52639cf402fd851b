//! Writes the report from what was measured, and the README's tables.
//! `report FIGURES MARKDOWN SVG README`

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use sse_encoder_benches::{
    chart,
    figures::{self, Figures, Line},
    readme, report,
};

const USAGE: &str = "usage: report FIGURES MARKDOWN SVG README";

fn main() -> io::Result<()> {
    let mut paths = env::args_os().skip(1).map(PathBuf::from);
    let mut path = || paths.next().ok_or_else(|| io::Error::other(USAGE));
    let (folder, markdown, svg, readme) = (path()?, path()?, path()?, path()?);
    // Any part may not have run yet.
    let figures = Figures {
        encoders: figures::read(&folder.join("encode.tsv")).or_else(none_yet)?,
        layouts: figures::read(&folder.join("layouts.tsv")).or_else(none_yet)?,
        loads: figures::read(&folder.join("loopback.tsv")).or_else(none_yet)?,
        latencies: figures::read(&folder.join("latency.tsv")).or_else(none_yet)?,
        limits: figures::read(&folder.join("limits.tsv")).or_else(none_yet)?,
        lingers: figures::read(&folder.join("linger.tsv")).or_else(none_yet)?,
        sizes: figures::read(&folder.join("sizes.tsv")).or_else(none_yet)?,
    };
    fs::write(markdown, report::markdown(&figures) + &hub(&folder)?)?;
    fs::write(readme, readme::markdown(&figures))?;
    fs::write(svg, chart::svg(&figures.encoders, &figures.loads))
}

#[cfg(all(feature = "actix", feature = "axum", feature = "warp"))]
fn hub(folder: &Path) -> io::Result<String> {
    sse_encoder_benches::hub::report::read(folder)
}

#[cfg(not(all(feature = "actix", feature = "axum", feature = "warp")))]
fn hub(_: &Path) -> io::Result<String> {
    Ok(String::new())
}

fn none_yet<T: Line>(error: io::Error) -> io::Result<Vec<T>> {
    if error.kind() == io::ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) }
}
