//! Measures servers end to end. `loopback OUTPUT EVENTS RUNS SECONDS`

use std::{env, error::Error, path::PathBuf, time::Duration};

use sse_encoder_benches::{
    figures::{self, LoadRow, Spread},
    loopback::{
        Framework, Load, Writer,
        client::{Run, Server, many_connections, one_connection},
        servers,
    },
    report::OURS,
};

const FRAMEWORKS: [Framework; 3] = [Framework::Axum, Framework::Actix, Framework::Warp];
const CONNECTIONS: usize = 1_000;

/// How many times fewer events come one at a time: each of them is a write and a wake.
const SLOWER: usize = 5;

/// Runs of the load that takes seconds each.
const MOST_LONG_RUNS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match *arguments {
        ["serve", framework, writer, load] => {
            servers::serve(framework.parse()?, writer.parse()?, load.parse()?)?;
            Ok(())
        }
        [output, events, runs, seconds] => {
            let (events, runs) = (events.parse()?, runs.parse()?);
            let rows = measure(events, runs, Duration::from_secs(seconds.parse()?))?;
            figures::write_load_rows(&PathBuf::from(output), &rows)?;
            Ok(())
        }
        _ => Err("usage: loopback OUTPUT EVENTS RUNS SECONDS".into()),
    }
}

fn measure(events: usize, runs: usize, period: Duration) -> Result<Vec<LoadRow>, Box<dyn Error>> {
    let mut rows = Vec::new();
    for load in [Load::Together, Load::OneByOne, Load::Paced] {
        let title = match load {
            Load::Together => "One connection, events ready together",
            Load::OneByOne => "One connection, one event at a time",
            Load::Paced => "1,000 connections, 100 events per second each",
        };
        eprintln!("{title}");
        let contenders: Vec<(Framework, Writer)> = FRAMEWORKS
            .into_iter()
            .flat_map(|framework| [(framework, Writer::Own), (framework, Writer::Ours)])
            .collect();
        let mut measured: Vec<Vec<Run>> = vec![Vec::new(); contenders.len()];
        let runs = if load == Load::Paced { runs.min(MOST_LONG_RUNS) } else { runs };
        for _ in 0..runs {
            for (runs, (framework, writer)) in measured.iter_mut().zip(&contenders) {
                let mut server = Server::start(*framework, *writer, load)?;
                runs.push(match load {
                    Load::Paced => many_connections(&mut server, CONNECTIONS, period)?,
                    Load::Together => one_connection(&mut server, events)?,
                    Load::OneByOne => one_connection(&mut server, events / SLOWER)?,
                });
            }
        }
        for (runs, (framework, writer)) in measured.into_iter().zip(contenders) {
            let spread = |value: fn(&Run) -> f64| Spread::of(runs.iter().map(value).collect());
            let row = LoadRow {
                load: title.into(),
                framework: framework.to_string(),
                contender: match writer {
                    Writer::Own => "its own events".into(),
                    Writer::Ours => OURS.into(),
                },
                events_per_second: spread(|run| run.events_per_second),
                cpu: spread(|run| run.cpu),
            };
            eprintln!(
                "  {framework:10} {writer:5} {:12.0} events/s  {:8.1} ns of CPU per event",
                row.events_per_second.median, row.cpu.median
            );
            rows.push(row);
        }
    }
    Ok(rows)
}
