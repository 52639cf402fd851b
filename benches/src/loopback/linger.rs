//! What waiting for more events saves a server of many connections, and how late it makes them.

use std::{io, time::Duration};

use super::{
    Data, Framework, Load, Setup, Writer,
    client::{Run, Server, many_aged},
    name,
};
use crate::figures::{LingerRow, Spread};

const CONNECTIONS: usize = 1_000;

/// How long our streams wait, in milliseconds: each is a row, below that of axum's own events.
const LINGERS: &[u64] = &[0, 10, 20, 50];

/// The contenders take turns, that often, each time for that long.
pub fn measure(runs: usize, period: Duration) -> io::Result<Vec<LingerRow>> {
    let setup = |writer, linger| Setup {
        data: Data::Stamp,
        linger: Duration::from_millis(linger),
        ..Setup::new(Framework::Axum, writer, Load::Paced)
    };
    let ours = LINGERS.iter().map(|linger| setup(Writer::Ours, *linger));
    let contenders: Vec<Setup> = [setup(Writer::Own, 0)].into_iter().chain(ours).collect();
    let mut measured: Vec<Measured> = contenders.iter().map(|_| Measured::default()).collect();
    for run in 0..runs {
        for (measured, setup) in measured.iter_mut().zip(&contenders) {
            measured.run(*setup, period, run == 0)?;
        }
    }
    let rows = contenders.iter().zip(measured).map(|(setup, measured)| measured.row(*setup));
    Ok(rows.inspect(print).collect())
}

#[derive(Default)]
struct Measured {
    events_per_second: Vec<f64>,
    cpu: Vec<f64>,
    median: Vec<f64>,
    high: Vec<f64>,
    events_per_write: f64,
}

impl Measured {
    fn run(&mut self, setup: Setup, period: Duration, count: bool) -> io::Result<()> {
        let (Run { events_per_second, cpu, .. }, mut ages) =
            many_aged(&mut Server::start(setup)?, CONNECTIONS, period)?;
        self.events_per_second.push(events_per_second);
        self.cpu.push(cpu);
        ages.sort_unstable();
        let at = |share: f64| {
            let place = share * ages.len().saturating_sub(1) as f64;
            let age = ages.get(place.round() as usize).map(|age| *age as f64);
            age.ok_or_else(|| io::Error::other("no event has come"))
        };
        self.median.push(at(0.5)?);
        self.high.push(at(0.99)?);
        if count {
            let setup = Setup { counted: true, ..setup };
            let (run, _) = many_aged(&mut Server::start(setup)?, CONNECTIONS, period)?;
            self.events_per_write = run.events_per_write;
        }
        Ok(())
    }

    fn row(self, setup: Setup) -> LingerRow {
        LingerRow {
            framework: setup.framework.to_string(),
            contender: name(setup.writer).into(),
            linger: setup.linger.as_millis() as u64,
            events_per_second: Spread::of(self.events_per_second),
            cpu: Spread::of(self.cpu),
            median: Spread::of(self.median),
            high: Spread::of(self.high),
            events_per_write: self.events_per_write,
        }
    }
}

fn print(row: &LingerRow) {
    eprintln!(
        "  {:10} {:15} linger {:2} ms {:12.0} events/s {:8.1} ns of CPU per event {:8.0} µs {:8.0} µs \
         at 99 % {:6.1} events per write",
        row.framework,
        row.contender,
        row.linger,
        row.events_per_second.median,
        row.cpu.median,
        row.median.median / 1e3,
        row.high.median / 1e3,
        row.events_per_write,
    );
}
