//! The hub under scripted polls, without a runtime: what each subscriber gets, and who is woken.
#![cfg(feature = "hub")]

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use futures_core::{FusedStream, Stream};
use futures_util::FutureExt;
use sse_encoder::{
    Comment, Encode, Encoder, Error, Event, EventId, Frames, Hub, LastEventId, OnGap,
    ReconnectionTime, Resumption, SseEncoder, Subscriber,
};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A client of the hub: what it reads, and how often it was woken.
struct Client {
    subscriber: Subscriber,
    wakes: Arc<Wakes>,
}

impl Client {
    fn new(subscriber: Subscriber) -> Self {
        Self { subscriber, wakes: Arc::default() }
    }

    /// Beyond the opening checkpoint.
    fn live(subscriber: Subscriber) -> Self {
        let mut client = Self::new(subscriber);
        let opening = client.next().unwrap();
        assert!(opening.contains("event: checkpoint\n"), "{opening}");
        client
    }

    fn poll(&mut self) -> Poll<Option<String>> {
        let waker = Waker::from(self.wakes.clone());
        Pin::new(&mut self.subscriber)
            .poll_next(&mut Context::from_waker(&waker))
            .map(|frame| frame.map(|frame| String::from_utf8(frame.into_bytes().to_vec()).unwrap()))
    }

    fn next(&mut self) -> Option<String> {
        match self.poll() {
            Poll::Ready(frame) => frame,
            Poll::Pending => panic!("pending"),
        }
    }

    #[track_caller]
    fn assert_pending(&mut self) {
        let poll = self.poll();
        assert!(poll.is_pending(), "{poll:?}");
    }

    /// The data of all that is ready, with the type where it is not `message`.
    fn ready(&mut self) -> Vec<String> {
        std::iter::from_fn(|| match self.poll() {
            Poll::Ready(frame) => frame,
            Poll::Pending => None,
        })
        .map(|frame| short(&frame))
        .collect()
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(Ordering::Relaxed)
    }
}

fn field<'a>(frame: &'a str, name: &str) -> Option<&'a str> {
    frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn short(frame: &str) -> String {
    match (field(frame, "event"), field(frame, "data")) {
        (Some("message"), Some(data)) => data.to_owned(),
        (Some(event_type), _) => event_type.to_owned(),
        (None, Some(data)) => data.to_owned(),
        (None, None) => frame.trim_end().to_owned(),
    }
}

fn none() -> LastEventId {
    LastEventId::none()
}

fn after(id: &str) -> LastEventId {
    EventId::new(id).unwrap().into()
}

fn publish(hub: &Hub, text: &str) -> EventId {
    hub.try_publish(&Event::text(text)).unwrap().unwrap()
}

/// The position `n` of the hub that gave this id.
fn position(id: &EventId, n: u64) -> String {
    let (epoch, _) = id.as_str().split_once('-').unwrap();
    format!("{epoch}-{n}")
}

#[test]
fn what_is_published_reaches_all_in_order_with_the_same_ids() {
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
fn a_frame_leaves_the_encoder_without_a_copy() {
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
fn the_first_event_is_a_checkpoint_with_the_position_and_a_reconnection_time() {
    let hub = Hub::new();
    for n in 0..3 {
        let opening = Client::new(hub.subscribe(&none())).next().unwrap();
        let lines: Vec<_> = opening.lines().collect();
        let [id, event, retry, data, ""] = lines[..] else { panic!("{opening}") };
        assert!(id.starts_with("id: ") && id.ends_with(&format!("-{n}")), "{id}");
        assert_eq!((event, data), ("event: checkpoint", "data: {}"));
        let retry: u32 = retry.strip_prefix("retry: ").unwrap().parse().unwrap();
        assert!((1_000..=5_000).contains(&retry), "{retry}");
        publish(&hub, "more");
    }
}

#[test]
fn cut_off_before_the_first_event_nothing_is_missed() {
    let hub = Hub::new();
    let mut client = Client::new(hub.subscribe(&none()));
    let opening = client.next().unwrap();
    let id = field(&opening, "id").unwrap().to_owned();
    drop(client);
    publish(&hub, "while away");
    let subscriber = hub.subscribe(&after(&id));
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(Client::live(subscriber).ready(), ["while away"]);
}

#[test]
fn an_up_to_date_client_gets_nothing_again() {
    let hub = Hub::new();
    publish(&hub, "a");
    let id = publish(&hub, "b");
    let subscriber = hub.subscribe(&id.into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 0 });
    assert!(Client::live(subscriber).ready().is_empty());
}

#[test]
fn each_publish_wakes_once_and_only_those_who_wait() {
    let hub = Hub::new();
    let mut waiting = Client::live(hub.subscribe(&none()));
    let reading = Client::live(hub.subscribe(&none()));
    waiting.assert_pending();
    // A keep-alive polls, too.
    waiting.assert_pending();
    publish(&hub, "a");
    publish(&hub, "b");
    assert_eq!((waiting.wakes(), reading.wakes()), (1, 0));
    assert_eq!(waiting.ready(), ["a", "b"]);
    publish(&hub, "c");
    assert_eq!(waiting.wakes(), 2);
}

#[test]
fn only_the_last_waker_of_a_subscriber_is_woken_and_none_after_it_is_gone() {
    let hub = Hub::new();
    let mut client = Client::live(hub.subscribe(&none()));
    client.assert_pending();
    let first = std::mem::take(&mut client.wakes);
    client.assert_pending();
    publish(&hub, "a");
    assert_eq!((first.0.load(Ordering::Relaxed), client.wakes()), (0, 1));
    assert_eq!(client.ready(), ["a"]);
    let Client { subscriber, wakes } = client;
    drop(subscriber);
    publish(&hub, "b");
    assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
    // The seat's next owner has not inherited the waker.
    assert_eq!(Arc::strong_count(&wakes), 1);
}

#[test]
fn nothing_with_a_topic_reaches_who_did_not_name_it_live_or_replayed() {
    let hub = Hub::new();
    let start = publish(&hub, "start");
    let last = LastEventId::from(start);
    let topics: [(&[&str], &[&str]); 7] = [
        (&[""], &["all", "all 2"]),
        (&["a"], &["to a", "to a 2"]),
        (&["b"], &["to b"]),
        (&["b", "a", "b"], &["to a", "to b", "to a 2"]),
        (&["a", ""], &["all", "to a", "all 2", "to a 2"]),
        (&["A", "a ", "user:1"], &[]),
        (&[], &[]),
    ];
    let mut live: Vec<_> =
        topics.iter().map(|(names, _)| Client::live(hub.subscribe_to(*names, &none()))).collect();
    let mut monitor = Client::live(hub.subscribe_all(&none()));
    for (topic, text) in [("", "all"), ("a", "to a"), ("b", "to b"), ("", "all 2"), ("a", "to a 2")]
    {
        hub.to(topic).try_publish(&Event::text(text)).unwrap();
    }
    for (live, (names, expected)) in live.iter_mut().zip(topics) {
        assert_eq!(live.ready(), expected, "{names:?}");
        let subscriber = hub.subscribe_to(names, &last);
        let missed = expected.len();
        assert_eq!(subscriber.resumption(), Resumption::Exact { missed }, "{names:?}");
        assert_eq!(Client::live(subscriber).ready(), expected, "{names:?}");
    }
    let everything = ["all", "to a", "to b", "all 2", "to a 2"];
    assert_eq!(monitor.ready(), everything);
    let subscriber = hub.subscribe_all(&last);
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 5 });
    assert_eq!(Client::live(subscriber).ready(), everything);
}

#[test]
fn publishing_to_one_user_wakes_that_user_alone() {
    let hub = Hub::new();
    let mut users: Vec<_> = (0..50)
        .map(|n| Client::live(hub.subscribe_to([format!("user:{n}"), "news".into()], &none())))
        .collect();
    users.iter_mut().for_each(Client::assert_pending);
    hub.to("user:7").try_publish(&Event::text("you")).unwrap();
    let woken: Vec<_> = (0..50).filter(|n| users[*n].wakes() > 0).collect();
    assert_eq!(woken, [7]);
    assert_eq!(users[7].ready(), ["you"]);
    hub.to("news").try_publish(&Event::text("all")).unwrap();
    assert!(users.iter().all(|user| user.wakes() > 0));
    assert!(users.iter_mut().all(|user| user.ready() == ["all"]));
}

#[test]
fn an_items_own_id_is_kept_and_resumed_after_while_it_is_retained() {
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
    // It is retained no more: unknown, and free again.
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
        (String::new(), "`id` is empty; clients would forget their position"),
        (position(&id, 1), "`id` has the form of the hub's automatic ids"),
        (position(&id, 99), "`id` has the form of the hub's automatic ids"),
    ] {
        let event = Event::text("b").id(EventId::new(&own).unwrap());
        let error = hub.try_publish(&event).unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(error.field(), Some("id"));
    }
    // Another hub's are as good as any.
    hub.try_publish(&Event::text("b").id(EventId::from_static("123-4"))).unwrap();
}

#[test]
fn ephemeral_events_are_live_only_and_missing_them_is_no_gap() {
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
    // What there was of them that is not retained is missed without a word.
    assert_eq!(stalled.ready(), ["98", "99", "end"]);
    assert_eq!(reading.ready(), ["end"]);
    // They have pushed nothing out, and are not replayed.
    let subscriber = hub.subscribe(&start.into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(Client::live(subscriber).ready(), ["end"]);
    assert_eq!(hub.stats().gaps, 0);
}

#[test]
fn a_newer_event_of_the_same_key_takes_the_place_of_the_older_one() {
    let hub = Hub::new();
    let start = publish(&hub, "start");
    let mut stalled = Client::live(hub.subscribe_to(["", "b"], &none()));
    let ids: Vec<_> =
        (1..=3).map(|n| hub.key("ACME").try_publish(&Event::json(n)).unwrap().unwrap()).collect();
    hub.to("b").key("ACME").try_publish(&Event::text("another topic")).unwrap();
    hub.key("OTHER").try_publish(&Event::text("another key")).unwrap();
    hub.key("ACME").try_publish(&Event::text("gone").no_id()).unwrap();
    // An ephemeral one takes no place of one that is retained: who is away would have neither.
    assert_eq!(stalled.ready(), ["3", "another topic", "another key", "gone"]);
    assert_eq!(Client::live(hub.subscribe(&start.into())).ready(), ["3", "another key"]);
    // The places have stayed.
    for (n, id) in ids.into_iter().enumerate() {
        let expected: &[&str] = if n < 2 { &["3", "another key"] } else { &["another key"] };
        let subscriber = hub.subscribe(&id.into());
        assert_eq!(subscriber.resumption(), Resumption::Exact { missed: expected.len() });
        assert_eq!(Client::live(subscriber).ready(), expected);
    }
    assert_eq!(hub.stats().retained, 4);
}

#[test]
fn what_is_conflated_and_then_falls_out_is_no_gap() {
    let hub = Hub::builder().retain_events(3).build();
    let mut stalled = Client::live(hub.subscribe(&none()));
    for n in 0..20 {
        hub.key("k").try_publish(&Event::json(n)).unwrap();
    }
    assert_eq!(stalled.ready(), ["19"]);
    // But the last one of a key that falls out is.
    for n in 0..3 {
        hub.try_publish(&Event::json(n)).unwrap();
    }
    let mut late = Client::new(hub.subscribe(&after(&position(&publish(&hub, "x"), 1))));
    assert_eq!(late.ready(), ["checkpoint", "gap", "1", "2", "x"]);
}

#[test]
fn falling_out_while_connected_is_one_gap_at_the_right_place() {
    let hub = Hub::builder().retain_events(3).build();
    let mut stalled = Client::live(hub.subscribe(&none()));
    publish(&hub, "1");
    assert_eq!(stalled.ready(), ["1"]);
    let ids: Vec<_> = (2..=9).map(|n| publish(&hub, &n.to_string())).collect();
    let gap = stalled.next().unwrap();
    let (from, to) = (position(&ids[0], 1), position(&ids[0], 6));
    assert_eq!(
        gap,
        format!(
            "id: {to}\nevent: gap\n\
             data: {{\"requested\":\"{from}\",\"resumed_after\":\"{to}\"}}\n\n"
        )
    );
    assert_eq!(stalled.ready(), ["7", "8", "9"]);
    assert_eq!(hub.stats().gaps, 1);
}

#[test]
fn after_a_gap_only_what_is_new_where_that_was_chosen() {
    let hub = Hub::builder().retain_events(3).on_gap(OnGap::Newest).build();
    let mut stalled = Client::live(hub.subscribe(&none()));
    let ids: Vec<_> = (1..=9).map(|n| publish(&hub, &n.to_string())).collect();
    let gap = stalled.next().unwrap();
    assert_eq!(field(&gap, "id"), Some(ids[8].as_str()));
    stalled.assert_pending();
    for last in [ids[2].as_str(), "nonsense"] {
        let mut client = Client::new(hub.subscribe(&after(last)));
        assert_eq!(client.ready(), ["checkpoint", "gap"], "{last}");
    }
    publish(&hub, "10");
    assert_eq!(stalled.ready(), ["10"]);
}

#[test]
fn a_gap_is_said_before_the_clients_position_moves() {
    let hub = Hub::builder().retain_events(2).build();
    let ids: Vec<_> = (1..=5).map(|n| publish(&hub, &n.to_string())).collect();
    let subscriber = hub.subscribe(&ids[0].clone().into());
    let resumed_after = ids[2].clone();
    let requested = ids[0].clone();
    assert_eq!(subscriber.resumption(), Resumption::Gap { requested, resumed_after });
    let mut client = Client::new(subscriber);
    let opening = client.next().unwrap();
    assert_eq!(field(&opening, "event"), Some("checkpoint"));
    assert_eq!(field(&opening, "id"), None);
    let gap = client.next().unwrap();
    assert_eq!(field(&gap, "id"), Some(ids[2].as_str()));
    assert_eq!(client.ready(), ["4", "5"]);
    // The last one that is missing is not missed by who has it.
    let subscriber = hub.subscribe(&ids[2].clone().into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 2 });
}

#[test]
fn what_a_topic_has_lost_is_a_gap_for_that_topic_alone() {
    let hub = Hub::builder().retain_events(4).build();
    let start = publish(&hub, "start");
    hub.to("a").try_publish(&Event::text("a")).unwrap();
    let mut quiet = Client::live(hub.subscribe_to(["b"], &none()));
    let mut busy = Client::live(hub.subscribe_to(["a", "b"], &start.clone().into()));
    for n in 0..4 {
        publish(&hub, &n.to_string());
    }
    assert!(!quiet.ready().contains(&"gap".into()));
    assert_eq!(busy.ready()[0], "gap");
    let gone = hub.subscribe_to(["a"], &start.into()).resumption();
    assert!(matches!(gone, Resumption::Gap { .. }), "{gone:?}");
}

#[test]
fn filtered_and_quiet_through_ten_times_what_is_retained_it_is_still_exact() {
    const RETAINED: usize = 64;
    let hub = Hub::builder().retain_events(RETAINED).build();
    let mut quiet: Vec<_> = (0..100)
        .map(|n| {
            let mut client = Client::new(hub.subscribe_to([format!("user:{n}")], &none()));
            let id = field(&client.next().unwrap(), "id").unwrap().to_owned();
            client.assert_pending();
            (client, id)
        })
        .collect();
    for n in 0..10 * RETAINED {
        // Topics that come and go, whose events fall out: of which nothing is known afterwards.
        hub.to(&format!("once:{n}")).try_publish(&Event::json(n)).unwrap();
        for (client, id) in &mut quiet {
            let seen = client.wakes();
            if seen > 0 {
                client.wakes = Arc::default();
                while let Poll::Ready(Some(frame)) = client.poll() {
                    assert_eq!(field(&frame, "event"), Some("checkpoint"));
                    *id = field(&frame, "id").unwrap().to_owned();
                }
            }
        }
    }
    for (n, (client, id)) in quiet.into_iter().enumerate() {
        drop(client);
        let subscriber = hub.subscribe_to([format!("user:{n}")], &after(&id));
        assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 0 }, "{n}");
    }
    assert_eq!(hub.stats().gaps, 0);
}

#[test]
fn ephemeral_events_alone_keep_no_position_and_so_there_are_checkpoints() {
    const RETAINED: usize = 64;
    let hub = Hub::builder().retain_events(RETAINED).build();
    let mut client = Client::new(hub.subscribe_to(["a"], &none()));
    let mut id = None;
    for n in 0..10 * RETAINED {
        hub.to(&format!("once:{n}")).try_publish(&Event::json(n)).unwrap();
        hub.to("a").try_publish(&Event::json(n).no_id()).unwrap();
        while let Poll::Ready(Some(frame)) = client.poll() {
            id = field(&frame, "id").map(str::to_owned).or(id);
        }
    }
    drop(client);
    // The topic goes with its last ephemeral event.
    for n in 0..RETAINED {
        hub.try_publish(&Event::json(n).no_id()).unwrap();
    }
    let subscriber = hub.subscribe_to(["a"], &after(&id.unwrap()));
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 0 });
}

#[test]
fn falling_out_after_the_state_is_a_gap_after_the_state() {
    let hub = Hub::builder().retain_events(2).build();
    let first = publish(&hub, "1");
    let mut subscriber = hub.subscribe(&after(&position(&first, 0)));
    subscriber.begin_with(&Event::text("state")).unwrap();
    let mut client = Client::live(subscriber);
    assert_eq!(client.poll().map(|frame| short(&frame.unwrap())), Poll::Ready("state".into()));
    for n in 2..=5 {
        publish(&hub, &n.to_string());
    }
    let gap = client.next().unwrap();
    assert!(gap.contains(&format!("\"requested\":\"{}\"", position(&first, 1))), "{gap}");
    assert_eq!(client.ready(), ["4", "5"]);
}

#[test]
fn the_quiet_are_woken_a_few_at_a_time_and_seldom() {
    const RETAINED: usize = 1_000;
    const QUIET: usize = 500;
    let hub = Hub::builder().retain_events(RETAINED).build();
    let mut quiet: Vec<_> =
        (0..QUIET).map(|n| Client::live(hub.subscribe_to([n.to_string()], &none()))).collect();
    quiet.iter_mut().for_each(Client::assert_pending);
    let (mut all, mut most) = (0, 0);
    for n in 0..10 * RETAINED {
        publish(&hub, &n.to_string());
        let mut woken = 0;
        for client in &mut quiet {
            if client.wakes() > 0 {
                client.wakes = Arc::default();
                assert_eq!(client.ready(), ["checkpoint"]);
                woken += 1;
            }
        }
        (all, most) = (all + woken, most.max(woken));
    }
    // Each about once for each half of what is retained.
    assert!((QUIET * 15..=QUIET * 25).contains(&all), "{all}");
    assert!(most <= 5, "{most}");
}

#[test]
fn the_state_leaves_first_and_then_what_was_published_meanwhile() {
    let hub = Hub::new();
    let before = publish(&hub, "before");
    for last in [none(), after("unknown"), before.clone().into()] {
        let mut subscriber = hub.subscribe(&last);
        let taken_at = position(&before, hub.stats().published);
        publish(&hub, "meanwhile");
        subscriber.begin_with(&Event::json(["state"])).unwrap();
        let mut client = Client::new(subscriber);
        let opening = client.next().unwrap();
        // Cut off here, the client has no new position, and gets the state again.
        assert_eq!((field(&opening, "event"), field(&opening, "id")), (Some("checkpoint"), None));
        let state = format!("id: {taken_at}\nevent: message\ndata: [\"state\"]\n\n");
        assert_eq!(client.next().unwrap(), state);
        publish(&hub, "after");
        assert_eq!(client.ready(), ["meanwhile", "after"]);
    }
}

#[test]
fn a_state_that_cannot_begin_a_stream_is_refused() {
    let hub = Hub::builder().max_frame(10).build();
    let mut subscriber = hub.subscribe(&none());
    let own = Event::text("a").id(EventId::from(1));
    let none_or_two: [&dyn Encode; 4] = [&own, &Event::text("a").no_id(), &Event::new(), &Two];
    for state in none_or_two {
        assert!(subscriber.begin_with(state).is_err());
    }
    // Its size is the caller's choice: it is not retained.
    subscriber.begin_with(&Event::text("x".repeat(100))).unwrap();
    let mut client = Client::live(subscriber);
    assert!(client.subscriber.begin_with(&Event::text("late")).is_err());
    assert_eq!(client.ready(), ["x".repeat(100)]);
}

/// An item of two frames.
struct Two;

impl Encode for Two {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::text("one").encode(frames)?;
        Event::text("two").encode(frames)
    }
}

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
fn an_item_that_is_not_one_frame_leaves_nothing_behind() {
    let hub = Hub::builder().max_frame(64).build();
    let mut client = Client::live(hub.subscribe(&none()));
    let rows: [(&dyn Encode, &str); 4] = [
        (&Two, "the item does not write exactly one frame"),
        (&Event::new(), "the item does not write exactly one frame"),
        (&Fails, "refused"),
        (&Event::text("x".repeat(65)), "the frame is larger than 64 bytes"),
    ];
    let first = publish(&hub, "first");
    for (item, message) in rows {
        assert_eq!(hub.try_publish(item).unwrap_err().to_string(), message);
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
fn a_waker_that_panics_keeps_nobody_asleep() {
    struct Bad;
    impl Wake for Bad {
        fn wake(self: Arc<Self>) {
            panic!("as asked");
        }
    }
    let hub = Hub::new();
    let mut clients: Vec<_> = (0..40).map(|_| Client::live(hub.subscribe(&none()))).collect();
    let mut bad = Client::live(hub.subscribe(&none()));
    clients[..20].iter_mut().for_each(Client::assert_pending);
    let waker = Waker::from(Arc::new(Bad));
    assert!(Pin::new(&mut bad.subscriber).poll_next(&mut Context::from_waker(&waker)).is_pending());
    clients[20..].iter_mut().for_each(Client::assert_pending);
    assert!(std::panic::catch_unwind(|| publish(&hub, "a")).is_err());
    // Those that share its part of the seats; the others are woken by what comes next, at the
    // latest.
    publish(&hub, "b");
    assert!(clients.iter().all(|client| client.wakes() > 0));
    assert!(clients.iter_mut().all(|client| client.ready() == ["a", "b"]));
}

#[test]
fn a_subscription_ends_when_it_expires_before_anything_is_given_out() {
    let hub = Hub::new();
    let mut client = Client::live(hub.subscribe(&none()));
    publish(&hub, "secret");
    client.subscriber = client.subscriber.expires_in(Duration::ZERO);
    assert_eq!(client.next(), None);
    assert!(client.subscriber.is_terminated());
    let mut client = Client::new(hub.subscribe(&none()).expires_in(Duration::MAX));
    client.subscriber = client.subscriber.expires_in(Duration::from_secs(3_600));
    assert!(client.next().is_some());
    let hub = Hub::builder().connection_age(Duration::ZERO).build();
    let mut client = Client::new(hub.subscribe(&none()).expires_in(Duration::MAX));
    assert_eq!(client.next(), None);
}

#[test]
fn closing_sends_what_is_published_then_when_to_come_back_then_the_end() {
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
    hub.close();
    hub.close();
    assert_eq!((waiting.wakes(), deaf.wakes()), (1, 1));
    assert!(hub.is_closed());
    assert!(hub.try_publish(&Event::text("late")).unwrap_err().is_closed());
    assert_eq!(waiting.ready(), ["retry: 1234"]);
    assert_eq!(deaf.ready(), ["retry: 1234"]);
    assert_eq!(behind.ready(), ["last", "retry: 1234"]);
    assert_eq!(waiting.next(), None);
    // Who comes back too early is served, and sent away again.
    let start = position(&id, 0);
    let mut late = Client::live(hub.subscribe(&after(&start)));
    assert_eq!(late.ready(), ["last", "retry: 1234"]);
    drop([waiting, behind, deaf]);
    assert!((&mut drained).now_or_never().is_none());
    drop(late);
    assert!((&mut drained).now_or_never().is_some());
    assert!(hub.drained().now_or_never().is_some());
}

#[test]
fn whoever_waits_for_the_last_subscriber_is_woken_by_it() {
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
fn with_the_last_handle_the_streams_end() {
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
    assert!(client.ready()[0].starts_with("retry: "));
    assert_eq!(client.next(), None);
    drop(client);
    assert!(drained.now_or_never().is_some());
}

#[test]
fn reconnection_times_and_ages_differ_from_subscriber_to_subscriber() {
    let hub = Hub::new();
    let retries: std::collections::HashSet<_> = (0..50)
        .map(|_| {
            let opening = Client::new(hub.subscribe(&none())).next().unwrap();
            field(&opening, "retry").unwrap().to_owned()
        })
        .collect();
    assert!(retries.len() > 10, "{retries:?}");
}

#[test]
fn what_is_too_old_goes_with_the_next_publish_or_subscription() {
    let hub = Hub::builder().retain_for(Duration::ZERO).build();
    let mut client = Client::live(hub.subscribe(&none()));
    let first = publish(&hub, "1");
    assert_eq!(client.ready(), ["1"]);
    assert_eq!(hub.stats().retained, 1);
    let up_to_date = hub.subscribe(&first.clone().into()).resumption();
    assert_eq!(up_to_date, Resumption::Exact { missed: 0 });
    assert_eq!(hub.stats().retained, 0);
    publish(&hub, "2");
    let gone = hub.subscribe(&first.into()).resumption();
    assert!(matches!(gone, Resumption::Gap { .. }), "{gone:?}");
    // An hour is not over.
    let hub = Hub::builder().retain_for(Duration::from_secs(3_600)).build();
    let first = publish(&hub, "1");
    publish(&hub, "2");
    let kept = hub.subscribe(&first.into()).resumption();
    assert_eq!(kept, Resumption::Exact { missed: 1 });
}

#[test]
fn bytes_are_bounded_with_topics_and_keys_and_the_newest_event_stays() {
    let hub = Hub::builder().retain_bytes(1_000).build();
    let long = "x".repeat(100);
    for n in 0..100 {
        hub.to(&format!("{long}{n}")).key(&long).try_publish(&Event::text(&long)).unwrap();
        let stats = hub.stats();
        assert!(stats.retained_bytes <= 1_000, "{stats:?}");
    }
    assert_eq!(hub.stats().retained, 2);
    let mut client = Client::live(hub.subscribe(&none()));
    let id = publish(&hub, &"x".repeat(5_000));
    assert_eq!((hub.stats().retained, client.ready().len()), (1, 1));
    publish(&hub, "y");
    assert_eq!(hub.stats().retained, 1);
    assert_eq!(hub.subscribe(&id.into()).resumption(), Resumption::Exact { missed: 1 });
}

#[test]
fn the_figures_are_those_of_what_happened() {
    let hub = Hub::builder().retain_events(4).build();
    let mut reading = Client::live(hub.subscribe(&none()));
    let mut stalled = Client::live(hub.subscribe(&none()));
    let mut other = Client::live(hub.subscribe_to(["other"], &none()));
    other.assert_pending();
    stalled.assert_pending();
    for n in 0..10 {
        publish(&hub, &n.to_string());
        assert_eq!(reading.ready(), [n.to_string()]);
    }
    let stats = hub.stats();
    assert_eq!((stats.subscribers, stats.published, stats.retained), (3, 10, 4));
    assert_eq!((stats.delivered, stats.gaps, stats.lag), (10, 0, 10));
    assert_eq!(stalled.ready().len(), 5);
    let stats = hub.stats();
    assert_eq!((stats.delivered, stats.gaps, stats.lag), (14, 1, 0));
    drop((reading, stalled, other));
    let stats = hub.stats();
    assert_eq!((stats.subscribers, stats.delivered), (0, 14));
}

#[test]
fn handles_and_subscribers_go_to_any_thread() {
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

/// What came encoded has an id, or none, as any item has.
#[test]
fn an_event_that_came_encoded_keeps_its_id() {
    let hub = Hub::new();
    let mut encoder = Encoder::new();
    let with_id = encoder.encode_once(&Event::text("a").id("row-7")).unwrap();
    let without = encoder.encode_once(&Event::text("b").no_id()).unwrap();
    assert_eq!(hub.try_publish(&with_id).unwrap(), Some(EventId::from_static("row-7")));
    assert_eq!(hub.try_publish(&without).unwrap(), None);
}
