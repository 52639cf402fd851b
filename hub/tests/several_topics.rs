//! One event in several topics.

mod support;

use sse_encoder::{Event, EventId};
use sse_hub::{Hub, Resumption};
use support::{Client, none};

fn publish(hub: &Hub, topics: &[&str], text: &str) -> EventId {
    hub.to_all(topics).try_publish(&Event::text(text)).unwrap().unwrap()
}

#[test]
fn a_subscriber_of_two_of_them_gets_it_once_after_one_wake() {
    let hub = Hub::new();
    let mut both = Client::live(hub.subscribe_to(["a", "b"], &none()));
    both.assert_pending();
    let id = publish(&hub, &["a", "b", "c"], "one");
    assert_eq!(both.wakes(), 1);
    assert_eq!(both.next().unwrap(), format!("id: {id}\nevent: message\ndata: one\n\n"));
    both.assert_pending();
}

#[test]
fn a_subscriber_of_any_of_them_gets_it_and_no_other() {
    let hub = Hub::new();
    let mut a = Client::live(hub.subscribe_to(["a"], &none()));
    let mut b = Client::live(hub.subscribe_to(["b"], &none()));
    let mut other = Client::live(hub.subscribe_to(["c", ""], &none()));
    let mut all = Client::live(hub.subscribe_all(&none()));
    publish(&hub, &["a", "b"], "one");
    for client in [&mut a, &mut b, &mut all] {
        assert_eq!(client.ready(), ["one"]);
    }
    assert_eq!(other.ready(), [""; 0]);
    assert_eq!(hub.stats().published, 1);
}

#[test]
fn it_is_replayed_once() {
    let hub = Hub::new();
    let before = hub.position();
    publish(&hub, &["a", "b"], "one");
    publish(&hub, &["b"], "two");
    publish(&hub, &["b", "a"], "three");
    let subscriber = hub.subscribe_to(["b", "a"], &before.clone().into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 3 });
    assert_eq!(Client::live(subscriber).ready(), ["one", "two", "three"]);
    let subscriber = hub.subscribe_to(["a"], &before.into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 2 });
    assert_eq!(Client::live(subscriber).ready(), ["one", "three"]);
}

#[test]
fn a_topic_that_is_named_twice_counts_once_and_none_is_the_untitled_one() {
    let hub = Hub::new();
    let before = hub.position();
    publish(&hub, &["a", "a"], "one");
    publish(&hub, &[], "two");
    for (topic, text) in [("a", "one"), ("", "two")] {
        let subscriber = hub.subscribe_to([topic], &before.clone().into());
        assert_eq!(Client::live(subscriber).ready(), [text]);
    }
}

#[test]
fn it_falls_out_of_all_of_them_at_once() {
    let hub = Hub::builder().retain_events(1).build();
    let before = hub.position();
    publish(&hub, &["a", "b"], "one");
    publish(&hub, &["c"], "two");
    for topic in ["a", "b"] {
        let subscriber = hub.subscribe_to([topic], &before.clone().into());
        assert!(matches!(subscriber.resumption(), Resumption::Gap { .. }), "{topic}");
    }
}

#[test]
fn a_key_is_one_in_each_topic() {
    let hub = Hub::new();
    let before = hub.position();
    let key = |topics: &[&str], n: u32| {
        hub.to_all(topics).key("k").try_publish(&Event::json(n)).unwrap();
    };
    key(&["a", "b"], 1);
    key(&["a"], 2);
    for (topic, newest) in [("a", "2"), ("b", "1")] {
        let subscriber = hub.subscribe_to([topic], &before.clone().into());
        assert_eq!(Client::live(subscriber).ready(), [newest]);
    }
}
