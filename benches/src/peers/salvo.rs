use std::convert::Infallible;

use futures_core::Stream;
use futures_util::StreamExt;
use salvo::{
    http::Response,
    sse::{self, SseEvent},
};
use serde::Serialize;

use super::{Head, Peer};
use crate::body::{Body, HttpBody};

pub struct Salvo;

fn event(head: Head) -> SseEvent {
    let mut event = SseEvent::default();
    if let Some(id) = head.id {
        event = event.id(id.to_string());
    }
    if let Some(event_type) = head.event_type {
        event = event.name(event_type);
    }
    event
}

impl Peer for Salvo {
    const NAME: &'static str = "salvo";

    type Event = SseEvent;
    type Text = String;

    fn prepare(text: &'static str) -> String {
        text.into()
    }

    fn json(head: Head, value: &impl Serialize) -> SseEvent {
        event(head).json(value).expect("the value can be serialized")
    }

    fn text(head: Head, text: String) -> SseEvent {
        event(head).text(text)
    }

    fn body(events: impl Stream<Item = SseEvent> + Send + Sync + 'static) -> impl Body + 'static {
        let mut response = Response::new();
        sse::stream(&mut response, events.map(Ok::<_, Infallible>));
        HttpBody::new(response.take_body())
    }
}
