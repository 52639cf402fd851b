//! Runs one core workload a fixed number of times, for callgrind to count its instructions.
//!
//! `count` lists the workloads, `count WORKLOAD EVENTS` runs one. What is counted is the function
//! `counted`: the making of each event, the stream's polling, and the dropping of the chunks. The
//! same workload by hand, into one buffer, is `floor-WORKLOAD`.

#[path = "../../src/by_hand.rs"]
mod by_hand;
#[allow(dead_code, reason = "some items are for the benchmark alone")]
#[path = "../../src/items.rs"]
mod items;

use std::{
    env,
    hint::black_box,
    pin::{Pin, pin},
    process::ExitCode,
    task::{Context, Poll, Waker},
};

use self::{
    by_hand::{put_bare, put_frame, put_merged, put_text},
    items::{Flat, FlatOverride},
};
use futures_util::{Stream, stream};
use sse_encoder::{Encode, Encoder, Event, EventType, SseEncoder, data::SharedText};

const TICK: EventType = EventType::from_static("tick");

/// A chunk of the floors.
const CHUNK: usize = 16 * 1024;

type Workload = (&'static str, fn(usize));

const WORKLOADS: &[Workload] = &[
    ("small", |events| {
        run(events, Encoder::new, |index| Event::json(items::tick(index)).event_type(TICK));
    }),
    ("merged-typed", |events| {
        run(events, Encoder::new, |index| {
            Event::merge(items::order(index), items::extra(index)).event_type(TICK)
        });
    }),
    ("merged-override-typed", |events| {
        run(events, Encoder::new, |index| {
            Event::merge(items::order(index), items::override_(index)).event_type(TICK)
        });
    }),
    ("merged-value", |events| {
        run(events, Encoder::new, |index| {
            Event::merge(items::order_value(index), items::extra_value(index)).event_type(TICK)
        });
    }),
    ("delta-json", |events| run(events, Encoder::bare, |index| Event::json(items::delta(index)))),
    ("delta-text", |events| {
        run(events, Encoder::bare, |index| Event::text(items::delta_text(index)));
    }),
    ("lines", |events| run(events, Encoder::bare, |_| Event::text(items::lines()))),
    ("long-line", |events| run(events, Encoder::bare, |_| Event::text(items::long_line()))),
    ("long-line-shared", |events| {
        let text = SharedText::from(items::long_line().to_owned());
        run(events, Encoder::bare, move |_| Event::shared_text(text.clone()));
    }),
    ("floor-small", |events| {
        run_floor(events, |index, out| put_frame(out, index, &items::tick(index)));
    }),
    ("floor-merged-typed", |events| {
        run_floor(events, |index, out| {
            put_frame(out, index, &Flat::new(items::order(index), &items::extra(index)));
        });
    }),
    ("floor-merged-override-typed", |events| {
        run_floor(events, |index, out| {
            put_frame(
                out,
                index,
                &FlatOverride::new(items::order(index), &items::override_(index)),
            );
        });
    }),
    ("floor-merged-value", |events| {
        run_floor(events, |index, out| {
            put_merged(out, index, items::order_value(index), items::extra_value(index));
        });
    }),
    ("floor-delta-json", |events| {
        run_floor(events, |index, out| put_bare(out, items::delta(index)));
    }),
    ("floor-delta-text", |events| {
        run_floor(events, |index, out| put_text(out, items::delta_text(index)));
    }),
    ("floor-lines", |events| run_floor(events, |_, out| put_text(out, items::lines()))),
    ("floor-long-line", |events| run_floor(events, |_, out| put_text(out, items::long_line()))),
];

/// Polls the events' stream to its end, counting nothing but this.
fn run<E: Encode>(events: usize, encoder: fn() -> Encoder, make: impl Fn(usize) -> E) {
    // The items themselves, and the first touch of the code, are not counted.
    for events in [256, events] {
        let source = stream::iter((0..events).map(&make));
        let stream = pin!(SseEncoder::with_encoder(source, encoder()));
        if events == 256 { drain(stream) } else { counted(|| drain(stream)) }
    }
}

fn drain(mut stream: Pin<&mut impl Stream<Item = Result<bytes::Bytes, sse_encoder::Error>>>) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(chunk)) = stream.as_mut().poll_next(&mut cx) {
        black_box(chunk.expect("the item can be encoded"));
    }
}

/// Writes the frames into one buffer, counting nothing but this.
fn run_floor(events: usize, write: impl Fn(usize, &mut Vec<u8>)) {
    let write = |events: usize| {
        let mut buffer = Vec::with_capacity(2 * CHUNK);
        for index in 0..events {
            write(index, &mut buffer);
            if buffer.len() >= CHUNK {
                black_box(&buffer);
                buffer.clear();
            }
        }
        black_box(&buffer);
    };
    write(256);
    counted(|| write(events));
}

/// What callgrind is told to count.
#[inline(never)]
fn counted(workload: impl FnOnce()) {
    workload();
    // So that the call above is no tail call.
    black_box(());
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &*arguments {
        [] => WORKLOADS.iter().for_each(|(name, _)| println!("{name}")),
        [name, events] => {
            let found = WORKLOADS.iter().find(|workload| workload.0 == name);
            let (Some((_, run)), Ok(events)) = (found, events.parse()) else {
                eprintln!("no such workload, or no number of events");
                return ExitCode::FAILURE;
            };
            run(events);
        }
        _ => {
            eprintln!("usage: count [WORKLOAD EVENTS]");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
