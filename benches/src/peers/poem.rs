use futures_core::Stream;
use poem::{
    IntoResponse,
    web::sse::{Event, SSE},
};
use serde::Serialize;

use super::{Head, Peer};
use crate::body::{Body, HttpBody};

pub struct Poem;

fn event(head: Head, data: String) -> Event {
    let mut event = Event::message(data);
    if let Some(id) = head.id {
        event = event.id(id.to_string());
    }
    if let Some(event_type) = head.event_type {
        event = event.event_type(event_type);
    }
    event
}

impl Peer for Poem {
    const NAME: &'static str = "poem";

    type Event = Event;
    type Text = String;

    fn prepare(text: &'static str) -> String {
        text.into()
    }

    /// It has no helper for JSON.
    fn json(head: Head, value: &impl Serialize) -> Event {
        event(head, serde_json::to_string(value).expect("the value can be serialized"))
    }

    fn text(head: Head, text: String) -> Event {
        event(head, text)
    }

    fn body(events: impl Stream<Item = Event> + Send + Sync + 'static) -> impl Body + 'static {
        let body = SSE::new(events).into_response().into_body();
        // What its server takes of it.
        HttpBody::new(http_body_util::combinators::BoxBody::from(body))
    }
}
