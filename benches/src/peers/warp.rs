use std::convert::Infallible;

use futures_core::Stream;
use futures_util::StreamExt;
use serde::Serialize;
use warp::{
    Reply,
    sse::{self, Event},
};

use super::{Head, Peer};
use crate::body::{Body, HttpBody};

pub struct Warp;

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

impl Peer for Warp {
    const NAME: &'static str = "warp";

    type Event = Event;
    type Text = String;

    fn prepare(text: &'static str) -> String {
        text.into()
    }

    fn json(head: Head, value: &impl Serialize) -> Event {
        event(head).json_data(value).expect("the value can be serialized")
    }

    fn text(head: Head, text: String) -> Event {
        event(head).data(text)
    }

    fn body(events: impl Stream<Item = Event> + Send + Sync + 'static) -> impl Body + 'static {
        let events = events.map(Ok::<_, Infallible>);
        HttpBody::new(sse::reply(events).into_response().into_body())
    }
}
