//! One event to all subscribers, each of them the body of a response of axum's.

use std::{
    convert::Infallible,
    task::{Context, Waker},
};

use axum::{
    body::Body as AxumBody,
    response::{IntoResponse, Sse, sse},
};
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::json;
use sse_encoder::{Event, EventType, LastEventId, SseEncoder, data::Json};
use sse_hub::Hub;

use crate::{
    body::{HttpBody, Sink, pull},
    by_hand::put_frame,
    contender::{Contender, Data, Expected, Role},
    fan_out::{self, Pass},
    items::{self, Order},
    peers::{Axum, Head, Peer},
    workloads::Workload,
};

pub const HUB: &str = "hub, through `SseEncoder`";
pub const BARE: &str = "`broadcast<Bytes>`, a bare body";
pub const CLONED: &str = "`broadcast` of axum's events";
pub const EACH_AXUM: &str = "axum's events, encoded per subscriber";
pub const EACH_OURS: &str = "`SseEncoder`, encoding per subscriber";

const TICK: EventType = EventType::from_static("tick");

pub fn workload(title: &'static str, streams: usize) -> Workload {
    Workload {
        id: "hub",
        title,
        unit: "delivery",
        events: streams,
        expected: Expected {
            id: |_| "1".into(),
            event_type: "tick",
            data: Data::Json(|_| json!(items::order(0))),
        },
        contenders: vec![
            Contender::new(Role::Floor, BARE, |streams| {
                fan_out::pass(streams, by_hand, |frames| body(AxumBody::from_stream(frames)))
            }),
            // Its first event is a checkpoint, and the ids are the hub's: tests prove the output.
            Contender::unchecked(Role::Ours, HUB, hub),
            Contender::new(Role::Peer, CLONED, |streams| {
                fan_out::pass(streams, own, |events| {
                    let events = events.map(|event| Ok::<_, Infallible>(event.expect("in time")));
                    body(Sse::new(events).into_response().into_body())
                })
            }),
            Contender::new(Role::Peer, EACH_AXUM, |streams| {
                fan_out::pass(
                    streams,
                    || items::order(0),
                    |orders| {
                        let events = orders.map(|_| Ok::<_, Infallible>(own()));
                        body(Sse::new(events).into_response().into_body())
                    },
                )
            }),
            Contender::new(Role::Peer, EACH_OURS, |streams| {
                fan_out::pass(
                    streams,
                    || items::order(0),
                    |orders| {
                        let events = orders.map(|order| event(order.expect("in time")).id(1_u64));
                        body(SseEncoder::new(events).into_response().into_body())
                    },
                )
            }),
        ],
    }
}

fn body(body: AxumBody) -> HttpBody<AxumBody> {
    HttpBody::new(body)
}

fn by_hand() -> Bytes {
    let mut buffer = Vec::new();
    put_frame(&mut buffer, 0, items::order(0));
    buffer.into()
}

fn own() -> sse::Event {
    Axum::json(Head { id: Some(1), event_type: Some("tick") }, items::order(0))
}

fn event(order: &'static Order) -> Event<Json<&'static Order>> {
    Event::json(order).event_type(TICK)
}

/// Publishes once, and polls each body until it is pending.
fn hub(streams: usize) -> Pass {
    let hub = Hub::new();
    let mut bodies: Vec<_> = (0..streams)
        .map(|_| SseEncoder::new(hub.subscribe(&LastEventId::none())))
        .map(|stream| body(stream.into_response().into_body()))
        .collect();
    let mut cx = Context::from_waker(Waker::noop());
    bodies.iter_mut().for_each(|body| {
        // The first poll is a turn for the server, the second one gives the checkpoint.
        (0..2).for_each(|_| pull(body, &mut cx, &mut Sink::default()));
    });
    let mut send = move |sink: &mut Sink| {
        let mut cx = Context::from_waker(Waker::noop());
        hub.try_publish(&event(items::order(0))).expect("it can be published");
        for body in &mut bodies {
            pull(body, &mut cx, sink);
        }
    };
    send(&mut Sink::default());
    Box::new(send)
}
