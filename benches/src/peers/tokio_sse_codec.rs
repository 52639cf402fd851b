use std::borrow::Cow;

use futures_core::Stream;
use serde::Serialize;
use tokio_sse_codec::{Event, Frame, SseEncoder};

use super::{Head, Peer, codec::CodecBody};
use crate::body::Body;

pub struct TokioSseCodec;

fn event(head: Head, data: Cow<'static, [u8]>) -> Frame<Cow<'static, [u8]>> {
    Frame::Event(Event {
        id: head.id.map(|id| id.to_string().into()),
        // It always writes the line.
        name: head.event_type.unwrap_or_default().into(),
        data,
    })
}

impl Peer for TokioSseCodec {
    const NAME: &'static str = "tokio_sse_codec";

    type Event = Frame<Cow<'static, [u8]>>;
    type Text = &'static str;

    fn prepare(text: &'static str) -> &'static str {
        text
    }

    /// It has no helper for JSON.
    fn json(head: Head, value: &impl Serialize) -> Self::Event {
        event(head, serde_json::to_vec(value).expect("the value can be serialized").into())
    }

    fn text(head: Head, text: &'static str) -> Self::Event {
        event(head, text.as_bytes().into())
    }

    fn body(
        events: impl Stream<Item = Self::Event> + Send + Sync + 'static,
    ) -> impl Body + 'static {
        CodecBody::new(events, SseEncoder::new())
    }
}
