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
#[path = "../../src/thread_buffer.rs"]
mod thread_buffer;

use std::{
    cell::Cell,
    collections::BTreeMap,
    env,
    fmt::Debug,
    hint::black_box,
    pin::{Pin, pin},
    process::ExitCode,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use self::{
    by_hand::{put_bare, put_frame, put_merged, put_text},
    items::{Flat, FlatOverride, Order},
    thread_buffer::{ByHand, CHUNK},
};
use bytes::{Bytes, BytesMut};
use futures_util::{Stream, stream};
use serde::Serialize;
use serde_json::{Value, json};
use sse_encoder::{Encode, Encoder, Event, EventType, SseEncoder};

const TICK: EventType = EventType::from_static("tick");

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
    ("merged-many", |events| {
        run(events, Encoder::new, |index| {
            Event::merge(items::order(index), many()).event_type(TICK)
        });
    }),
    ("merged-flat", |events| {
        run(events, Encoder::new, |index| {
            Event::merge(Located::new(index), items::extra(index)).event_type(TICK)
        });
    }),
    ("merged-item", |events| run(events, Encoder::new, |index| item(index, "new"))),
    ("merged-override-item", |events| run(events, Encoder::new, |index| item(index, "price"))),
    ("tagged", |events| {
        run(events, Encoder::new, |index| Event::tagged(Tagged::Order(items::order(index))));
    }),
    ("delta-json", |events| run(events, Encoder::bare, |index| Event::json(items::delta(index)))),
    ("delta-text", |events| {
        run(events, Encoder::bare, |index| Event::text(items::delta_text(index)));
    }),
    ("page-quiet", |events| run_quiet(events, |_| Event::text(items::page()))),
    ("mixed-ends", |events| run(events, Encoder::bare, |_| Event::text(items::mixed_ends()))),
    ("lines", |events| run(events, Encoder::bare, |_| Event::text(items::lines()))),
    ("long-line", |events| run(events, Encoder::bare, |_| Event::text(items::long_line()))),
    ("long-line-shared", |events| {
        let event = Event::shared_text(items::long_line().to_owned());
        run(events, Encoder::bare, move |_| event.clone());
    }),
    ("encoder-small", |events| {
        run_encoder(events, |index| Event::json(items::tick(index)).event_type(TICK));
    }),
    ("encoder-text", |events| {
        run_encoder(events, |index| Event::text(items::delta_text(index)).no_id().no_event_type());
    }),
    ("floor-quiet", |events| {
        run_quiet_floor(events, |index, out| put_frame(out, index, &items::tick(index)));
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
    ("floor-page-quiet", |events| {
        run_quiet_floor(events, |_, out| put_text(out, items::page()));
    }),
    ("floor-mixed-ends", |events| run_floor(events, |_, out| put_text(out, items::mixed_ends()))),
    ("floor-lines", |events| run_floor(events, |_, out| put_text(out, items::lines()))),
    ("floor-long-line", |events| {
        run_floor(events, |_, out| {
            // The buffer itself leaves.
            out.reserve(items::long_line().len() + b"data: \n\n".len());
            put_text(out, items::long_line());
        });
    }),
];

/// An order with more members, as `serde` flattens them: a map of unknown length.
#[derive(Serialize)]
struct Located {
    desk: usize,
    #[serde(flatten)]
    order: &'static Order,
}

impl Located {
    fn new(index: usize) -> Self {
        Self { desk: index, order: items::order(index) }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
enum Tagged {
    Order(&'static Order),
}

/// More members than are searched one by one; an order has one of them.
fn many() -> &'static BTreeMap<String, usize> {
    static MANY: LazyLock<BTreeMap<String, usize>> = LazyLock::new(|| {
        let members = (0..40).map(|index| (format!("member{index}"), index));
        members.chain([("price".into(), 0)]).collect()
    });
    &MANY
}

/// An item that came as JSON, with these members beside its data.
fn item(index: usize, key: &str) -> &'static Event {
    type Items = Vec<Event>;
    fn items(key: &str) -> Items {
        let item = |index| {
            let beside = json!({ "type": "tick", "venue": "XETR", "latency": index, key: 1.5 });
            let Value::Object(mut members) = beside else { unreachable!() };
            members.insert("data".into(), json!(items::order(index)));
            json!(members).to_string().parse().expect("it is an item")
        };
        (0..256).map(item).collect()
    }
    static NEW: LazyLock<Items> = LazyLock::new(|| items("new"));
    static OVERRIDING: LazyLock<Items> = LazyLock::new(|| items("price"));
    let items = if key == "new" { &NEW } else { &OVERRIDING };
    &items[index % 256]
}

/// Polls the events' stream to its end, counting nothing but this.
fn run<E: Encode>(events: usize, encoder: fn() -> Encoder, make: impl Fn(usize) -> E) {
    // The items themselves, and the first touch of the code, are not counted.
    for events in [256, events] {
        let source = stream::iter((0..events).map(&make));
        let stream = pin!(SseEncoder::with_encoder(source, encoder()));
        if events == 256 { drain_all(stream) } else { counted(|| drain_all(stream)) }
    }
}

/// Polls to the end: a stream that is always ready is pending now and then, to let others run.
fn drain_all<E: Debug>(mut stream: Pin<&mut impl Stream<Item = Result<Bytes, E>>>) {
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match stream.as_mut().poll_next(&mut cx) {
            Poll::Ready(Some(chunk)) => drop(black_box(chunk.expect("the item can be encoded"))),
            Poll::Ready(None) => break,
            Poll::Pending => {}
        }
    }
}

fn drain<E: Debug>(mut stream: Pin<&mut impl Stream<Item = Result<Bytes, E>>>) {
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(chunk)) = stream.as_mut().poll_next(&mut cx) {
        black_box(chunk.expect("the item can be encoded"));
    }
}

/// Polls the stream of events that come one at a time, each time until it is pending.
fn run_quiet<E: Encode>(events: usize, make: impl Fn(usize) -> E) {
    let come = Cell::new(0);
    quiet(events, &come, SseEncoder::new(one_by_one(&come, make)));
}

/// As many events as have come, and then it is pending.
fn one_by_one<T>(come: &Cell<usize>, make: impl Fn(usize) -> T) -> impl Stream<Item = T> + Unpin {
    let mut taken = 0;
    stream::poll_fn(move |_| {
        if taken == come.get() {
            return Poll::Pending;
        }
        taken += 1;
        Poll::Ready(Some(make(taken - 1)))
    })
}

fn quiet<E: Debug>(
    events: usize,
    come: &Cell<usize>,
    stream: impl Stream<Item = Result<Bytes, E>>,
) {
    let mut stream = pin!(stream);
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

/// The same by hand.
fn run_floor(events: usize, write: impl FnMut(usize, &mut Vec<u8>) + Copy + Unpin) {
    let floor = |events: usize| ByHand { items: stream::iter(0..events), write };
    drain(pin!(floor(256)));
    let stream = pin!(floor(events));
    counted(|| drain(stream));
}

/// The same by hand, of events that come one at a time.
fn run_quiet_floor(events: usize, write: impl FnMut(usize, &mut Vec<u8>) + Unpin) {
    let come = Cell::new(0);
    quiet(events, &come, ByHand { items: one_by_one(&come, |index| index), write });
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
