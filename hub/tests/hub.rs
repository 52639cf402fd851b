//! Publishing, and the life of a hub, under scripted polls, without a runtime.

mod support;

use std::{
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use futures_util::FutureExt;
use sse_encoder::{
    Comment, Encode, Encoder, Error, Event, EventId, EventType, Frames, LastEventId,
    ReconnectionTime, SseEncoder,
};
use sse_hub::{Hub, Resumption, Subscriber};
use support::{Client, Two, Wakes, after, none, position, publish};

struct Fails;

impl Encode for Fails {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::text("one").encode(frames)?;
        Err(Error::other("refused"))
    }
}

struct Panics;

impl Encode for Panics {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::text("one").encode(frames)?;
        panic!("as asked");
    }
}

/// Publishes while it is published.
struct Nested(Hub);

impl Encode for Nested {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        publish(&self.0, "inner");
        Event::text("outer").encode(frames)
    }
}

#[test]
fn events_reach_every_subscriber_in_order_with_the_same_ids() {
    let hub = Hub::new();
    let mut clients = [0; 3].map(|_| Client::live(hub.subscribe(&none())));
    let ids = ["a", "b"].map(|text| publish(&hub, text));
    assert_eq!(ids[1].as_str(), position(&ids[0], 2));
    for client in &mut clients {
        for (id, text) in ids.iter().zip(["a", "b"]) {
            let expected = format!("id: {id}\nevent: message\ndata: {text}\n\n");
            assert_eq!(client.next().unwrap(), expected);
        }
        client.assert_pending();
    }
}

#[test]
fn a_frame_passes_through_the_encoder_without_a_copy() {
    let hub = Hub::new();
    let mut streams = [0; 2].map(|_| SseEncoder::new(hub.subscribe(&none())));
    let poll = |stream: &mut SseEncoder<Subscriber>| match Pin::new(stream)
        .poll_next(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(Some(Ok(chunk))) => chunk,
        other => panic!("{other:?}"),
    };
    for stream in &mut streams {
        poll(stream);
    }
    publish(&hub, "shared");
    let [one, two] = [0, 1].map(|n| poll(&mut streams[n]));
    assert_eq!(one, two);
    assert_eq!(one.as_ptr(), two.as_ptr());
}

#[test]
fn an_own_id_is_kept_and_can_be_resumed_after_while_it_is_retained() {
    let hub = Hub::builder().retain_events(2).build();
    let row = |n: u32| Event::json(n).id(EventId::new(format!("row-{n}")).unwrap());
    let id = hub.try_publish(&row(1)).unwrap().unwrap();
    assert_eq!(id, "row-1");
    hub.try_publish(&row(2)).unwrap();
    assert!(hub.try_publish(&row(2)).unwrap_err().is_duplicate_id());
    let subscriber = hub.subscribe(&after("row-1"));
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    let mut client = Client::live(subscriber);
    assert_eq!(client.next().unwrap(), "id: row-2\nevent: message\ndata: 2\n\n");
    hub.try_publish(&row(3)).unwrap();
    // No longer retained, the id is unknown, and may be used again.
    let resumption = hub.subscribe(&after("row-1")).resumption();
    assert!(matches!(resumption, Resumption::Unknown { .. }), "{resumption:?}");
    hub.try_publish(&row(1)).unwrap();
    assert_eq!(client.ready(), ["3", "1"]);
}

#[test]
fn own_ids_that_would_break_resuming_are_refused() {
    let hub = Hub::new();
    let id = publish(&hub, "a");
    for (own, message) in [
        (String::new(), "`id` is empty, and clients would forget their position"),
        (position(&id, 1), "`id` has the form of the hub's automatic ids"),
        (position(&id, 99), "`id` has the form of the hub's automatic ids"),
    ] {
        let event = Event::text("b").id(EventId::new(&own).unwrap());
        let error = hub.try_publish(&event).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.field(), Some("id"));
    }
    // Ids of another hub are ids like any other.
    hub.try_publish(&Event::text("b").id(EventId::from_static("123-4"))).unwrap();
}

#[test]
fn ephemeral_events_are_live_only_and_never_cause_a_gap() {
    let hub = Hub::builder().retain_events(8).build();
    let start = publish(&hub, "start");
    let mut reading = Client::live(hub.subscribe(&none()));
    let mut stalled = Client::live(hub.subscribe(&none()));
    let presence = |n: usize| Event::json(n).no_id();
    assert_eq!(hub.try_publish(&presence(0)).unwrap(), None);
    assert_eq!(hub.try_publish(&Comment::new("hello")).unwrap(), None);
    assert_eq!(reading.ready(), ["0", ": hello"]);
    for n in 1..100 {
        hub.try_publish(&presence(n)).unwrap();
        assert_eq!(reading.ready(), [n.to_string()]);
    }
    publish(&hub, "end");
    // Ephemeral events beyond their bounds are missed without a gap.
    assert_eq!(stalled.ready(), ["98", "99", "end"]);
    assert_eq!(reading.ready(), ["end"]);
    // They have evicted nothing, and are not replayed.
    let subscriber = hub.subscribe(&start.into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(Client::live(subscriber).ready(), ["end"]);
    assert_eq!(hub.stats().gaps, 0);
}

#[test]
fn an_item_that_is_not_one_frame_publishes_nothing() {
    let hub = Hub::builder().max_frame(64).build();
    let mut client = Client::live(hub.subscribe(&none()));
    let rows: [(&dyn Encode, &str); 4] = [
        (&Two, "the item does not write exactly one frame"),
        (&Event::new(), "the item does not write exactly one frame"),
        (&Fails, "the item cannot be encoded: refused"),
        (
            &Event::text("x".repeat(65)),
            "the item cannot be encoded: the frame is larger than 64 bytes",
        ),
    ];
    let first = publish(&hub, "first");
    for (item, message) in rows {
        assert_eq!(format!("{:#}", hub.try_publish(item).unwrap_err()), message);
    }
    let panic = std::panic::catch_unwind(|| hub.try_publish(&Panics));
    assert!(panic.is_err());
    hub.try_publish(&Nested(hub.clone())).unwrap();
    let last = publish(&hub, "last");
    assert_eq!(last.as_str(), position(&first, 4));
    assert_eq!(client.ready(), ["first", "inner", "outer", "last"]);
    assert_eq!(hub.stats().published, 4);
}

#[test]
fn closing_sends_the_published_events_then_a_reconnection_time_then_the_end() {
    const TIME: ReconnectionTime = ReconnectionTime::from_millis(1_234).unwrap();
    let hub = Hub::builder().reconnection_time(TIME..=TIME).build();
    let mut waiting = Client::live(hub.subscribe(&none()));
    let mut behind = Client::live(hub.subscribe(&none()));
    let mut deaf = Client::live(hub.subscribe_to([""; 0], &none()));
    let mut drained = hub.drained();
    assert!((&mut drained).now_or_never().is_none());
    let id = publish(&hub, "last");
    assert_eq!(waiting.ready(), ["last"]);
    deaf.assert_pending();
    assert!(!hub.is_closed());
    hub.close();
    hub.close();
    assert_eq!((waiting.wakes(), deaf.wakes()), (1, 1));
    assert!(hub.is_closed());
    assert!(hub.try_publish(&Event::text("late")).unwrap_err().is_closed());
    let goodbye = "event: checkpoint\nretry: 1234\ndata: {}\n\n";
    assert_eq!(waiting.next().as_deref(), Some(goodbye));
    assert_eq!(deaf.next().as_deref(), Some(goodbye));
    assert_eq!(behind.ready(), ["last", "checkpoint"]);
    assert_eq!(waiting.next(), None);
    // A client that returns too early is served, and sent away again.
    let start = position(&id, 0);
    let mut late = Client::live(hub.subscribe(&after(&start)));
    assert_eq!(late.ready(), ["last", "checkpoint"]);
    drop([waiting, behind, deaf]);
    assert!((&mut drained).now_or_never().is_none());
    drop(late);
    assert!((&mut drained).now_or_never().is_some());
    assert!(hub.drained().now_or_never().is_some());
}

#[test]
fn dropping_the_last_subscriber_wakes_drained() {
    let hub = Hub::new();
    let clients = [0; 2].map(|_| hub.subscribe(&none()));
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut drained = hub.drained();
    let mut poll = || drained.poll_unpin(&mut Context::from_waker(&waker)).is_ready();
    assert!(!poll());
    hub.close();
    assert!(!poll());
    let woken = || wakes.0.load(Ordering::Relaxed);
    let before = woken();
    let [one, two] = clients;
    drop(one);
    assert_eq!(woken(), before);
    drop(two);
    assert_eq!(woken(), before + 1);
    assert!(poll());
}

#[test]
fn dropping_the_last_handle_ends_the_streams() {
    let hub = Hub::new();
    let mut client = Client::live(hub.subscribe(&none()));
    publish(&hub, "last");
    let other = hub.clone();
    drop(hub);
    assert_eq!(client.ready(), ["last"]);
    client.assert_pending();
    let (wakes, drained) = (client.wakes(), other.drained());
    drop(other);
    assert_eq!(client.wakes(), wakes + 1);
    assert!(client.next().unwrap().starts_with("event: checkpoint\nretry: "));
    assert_eq!(client.next(), None);
    drop(client);
    assert!(drained.now_or_never().is_some());
}

#[test]
fn handles_and_subscribers_can_be_sent_to_any_thread() {
    fn is<T: Clone + Send + Sync + 'static>() {}
    fn moves<T: Send + Sync + Unpin + 'static>() {}
    is::<Hub>();
    moves::<Subscriber>();
    fn sends<T: Send>(_: T) {}
    // An item that cannot be shared between threads does not tie the future to one.
    struct Local(std::cell::Cell<u32>);
    impl Encode for Local {
        fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
            Event::json(self.0.get()).encode(frames)
        }
    }
    let hub = Hub::new();
    sends(hub.publish(&Local(1.into())));
    assert!(format!("{hub:?} {:?}", hub.subscribe(&none())).contains("Hub"));
}

/// An encoded event has an id or none, as any item does.
#[test]
fn an_encoded_event_keeps_its_id() {
    let hub = Hub::new();
    let mut encoder = Encoder::new();
    let with_id = encoder.encode_once(&Event::text("a").id("row-7")).unwrap();
    let without = encoder.encode_once(&Event::text("b").no_id()).unwrap();
    assert_eq!(hub.try_publish(&with_id).unwrap(), Some(EventId::from_static("row-7")));
    assert_eq!(hub.try_publish(&without).unwrap(), None);
}

#[test]
fn the_hubs_own_types_cannot_be_published() {
    const MINE: [EventType; 2] = [EventType::from_static("a"), EventType::from_static("b")];
    let types = ["gap", "checkpoint", "a", "b", "message", "gaps", ""];
    let refused = |hub: &Hub| {
        let is_refused = |name: &&str| {
            let event = Event::text("x").event_type(*name);
            let own = Event::text("x").event_type(*name).id(format!("row-{name}"));
            let outcomes = [hub.try_publish(&event), hub.try_publish(&own)].map(|outcome| {
                outcome
                    .is_err_and(|error| error.is_reserved_type() && error.field() == Some("type"))
            });
            assert_eq!(outcomes[0], outcomes[1]);
            outcomes[0]
        };
        types.into_iter().filter(is_refused).collect::<Vec<_>>()
    };
    assert_eq!(refused(&Hub::new()), ["gap", "checkpoint"]);
    let [checkpoint, gap] = MINE;
    let hub = Hub::builder().notice_types(checkpoint, gap).build();
    assert_eq!(refused(&hub), ["a", "b"]);
    let hub = Hub::builder().notice_types(EventType::MESSAGE, EventType::MESSAGE).build();
    assert_eq!(refused(&hub), ["message", ""]);
    assert!(hub.try_publish(&Event::text("x")).unwrap_err().is_reserved_type());
    assert!(hub.try_publish(&Event::text("x").no_event_type()).unwrap_err().is_reserved_type());
    assert!(hub.try_publish(&Comment::new("event: message")).is_ok());
    // A state is not the hub's word, either.
    let mut subscriber = Hub::new().subscribe(&LastEventId::none());
    let state = Event::text("x").event_type("gap");
    assert!(subscriber.begin_with(&state).unwrap_err().is_reserved_type());
}

#[test]
fn the_hubs_own_types_can_be_chosen() {
    let (checkpoint, gap) = (EventType::from_static("a"), EventType::from_static("b"));
    let hub = Hub::builder().notice_types(checkpoint, gap).build();
    let mut client = Client::new(hub.subscribe(&LastEventId::from_headers(["1-1"])));
    assert!(client.next().unwrap().starts_with("event: a\n"));
    assert!(client.next().unwrap().contains("\nevent: b\n"));
    hub.close();
    assert!(client.next().unwrap().starts_with("event: a\n"));
}
