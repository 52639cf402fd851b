//! How late events come that come one at a time.

use std::{io, time::Duration};

use super::{
    Data, Load, Setup,
    client::{Server, ages},
    contenders, name,
};
use crate::figures::{LatencyRow, Spread};

/// The contenders take turns, that often, each time for that long.
pub fn measure(runs: usize, period: Duration) -> io::Result<Vec<LatencyRow>> {
    let mut rows = Vec::new();
    for (title, connections) in [
        ("One connection, an event per millisecond", 1),
        ("100 connections, each event to all of them, one per 10 ms", 100),
    ] {
        eprintln!("{title}");
        let contenders = contenders(Load::Feed);
        let mut measured = vec![(Vec::new(), Vec::new()); contenders.len()];
        for _ in 0..runs {
            for (percentiles, setup) in measured.iter_mut().zip(&contenders) {
                let server = Server::start(Setup { data: Data::Stamp, ..*setup })?;
                let mut ages = ages(&server, connections, period)?;
                ages.sort_unstable();
                let at = |share: f64| {
                    let place = share * ages.len().saturating_sub(1) as f64;
                    ages.get(place.round() as usize).map(|age| *age as f64)
                };
                let none = || io::Error::other("no event has come");
                percentiles.0.push(at(0.5).ok_or_else(none)?);
                percentiles.1.push(at(0.99).ok_or_else(none)?);
            }
        }
        for (setup, (medians, highs)) in contenders.iter().zip(measured) {
            let row = LatencyRow {
                load: title.into(),
                framework: setup.framework.to_string(),
                contender: name(setup.writer).into(),
                median: Spread::of(medians),
                high: Spread::of(highs),
            };
            eprintln!(
                "  {:10} {:15} {:8.1} µs  {:8.1} µs at 99 %",
                row.framework,
                row.contender,
                row.median.median / 1e3,
                row.high.median / 1e3,
            );
            rows.push(row);
        }
    }
    Ok(rows)
}
