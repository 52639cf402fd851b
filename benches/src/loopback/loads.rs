//! What events cost a server.

use std::{io, time::Duration};

use super::{
    Load, Setup,
    client::{Run, Server, many_connections, one_connection},
    contenders, name,
};
use crate::figures::{LoadRow, Spread};

const CONNECTIONS: usize = 1_000;

/// How many times fewer events come one at a time: each of them is a write and a wake.
const SLOWER: usize = 5;

/// Runs of the load that takes seconds each, and runs that are not timed.
const MOST_LONG_RUNS: usize = 3;

pub fn measure(events: usize, runs: usize, period: Duration) -> io::Result<Vec<LoadRow>> {
    let mut rows = Vec::new();
    for load in [Load::Together, Load::OneByOne, Load::Paced] {
        let (title, events) = match load {
            Load::Together => ("One connection, events ready together", Some(events)),
            Load::OneByOne => ("One connection, one event at a time", Some(events / SLOWER)),
            _ => ("1,000 connections, 100 events per second each", None),
        };
        eprintln!("{title}");
        let few = runs.min(MOST_LONG_RUNS);
        let contenders = contenders(load);
        let mut timed: Vec<Vec<Run>> = vec![Vec::new(); contenders.len()];
        let mut counted = vec![Vec::new(); contenders.len()];
        for run in 0..if events.is_some() { runs } else { few } {
            for (place, setup) in contenders.iter().enumerate() {
                let mut server = Server::start(*setup)?;
                timed[place].push(match events {
                    Some(events) => one_connection(&mut server, events)?,
                    None => many_connections(&mut server, CONNECTIONS, period)?,
                });
                if let Some(events) = events.filter(|_| run < few) {
                    let mut server = Server::start(Setup { counted: true, ..*setup })?;
                    counted[place].push(one_connection(&mut server, events)?.events_per_write);
                }
            }
        }
        for ((setup, runs), counted) in contenders.iter().zip(timed).zip(counted) {
            let spread = |value: fn(&Run) -> f64| Spread::of(runs.iter().map(value).collect());
            let row = LoadRow {
                load: title.into(),
                framework: setup.framework.to_string(),
                contender: name(setup.writer).into(),
                events_per_second: spread(|run| run.events_per_second),
                cpu: spread(|run| run.cpu),
                events_per_write: (!counted.is_empty()).then(|| Spread::of(counted).median),
            };
            eprintln!(
                "  {:10} {:15} {:12.0} events/s  {:8.1} ns of CPU per event  {}",
                row.framework,
                row.contender,
                row.events_per_second.median,
                row.cpu.median,
                row.events_per_write.map_or_else(String::new, |events| {
                    format!("{events:8.1} events per write")
                }),
            );
            rows.push(row);
        }
    }
    Ok(rows)
}
