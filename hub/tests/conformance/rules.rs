//! One suite for every log: the same rules in memory, on disk, and on Redis.

use std::time::{Duration, SystemTime};

use futures_util::{
    FutureExt, StreamExt,
    future::{join, join3},
};
use sse_encoder::{Comment, Encoded, Event, EventId, LastEventId, ReconnectionTime};
use sse_hub::{Hub, HubBuilder, OnGap, Reconnect, Resumption, Subscriber};

/// A hub, and where its log is.
pub(crate) trait Log: Sized {
    /// Whether a position that is not known can be beyond one that is.
    const ASCENDS: bool;

    fn hub(&self) -> &Hub;

    /// Whether it is known that no event was before the oldest one.
    async fn knows_its_beginning(&self) -> bool {
        true
    }

    /// Waits until the hub has all published events.
    async fn settle(&self, published: u64);

    /// The log with a new hub; `None` if it ends with its hub.
    async fn restart(self) -> Option<Self>;
}

async fn publish(log: &impl Log, texts: &[&str]) -> Vec<EventId> {
    let before = log.hub().stats().published;
    let mut ids = Vec::new();
    for text in texts {
        ids.push(log.hub().publish(&Event::text(text)).await.unwrap().unwrap());
    }
    log.settle(before + texts.len() as u64).await;
    ids
}

/// The numbers of a position.
fn position(id: &EventId) -> [u64; 2] {
    let mut numbers = id.as_str().split('-').map(|number| number.parse().unwrap());
    [numbers.next().unwrap(), numbers.next().unwrap()]
}

fn none() -> LastEventId {
    LastEventId::none()
}

/// The frame as `type data`, or `data` alone, unless it is a checkpoint.
fn text(frame: &Encoded) -> Option<String> {
    let frame = String::from_utf8_lossy(frame.as_bytes());
    let values = |name: &str| {
        let values = frame.lines().filter_map(|line| line.strip_prefix(name));
        values.collect::<Vec<_>>().join("|")
    };
    Some(match values("event: ").as_str() {
        "checkpoint" => return None,
        "gap" => "gap".into(),
        "message" => values("data: "),
        "" => frame.replace('\n', "|"),
        event_type => format!("{event_type} {}", values("data: ")),
    })
}

/// The [text](text) of all ready frames.
fn ready(subscriber: &mut Subscriber) -> Vec<String> {
    let frames = std::iter::from_fn(|| subscriber.next().now_or_never().flatten());
    frames.filter_map(|frame| text(&frame)).collect()
}

pub(crate) async fn events_reach_every_subscriber_in_one_order(log: impl Log) {
    let mut subscribers = [0; 3].map(|_| log.hub().subscribe(&none()));
    let ids = publish(&log, &["a", "b", "two\nlines", "", "ö😀"]).await;
    for subscriber in &mut subscribers {
        assert_eq!(ready(subscriber), ["a", "b", "two|lines", "", "ö😀"]);
    }
    let positions: Vec<_> = ids.iter().map(position).collect();
    assert!(positions.is_sorted_by(|one, two| one < two), "{ids:?}");
    assert_eq!(log.hub().stats().retained, 5);
}

pub(crate) async fn a_client_resumes_after_every_id(log: impl Log) {
    let opening = log.hub().subscribe(&none()).next().await.unwrap();
    let opening = String::from_utf8(opening.into_bytes().to_vec()).unwrap();
    let start = opening.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let start: LastEventId = EventId::new(start).unwrap().into();
    let texts = ["a", "b", "c", "d"];
    let ids = publish(&log, &texts).await;
    assert_eq!(log.hub().subscribe(&start).resumption(), Resumption::Exact { missed: 4 });
    for (n, id) in ids.into_iter().enumerate() {
        let mut subscriber = log.hub().subscribe(&id.into());
        assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 3 - n });
        assert_eq!(ready(&mut subscriber), texts[n + 1..]);
    }
}

pub(crate) async fn several_events_are_published_as_one(log: impl Log) {
    let before = log.hub().position();
    let publish_some = async |name: &str| {
        for n in 0..5 {
            let items = (0..10).map(|i| Event::text(format!("{name} {n} {i}")));
            let ids = log.hub().publish_all(items).await.unwrap();
            assert_eq!(ids.len(), 10);
        }
        for n in 0..20 {
            log.hub().publish(&Event::text(format!("{name} alone {n}"))).await.unwrap();
        }
    };
    join3(publish_some("a"), publish_some("b"), publish_some("c")).await;
    let ids = log.hub().publish_all(["x", "y"].map(Event::text)).await.unwrap();
    log.settle(3 * 70 + 2).await;
    let all = ready(&mut log.hub().subscribe(&before.into()));
    assert_eq!(all.len(), 3 * 70 + 2);
    let starts =
        all.iter().enumerate().filter(|(_, text)| text.ends_with(" 0") && !text.contains("alone"));
    for (at, first) in starts {
        let name = first.trim_end_matches('0');
        let expected: Vec<_> = (0..10).map(|i| format!("{name}{i}")).collect();
        assert_eq!(all[at..at + 10], expected);
    }
    let x = ids[0].clone().unwrap();
    assert_eq!(ready(&mut log.hub().subscribe(&x.into())), ["y"]);
    let twins = ["row 1", "row 1"].map(|id| Event::text("twin").id(id));
    let refused = log.hub().publish_all(twins).await;
    assert!(refused.is_err_and(|error| error.is_duplicate_id()));
    assert_eq!(log.hub().stats().published, 3 * 70 + 2);
}

pub(crate) async fn the_newest_of_each_key_comes_first_and_then_the_updates(log: impl Log) {
    let price = async |hub: &Hub, key: &str, n: u32| {
        hub.to("prices").key(key).publish(&Event::json(n)).await.unwrap();
    };
    let begin = |hub: &Hub| {
        let mut subscriber = hub.subscribe_to(["prices"], &none());
        subscriber.begin_with_latest().unwrap();
        subscriber
    };
    for (key, n) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
        price(log.hub(), key, n).await;
    }
    let removed = Event::json("c").event_type(sse_hub::REMOVED);
    log.hub().to_all(&["prices", "other"]).key("c").publish(&removed).await.unwrap();
    log.settle(5).await;
    let mut subscriber = begin(log.hub());
    if !log.knows_its_beginning().await {
        // An older event can have been the newest one of another key.
        return assert_eq!(ready(&mut subscriber), ["gap"]);
    }
    assert_eq!(ready(&mut subscriber), ["2", "3"]);
    price(log.hub(), "b", 5).await;
    log.settle(6).await;
    assert_eq!(ready(&mut subscriber), ["5"]);
    assert_eq!(log.hub().history(["prices", "other"], &none(), 2).len(), 2);
    drop(subscriber);
    if let Some(log) = log.restart().await {
        assert_eq!(ready(&mut begin(log.hub())), ["3", "5"]);
    }
}

pub(crate) async fn an_own_id_is_kept_and_cannot_be_published_twice(log: impl Log) {
    let row = Event::text("row").id("row 9");
    assert_eq!(log.hub().publish(&row).await.unwrap().unwrap(), "row 9");
    log.settle(1).await;
    assert!(log.hub().publish(&row).await.unwrap_err().is_duplicate_id());
    publish(&log, &["after"]).await;
    let mut subscriber = log.hub().subscribe(&EventId::new("row 9").unwrap().into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(ready(&mut subscriber), ["after"]);
    let empty = log.hub().publish(&Event::text("x").id("")).await.unwrap_err();
    assert_eq!(empty.field(), Some("id"));
    assert_eq!(log.hub().stats().published, 2);
}

pub(crate) async fn ids_of_no_event_are_unknown<L: Log>(log: L) {
    publish(&log, &["a", "b"]).await;
    let future = "9".repeat(19) + "-1";
    for id in ["-", "+", "$", "0", "1", "(1-1", "01-1", "1-1", "x", "1-1 ", &future] {
        let mut subscriber = log.hub().subscribe(&EventId::new(id).unwrap().into());
        let resumption = subscriber.resumption();
        assert!(matches!(resumption, Resumption::Unknown { .. }), "{id}: {resumption:?}");
        // Where positions ascend, this client may have both.
        let may_have_all = id == future && L::ASCENDS;
        let expected: &[&str] = if may_have_all { &["gap"] } else { &["gap", "a", "b"] };
        assert_eq!(ready(&mut subscriber), expected, "{id}");
    }
}

pub(crate) async fn ephemeral_events_are_not_replayed(log: impl Log) {
    let mut live = log.hub().subscribe(&none());
    let ids = publish(&log, &["a"]).await;
    assert_eq!(log.hub().publish(&Event::text("typing").no_id()).await.unwrap(), None);
    assert_eq!(log.hub().publish(&Comment::new("one\ntwo")).await.unwrap(), None);
    let retry = Event::new().retry(ReconnectionTime::from_millis(7_000).unwrap());
    assert_eq!(log.hub().publish(&retry).await.unwrap(), None);
    log.settle(4).await;
    publish(&log, &["b"]).await;
    let expected = ["a", "typing", ": one|: two|", "retry: 7000|", "b"];
    assert_eq!(ready(&mut live), expected);
    let mut later = log.hub().subscribe(&ids[0].clone().into());
    assert_eq!(ready(&mut later), ["b"]);
    assert_eq!(later.resumption(), Resumption::Exact { missed: 1 });
}

pub(crate) async fn events_with_a_topic_reach_only_its_subscribers(log: impl Log) {
    let subscribe = |topics: &[&str]| log.hub().subscribe_to(topics, &none());
    let mut to = [subscribe(&[""]), subscribe(&["a"]), subscribe(&["b", ""])];
    let mut all = log.hub().subscribe_all(&none());
    for topic in ["a", "", "b", "a\nb"] {
        log.hub().to(topic).publish(&Event::text(format!("to {topic:?}"))).await.unwrap();
    }
    log.settle(4).await;
    assert_eq!(ready(&mut to[0]), ["to \"\""]);
    assert_eq!(ready(&mut to[1]), ["to \"a\""]);
    assert_eq!(ready(&mut to[2]), ["to \"\"", "to \"b\""]);
    assert_eq!(ready(&mut all).len(), 4);
}

pub(crate) async fn a_newer_event_replaces_the_older_one_with_the_same_key(log: impl Log) {
    let before = publish(&log, &["open"]).await.remove(0);
    for price in [1250, 1251, 1249] {
        log.hub().key("ACME").publish(&Event::json(price)).await.unwrap();
    }
    log.hub().to("other").key("ACME").publish(&Event::json(1)).await.unwrap();
    log.settle(5).await;
    let mut subscriber = log.hub().subscribe(&before.into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(ready(&mut subscriber), ["1249"]);
}

pub(crate) async fn types_and_reconnection_times_arrive(log: impl Log) {
    let mut subscriber = log.hub().subscribe(&none());
    let time = ReconnectionTime::from_millis(1_234).unwrap();
    let event = Event::json([1, 2]).event_type("order").retry(time);
    log.hub().publish(&event).await.unwrap();
    log.hub().publish(&Event::text("no type").no_event_type()).await.unwrap();
    let item: Event = r#"{"type":"item","data":{"a":1},"b":"é\n"}"#.parse().unwrap();
    log.hub().publish(&item).await.unwrap();
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

pub(crate) async fn items_that_are_too_large_are_refused(log: impl Log) {
    let error = log.hub().publish(&Event::text("x".repeat(70_000))).await.unwrap_err();
    assert!(error.encode_error().is_some_and(sse_encoder::Error::is_too_large), "{error:#}");
    publish(&log, &[&"x".repeat(60_000)]).await;
    assert_eq!(log.hub().stats().published, 1);
}

pub(crate) async fn an_item_of_no_frame_or_of_two_is_refused(log: impl Log) {
    let none: Option<Event> = None;
    assert!(log.hub().publish(&none).await.is_err());
    assert!(log.hub().publish(&[Event::text("a"), Event::text("b")]).await.is_err());
    assert_eq!(log.hub().stats().published, 0);
}

pub(crate) async fn missing_more_than_is_retained_is_a_gap(log: impl Log) {
    let mut stalled = log.hub().subscribe(&none());
    assert!(ready(&mut stalled).is_empty());
    let texts: Vec<_> = (0..20).map(|n| n.to_string()).collect();
    let texts: Vec<_> = texts.iter().map(String::as_str).collect();
    let ids = publish(&log, &texts).await;
    assert_eq!(log.hub().stats().retained, 8);
    assert_eq!(ready(&mut stalled), [&["gap"], &texts[12..]].concat());
    for (n, id) in ids.into_iter().enumerate() {
        let mut subscriber = log.hub().subscribe(&id.into());
        let is_exact = matches!(subscriber.resumption(), Resumption::Exact { .. });
        assert_eq!(is_exact, n >= 11, "{n}");
        let expected =
            if is_exact { texts[n + 1..].to_vec() } else { [&["gap"], &texts[12..]].concat() };
        assert_eq!(ready(&mut subscriber), expected, "{n}");
    }
}

pub(crate) async fn with_on_gap_newest_only_new_events_follow_a_gap(log: impl Log) {
    publish(&log, &["a", "b"]).await;
    let mut subscriber = log.hub().subscribe(&EventId::from(7).into());
    publish(&log, &["c"]).await;
    assert_eq!(ready(&mut subscriber), ["gap", "c"]);
}

pub(crate) async fn the_state_comes_before_the_events_published_while_it_was_loaded(log: impl Log) {
    publish(&log, &["a"]).await;
    let mut subscriber = log.hub().subscribe(&none());
    publish(&log, &["b"]).await;
    subscriber.begin_with(&Event::text("state")).unwrap();
    assert_eq!(ready(&mut subscriber), ["state", "b"]);
}

pub(crate) async fn events_of_several_topics_and_keys_are_published_as_one(log: impl Log) {
    let hub = log.hub();
    let mut all = hub.subscribe_all(&none());
    let mut two = hub.subscribe_to(["b"], &none());
    let before = hub.position();
    let item = |n: usize| Event::text(n.to_string());
    let ids = hub
        .publish_each_to([
            (hub.to("a").key("k"), item(0)),
            (hub.to_all(&["a", "b"]), item(1)),
            (hub.to("b").key("k"), item(2)),
            (hub.to("a").key("k"), item(3)),
        ])
        .await
        .unwrap();
    log.settle(4).await;
    assert_eq!(ids.len(), 4);
    assert_eq!(ids[3], Some(hub.position()));
    // The first one was replaced in its topic, and not by the one in the other topic.
    assert_eq!(ready(&mut all), ["1", "2", "3"]);
    assert_eq!(ready(&mut two), ["1", "2"]);
    let mut later = hub.subscribe_to(["a"], &before.into());
    assert_eq!(ready(&mut later), ["1", "3"]);
    // All or none.
    let items = [(hub.to("a"), item(4)), (hub.to("b"), item(5).id("two\nlines"))];
    assert!(hub.publish_each_to(items).await.unwrap_err().is_encode());
    let twins = ["a", "b"].map(|topic| (hub.to(topic), item(6).id("row-1")));
    assert!(hub.publish_each_to(twins).await.unwrap_err().is_duplicate_id());
    assert_eq!(hub.stats().published, 4);
}

pub(crate) async fn a_publisher_that_waits_loses_no_reader(log: impl Log) {
    const EVENTS: usize = 3_000;
    let hub = log.hub();
    let mut stalled = hub.subscribe(&none());
    let mut reading = hub.subscribe(&none());
    let texts: Vec<_> = (0..EVENTS).map(|n| n.to_string()).collect();
    let (first, rest) = texts.split_at(20);
    publish(&log, &first.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let mut read = ready(&mut reading);
    assert!(hub.caught_up(10).now_or_never().is_none());
    // In vain: from now on, nobody waits for the stalled one.
    assert!(hub.caught_up(10).now_or_never().is_some());
    let publishing = async {
        for next in rest {
            let id = hub.publish(&Event::text(next)).await.unwrap().unwrap();
            assert!(hub.wait_for(&id.into()).await);
            hub.caught_up(512).await;
        }
    };
    let reader = async {
        while read.len() < EVENTS {
            read.extend(text(&reading.next().await.unwrap()));
        }
    };
    join(publishing, reader).await;
    assert_eq!(read, texts);
    assert_eq!(hub.stats().gaps, 0);
    assert_eq!(ready(&mut stalled)[0], "gap");
}

pub(crate) async fn a_closed_hub_refuses_events_and_ends_its_streams(log: impl Log) {
    let mut subscriber = log.hub().subscribe(&none());
    publish(&log, &["a"]).await;
    log.hub().close();
    assert!(log.hub().publish(&Event::text("late")).await.unwrap_err().is_closed());
    assert_eq!(ready(&mut subscriber), ["a"]);
    assert!(subscriber.next().await.is_none());
    drop(subscriber);
    log.hub().drained().await;
}

pub(crate) async fn a_client_resumes_after_a_restart_of_the_hub(log: impl Log) {
    let ids = publish(&log, &["a", "b", "c"]).await;
    let Some(log) = log.restart().await else { return };
    for (n, id) in ids.into_iter().enumerate() {
        let resumption = log.hub().subscribe(&id.into()).resumption();
        assert_eq!(resumption, Resumption::Exact { missed: 2 - n });
    }
    assert_eq!(log.hub().stats().retained, 3);
}

pub(crate) async fn an_owner_s_streams_end_at_once_and_all_others_go_on(log: impl Log) {
    let authorized_at = SystemTime::now();
    let subscribe = |owners: &[&str]| {
        let subscriber = log.hub().subscribe(&none());
        owners.iter().fold(subscriber, |subscriber, owner| subscriber.owner(owner, authorized_at))
    };
    let mut ended = [&["user:7"][..], &["tenant:3", "user:7"]].map(subscribe);
    let mut others = [&[][..], &["user:8"], &["user:70"], &["tenant:3"]].map(subscribe);
    for subscriber in ended.iter_mut().chain(&mut others) {
        assert_eq!(ready(subscriber), [""; 0]);
    }
    assert_eq!(log.hub().end_owner("user:7", Reconnect::Never).await.unwrap(), 2);
    publish(&log, &["a"]).await;
    for subscriber in &mut ended {
        assert_eq!(subscriber.ended(), Some(Reconnect::Never));
        assert!(subscriber.next().await.is_none());
    }
    for subscriber in &mut others {
        assert_eq!(subscriber.ended(), None);
        assert_eq!(ready(subscriber), ["a"]);
    }
    assert_eq!(log.hub().end_owner("user:7", Reconnect::Never).await.unwrap(), 0);
}

pub(crate) async fn an_authorization_from_before_the_end_is_not_good_after_it(log: impl Log) {
    let [before] = publish(&log, &["a"]).await.try_into().unwrap();
    publish(&log, &["b"]).await;
    let last: LastEventId = before.into();
    let subscribe = |authorized_at| log.hub().subscribe(&last).owner("user:7", authorized_at);
    let early = SystemTime::now();
    assert_eq!(log.hub().end_owner("user:7", Reconnect::Never).await.unwrap(), 0);
    let mut late = subscribe(early);
    assert_eq!(late.ended(), Some(Reconnect::Never));
    assert!(late.next().await.is_none());
    // A new login.
    let mut again = subscribe(later_than(SystemTime::now()));
    assert_eq!(again.ended(), None);
    assert_eq!(ready(&mut again), ["b"]);
    // The record of the end is no event, and arrives without harm.
    publish(&log, &["c"]).await;
    assert_eq!(ready(&mut again), ["c"]);
    let missed = log.hub().subscribe(&last).resumption();
    assert_eq!(missed, Resumption::Exact { missed: 2 });
}

pub(crate) async fn a_topic_s_streams_end_and_no_authorization_from_before_is_good_for_it(
    log: impl Log,
) {
    let authorized_at = SystemTime::now();
    let mut streams = [&["room:7"][..], &["news", "room:7"]]
        .map(|topics| log.hub().subscribe_to(topics.iter().copied(), &none()));
    let mut others = [&["room:70"][..], &["news"]]
        .map(|topics| log.hub().subscribe_to(topics.iter().copied(), &none()));
    let time = ReconnectionTime::from_millis(77_000).unwrap();
    let reconnect = Reconnect::After(time);
    assert_eq!(log.hub().end_topic("room:7", reconnect).await.unwrap(), 2);
    for subscriber in &mut streams {
        assert_eq!(subscriber.ended(), Some(reconnect));
        let last = subscriber.next().await.unwrap().into_bytes();
        assert_eq!(
            last,
            "event: checkpoint
retry: 77000
data: {}

"
        );
        assert!(subscriber.next().await.is_none());
    }
    assert!(others.iter_mut().all(|other| other.ended().is_none() && ready(other).is_empty()));
    let late = log.hub().subscribe_to(["a", "room:7"], &none()).owner("user:7", authorized_at);
    assert_eq!(late.ended(), Some(reconnect));
    let owned = log.hub().subscribe_to(["a"], &none()).owner("user:7", authorized_at);
    assert_eq!(owned.ended(), None);
}

pub(crate) async fn an_end_survives_a_restart_of_the_hub(log: impl Log) {
    let ids = publish(&log, &["a", "b"]).await;
    let before = SystemTime::now();
    log.hub().end_owner("user:7", Reconnect::Never).await.unwrap();
    log.hub().end_topic("room:7", Reconnect::Soon).await.unwrap();
    let after = later_than(SystemTime::now());
    let Some(log) = log.restart().await else { return };
    let hub = log.hub();
    for (owner, topic, authorized_at, expected) in [
        ("user:7", "", before, Some(Reconnect::Never)),
        ("user:7", "", after, None),
        ("user:8", "", before, None),
        ("user:8", "room:7", before, Some(Reconnect::Soon)),
        ("user:8", "room:7", after, None),
    ] {
        let mut subscriber = hub.subscribe_to([topic], &none()).owner(owner, authorized_at);
        assert_eq!(subscriber.ended(), expected, "{owner} {topic}");
        assert_eq!(ready(&mut subscriber), [""; 0]);
    }
    let missed = hub.subscribe(&ids[0].clone().into()).resumption();
    assert_eq!(missed, Resumption::Exact { missed: 1 });
    assert_eq!(hub.stats().rejected, 0);
}

/// The clock may be coarse.
fn later_than(time: SystemTime) -> SystemTime {
    while SystemTime::now() < time + Duration::from_millis(5) {
        std::thread::yield_now();
    }
    SystemTime::now()
}

pub(crate) fn small() -> HubBuilder {
    Hub::builder().retain_events(8)
}

pub(crate) fn newest() -> HubBuilder {
    Hub::builder().on_gap(OnGap::Newest).connection_age(Duration::from_secs(3_600))
}

pub(crate) fn default() -> HubBuilder {
    Hub::builder()
}

/// Calls a macro with all rules, and the settings of each.
macro_rules! each_rule {
    ($tests:ident) => {
        $tests! {
            events_reach_every_subscriber_in_one_order: default;
            a_client_resumes_after_every_id: default;
            several_events_are_published_as_one: default;
            the_newest_of_each_key_comes_first_and_then_the_updates: default;
            an_own_id_is_kept_and_cannot_be_published_twice: default;
            ids_of_no_event_are_unknown: default;
            ephemeral_events_are_not_replayed: default;
            events_with_a_topic_reach_only_its_subscribers: default;
            a_newer_event_replaces_the_older_one_with_the_same_key: default;
            types_and_reconnection_times_arrive: default;
            items_that_are_too_large_are_refused: default;
            an_item_of_no_frame_or_of_two_is_refused: default;
            missing_more_than_is_retained_is_a_gap: small;
            with_on_gap_newest_only_new_events_follow_a_gap: newest;
            the_state_comes_before_the_events_published_while_it_was_loaded: default;
            events_of_several_topics_and_keys_are_published_as_one: default;
            a_publisher_that_waits_loses_no_reader: default;
            a_closed_hub_refuses_events_and_ends_its_streams: default;
            a_client_resumes_after_a_restart_of_the_hub: default;
            an_owner_s_streams_end_at_once_and_all_others_go_on: default;
            an_authorization_from_before_the_end_is_not_good_after_it: default;
            a_topic_s_streams_end_and_no_authorization_from_before_is_good_for_it: default;
            an_end_survives_a_restart_of_the_hub: default;
        }
    };
}
pub(crate) use each_rule;
