//! What an open stream takes while nothing happens.

use std::{
    convert::Infallible,
    future,
    pin::pin,
    task::{Context, Poll, Waker},
};

use axum::{
    body::Body,
    response::{IntoResponse, Sse, sse},
};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use http_body::Body as _;
use sse_encoder::{Event, EventType, SseEncoder, data::Json};

use crate::{
    allocations,
    figures::SizeRow,
    items::{self, Tick},
    peers::{Axum, Head, Peer},
};

const TICK: EventType = EventType::from_static("tick");

pub fn measure() -> Vec<SizeRow> {
    // What is made once for a thread, or for the process, is made before.
    held(0, ours);
    held(1, ours);
    vec![
        SizeRow {
            what: "`SseEncoder<()>`".into(),
            bytes: size_of::<SseEncoder<()>>() as f64,
            peer: None,
        },
        SizeRow {
            what: "idle body in axum".into(),
            bytes: held(0, ours),
            peer: Some(held(0, own)),
        },
        SizeRow {
            what: "idle body in axum, after an event".into(),
            bytes: held(1, ours),
            peer: Some(held(1, own)),
        },
    ]
}

/// The bytes of a body that has sent so many events and waits for the next one.
fn held(events: usize, body: fn(usize) -> Body) -> f64 {
    let before = allocations::count().live;
    let mut body = body(events);
    let mut cx = Context::from_waker(Waker::noop());
    let mut sent = 0;
    while let Poll::Ready(frame) = pin!(&mut body).poll_frame(&mut cx) {
        assert!(frame.is_some_and(|frame| frame.is_ok()), "the source has no end");
        sent += 1;
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

fn ours(events: usize) -> Body {
    fn event(index: usize) -> Event<Json<Tick>> {
        Event::json(items::tick(index)).event_type(TICK)
    }
    SseEncoder::new(source(events).map(event)).into_response().into_body()
}

fn own(events: usize) -> Body {
    fn event(index: usize) -> Result<sse::Event, Infallible> {
        let head = Head { id: Some(index as u64 + 1), event_type: Some("tick") };
        Ok(Axum::json(head, &items::tick(index)))
    }
    Sse::new(source(events).map(event)).into_response().into_body()
}
