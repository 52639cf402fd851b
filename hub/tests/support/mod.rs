//! Shared by the tests: a client polled by hand, and the fields of frames.

#![allow(dead_code, reason = "no test uses all of it")]

pub(crate) mod folder;

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use futures_core::Stream;
use sse_encoder::{Encode, Error, Event, EventId, Frames, LastEventId};
use sse_hub::{Hub, Subscriber};

#[derive(Default)]
pub(crate) struct Wakes(pub(crate) AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A waker that panics.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("as asked");
    }
}

/// A client of the hub, which counts how often it was woken.
pub(crate) struct Client {
    pub(crate) subscriber: Subscriber,
    pub(crate) wakes: Arc<Wakes>,
}

impl Client {
    pub(crate) fn new(subscriber: Subscriber) -> Self {
        Self { subscriber, wakes: Arc::default() }
    }

    /// Reads all that is there, and waits with a waker that panics.
    pub(crate) fn wait_with_a_waker_that_panics(&mut self) {
        let waker = Waker::from(Arc::new(Panics));
        let mut cx = Context::from_waker(&waker);
        while Pin::new(&mut self.subscriber).poll_next(&mut cx).is_ready() {}
    }

    /// A client that has read the opening checkpoint.
    pub(crate) fn live(subscriber: Subscriber) -> Self {
        let mut client = Self::new(subscriber);
        let opening = client.next().unwrap();
        assert!(opening.contains("event: checkpoint\n"), "{opening}");
        client
    }

    pub(crate) fn poll(&mut self) -> Poll<Option<String>> {
        let waker = Waker::from(self.wakes.clone());
        Pin::new(&mut self.subscriber)
            .poll_next(&mut Context::from_waker(&waker))
            .map(|frame| frame.map(|frame| String::from_utf8(frame.into_bytes().to_vec()).unwrap()))
    }

    pub(crate) fn next(&mut self) -> Option<String> {
        match self.poll() {
            Poll::Ready(frame) => frame,
            Poll::Pending => panic!("pending"),
        }
    }

    #[track_caller]
    pub(crate) fn assert_pending(&mut self) {
        let poll = self.poll();
        assert!(poll.is_pending(), "{poll:?}");
    }

    /// The data of all ready frames, or the type if it is not `message`.
    pub(crate) fn ready(&mut self) -> Vec<String> {
        std::iter::from_fn(|| match self.poll() {
            Poll::Ready(frame) => frame,
            Poll::Pending => None,
        })
        .map(|frame| short(&frame))
        .collect()
    }

    pub(crate) fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

pub(crate) fn field<'a>(frame: &'a str, name: &str) -> Option<&'a str> {
    frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

pub(crate) fn short(frame: &str) -> String {
    match (field(frame, "event"), field(frame, "data")) {
        (Some("message"), Some(data)) => data.to_owned(),
        (Some(event_type), _) => event_type.to_owned(),
        (None, Some(data)) => data.to_owned(),
        (None, None) => frame.trim_end().to_owned(),
    }
}

pub(crate) fn none() -> LastEventId {
    LastEventId::none()
}

pub(crate) fn after(id: &str) -> LastEventId {
    EventId::new(id).unwrap().into()
}

pub(crate) fn publish(hub: &Hub, text: &str) -> EventId {
    hub.try_publish(&Event::text(text)).unwrap().unwrap()
}

/// The position `n` of the hub that gave this id.
pub(crate) fn position(id: &EventId, n: u64) -> String {
    let (epoch, _) = id.as_str().split_once('-').unwrap();
    format!("{epoch}-{n}")
}

/// An item of two frames.
pub(crate) struct Two;

impl Encode for Two {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::text("one").encode(frames)?;
        Event::text("two").encode(frames)
    }
}
