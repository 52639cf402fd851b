//! What publishing, resuming and waiting cost, by how many there are.

use std::{
    convert::Infallible,
    hint::black_box,
    pin::Pin,
    task::{Context, Waker},
    time::Instant,
};

use axum::{
    body::Body as AxumBody,
    response::{IntoResponse, Sse, sse},
};
use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt;
use sse_encoder::{Event, LastEventId, SseEncoder};
use sse_hub::{Hub, Subscriber};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

use super::rows::{GrowthRow, IdleRow};
use crate::{
    allocations,
    body::{HttpBody, Sink, pull},
    figures::Spread,
};

pub const PUBLISH_HUB: &str = "hub: publish, per waker";
pub const PUBLISH_BROADCAST: &str = "`broadcast`: send, per waker";
pub const PUBLISH_ONE: &str = "hub: publish to one of so many topics";
pub const RESUME: &str = "hub: subscribe after an id, of so many retained";

const WAITING: [usize; 3] = [1_000, 10_000, 100_000];
const RETAINED: [usize; 4] = [1_024, 16_384, 131_072, 1_000_000];

/// How many subscribe in a round.
const RESUMING: usize = 1_000;

pub fn measure(rounds: usize) -> Vec<GrowthRow> {
    let mut rows = Vec::new();
    for waiting in WAITING {
        rows.push(row(PUBLISH_HUB, waiting, publish(waiting, rounds)));
        rows.push(row(PUBLISH_BROADCAST, waiting, send(waiting, rounds)));
    }
    for topics in WAITING {
        rows.push(row(PUBLISH_ONE, topics, publish_to_one(topics, rounds)));
    }
    for retained in RETAINED {
        rows.push(row(RESUME, retained, resume(retained, rounds)));
    }
    rows.iter().for_each(|row| {
        let Spread { median, least, .. } = row.nanoseconds;
        eprintln!("  {:50} {:9} {median:8.1} ns, least {least:8.1}", row.what, row.size);
    });
    rows
}

fn row(what: &str, size: usize, times: Vec<f64>) -> GrowthRow {
    GrowthRow { what: what.into(), size, nanoseconds: Spread::of(times) }
}

fn drain<S: Stream + Unpin>(stream: &mut S) {
    let mut cx = Context::from_waker(Waker::noop());
    while Pin::new(&mut *stream).poll_next(&mut cx).is_ready() {}
}

/// So many times, of one call: nanoseconds for each of `each`.
fn times(rounds: usize, each: usize, mut call: impl FnMut(), mut after: impl FnMut()) -> Vec<f64> {
    after();
    (0..rounds)
        .map(|_| {
            let start = Instant::now();
            call();
            let elapsed = start.elapsed();
            after();
            elapsed.as_nanos() as f64 / each as f64
        })
        .collect()
}

fn subscriber(hub: &Hub) -> Subscriber {
    hub.subscribe(&LastEventId::none())
}

fn publish(waiting: usize, rounds: usize) -> Vec<f64> {
    let hub = Hub::new();
    let mut all: Vec<_> = (0..waiting).map(|_| subscriber(&hub)).collect();
    let call = || drop(hub.try_publish(&Event::text("hello")).expect("it can be published"));
    times(rounds, waiting, call, || all.iter_mut().for_each(drain))
}

fn send(waiting: usize, rounds: usize) -> Vec<f64> {
    let (sender, _) = broadcast::channel(super::RETAINED);
    let mut all: Vec<_> = (0..waiting).map(|_| BroadcastStream::new(sender.subscribe())).collect();
    let call = || assert!(sender.send(Bytes::from_static(b"data: hello\n\n")).is_ok());
    times(rounds, waiting, call, || all.iter_mut().for_each(drain))
}

/// Each subscriber has a topic of its own.
fn publish_to_one(topics: usize, rounds: usize) -> Vec<f64> {
    let hub = Hub::new();
    let name = |n: usize| format!("user:{n}");
    let mut all: Vec<_> =
        (0..topics).map(|n| hub.subscribe_to([name(n)], &LastEventId::none())).collect();
    all.iter_mut().for_each(drain);
    let topic = name(topics / 2);
    let call = || drop(hub.to(&topic).try_publish(&Event::text("hello")).expect("it can be"));
    times(rounds, 1, call, || drain(&mut all[topics / 2]))
}

/// Subscribes after an id of any age, and takes the checkpoint and the first event after it.
fn resume(retained: usize, rounds: usize) -> Vec<f64> {
    let hub = Hub::builder().retain_events(retained).retain_bytes(1 << 30).build();
    let ids: Vec<_> = (0..retained)
        .map(|_| hub.try_publish(&Event::text("hello")).expect("it can be published"))
        .collect();
    let step = (retained - 1) / RESUMING;
    // One after another in an order that jumps.
    let last: Vec<LastEventId> =
        (0..RESUMING).map(|n| ids[n * 389 % RESUMING * step].clone().into()).collect();
    let mut cx = Context::from_waker(Waker::noop());
    let call = || {
        for last in &last {
            let mut subscriber = hub.subscribe(last);
            for _ in 0..2 {
                let frame = Pin::new(&mut subscriber).poll_next(&mut cx);
                assert!(black_box(frame).is_ready(), "something was missed");
            }
        }
    };
    times(rounds, RESUMING, call, || {})
}

/// The bytes of so many streams that wait, for each.
pub fn idle(streams: usize) -> Vec<IdleRow> {
    let row = |what: &str, bytes| IdleRow { what: what.into(), bytes };
    let hub = Hub::new();
    let (bytes, _) = broadcast::channel::<Bytes>(super::RETAINED);
    let (events, _) = broadcast::channel::<sse::Event>(super::RETAINED);
    let raw = held(streams, || {
        let mut subscriber = subscriber(&hub);
        drain(&mut subscriber);
        subscriber
    });
    let rows = vec![
        row("a subscriber of the hub", raw),
        row(
            "`SseEncoder` with it, as a body of axum's",
            held(streams, || parked(SseEncoder::new(subscriber(&hub)).into_response().into_body())),
        ),
        row(
            "`broadcast<Bytes>`, a bare body",
            held(streams, || {
                parked(AxumBody::from_stream(BroadcastStream::new(bytes.subscribe())))
            }),
        ),
        row(
            "`broadcast` of axum's events, in `Sse`",
            held(streams, || {
                let events = BroadcastStream::new(events.subscribe());
                let events = events.map(|event| Ok::<_, Infallible>(event.expect("in time")));
                parked(Sse::new(events).into_response().into_body())
            }),
        ),
    ];
    rows.iter().for_each(|row| eprintln!("  {:50} {:8.1} bytes", row.what, row.bytes));
    rows
}

fn parked(body: AxumBody) -> HttpBody<AxumBody> {
    let mut body = HttpBody::new(body);
    let mut cx = Context::from_waker(Waker::noop());
    // The first poll of ours is a turn for the server.
    (0..2).for_each(|_| pull(&mut body, &mut cx, &mut Sink::default()));
    body
}

fn held<T>(streams: usize, one: impl Fn() -> T) -> f64 {
    let before = allocations::count().live;
    let mut all = Vec::with_capacity(streams);
    all.extend((0..streams).map(|_| one()));
    let held = allocations::count().live - before;
    drop(all);
    held as f64 / streams as f64
}
