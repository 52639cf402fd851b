//! Measures the contenders of a workload in turn: A B C, A B C, ..., so that whatever else the
//! machine does meets all of them.

use std::{hint::black_box, time::Instant};

use crate::{
    allocations,
    body::Sink,
    contender::{Role, Verdict},
    figures::{Row, Spread},
    workloads::Workload,
};

/// How many events are decoded and compared; in a pass there are as many as it takes to be
/// measured.
const CHECKED: usize = 512;

pub fn measure(workload: &Workload, rounds: usize) -> Vec<Row> {
    let contenders = &workload.contenders;
    let mut rows: Vec<Row> = contenders
        .iter()
        .map(|contender| {
            let events = workload.events.min(CHECKED);
            let mut sink = Sink::keeping();
            contender.prepare(events)(&mut sink);
            let output = sink.kept.unwrap_or_default();
            let verdict = if contender.checked {
                workload.expected.judge(&output, events)
            } else {
                Verdict::Same
            };
            // What is not right need not be measured; where it is ours, nothing is right.
            assert!(
                verdict == Verdict::Same || contender.role == Role::Peer,
                "{}, {}: {verdict:?}",
                workload.id,
                contender.name
            );
            Row {
                workload: workload.id.into(),
                title: workload.title.into(),
                unit: workload.unit.into(),
                contender: contender.name.clone(),
                role: contender.role,
                verdict,
                ..count(workload, contender)
            }
        })
        .collect();

    let mut times = vec![Vec::with_capacity(rounds); contenders.len()];
    for round in 0..rounds {
        for place in 0..contenders.len() {
            // Each round begins with another one, so that none always follows the same.
            let place = (place + round) % contenders.len();
            let mut pass = contenders[place].prepare(workload.events);
            let mut sink = Sink::default();
            let start = Instant::now();
            pass(&mut sink);
            let elapsed = start.elapsed();
            black_box(&sink);
            times[place].push(elapsed.as_nanos() as f64 / workload.events as f64);
        }
    }
    for (row, times) in rows.iter_mut().zip(times) {
        row.nanoseconds = Spread::of(times);
    }
    rows
}

/// One pass that is not timed: what it warms up is warm, and what it allocates is counted.
fn count(workload: &Workload, contender: &crate::contender::Contender) -> Row {
    let mut pass = contender.prepare(workload.events);
    let mut sink = Sink::default();
    let before = allocations::count();
    pass(&mut sink);
    let after = allocations::count();
    let events = workload.events as f64;
    Row {
        bytes: sink.bytes as f64 / events,
        chunks: sink.chunks as f64 / events,
        allocations: (after.calls - before.calls) as f64 / events,
        allocated: (after.bytes - before.bytes) as f64 / events,
        ..Row::default()
    }
}
