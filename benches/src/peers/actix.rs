use std::{
    pin::Pin,
    task::{Context, Poll},
};

use actix_web::{
    Responder,
    body::{BoxBody, MessageBody},
    test::TestRequest,
};
use actix_web_lab::{
    sse::{Data, Event, Sse},
    util::InfallibleStream,
};
use bytes::Bytes;
use futures_core::Stream;
use serde::Serialize;

use super::{Head, Peer};
use crate::body::Body;

pub struct ActixWebLab;

fn event(head: Head, mut data: Data) -> Event {
    if let Some(id) = head.id {
        data = data.id(id.to_string());
    }
    if let Some(event_type) = head.event_type {
        data = data.event(event_type);
    }
    data.into()
}

impl Peer for ActixWebLab {
    const NAME: &'static str = "actix-web-lab";

    type Event = Event;
    type Text = &'static str;

    fn prepare(text: &'static str) -> &'static str {
        text
    }

    fn json(head: Head, value: &impl Serialize) -> Event {
        event(head, Data::new_json(value).expect("the value can be serialized"))
    }

    fn text(head: Head, text: &'static str) -> Event {
        event(head, Data::new(text))
    }

    fn body(events: impl Stream<Item = Event> + Send + Sync + 'static) -> impl Body + 'static {
        let response = Sse::from_stream(InfallibleStream::new(events))
            .respond_to(&TestRequest::default().to_http_request());
        ActixBody(response.into_body())
    }
}

struct ActixBody(BoxBody);

impl Body for ActixBody {
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        Pin::new(&mut self.0).poll_next(cx).map(|chunk| chunk.map(|chunk| chunk.expect("no error")))
    }
}
