//! Measures two versions of the crate in one binary, in turn: `comparison ROUNDS [WORKLOAD...]`.
//! `benches/compare` builds it: its manifest is made there.

#[path = "../../tests/support/allocations.rs"]
mod allocations;
#[allow(dead_code, reason = "some bodies are for the benchmark alone")]
#[path = "../src/body.rs"]
mod body;
#[path = "../src/by_hand.rs"]
mod by_hand;
#[path = "../src/fan_out.rs"]
mod fan_out;
#[allow(dead_code, reason = "some items are for the benchmark alone")]
#[path = "../src/items.rs"]
mod items;
#[path = "../src/thread_buffer.rs"]
mod thread_buffer;

mod before {
    use ::sse_encoder_before as sse_encoder;
    include!("workloads.rs");
}

mod after {
    use ::sse_encoder;
    include!("workloads.rs");
}

use std::{env, error::Error, hint::black_box, time::Instant};

use self::{
    allocations::Counting,
    body::{Gate, Sink, StreamBody, drain, drain_quiet},
    by_hand::{put_bare, put_frame, put_merged, put_text},
    fan_out::Pass,
    items::{Flat, FlatOverride},
    thread_buffer::ByHand,
};
use futures_util::stream;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Workload {
    name: &'static str,
    /// In a pass.
    events: usize,
    floor: fn(usize) -> Option<Pass>,
}

const WORKLOADS: &[Workload] = &[
    Workload { name: "quiet", events: 10_000, floor: |n| quiet(n, put_tick) },
    Workload {
        name: "quiet, by a channel",
        events: 10_000,
        floor: |n| {
            let body = |items| StreamBody::new(ByHand { items, write: put_tick });
            Some(fan_out::one_by_one(n, body))
        },
    },
    Workload { name: "quiet text", events: 10_000, floor: |n| quiet(n, put_delta_text) },
    Workload {
        name: "quiet page",
        events: 1_000,
        floor: |n| quiet(n, |_, out| put_text(out, items::page())),
    },
    Workload { name: "small", events: 20_000, floor: |n| together(n, put_tick) },
    Workload {
        name: "merge, structs",
        events: 4_000,
        floor: |n| {
            together(n, |index, out| {
                put_frame(out, index, &Flat::new(items::order(index), &items::extra(index)));
            })
        },
    },
    Workload {
        name: "merge, one overridden",
        events: 4_000,
        floor: |n| {
            together(n, |index, out| {
                let (order, override_) = (items::order(index), items::override_(index));
                put_frame(out, index, &FlatOverride::new(order, &override_));
            })
        },
    },
    Workload {
        name: "merge, `Value`s",
        events: 2_000,
        floor: |n| {
            together(n, |index, out| {
                put_merged(out, index, items::order_value(index), items::extra_value(index));
            })
        },
    },
    Workload {
        name: "token, serialized",
        events: 10_000,
        floor: |n| together(n, |index, out| put_bare(out, items::delta(index))),
    },
    Workload { name: "token, ready text", events: 20_000, floor: |n| together(n, put_delta_text) },
    Workload {
        name: "16 KiB of lines",
        events: 256,
        floor: |n| together(n, |_, out| put_text(out, items::lines())),
    },
    Workload {
        name: "mixed ends of line",
        events: 500,
        floor: |n| together(n, |_, out| put_text(out, items::mixed_ends())),
    },
    Workload {
        name: "1 MiB, `text`",
        events: 8,
        floor: |n| {
            together(n, |_, out| {
                out.reserve(items::long_line().len() + b"data: \n\n".len());
                put_text(out, items::long_line());
            })
        },
    },
    Workload { name: "1 MiB, `shared_text`", events: 8, floor: |_| None },
    Workload { name: "frames, ready together", events: 4_000, floor: |_| None },
    Workload { name: "frame to 1,000 streams", events: 1_000, floor: bare_broadcast },
    Workload { name: "frame to 10,000 streams", events: 10_000, floor: bare_broadcast },
    Workload { name: "each of 1,000 encodes", events: 1_000, floor: |_| None },
    Workload { name: "encode, small", events: 20_000, floor: |_| None },
    Workload { name: "encode, ready text", events: 20_000, floor: |_| None },
    Workload { name: "encode, 1 MiB", events: 8, floor: |_| None },
];

fn put_tick(index: usize, out: &mut Vec<u8>) {
    put_frame(out, index, &items::tick(index));
}

fn put_delta_text(index: usize, out: &mut Vec<u8>) {
    put_text(out, items::delta_text(index));
}

fn together(
    events: usize,
    write: impl Fn(usize, &mut Vec<u8>) + Copy + Unpin + 'static,
) -> Option<Pass> {
    Some(Box::new(move |sink| {
        drain(StreamBody::new(ByHand { items: stream::iter(0..events), write }), sink);
    }))
}

fn quiet(
    events: usize,
    write: impl Fn(usize, &mut Vec<u8>) + Copy + Unpin + 'static,
) -> Option<Pass> {
    Some(Box::new(move |sink| {
        let gate = Gate::default();
        let body = StreamBody::new(ByHand { items: gate.events(0..events), write });
        drain_quiet(body, &gate, events, sink);
    }))
}

fn bare_broadcast(streams: usize) -> Option<Pass> {
    let publish = || {
        let mut frame = Vec::new();
        put_frame(&mut frame, 0, items::order(0));
        bytes::Bytes::from(frame)
    };
    Some(fan_out::pass(streams, publish, StreamBody::new))
}

#[derive(Default)]
struct Measured {
    times: Vec<f64>,
    allocations: f64,
    allocated: f64,
}

impl Measured {
    fn median(&self) -> f64 {
        self.times[self.times.len() / 2]
    }

    fn least(&self) -> f64 {
        self.times[0]
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let rounds: usize =
        arguments.next().ok_or("usage: comparison ROUNDS [WORKLOAD...]")?.parse()?;
    let only: Vec<String> = arguments.collect();

    println!("`SseEncoder<()>`: {} bytes before, {} after\n", before::SIZE, after::SIZE);
    println!(
        "| workload | floor, ns | before, ns | after, ns | after ÷ before | after ÷ floor \
         | allocations: before | after | of bytes: before | after |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for workload in WORKLOADS {
        if only.is_empty() || only.iter().any(|name| workload.name.contains(&**name)) {
            compare(workload, rounds);
        }
    }
    Ok(())
}

/// Both versions and the floor in turn; each round begins with another one.
fn compare(workload: &Workload, rounds: usize) {
    let Workload { name, events, floor } = *workload;
    let contenders: [&dyn Fn() -> Option<Pass>; 3] =
        [&|| floor(events), &|| Some(before::pass(name, events)), &|| {
            Some(after::pass(name, events))
        }];
    let [_, was, is] = contenders.map(|contender| {
        let mut sink = Sink::keeping();
        contender().map(|mut pass| pass(&mut sink));
        sink.kept
    });
    if was != is {
        println!("| {name}: the two write different bytes | | | | | | | | | |");
    }

    let mut measured: [Measured; 3] = Default::default();
    for round in 0..=rounds {
        for place in 0..contenders.len() {
            let place = (place + round) % contenders.len();
            let Some(mut pass) = contenders[place]() else { continue };
            let mut sink = Sink::default();
            let allocated = allocations::count();
            let start = Instant::now();
            pass(&mut sink);
            let elapsed = start.elapsed();
            let after = allocations::count();
            black_box(&sink);
            let measured = &mut measured[place];
            // The first round warms up.
            if round > 0 {
                measured.times.push(elapsed.as_nanos() as f64 / events as f64);
            }
            measured.allocations = (after.calls - allocated.calls) as f64 / events as f64;
            measured.allocated = (after.bytes - allocated.bytes) as f64 / events as f64;
        }
    }
    measured.iter_mut().for_each(|one| one.times.sort_by(f64::total_cmp));
    let [floor, before, after] = &measured;
    let (floor_time, times_floor) = if floor.times.is_empty() {
        (String::new(), String::new())
    } else {
        (both(floor.median(), floor.least()), ratio(after, floor))
    };
    println!(
        "| {name} | {floor_time} | {} | {} | {} | {times_floor} | {:.2} | {:.2} | {:.0} | {:.0} |",
        both(before.median(), before.least()),
        both(after.median(), after.least()),
        ratio(after, before),
        before.allocations,
        after.allocations,
        before.allocated,
        after.allocated,
    );
}

/// The median, and in brackets the least.
fn both(median: f64, least: f64) -> String {
    format!("{median:.1} ({least:.1})")
}

fn ratio(one: &Measured, other: &Measured) -> String {
    format!("{:.2} ({:.2})", one.median() / other.median(), one.least() / other.least())
}
