//! Runs one core workload a fixed number of times, for callgrind to count its instructions.
//!
//! `count` lists the workloads, `count WORKLOAD EVENTS` runs one. What is counted is the function
//! `counted`: the making of each event, the stream's polling, and the dropping of the chunks. The
//! same workload by hand, into the thread's buffer, is `floor-WORKLOAD`.

#[path = "../../src/by_hand.rs"]
mod by_hand;
#[allow(dead_code, reason = "some items are for the benchmark alone")]
#[path = "../../src/items.rs"]
mod items;

use std::{
    cell::Cell,
    env,
    hint::black_box,
    mem,
    pin::{Pin, pin},
    process::ExitCode,
    task::{Context, Poll, Waker},
};

use self::{
    by_hand::{put_bare, put_frame, put_merged, put_text},
    items::{Flat, FlatOverride},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use sse_encoder::{Encode, Encoder, Event, EventType, SseEncoder, data::SharedText};

const TICK: EventType = EventType::from_static("tick");

/// From this size on the floors send what they have, as ours does.
const CHUNK: usize = SseEncoder::DEFAULT_CHUNK_LIMIT;

/// From this size on a floor's chunk is not copied: the buffer itself leaves.
const LARGE: usize = 64 * 1024;

/// As many events as are ready.
const ALL: usize = usize::MAX;

type Workload = (&'static str, fn(usize));

const WORKLOADS: &[Workload] = &[
    ("quiet", |events| {
        run_quiet(events, |index| Event::json(items::tick(index)).event_type(TICK));
    }),
    ("pass-through", |events| {
        let frame = Encoder::new().encode_once(&Event::json(items::order(0)).event_type(TICK));
        let frame = frame.expect("the item can be encoded");
        run_quiet(events, move |_| frame.clone());
    }),
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
    ("encoder-small", |events| {
        run_encoder(events, |index| Event::json(items::tick(index)).event_type(TICK));
    }),
    ("floor-quiet", |events| {
        run_floor(events, 1, |index, out| put_frame(out, index, &items::tick(index)));
    }),
    ("floor-small", |events| {
        run_floor(events, ALL, |index, out| put_frame(out, index, &items::tick(index)));
    }),
    ("floor-merged-typed", |events| {
        run_floor(events, ALL, |index, out| {
            put_frame(out, index, &Flat::new(items::order(index), &items::extra(index)));
        });
    }),
    ("floor-merged-override-typed", |events| {
        run_floor(events, ALL, |index, out| {
            put_frame(
                out,
                index,
                &FlatOverride::new(items::order(index), &items::override_(index)),
            );
        });
    }),
    ("floor-merged-value", |events| {
        run_floor(events, ALL, |index, out| {
            put_merged(out, index, items::order_value(index), items::extra_value(index));
        });
    }),
    ("floor-delta-json", |events| {
        run_floor(events, ALL, |index, out| put_bare(out, items::delta(index)));
    }),
    ("floor-delta-text", |events| {
        run_floor(events, ALL, |index, out| put_text(out, items::delta_text(index)));
    }),
    ("floor-lines", |events| run_floor(events, ALL, |_, out| put_text(out, items::lines()))),
    ("floor-long-line", |events| {
        run_floor(events, ALL, |_, out| {
            // The buffer itself leaves.
            out.reserve(items::long_line().len() + b"data: \n\n".len());
            put_text(out, items::long_line());
        });
    }),
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

fn drain(mut stream: Pin<&mut impl Stream<Item = Result<Bytes, sse_encoder::Error>>>) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(chunk)) = stream.as_mut().poll_next(&mut cx) {
        black_box(chunk.expect("the item can be encoded"));
    }
}

/// Polls the stream of events that come one at a time, each time until it is pending.
fn run_quiet<E: Encode>(events: usize, make: impl Fn(usize) -> E) {
    let come = Cell::new(0);
    let mut taken = 0;
    let source = stream::poll_fn(|_| {
        if taken == come.get() {
            return Poll::Pending;
        }
        taken += 1;
        Poll::Ready(Some(make(taken - 1)))
    });
    let mut stream = pin!(SseEncoder::new(source));
    let mut wake = |events: usize| {
        for _ in 0..events {
            come.set(come.get() + 1);
            drain(stream.as_mut());
        }
    };
    wake(256);
    counted(|| wake(events));
}

/// Encodes the events into a buffer of the caller's, without a stream.
fn run_encoder<E: Encode>(events: usize, make: impl Fn(usize) -> E) {
    let mut encoder = Encoder::new();
    let mut buffer = BytesMut::with_capacity(2 * CHUNK);
    let mut encode = |events: usize| {
        for index in 0..events {
            encoder.encode(&make(index), &mut buffer).expect("the item can be encoded");
            if buffer.len() >= CHUNK {
                black_box(&buffer);
                buffer.clear();
            }
        }
    };
    encode(256);
    counted(|| encode(events));
}

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// Writes the frames into the thread's buffer, counting nothing but this: it leaves as an exact copy
/// after so many events, or when it is full.
fn run_floor(events: usize, at_once: usize, write: impl Fn(usize, &mut Vec<u8>)) {
    let write = |events: usize| {
        let mut index = 0;
        while index < events {
            let mut buffer = BUFFER.take();
            let end = events.min(index.saturating_add(at_once));
            while index < end && buffer.len() < CHUNK {
                write(index, &mut buffer);
                index += 1;
            }
            black_box(leave(&mut buffer));
            BUFFER.set(buffer);
        }
    };
    write(256);
    counted(|| write(events));
}

fn leave(buffer: &mut Vec<u8>) -> Bytes {
    if buffer.len() >= LARGE {
        return mem::take(buffer).into();
    }
    let chunk = Bytes::copy_from_slice(buffer);
    buffer.clear();
    chunk
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
