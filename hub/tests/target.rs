//! Topics and keys.

mod support;

use sse_encoder::{Event, EventId, LastEventId};
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

#[test]
fn a_topic_that_was_forgotten_has_still_lost_its_events() {
    let hub = Hub::builder().retain_events(1).build();
    let to = |topic: &str| hub.to(topic).try_publish(&Event::text("x")).unwrap().unwrap();
    let (first, _) = (to("a"), to("b"));
    publish(&hub, "y");
    // Other topics may take the places of those that are forgotten.
    let other = hub.subscribe_to(["c"], &none());
    for topic in ["b", "a"] {
        let resumption = hub.subscribe_to([topic], &first.clone().into()).resumption();
        assert!(matches!(resumption, Resumption::Gap { .. }), "{topic}: {resumption:?}");
    }
    drop(other);
}

#[test]
fn replaced_events_take_no_room() {
    let hub = Hub::builder().retain_events(100).build();
    let start = publish(&hub, "start");
    for n in 0..50 {
        publish(&hub, &n.to_string());
    }
    for n in 0..1_000 {
        hub.key("k").try_publish(&Event::json(n)).unwrap();
    }
    assert_eq!(hub.stats().retained, 52);
    let mut client = Client::live(hub.subscribe(&start.into()));
    assert_eq!(client.subscriber.resumption(), Resumption::Exact { missed: 51 });
    assert_eq!(client.ready().len(), 51);
    // Forty-eight more, and then the oldest ones make room.
    for n in 0..60 {
        publish(&hub, &n.to_string());
    }
    assert_eq!(hub.stats().retained, 100);
}

#[test]
fn replaced_events_free_their_bytes() {
    let hub = Hub::builder().retain_bytes(10_000).build();
    let start = publish(&hub, "start");
    for n in 0..1_000 {
        hub.key(&(n % 3).to_string()).try_publish(&Event::text("x".repeat(1_000))).unwrap();
    }
    let stats = hub.stats();
    assert!(stats.retained == 4 && stats.retained_bytes < 4_000, "{stats:?}");
    assert_eq!(hub.subscribe(&start.into()).resumption(), Resumption::Exact { missed: 3 });
}

fn own(hub: &Hub, topic: &str, id: &'static str) -> Result<(), sse_hub::Error> {
    let event = Event::text(format!("{topic}/{id}")).id(EventId::from_static(id));
    hub.to(topic).try_publish(&event).map(drop)
}

#[test]
fn an_id_of_ones_own_is_known_in_its_topic_alone() {
    let hub = Hub::new();
    own(&hub, "user:bob", "invoice-1007").unwrap();
    let resume = |topics: &[&str], id: &str| hub.subscribe_to(topics, &after(id)).resumption();
    // A right guess at another one's id is answered as a wrong one.
    let without_request = |resumption| match resumption {
        Resumption::Unknown { resumed_after, .. } => resumed_after,
        other => panic!("{other:?}"),
    };
    let right = without_request(resume(&["user:mallory"], "invoice-1007"));
    let wrong = without_request(resume(&["user:mallory"], "invoice-1008"));
    assert_eq!(right, wrong);
    let exact = Resumption::Exact { missed: 0 };
    assert_eq!(resume(&["user:bob"], "invoice-1007"), exact);
    assert_eq!(resume(&["user:mallory", "user:bob"], "invoice-1007"), exact);
    assert_eq!(hub.subscribe_all(&after("invoice-1007")).resumption(), exact);
}

#[test]
fn the_same_id_in_two_topics_is_that_of_two_events() {
    let hub = Hub::new();
    own(&hub, "users", "6").unwrap();
    own(&hub, "orders", "7").unwrap();
    own(&hub, "users", "7").unwrap();
    own(&hub, "users", "8").unwrap();
    assert!(own(&hub, "orders", "7").unwrap_err().is_duplicate_id());
    let resume = |topics: &[&str]| hub.subscribe_to(topics, &after("7")).resumption();
    assert_eq!(resume(&["orders"]), Resumption::Exact { missed: 0 });
    assert_eq!(resume(&["users"]), Resumption::Exact { missed: 1 });
    // Which one the client has seen is unknown.
    assert!(matches!(resume(&["orders", "users"]), Resumption::Unknown { .. }));
    let all = hub.subscribe_all(&after("7")).resumption();
    assert!(matches!(all, Resumption::Unknown { .. }));
}

#[test]
fn a_client_resumes_after_a_replaced_event_with_an_id_of_its_own() {
    let hub = Hub::builder().retain_events(4).build();
    let update = |id: &'static str| {
        let event = Event::text(id).id(EventId::from_static(id));
        hub.key("k").try_publish(&event).map(drop)
    };
    update("1").unwrap();
    publish(&hub, "between");
    update("2").unwrap();
    assert!(update("1").unwrap_err().is_duplicate_id());
    let resumption = hub.subscribe(&after("1")).resumption();
    assert_eq!(resumption, Resumption::Exact { missed: 2 });
    // Once a later event is lost, the place is unknown, and the id free.
    (0..4).for_each(|n| _ = publish(&hub, &n.to_string()));
    let resumption = hub.subscribe(&after("1")).resumption();
    assert!(matches!(resumption, Resumption::Unknown { .. }), "{resumption:?}");
    update("1").unwrap();
}

#[test]
fn an_id_of_a_replaced_event_is_known_until_a_later_event_is_lost() {
    let hub = Hub::builder().retain_events(2).build();
    let event = Event::text("1").id(EventId::from_static("row-1"));
    hub.to_all(&["a", "b"]).key("k").try_publish(&event).unwrap();
    hub.to("a").key("k").try_publish(&Event::text("2")).unwrap();
    publish(&hub, "3");
    let resume = |topic| hub.subscribe_to([topic], &after("row-1")).resumption();
    assert_eq!(resume("a"), Resumption::Exact { missed: 1 });
    assert!(matches!(resume("b"), Resumption::Unknown { .. }));
}
