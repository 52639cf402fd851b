//! One suite for both logs: the rules in memory hold on Redis.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use sse_encoder::{Comment, Event, EventId, LastEventId, ReconnectionTime};
use sse_hub::{Hub, HubBuilder, OnGap, Resumption, Subscriber};
use test_redis::{Node, Server, client::Client, node::STREAM, until};

/// A hub, and the server with its log.
struct Log {
    hub: Hub,
    builder: HubBuilder,
    elsewhere: Option<(Node, Server)>,
}

impl Log {
    fn memory(builder: HubBuilder) -> Option<Self> {
        Some(Self { hub: builder.clone().build(), builder, elsewhere: None })
    }

    async fn redis(builder: HubBuilder) -> Option<Self> {
        let server = Server::start(&[])?;
        let node = Node::live(builder.clone(), &server.url()).await;
        Some(Self { hub: node.hub.clone(), builder, elsewhere: Some((node, server)) })
    }

    /// Waits until the hub has all published events.
    async fn settle(&self, published: u64) {
        until("the events are here", || self.hub.stats().published >= published).await;
    }

    async fn publish(&self, texts: &[&str]) -> Vec<EventId> {
        let before = self.hub.stats().published;
        let mut ids = Vec::new();
        for text in texts {
            ids.push(self.hub.publish(&Event::text(text)).await.unwrap().unwrap());
        }
        self.settle(before + texts.len() as u64).await;
        ids
    }
}

fn none() -> LastEventId {
    LastEventId::none()
}

/// All ready frames except checkpoints: `type data`, or `data` alone.
fn ready(subscriber: &mut Subscriber) -> Vec<String> {
    let mut texts = Vec::new();
    while let Some(Some(frame)) = subscriber.next().now_or_never() {
        let frame = String::from_utf8(frame.into_bytes().to_vec()).unwrap();
        let values = |name: &str| {
            let values = frame.lines().filter_map(|line| line.strip_prefix(name));
            values.collect::<Vec<_>>().join("|")
        };
        match values("event: ").as_str() {
            "checkpoint" => {}
            "gap" => texts.push("gap".into()),
            "message" => texts.push(values("data: ")),
            "" => texts.push(frame.replace('\n', "|")),
            event_type => texts.push(format!("{event_type} {}", values("data: "))),
        }
    }
    texts
}

async fn events_reach_every_subscriber_in_one_order(log: Log) {
    let mut subscribers = [0; 3].map(|_| log.hub.subscribe(&none()));
    let ids = log.publish(&["a", "b", "two\nlines", "", "ö😀"]).await;
    for subscriber in &mut subscribers {
        assert_eq!(ready(subscriber), ["a", "b", "two|lines", "", "ö😀"]);
    }
    let positions: Vec<_> =
        ids.iter().map(|id| test_redis::check::position(id.as_str()).unwrap()).collect();
    assert!(positions.is_sorted_by(|one, two| one < two), "{ids:?}");
    assert_eq!(log.hub.stats().retained, 5);
}

async fn a_client_resumes_after_every_id(log: Log) {
    let opening = log.hub.subscribe(&none()).next().await.unwrap();
    let opening = String::from_utf8(opening.into_bytes().to_vec()).unwrap();
    let start = opening.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let start: LastEventId = EventId::new(start).unwrap().into();
    let texts = ["a", "b", "c", "d"];
    let ids = log.publish(&texts).await;
    assert_eq!(log.hub.subscribe(&start).resumption(), Resumption::Exact { missed: 4 });
    for (n, id) in ids.into_iter().enumerate() {
        let mut subscriber = log.hub.subscribe(&id.into());
        assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 3 - n });
        assert_eq!(ready(&mut subscriber), texts[n + 1..]);
    }
}

async fn several_events_are_published_as_one(log: Log) {
    let before = log.hub.position();
    let publish = async |name: &str| {
        for n in 0..5 {
            let items = (0..10).map(|i| Event::text(format!("{name} {n} {i}")));
            let ids = log.hub.publish_all(items).await.unwrap();
            assert_eq!(ids.len(), 10);
        }
        for n in 0..20 {
            log.hub.publish(&Event::text(format!("{name} alone {n}"))).await.unwrap();
        }
    };
    tokio::join!(publish("a"), publish("b"), publish("c"));
    let ids = log.hub.publish_all(["x", "y"].map(Event::text)).await.unwrap();
    log.settle(3 * 70 + 2).await;
    let all = ready(&mut log.hub.subscribe(&before.into()));
    assert_eq!(all.len(), 3 * 70 + 2);
    let starts =
        all.iter().enumerate().filter(|(_, text)| text.ends_with(" 0") && !text.contains("alone"));
    for (at, first) in starts {
        let name = first.trim_end_matches('0');
        let expected: Vec<_> = (0..10).map(|i| format!("{name}{i}")).collect();
        assert_eq!(all[at..at + 10], expected);
    }
    let x = ids[0].clone().unwrap();
    assert_eq!(ready(&mut log.hub.subscribe(&x.into())), ["y"]);
    let twins = ["row 1", "row 1"].map(|id| Event::text("twin").id(id));
    let refused = log.hub.publish_all(twins).await;
    assert!(refused.is_err_and(|error| error.is_duplicate_id()));
    assert_eq!(log.hub.stats().published, 3 * 70 + 2);
}

async fn the_newest_of_each_key_comes_first_and_then_the_updates(log: Log) {
    let hub = &log.hub;
    let price = async |key: &str, n: u32| {
        hub.to("prices").key(key).publish(&Event::json(n)).await.unwrap();
    };
    for (key, n) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
        price(key, n).await;
    }
    let removed = Event::json("c").event_type(sse_hub::REMOVED);
    hub.to_all(&["prices", "other"]).key("c").publish(&removed).await.unwrap();
    log.settle(5).await;
    let mut subscriber = hub.subscribe_to(["prices"], &none());
    subscriber.begin_with_latest().unwrap();
    assert_eq!(ready(&mut subscriber), ["2", "3"]);
    price("b", 5).await;
    log.settle(6).await;
    assert_eq!(ready(&mut subscriber), ["5"]);
    let history = hub.history(["prices", "other"], &none(), 2);
    assert_eq!(history.len(), 2);
}

async fn an_own_id_is_kept_and_cannot_be_published_twice(log: Log) {
    let row = Event::text("row").id("row 9");
    assert_eq!(log.hub.publish(&row).await.unwrap().unwrap(), "row 9");
    log.settle(1).await;
    assert!(log.hub.publish(&row).await.unwrap_err().is_duplicate_id());
    log.publish(&["after"]).await;
    let mut subscriber = log.hub.subscribe(&EventId::new("row 9").unwrap().into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(ready(&mut subscriber), ["after"]);
    let empty = log.hub.publish(&Event::text("x").id("")).await.unwrap_err();
    assert_eq!(empty.field(), Some("id"));
    assert_eq!(log.hub.stats().published, 2);
}

async fn ids_of_no_event_are_unknown(log: Log) {
    log.publish(&["a", "b"]).await;
    let future = "9".repeat(19) + "-1";
    for id in ["-", "+", "$", "0", "1", "(1-1", "01-1", "1-1", "x", "1-1 ", &future] {
        let mut subscriber = log.hub.subscribe(&EventId::new(id).unwrap().into());
        let resumption = subscriber.resumption();
        assert!(matches!(resumption, Resumption::Unknown { .. }), "{id}: {resumption:?}");
        // On Redis positions ascend: this client may have both.
        let may_have_all = id == future && log.elsewhere.is_some();
        let expected: &[&str] = if may_have_all { &["gap"] } else { &["gap", "a", "b"] };
        assert_eq!(ready(&mut subscriber), expected, "{id}");
    }
}

async fn ephemeral_events_are_not_replayed(log: Log) {
    let mut live = log.hub.subscribe(&none());
    let ids = log.publish(&["a"]).await;
    assert_eq!(log.hub.publish(&Event::text("typing").no_id()).await.unwrap(), None);
    assert_eq!(log.hub.publish(&Comment::new("one\ntwo")).await.unwrap(), None);
    let retry = Event::new().retry(ReconnectionTime::from_millis(7_000).unwrap());
    assert_eq!(log.hub.publish(&retry).await.unwrap(), None);
    log.settle(4).await;
    log.publish(&["b"]).await;
    let expected = ["a", "typing", ": one|: two|", "retry: 7000|", "b"];
    assert_eq!(ready(&mut live), expected);
    let mut later = log.hub.subscribe(&ids[0].clone().into());
    assert_eq!(ready(&mut later), ["b"]);
    assert_eq!(later.resumption(), Resumption::Exact { missed: 1 });
}

async fn events_with_a_topic_reach_only_its_subscribers(log: Log) {
    let subscribe = |topics: &[&str]| log.hub.subscribe_to(topics, &none());
    let mut to = [subscribe(&[""]), subscribe(&["a"]), subscribe(&["b", ""])];
    let mut all = log.hub.subscribe_all(&none());
    for topic in ["a", "", "b", "a\nb"] {
        log.hub.to(topic).publish(&Event::text(format!("to {topic:?}"))).await.unwrap();
    }
    log.settle(4).await;
    assert_eq!(ready(&mut to[0]), ["to \"\""]);
    assert_eq!(ready(&mut to[1]), ["to \"a\""]);
    assert_eq!(ready(&mut to[2]), ["to \"\"", "to \"b\""]);
    assert_eq!(ready(&mut all).len(), 4);
}

async fn a_newer_event_replaces_the_older_one_with_the_same_key(log: Log) {
    let before = log.publish(&["open"]).await.remove(0);
    for price in [1250, 1251, 1249] {
        log.hub.key("ACME").publish(&Event::json(price)).await.unwrap();
    }
    log.hub.to("other").key("ACME").publish(&Event::json(1)).await.unwrap();
    log.settle(5).await;
    let mut subscriber = log.hub.subscribe(&before.into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(ready(&mut subscriber), ["1249"]);
}

async fn types_and_reconnection_times_arrive(log: Log) {
    let mut subscriber = log.hub.subscribe(&none());
    let time = ReconnectionTime::from_millis(1_234).unwrap();
    let event = Event::json([1, 2]).event_type("order").retry(time);
    log.hub.publish(&event).await.unwrap();
    log.hub.publish(&Event::text("no type").no_event_type()).await.unwrap();
    let item: Event = r#"{"type":"item","data":{"a":1},"b":"é\n"}"#.parse().unwrap();
    log.hub.publish(&item).await.unwrap();
    log.settle(3).await;
    let opening = subscriber.next().await.unwrap();
    drop(opening);
    let frame = subscriber.next().await.unwrap();
    let frame = String::from_utf8(frame.into_bytes().to_vec()).unwrap();
    assert!(frame.ends_with("\nevent: order\nretry: 1234\ndata: [1,2]\n\n"), "{frame}");
    let rest = subscriber.next().await.unwrap();
    assert!(rest.as_bytes().ends_with(b"data: no type\n\n"));
    assert_eq!(ready(&mut subscriber), [r#"item {"a":1,"b":"é\n"}"#]);
}

async fn items_that_are_too_large_are_refused(log: Log) {
    let error = log.hub.publish(&Event::text("x".repeat(70_000))).await.unwrap_err();
    assert!(error.encode_error().is_some_and(sse_encoder::Error::is_too_large), "{error:#}");
    log.publish(&[&"x".repeat(60_000)]).await;
    assert_eq!(log.hub.stats().published, 1);
}

async fn an_item_of_no_frame_or_of_two_is_refused(log: Log) {
    let none: Option<Event> = None;
    assert!(log.hub.publish(&none).await.is_err());
    assert!(log.hub.publish(&[Event::text("a"), Event::text("b")]).await.is_err());
    assert_eq!(log.hub.stats().published, 0);
}

async fn missing_more_than_is_retained_is_a_gap(log: Log) {
    let mut stalled = log.hub.subscribe(&none());
    assert!(ready(&mut stalled).is_empty());
    let texts: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let ids = log.publish(&texts).await;
    assert_eq!(log.hub.stats().retained, 8);
    assert_eq!(ready(&mut stalled), [&["gap"], &texts[12..]].concat());
    for (n, id) in ids.into_iter().enumerate() {
        let mut subscriber = log.hub.subscribe(&id.into());
        let is_exact = matches!(subscriber.resumption(), Resumption::Exact { .. });
        assert_eq!(is_exact, n >= 11, "{n}");
        let expected =
            if is_exact { texts[n + 1..].to_vec() } else { [&["gap"], &texts[12..]].concat() };
        assert_eq!(ready(&mut subscriber), expected, "{n}");
    }
}

async fn with_on_gap_newest_only_new_events_follow_a_gap(log: Log) {
    log.publish(&["a", "b"]).await;
    let mut subscriber = log.hub.subscribe(&EventId::from(7).into());
    log.publish(&["c"]).await;
    assert_eq!(ready(&mut subscriber), ["gap", "c"]);
}

async fn the_state_comes_before_the_events_published_while_it_was_loaded(log: Log) {
    log.publish(&["a"]).await;
    let mut subscriber = log.hub.subscribe(&none());
    log.publish(&["b"]).await;
    subscriber.begin_with(&Event::text("state")).unwrap();
    assert_eq!(ready(&mut subscriber), ["state", "b"]);
}

async fn a_closed_hub_refuses_events_and_ends_its_streams(log: Log) {
    let mut subscriber = log.hub.subscribe(&none());
    log.publish(&["a"]).await;
    log.hub.close();
    assert!(log.hub.publish(&Event::text("late")).await.unwrap_err().is_closed());
    let mut client = Client::default();
    assert!(!client.read(&mut subscriber, usize::MAX).await);
    assert_eq!(client.seen.len(), 1);
    drop(subscriber);
    log.hub.drained().await;
}

async fn a_client_resumes_after_a_restart_of_the_hub(log: Log) {
    let ids = log.publish(&["a", "b", "c"]).await;
    let Some((node, server)) = log.elsewhere else { return };
    drop(node);
    let node = Node::live(log.builder, &server.url()).await;
    for (n, id) in ids.into_iter().enumerate() {
        let resumption = node.hub.subscribe(&id.into()).resumption();
        assert_eq!(resumption, Resumption::Exact { missed: 2 - n });
    }
    assert_eq!(server.log(STREAM).await.len(), 3);
}

fn small() -> HubBuilder {
    Hub::builder().retain_events(8)
}

fn newest() -> HubBuilder {
    Hub::builder().on_gap(OnGap::Newest).connection_age(Duration::from_secs(3_600))
}

macro_rules! suite {
    ($($test:ident $(: $builder:expr)?;)*) => {
        mod memory {
            $(
                #[tokio::test]
                async fn $test() {
                    #[allow(unused_mut, unused_assignments)]
                    let mut builder = sse_hub::Hub::builder();
                    $(builder = $builder;)?
                    super::$test(super::Log::memory(builder).unwrap()).await;
                }
            )*
        }

        mod redis {
            $(
                #[tokio::test]
                async fn $test() {
                    #[allow(unused_mut, unused_assignments)]
                    let mut builder = sse_hub::Hub::builder();
                    $(builder = $builder;)?
                    if let Some(log) = super::Log::redis(builder).await {
                        super::$test(log).await;
                    }
                }
            )*
        }
    };
}

suite! {
    events_reach_every_subscriber_in_one_order;
    a_client_resumes_after_every_id;
    several_events_are_published_as_one;
    the_newest_of_each_key_comes_first_and_then_the_updates;
    an_own_id_is_kept_and_cannot_be_published_twice;
    ids_of_no_event_are_unknown;
    ephemeral_events_are_not_replayed;
    events_with_a_topic_reach_only_its_subscribers;
    a_newer_event_replaces_the_older_one_with_the_same_key;
    types_and_reconnection_times_arrive;
    items_that_are_too_large_are_refused;
    an_item_of_no_frame_or_of_two_is_refused;
    missing_more_than_is_retained_is_a_gap: super::small();
    with_on_gap_newest_only_new_events_follow_a_gap: super::newest();
    the_state_comes_before_the_events_published_while_it_was_loaded;
    a_closed_hub_refuses_events_and_ends_its_streams;
    a_client_resumes_after_a_restart_of_the_hub;
}
