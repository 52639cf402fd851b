//! Topics and keys.

mod support;

use sse_encoder::{Event, LastEventId};
use sse_hub::{Hub, Resumption};
use support::{Client, after, none, position, publish};

#[test]
fn events_with_a_topic_reach_only_its_subscribers_live_or_replayed() {
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
fn publishing_to_one_user_wakes_only_that_user() {
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
fn a_newer_event_replaces_the_older_one_with_the_same_key() {
    let hub = Hub::new();
    let start = publish(&hub, "start");
    let mut stalled = Client::live(hub.subscribe_to(["", "b"], &none()));
    let ids: Vec<_> =
        (1..=3).map(|n| hub.key("ACME").try_publish(&Event::json(n)).unwrap().unwrap()).collect();
    hub.to("b").key("ACME").try_publish(&Event::text("another topic")).unwrap();
    hub.key("OTHER").try_publish(&Event::text("another key")).unwrap();
    hub.key("ACME").try_publish(&Event::text("gone").no_id()).unwrap();
    // An ephemeral event does not replace a retained one: an absent client would get neither.
    assert_eq!(stalled.ready(), ["3", "another topic", "another key", "gone"]);
    assert_eq!(Client::live(hub.subscribe(&start.into())).ready(), ["3", "another key"]);
    // The places stay.
    for (n, id) in ids.into_iter().enumerate() {
        let expected: &[&str] = if n < 2 { &["3", "another key"] } else { &["another key"] };
        let subscriber = hub.subscribe(&id.into());
        assert_eq!(subscriber.resumption(), Resumption::Exact { missed: expected.len() });
        assert_eq!(Client::live(subscriber).ready(), expected);
    }
    assert_eq!(hub.stats().retained, 4);
}

#[test]
fn evicting_a_replaced_event_causes_no_gap() {
    let hub = Hub::builder().retain_events(3).build();
    let mut stalled = Client::live(hub.subscribe(&none()));
    for n in 0..20 {
        hub.key("k").try_publish(&Event::json(n)).unwrap();
    }
    assert_eq!(stalled.ready(), ["19"]);
    // Evicting the last event of a key does cause one.
    for n in 0..3 {
        hub.try_publish(&Event::json(n)).unwrap();
    }
    let mut late = Client::new(hub.subscribe(&after(&position(&publish(&hub, "x"), 1))));
    assert_eq!(late.ready(), ["checkpoint", "gap", "1", "2", "x"]);
}

#[test]
fn events_evicted_from_a_topic_cause_a_gap_only_there() {
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
