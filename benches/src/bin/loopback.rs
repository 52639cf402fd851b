//! Measures servers end to end: `loopback loads OUTPUT EVENTS RUNS SECONDS`,
//! `loopback latency OUTPUT RUNS SECONDS`, `loopback linger OUTPUT RUNS SECONDS`,
//! `loopback limits OUTPUT EVENTS RUNS`.

use std::{env, error::Error, path::Path, time::Duration};

use sse_encoder_benches::{
    figures,
    loopback::{Setup, latency, limits, linger, loads, servers},
};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["serve", ref words @ ..] => {
            servers::serve(Setup::from_words(words).ok_or("not what a client asks for")?)?;
        }
        ["loads", output, events, runs, seconds] => {
            let period = Duration::from_secs(seconds.parse()?);
            let rows = loads::measure(events.parse()?, runs.parse()?, period)?;
            figures::write(Path::new(output), &rows)?;
        }
        ["latency", output, runs, seconds] => {
            let period = Duration::from_secs(seconds.parse()?);
            figures::write(Path::new(output), &latency::measure(runs.parse()?, period)?)?;
        }
        ["linger", output, runs, seconds] => {
            let period = Duration::from_secs(seconds.parse()?);
            figures::write(Path::new(output), &linger::measure(runs.parse()?, period)?)?;
        }
        ["limits", output, events, runs] => {
            let rows = limits::measure(events.parse()?, runs.parse()?)?;
            figures::write(Path::new(output), &rows)?;
        }
        _ => return Err("usage: loopback loads|latency|linger|limits OUTPUT ...".into()),
    }
    Ok(())
}
