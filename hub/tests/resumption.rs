//! Streams of the hub that are cut anywhere, and resumed with the id that the client then has.

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use sse_encoder::{Event, EventId, LastEventId, SseEncoder};
use sse_hub::{Hub, Subscriber};

/// All bytes that are ready.
fn ready(subscriber: Subscriber) -> Vec<u8> {
    let mut stream = SseEncoder::new(subscriber);
    let mut bytes = Vec::new();
    let mut cx = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(chunk)) = Pin::new(&mut stream).poll_next(&mut cx) {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    bytes
}

/// A browser: it keeps the last event ID from connection to connection.
#[derive(Clone, Default)]
struct Client {
    last: String,
    /// The events that were dispatched, without checkpoints.
    events: Vec<(String, String)>,
}

impl Client {
    fn last(&self) -> LastEventId {
        LastEventId::from_headers([self.last.as_bytes()])
    }

    /// Decodes as the standard says; but, as Firefox does, an event without data moves no id.
    fn read(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let (mut id, mut event, mut data) = (None, None, None::<String>);
        // An event without its blank line is dropped at the end of the stream.
        for line in text.split_inclusive('\n').filter_map(|line| line.strip_suffix('\n')) {
            match line.split_once(": ") {
                _ if line.is_empty() => {
                    let event: String = event.take().unwrap_or("message").into();
                    if let Some(data) = data.take() {
                        self.last = id.take().map_or(self.last.clone(), str::to_owned);
                        if event != "checkpoint" {
                            self.events.push((event, data));
                        }
                    }
                }
                Some(("id", value)) => id = Some(value),
                Some(("event", value)) => event = Some(value),
                Some(("data", value)) => {
                    let before = data.take().map(|data| data + "\n").unwrap_or_default();
                    data = Some(before + value);
                }
                _ => {}
            }
        }
    }
}

/// Cuts the stream that `subscribe` gives at every byte, connects again, and gives the events that
/// the client has got in all.
fn cut_everywhere(
    client: &Client,
    mut subscribe: impl FnMut(&LastEventId) -> Subscriber,
    mut check: impl FnMut(usize, Client),
) {
    let whole = ready(subscribe(&client.last()));
    for cut in 0..=whole.len() {
        let mut client = client.clone();
        client.read(&whole[..cut]);
        let rest = ready(subscribe(&client.last()));
        client.read(&rest);
        check(cut, client);
    }
}

fn events(data: impl IntoIterator<Item = impl ToString>) -> Vec<(String, String)> {
    data.into_iter().map(|data| ("message".into(), data.to_string())).collect()
}

#[test]
fn cut_at_every_byte_a_client_gets_each_event_once() {
    let hub = Hub::new();
    // The first connection is cut after its checkpoint, or before that.
    let mut client = Client::default();
    client.read(&ready(hub.subscribe(&LastEventId::none())));
    let texts = ["one", "two\nlines", "", "ö😀", "five"];
    for (n, text) in texts.into_iter().enumerate() {
        let mut event = Event::text(text);
        if n == 2 {
            event = event.id(EventId::from_static("row 3"));
        }
        hub.try_publish(&event).unwrap();
        hub.to("other").try_publish(&Event::text("not for us")).unwrap();
    }
    cut_everywhere(
        &client,
        |last| hub.subscribe(last),
        |cut, client| assert_eq!(client.events, events(texts), "{cut}"),
    );
}

#[test]
fn cut_at_every_byte_a_client_gets_the_events_between_its_connections() {
    let hub = Hub::new();
    let mut client = Client::default();
    client.read(&ready(hub.subscribe(&LastEventId::none())));
    hub.try_publish(&Event::json(0)).unwrap();
    let whole = ready(hub.subscribe(&client.last()));
    for (cut, published) in (0..=whole.len()).zip(2..) {
        let mut client = client.clone();
        client.read(&whole[..cut]);
        hub.try_publish(&Event::json(published - 1)).unwrap();
        client.read(&ready(hub.subscribe(&client.last())));
        assert_eq!(client.events, events(0..published), "{cut}");
    }
}

#[test]
fn cut_at_every_byte_a_client_gets_the_gap_and_then_no_event_twice() {
    let hub = Hub::builder().retain_events(3).build();
    let mut client = Client::default();
    client.read(&ready(hub.subscribe(&LastEventId::none())));
    for n in 0..9 {
        hub.try_publish(&Event::json(n)).unwrap();
    }
    cut_everywhere(
        &client,
        |last| hub.subscribe(last),
        |cut, client| {
            let (gap, rest) = client.events.split_first().unwrap();
            assert_eq!(gap.0, "gap", "{cut}");
            assert_eq!(rest, events(6..9), "{cut}");
        },
    );
}

#[test]
fn cut_at_every_byte_a_client_gets_the_state_before_the_updates() {
    let hub = Hub::new();
    hub.try_publish(&Event::text("long ago")).unwrap();
    let mut update = 0;
    let mut subscribe = |last: &LastEventId| {
        let mut subscriber = hub.subscribe(last);
        if subscriber.resumption().needs_state() {
            hub.try_publish(&Event::json(update)).unwrap();
            update += 1;
            subscriber.begin_with(&Event::text(format!("state {update}"))).unwrap();
        }
        subscriber
    };
    let whole = ready(subscribe(&LastEventId::none()));
    for cut in 0..=whole.len() {
        let mut client = Client::default();
        client.read(&whole[..cut]);
        client.read(&ready(subscribe(&client.last())));
        // One state, and all updates after it.
        let state: u32 = client.events[0].1.strip_prefix("state ").unwrap().parse().unwrap();
        assert_eq!(client.events[1..], events(state - 1..client.events.len() as u32 + state - 2));
        assert!(client.events.iter().skip(1).all(|(_, data)| !data.starts_with("state")));
    }
}

#[test]
fn ids_of_an_earlier_process_cause_a_gap() {
    let [old, new] = [Hub::new(), Hub::new()];
    let mut client = Client::default();
    for n in 0..3 {
        old.try_publish(&Event::json(n)).unwrap();
    }
    client.read(&ready(old.subscribe(&LastEventId::none())));
    for n in 10..20 {
        new.try_publish(&Event::json(n)).unwrap();
    }
    client.read(&ready(new.subscribe(&client.last())));
    let (gap, rest) = client.events.split_first().unwrap();
    assert_eq!(gap.0, "gap");
    assert_eq!(rest, events(10..20));
}
