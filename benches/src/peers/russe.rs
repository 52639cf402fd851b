use futures_core::Stream;
use futures_util::StreamExt;
use russe::{Encoder, Event, Message};
use serde::Serialize;

use super::{Head, Peer, codec::CodecBody};
use crate::body::{Body, StreamBody};

/// A string of bytes for each event.
pub struct Russe;

/// Its codec, which gathers events as ours does.
pub struct RusseCodec;

fn event(head: Head, data: bytestring::ByteString) -> Event {
    Event::Message(Message {
        data,
        event: head.event_type.map(Into::into),
        retry: None,
        id: head.id.map(|id| id.to_string().into()),
    })
}

/// It has no helper for JSON.
fn json(value: &impl Serialize) -> bytestring::ByteString {
    serde_json::to_string(value).expect("the value can be serialized").into()
}

impl Peer for Russe {
    const NAME: &'static str = "russe, each event";

    type Event = Event;
    type Text = &'static str;

    fn prepare(text: &'static str) -> &'static str {
        text
    }

    fn json(head: Head, value: &impl Serialize) -> Event {
        event(head, json(value))
    }

    fn text(head: Head, text: &'static str) -> Event {
        event(head, text.into())
    }

    fn body(events: impl Stream<Item = Event> + Send + Sync + 'static) -> impl Body + 'static {
        StreamBody::new(events.map(|event| event.into_bytestring().map(|text| text.into_bytes())))
    }
}

impl Peer for RusseCodec {
    const NAME: &'static str = "russe, codec";

    type Event = Event;
    type Text = &'static str;

    fn prepare(text: &'static str) -> &'static str {
        text
    }

    fn json(head: Head, value: &impl Serialize) -> Event {
        Russe::json(head, value)
    }

    fn text(head: Head, text: &'static str) -> Event {
        Russe::text(head, text)
    }

    fn body(events: impl Stream<Item = Event> + Send + Sync + 'static) -> impl Body + 'static {
        CodecBody::new(events, Encoder::default())
    }
}
