use futures_core::Stream;
use rocket::{
    Config, Request,
    config::LogLevel,
    local::blocking::Client,
    response::{
        Body as RocketBody, Responder,
        stream::{Event, EventStream},
    },
};
use serde::Serialize;
use tokio_util::io::ReaderStream;

use super::{Head, Peer};
use crate::body::{Body, StreamBody};

pub struct Rocket;

fn with_head(head: Head, mut event: Event) -> Event {
    if let Some(id) = head.id {
        event = event.id(id.to_string());
    }
    if let Some(event_type) = head.event_type {
        event = event.event(event_type);
    }
    event
}

thread_local! {
    /// A response borrows the request that it answers, and there is none without a Rocket.
    static REQUEST: &'static Request<'static> = {
        let config = Config { log_level: LogLevel::Off, workers: 1, ..Config::release_default() };
        let client = Client::untracked(rocket::custom(config)).expect("it has no routes to clash");
        let client: &'static Client = Box::leak(Box::new(client));
        Box::leak(Box::new(client.get("/"))).inner()
    };
}

impl Peer for Rocket {
    const NAME: &'static str = "rocket";

    type Event = Event;
    type Text = &'static str;

    fn prepare(text: &'static str) -> &'static str {
        text
    }

    fn json(head: Head, value: &impl Serialize) -> Event {
        with_head(head, Event::json(value))
    }

    fn text(head: Head, text: &'static str) -> Event {
        with_head(head, Event::data(text))
    }

    fn body(events: impl Stream<Item = Event> + Send + Sync + 'static) -> impl Body + 'static {
        // The heartbeat wants a runtime; none of the other contenders has one here.
        let events = EventStream::from(events).heartbeat(None);
        let mut response = events.respond_to(REQUEST.get_static()).expect("it never fails");
        let body: RocketBody<'static> = response.body_mut().take();
        // As its server reads it; the server's channel between two tasks is left out.
        let chunk = body.max_chunk_size();
        StreamBody::new(ReaderStream::with_capacity(body, chunk))
    }
}

trait GetStatic {
    fn get_static(&'static self) -> &'static Request<'static>;
}

impl GetStatic for std::thread::LocalKey<&'static Request<'static>> {
    fn get_static(&'static self) -> &'static Request<'static> {
        self.with(|request| *request)
    }
}
