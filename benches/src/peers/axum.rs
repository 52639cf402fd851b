use std::convert::Infallible;

use axum::response::{IntoResponse, Sse, sse::Event};
use futures_core::Stream;
use futures_util::StreamExt;
use serde::Serialize;

use super::{Head, Peer};
use crate::body::{Body, HttpBody};

pub struct Axum;

fn event(head: Head) -> Event {
    let mut event = Event::default();
    if let Some(id) = head.id {
        event = event.id(id.to_string());
    }
    if let Some(event_type) = head.event_type {
        event = event.event(event_type);
    }
    event
}

impl Peer for Axum {
    const NAME: &'static str = "axum";

    type Event = Event;
    type Text = &'static str;

    fn prepare(text: &'static str) -> &'static str {
        text
    }

    fn json(head: Head, value: &impl Serialize) -> Event {
        event(head).json_data(value).expect("the value can be serialized")
    }

    fn text(head: Head, text: &'static str) -> Event {
        event(head).data(text)
    }

    fn body(events: impl Stream<Item = Event> + Send + Sync + 'static) -> impl Body + 'static {
        let events = events.map(Ok::<_, Infallible>);
        HttpBody::new(Sse::new(events).into_response().into_body())
    }
}
