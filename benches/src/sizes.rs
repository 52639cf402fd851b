//! What an open stream takes while nothing happens.

use std::{
    convert::Infallible,
    future, io,
    pin::pin,
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::{
    body::Body,
    response::{IntoResponse, Sse, sse},
};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use http_body::Body as _;
use sse_encoder::{Encode, Event, EventType, SseEncoder};
use tokio::runtime::Builder;

use crate::{
    allocations, connections,
    figures::SizeRow,
    items,
    peers::{Axum, Head, Peer},
};

const TICK: EventType = EventType::from_static("tick");

/// As axum's `KeepAlive` has it.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub fn measure() -> io::Result<Vec<SizeRow>> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let _entered = runtime.enter();
    // What is made once for a thread, or for the process, is made before.
    held(1, ours);
    held(0, ours_kept_alive);
    let beside = |what: &str, bytes, peer| SizeRow { what: what.into(), bytes, peer: Some(peer) };
    let mut rows = vec![
        SizeRow {
            what: "`SseEncoder<()>`".into(),
            bytes: size_of::<SseEncoder<()>>() as f64,
            peer: None,
        },
        beside("idle body in axum", held(0, ours), held(0, own)),
        beside("idle body in axum, after an event", held(1, ours), held(1, own)),
        beside(
            "idle body in axum, with keep-alive",
            held(0, ours_kept_alive),
            held(0, own_kept_alive),
        ),
    ];
    rows.extend(connections::measure()?);
    Ok(rows)
}

/// The bytes of a body that has sent so many events and waits for the next one.
fn held(events: usize, body: fn(usize) -> Body) -> f64 {
    let before = allocations::count().live;
    let mut body = body(events);
    let mut cx = Context::from_waker(Waker::noop());
    let mut sent = 0;
    // Ours is pending once before its source is asked.
    for _ in 0..2 {
        while let Poll::Ready(frame) = pin!(&mut body).poll_frame(&mut cx) {
            assert!(frame.is_some_and(|frame| frame.is_ok()), "the source has no end");
            sent += 1;
        }
    }
    assert_eq!(sent, events);
    let held = allocations::count().live - before;
    drop(body);
    held as f64
}

/// So many events, and then none.
fn source(events: usize) -> impl Stream<Item = usize> {
    stream::iter(0..events).chain(stream::once(future::pending()))
}

fn event(index: usize) -> impl Encode + Send {
    Event::json(items::tick(index)).event_type(TICK)
}

fn own_event(index: usize) -> Result<sse::Event, Infallible> {
    let head = Head { id: Some(index as u64 + 1), event_type: Some("tick") };
    Ok(Axum::json(head, &items::tick(index)))
}

fn ours(events: usize) -> Body {
    SseEncoder::new(source(events).map(event)).opening_comment(false).into_response().into_body()
}

fn ours_kept_alive(events: usize) -> Body {
    let stream =
        SseEncoder::new(source(events).map(event)).opening_comment(false).keep_alive(KEEP_ALIVE);
    stream.into_response().into_body()
}

fn own(events: usize) -> Body {
    Sse::new(source(events).map(own_event)).into_response().into_body()
}

fn own_kept_alive(events: usize) -> Body {
    let stream = Sse::new(source(events).map(own_event));
    stream.keep_alive(sse::KeepAlive::new().interval(KEEP_ALIVE)).into_response().into_body()
}
