use std::convert::Infallible;

use futures_core::Stream;
use futures_util::StreamExt;
use serde::Serialize;
use sse_stream::{Sse, SseBody};

use super::{Head, Peer};
use crate::body::{Body, HttpBody};

pub struct SseStream;

fn event(head: Head, data: String) -> Sse {
    let mut event = Sse::default().data(data);
    if let Some(id) = head.id {
        event = event.id(id.to_string());
    }
    if let Some(event_type) = head.event_type {
        event = event.event(event_type);
    }
    event
}

impl Peer for SseStream {
    const NAME: &'static str = "sse-stream";

    type Event = Sse;
    type Text = String;

    fn prepare(text: &'static str) -> String {
        text.into()
    }

    /// It has no helper for JSON.
    fn json(head: Head, value: &impl Serialize) -> Sse {
        event(head, serde_json::to_string(value).expect("the value can be serialized"))
    }

    fn text(head: Head, text: String) -> Sse {
        event(head, text)
    }

    fn body(events: impl Stream<Item = Sse> + Send + Sync + 'static) -> impl Body + 'static {
        HttpBody::new(SseBody::new(events.map(Ok::<_, Infallible>)))
    }
}
