//! The workloads, and what each contender's user writes for them.

use bytes::Bytes;
use memchr::memchr2;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sse_encoder::{Encode, Encoder, Event, EventType};

use crate::{
    by_hand::{put_bare, put_frame, put_merged, put_text},
    contender::{Contender, Data, Expected, Role},
    contenders::{
        broadcast_floor, broadcast_ours, broadcast_ours_each, broadcast_peer, channel_floor,
        channel_ours, channel_peer, floor_into_buffer, floor_memcpy, floor_quiet, floor_thread,
        ours, ours_into_buffer, ours_quiet, peer, peer_quiet,
    },
    floors, for_each_peer,
    items::{self, Flat, FlatOverride, Order},
    peers::{Head, Peer},
};

pub struct Workload {
    pub id: &'static str,
    pub title: &'static str,
    /// What is counted: "event", or "delivery".
    pub unit: &'static str,
    /// How many of them a pass has.
    pub events: usize,
    pub expected: Expected,
    pub contenders: Vec<Contender>,
}

pub fn all() -> Vec<Workload> {
    vec![
        small_quiet(),
        small_channel(),
        small(),
        merged_typed(),
        merged_override_typed(),
        merged_value(),
        merged_value_owned(),
        merged_override_value(),
        delta_json(),
        delta_text_quiet(),
        delta_text(),
        lines(),
        long_line(),
        mixed_ends(),
        broadcast("broadcast-1000", "Broadcast: one event to 1,000 streams", 1_000),
        broadcast("broadcast-10000", "Broadcast: one event to 10,000 streams", 10_000),
    ]
}

const NAME: &str = "sse-encoder";
const TICK: EventType = EventType::from_static("tick");

/// The n-th event has the id n, counted from 1.
fn nth_id(index: usize) -> String {
    (index + 1).to_string()
}

fn head(index: usize) -> Head {
    Head { id: Some(index as u64 + 1), event_type: Some("tick") }
}

fn indices(events: usize) -> std::ops::Range<usize> {
    0..events
}

fn numbered(data: fn(usize) -> Value) -> Expected {
    Expected { id: nth_id, event_type: "tick", data: Data::Json(data) }
}

fn bare(text: fn(usize) -> &'static str) -> Expected {
    Expected { id: |_| String::new(), event_type: "message", data: Data::Text(text) }
}

fn with_memcpy(mut contenders: Vec<Contender>) -> Vec<Contender> {
    let memcpy = floor_memcpy(&contenders[0]);
    contenders.push(memcpy);
    contenders
}

fn small_quiet() -> Workload {
    let mut contenders = vec![
        floor_quiet(|index, out| put_frame(out, index, &items::tick(index))),
        ours_quiet(Encoder::new, |index| Event::json(items::tick(index)).event_type(TICK)),
    ];
    #[cfg(feature = "axum")]
    contenders.push(crate::contenders::ours_quiet_in_axum(|index| {
        Event::json(items::tick(index)).event_type(TICK)
    }));
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(peer_quiet::<$peer, _, _>(indices, |index| {
                <$peer>::json(head(index), &items::tick(index))
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "small-quiet",
        title: "Small JSON item, automatic id, quiet",
        unit: "event",
        events: 10_000,
        expected: numbered(|index| json!(items::tick(index))),
        contenders,
    }
}

fn small_channel() -> Workload {
    let mut contenders = vec![
        channel_floor(|index, out| put_frame(out, index, &items::tick(index))),
        channel_ours(|index| Event::json(items::tick(index)).event_type(TICK)),
    ];
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(channel_peer::<$peer>(|index| {
                <$peer>::json(head(index), &items::tick(index))
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "small-channel",
        title: "Small JSON item, automatic id, quiet, by a channel",
        unit: "event",
        events: 10_000,
        expected: numbered(|index| json!(items::tick(index))),
        contenders,
    }
}

fn small() -> Workload {
    let mut contenders = with_memcpy(Vec::from(floors!(indices, |index, out| {
        put_frame(out, index, &items::tick(index));
    })));
    contenders.push(ours(NAME, Encoder::new, indices, |index| {
        Event::json(items::tick(index)).event_type(TICK)
    }));
    #[cfg(feature = "axum")]
    contenders.push(crate::contenders::ours_in_axum("sse-encoder in axum", indices, |index| {
        Event::json(items::tick(index)).event_type(TICK)
    }));
    contenders.push(floor_into_buffer(indices, |index, out| {
        put_frame(out, index, &items::tick(index));
    }));
    contenders.push(ours_into_buffer(Encoder::new, indices, |index| {
        Event::json(items::tick(index)).event_type(TICK)
    }));
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(peer::<$peer, _, _>("", indices, |index| {
                <$peer>::json(head(index), &items::tick(index))
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "small",
        title: "Small JSON item, automatic id",
        unit: "event",
        events: 20_000,
        expected: numbered(|index| json!(items::tick(index))),
        contenders,
    }
}

/// What a peer's user writes to merge typed values.
#[derive(Serialize)]
struct Flattened<D, O> {
    #[serde(flatten)]
    data: D,
    #[serde(flatten)]
    other: O,
}

fn object(value: &impl Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => members,
        other => panic!("not an object: {other:?}"),
    }
}

/// What a peer's user writes to merge values whose keys are not known, or may clash.
fn merged(data: &impl Serialize, other: &impl Serialize) -> Map<String, Value> {
    let mut merged = object(data);
    merged.extend(object(other));
    merged
}

/// The same for values that are objects already.
fn extended(data: &Value, other: &Value) -> Value {
    let mut merged = data.clone();
    if let (Value::Object(merged), Value::Object(other)) = (&mut merged, other) {
        merged.extend(other.clone());
    }
    merged
}

fn merged_typed() -> Workload {
    let mut contenders = with_memcpy(Vec::from(floors!(indices, |index, out| {
        put_frame(out, index, &Flat::new(items::order(index), &items::extra(index)));
    })));
    contenders.push(ours(NAME, Encoder::new, indices, |index| {
        Event::merge(items::order(index), items::extra(index)).event_type(TICK)
    }));
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(peer::<$peer, _, _>("", indices, |index| {
                let data = Flattened { data: items::order(index), other: items::extra(index) };
                <$peer>::json(head(index), &data)
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "merged-typed",
        title: "8 fields merged with 3, structs",
        unit: "event",
        events: 4_000,
        expected: numbered(|index| {
            Value::Object(merged(items::order(index), &items::extra(index)))
        }),
        contenders,
    }
}

fn merged_override_typed() -> Workload {
    let mut contenders = with_memcpy(Vec::from(floors!(indices, |index, out| {
        put_frame(out, index, &FlatOverride::new(items::order(index), &items::override_(index)));
    })));
    contenders.push(ours(NAME, Encoder::new, indices, |index| {
        Event::merge(items::order(index), items::override_(index)).event_type(TICK)
    }));
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(peer::<$peer, _, _>(" (flatten)", indices, |index| {
                let data = Flattened { data: items::order(index), other: items::override_(index) };
                <$peer>::json(head(index), &data)
            }));
            contenders.push(peer::<$peer, _, _>(" (Map)", indices, |index| {
                let data = merged(items::order(index), &items::override_(index));
                <$peer>::json(head(index), &data)
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "merged-override-typed",
        title: "8 fields merged with 3, one overridden, structs",
        unit: "event",
        events: 4_000,
        expected: numbered(|index| {
            Value::Object(merged(items::order(index), &items::override_(index)))
        }),
        contenders,
    }
}

fn merged_value() -> Workload {
    let mut contenders = with_memcpy(Vec::from(floors!(indices, |index, out| {
        put_merged(out, index, items::order_value(index), items::extra_value(index));
    })));
    contenders.push(ours(NAME, Encoder::new, indices, |index| {
        Event::merge(items::order_value(index), items::extra_value(index)).event_type(TICK)
    }));
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(peer::<$peer, _, _>(" (Map)", indices, |index| {
                let data = extended(items::order_value(index), items::extra_value(index));
                <$peer>::json(head(index), &data)
            }));
            contenders.push(peer::<$peer, _, _>(" (flatten)", indices, |index| {
                let (data, other) = (items::order_value(index), items::extra_value(index));
                <$peer>::json(head(index), &Flattened { data, other })
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "merged-value",
        title: "8 fields merged with 3, borrowed `Value`s",
        unit: "event",
        events: 2_000,
        expected: numbered(|index| extended(items::order_value(index), items::extra_value(index))),
        contenders,
    }
}

fn merged_value_owned() -> Workload {
    // Made before the clock runs; to drop them is part of everyone's work.
    fn owned(events: usize) -> std::vec::IntoIter<(usize, Value, Value)> {
        let item = |index: usize| {
            (index, items::order_value(index).clone(), items::extra_value(index).clone())
        };
        (0..events).map(item).collect::<Vec<_>>().into_iter()
    }

    let mut contenders = with_memcpy(Vec::from(floors!(owned, |item, out| {
        let (index, data, other) = item;
        put_merged(out, index, &data, &other);
    })));
    contenders.push(ours(NAME, Encoder::new, owned, |(_, data, other)| {
        Event::merge(data, other).event_type(TICK)
    }));
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(peer::<$peer, _, _>(" (Map)", owned, |(index, mut data, other)| {
                if let (Value::Object(data), Value::Object(other)) = (&mut data, other) {
                    data.extend(other);
                }
                <$peer>::json(head(index), &data)
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "merged-value-owned",
        title: "8 fields merged with 3, owned `Value`s",
        unit: "event",
        events: 1_000,
        expected: numbered(|index| extended(items::order_value(index), items::extra_value(index))),
        contenders,
    }
}

fn merged_override_value() -> Workload {
    let mut contenders = with_memcpy(Vec::from(floors!(indices, |index, out| {
        put_merged(out, index, items::order_value(index), items::override_value(index));
    })));
    contenders.push(ours(NAME, Encoder::new, indices, |index| {
        Event::merge(items::order_value(index), items::override_value(index)).event_type(TICK)
    }));
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(peer::<$peer, _, _>(" (Map)", indices, |index| {
                let data = extended(items::order_value(index), items::override_value(index));
                <$peer>::json(head(index), &data)
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "merged-override-value",
        title: "8 fields merged with 3, one overridden, borrowed `Value`s",
        unit: "event",
        events: 2_000,
        expected: numbered(|index| {
            extended(items::order_value(index), items::override_value(index))
        }),
        contenders,
    }
}

fn delta_json() -> Workload {
    let mut contenders = with_memcpy(Vec::from(floors!(indices, |index, out| {
        put_bare(out, items::delta(index));
    })));
    contenders.push(ours(NAME, Encoder::bare, indices, |index| Event::json(items::delta(index))));
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(peer::<$peer, _, _>("", indices, |index| {
                <$peer>::json(Head::BARE, items::delta(index))
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "delta-json",
        title: "Token delta, serialized",
        unit: "event",
        events: 10_000,
        expected: Expected {
            data: Data::Json(|index| json!(items::delta(index))),
            ..bare(items::delta_text)
        },
        contenders,
    }
}

/// Texts in the form that a peer likes best.
fn texts<P: Peer>(
    text: fn(usize) -> &'static str,
) -> impl Fn(usize) -> std::vec::IntoIter<P::Text> {
    move |events| (0..events).map(|index| P::prepare(text(index))).collect::<Vec<_>>().into_iter()
}

macro_rules! text_peers {
    ($contenders:expr, $text:expr) => {
        macro_rules! each {
            ($peer:ty) => {
                $contenders.push(peer::<$peer, _, _>("", texts::<$peer>($text), |text| {
                    <$peer>::text(Head::BARE, text)
                }));
            };
        }
        for_each_peer!(each);
    };
}

fn delta_text_quiet() -> Workload {
    let mut contenders = vec![
        floor_quiet(|index, out| put_text(out, items::delta_text(index))),
        ours_quiet(Encoder::bare, |index| Event::text(items::delta_text(index))),
    ];
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(peer_quiet::<$peer, _, _>(texts::<$peer>(items::delta_text), |text| {
                <$peer>::text(Head::BARE, text)
            }));
        };
    }
    for_each_peer!(each);
    Workload {
        id: "delta-text-quiet",
        title: "Token delta, ready text, quiet",
        unit: "event",
        events: 10_000,
        expected: bare(items::delta_text),
        contenders,
    }
}

fn delta_text() -> Workload {
    let mut contenders = with_memcpy(Vec::from(floors!(indices, |index, out| {
        put_text(out, items::delta_text(index));
    })));
    contenders
        .push(ours(NAME, Encoder::bare, indices, |index| Event::text(items::delta_text(index))));
    text_peers!(contenders, items::delta_text);
    Workload {
        id: "delta-text",
        title: "Token delta, ready text",
        unit: "event",
        events: 20_000,
        expected: bare(items::delta_text),
        contenders,
    }
}

fn lines() -> Workload {
    let mut contenders = with_memcpy(Vec::from(floors!(indices, |_index, out| {
        put_text(out, items::lines());
    })));
    contenders.push(ours(NAME, Encoder::bare, indices, |_| Event::text(items::lines())));
    text_peers!(contenders, |_| items::lines());
    Workload {
        id: "lines",
        title: "16 KiB of text in lines of 80 columns",
        unit: "event",
        events: 256,
        expected: bare(|_| items::lines()),
        contenders,
    }
}

fn long_line() -> Workload {
    /// What a frame has beside its text.
    const FIELD: usize = b"data: \n\n".len();

    let mut contenders = with_memcpy(vec![floor_thread(indices, |_, out| {
        // The buffer itself leaves.
        out.reserve(items::long_line().len() + FIELD);
        put_text(out, items::long_line());
    })]);
    contenders.push(floor_into_buffer(indices, |_, out| put_text(out, items::long_line())));
    contenders.push(Contender::new(Role::Floor, "floor: scanned, not copied", |events| {
        Box::new(move |sink| {
            let text = Bytes::from_static(items::long_line().as_bytes());
            for _ in 0..events {
                assert!(memchr2(b'\r', b'\n', &text).is_none());
                sink.chunk(b"data: ");
                sink.chunk(&text.clone());
                sink.chunk(b"\n\n");
            }
        })
    }));
    contenders.push(ours("sse-encoder, `text`", Encoder::bare, indices, |_| {
        Event::text(items::long_line())
    }));
    fn shared(events: usize) -> std::vec::IntoIter<Event> {
        // On the heap, as a service has it; a clone is another owner of the same bytes.
        let event = Event::shared_text(items::long_line().to_owned());
        vec![event; events].into_iter()
    }
    contenders.push(ours("sse-encoder, `shared_text`", Encoder::bare, shared, |event| event));
    contenders.push(ours_into_buffer(Encoder::bare, indices, |_| Event::text(items::long_line())));
    text_peers!(contenders, |_| items::long_line());
    Workload {
        id: "long-line",
        title: "1 MiB of text in one line",
        unit: "event",
        events: 8,
        expected: bare(|_| items::long_line()),
        contenders,
    }
}

fn mixed_ends() -> Workload {
    let mut contenders = with_memcpy(Vec::from(floors!(indices, |_index, out| {
        put_text(out, items::mixed_ends());
    })));
    contenders.push(ours(NAME, Encoder::bare, indices, |_| Event::text(items::mixed_ends())));
    text_peers!(contenders, |_| items::mixed_ends());
    Workload {
        id: "mixed-ends",
        title: "4 KiB of text full of CR, LF and CRLF",
        unit: "event",
        events: 500,
        expected: bare(|_| items::mixed_ends()),
        contenders,
    }
}

fn broadcast(id: &'static str, title: &'static str, streams: usize) -> Workload {
    let mut contenders = vec![
        broadcast_floor(|out| put_frame(out, 0, items::order(0))),
        broadcast_ours(|| order_event(items::order(0))),
        broadcast_ours_each(|| items::order(0), order_event),
    ];
    macro_rules! each {
        ($peer:ty) => {
            contenders.push(broadcast_peer::<$peer, _>(
                || items::order(0),
                |order| <$peer>::json(head(0), order),
            ));
        };
    }
    for_each_peer!(each);
    #[cfg(feature = "axum")]
    contenders.push(crate::contenders::broadcast_peer_cloned::<crate::peers::Axum>(|| {
        crate::peers::Axum::json(head(0), items::order(0))
    }));
    Workload {
        id,
        title,
        unit: "delivery",
        events: streams,
        expected: Expected { id: |_| nth_id(0), ..numbered(|_| json!(items::order(0))) },
        contenders,
    }
}

fn order_event(order: &'static Order) -> impl Encode {
    Event::json(order).id(1_u64).event_type(TICK)
}
