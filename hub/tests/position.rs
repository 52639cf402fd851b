//! The position: from where to subscribe after a state was loaded.

mod support;

use sse_encoder::Event;
use sse_hub::{Hub, Resumption};
use support::{Client, publish};

#[test]
fn an_empty_log_has_a_position_after_which_nothing_is_lost() {
    let hub = Hub::new();
    let position = hub.position();
    publish(&hub, "one");
    publish(&hub, "two");
    let subscriber = hub.subscribe(&position.clone().into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 2 });
    let mut client = Client::new(subscriber);
    let checkpoint = client.next().unwrap();
    assert!(checkpoint.starts_with(&format!("id: {position}\n")), "{checkpoint}");
    assert_eq!(client.ready(), ["one", "two"]);
}

#[test]
fn the_position_is_after_the_newest_event_also_an_ephemeral_one() {
    let hub = Hub::new();
    let id = publish(&hub, "one");
    assert_eq!(hub.position(), id);
    hub.try_publish(&Event::text("typing").no_id()).unwrap();
    let subscriber = hub.subscribe(&hub.position().into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 0 });
    publish(&hub, "two");
    assert_eq!(Client::live(subscriber).ready(), ["two"]);
}

#[test]
fn a_position_is_good_for_any_topic() {
    let hub = Hub::new();
    hub.to("b").try_publish(&Event::text("before")).unwrap();
    let position = hub.position();
    for topic in ["a", "b"] {
        hub.to(topic).try_publish(&Event::text(topic)).unwrap();
    }
    let subscriber = hub.subscribe_to(["a", "b"], &position.into());
    assert_eq!(Client::live(subscriber).ready(), ["a", "b"]);
}

#[test]
fn a_position_that_is_too_old_is_a_gap() {
    let hub = Hub::builder().retain_events(2).build();
    let position = hub.position();
    (0..3).for_each(|n| _ = publish(&hub, &n.to_string()));
    let subscriber = hub.subscribe(&position.into());
    assert!(matches!(subscriber.resumption(), Resumption::Gap { .. }));
}
