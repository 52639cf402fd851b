//! What the limit of a chunk costs, and what it saves.

use std::{io, time::Instant};

use futures_util::stream;
use rustix::time::ClockId;
use sse_encoder::{Event, SseEncoder};

use super::{
    Data, FRAMEWORKS, Framework, Load, Setup, Writer,
    client::{Run, Server, held, one_connection},
    data::{Item, Page},
    nanoseconds,
    servers::TICK,
};
use crate::{
    body::{Sink, StreamBody, drain},
    figures::{LimitRow, Spread},
    items::Tick,
    report::ALONE,
};

const KIBIBYTES: [usize; 7] = [1, 2, 4, 8, 16, 32, 64];

/// How many times fewer large events there are.
const FEWER: usize = 4;

/// Runs that are not timed.
const MOST_COUNTED: usize = 3;

/// How often a client stops reading in each run: each time after so many bytes more, as it depends
/// on where the connection is full how much of the last write it takes.
const STALLS: usize = 2;
const FURTHER: u64 = 53_777;

/// One limit in one place.
struct Contender {
    framework: Option<Framework>,
    chunk_limit: usize,
    events_per_second: Vec<f64>,
    cpu: Vec<f64>,
    events_per_write: Vec<f64>,
    held: Vec<f64>,
}

pub fn measure(events: usize, runs: usize) -> io::Result<Vec<LimitRow>> {
    let mut rows = Vec::new();
    for (data, events) in [(Data::Tick, events), (Data::Page, events / FEWER)] {
        let size =
            alone(data, SseEncoder::DEFAULT_CHUNK_LIMIT, events).bytes as f64 / events as f64;
        let title = format!("{size:.0} bytes");
        eprintln!("Events of {title}");
        let places = [None].into_iter().chain(FRAMEWORKS.map(Some));
        let mut contenders: Vec<Contender> = places
            .flat_map(|framework| KIBIBYTES.map(|kibibytes| (framework, kibibytes * 1024)))
            .map(|(framework, chunk_limit)| Contender {
                framework,
                chunk_limit,
                events_per_second: Vec::new(),
                cpu: Vec::new(),
                events_per_write: Vec::new(),
                held: Vec::new(),
            })
            .collect();
        for run in 0..runs {
            for contender in &mut contenders {
                contender.run(data, events, run)?;
            }
        }
        for contender in contenders {
            let row = contender.row(&title);
            eprintln!(
                "  {:10} {:5} {:12.0} events/s  {:8.1} ns per event  {}",
                row.place,
                row.chunk_limit,
                row.events_per_second.median,
                row.cpu.median,
                match (row.events_per_write, row.held, row.most_held) {
                    (Some(events), Some(held), Some(most)) => format!(
                        "{events:8.1} events per write  {held:7.0} held, {most:7.0} at most"
                    ),
                    _ => String::new(),
                }
            );
            rows.push(row);
        }
    }
    Ok(rows)
}

impl Contender {
    fn run(&mut self, data: Data, events: usize, run: usize) -> io::Result<()> {
        let chunk_limit = self.chunk_limit;
        let Some(framework) = self.framework else {
            let (start, cpu) = (Instant::now(), nanoseconds(ClockId::ThreadCPUTime));
            alone(data, chunk_limit, events);
            let cpu = nanoseconds(ClockId::ThreadCPUTime) - cpu;
            self.events_per_second.push(events as f64 / start.elapsed().as_secs_f64());
            self.cpu.push(cpu as f64 / events as f64);
            return Ok(());
        };
        let setup =
            Setup { data, chunk_limit, ..Setup::new(framework, Writer::Ours, Load::Together) };
        let Run { events_per_second, cpu, .. } =
            one_connection(&mut Server::start(setup)?, events)?;
        self.events_per_second.push(events_per_second);
        self.cpu.push(cpu);

        let setup = Setup { counted: true, ..setup };
        if run < MOST_COUNTED {
            let run = one_connection(&mut Server::start(setup)?, events)?;
            self.events_per_write.push(run.events_per_write);
        }
        let setup = Setup { load: Load::Endless, ..setup };
        for _ in 0..STALLS {
            let read_before = self.held.len() as u64 * FURTHER;
            self.held.push(held(&mut Server::start(setup)?, read_before)? as f64);
        }
        Ok(())
    }

    fn row(self, event: &str) -> LimitRow {
        let median = |values: Vec<f64>| (!values.is_empty()).then(|| Spread::of(values).median);
        LimitRow {
            event: event.into(),
            place: self.framework.map_or_else(|| ALONE.into(), |framework| framework.to_string()),
            chunk_limit: self.chunk_limit,
            events_per_second: Spread::of(self.events_per_second),
            cpu: Spread::of(self.cpu),
            events_per_write: median(self.events_per_write),
            most_held: self.held.iter().copied().reduce(f64::max),
            held: median(self.held),
        }
    }
}

/// The encoding of that many events, without a server.
fn alone(data: Data, chunk_limit: usize, events: usize) -> Sink {
    fn encode<T: Item>(chunk_limit: usize, events: usize) -> Sink {
        let events = (0..events).map(|index| Event::json(T::make(index, 0)).event_type(TICK));
        let mut sink = Sink::default();
        drain(
            StreamBody::new(
                SseEncoder::new(stream::iter(events))
                    .opening_comment(false)
                    .chunk_limit(chunk_limit),
            ),
            &mut sink,
        );
        sink
    }
    match data {
        Data::Page => encode::<Page>(chunk_limit, events),
        _ => encode::<Tick>(chunk_limit, events),
    }
}
