//! Subscriptions that begin with the newest event of each key.

mod support;

use std::{collections::BTreeMap, task::Poll, time::Duration};

use proptest::prelude::*;
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, REMOVED, Resumption, Subscriber};
use support::{Client, after, field, none, publish, short};

fn set(hub: &Hub, key: &str, value: u32) -> EventId {
    hub.to("prices").key(key).try_publish(&Event::json(value)).unwrap().unwrap()
}

fn remove(hub: &Hub, key: &str) {
    let event = Event::text(key).event_type(REMOVED);
    hub.to("prices").key(key).try_publish(&event).unwrap();
}

fn latest(mut subscriber: Subscriber) -> Client {
    subscriber.begin_with_latest().unwrap();
    Client::live(subscriber)
}

fn prices(hub: &Hub, last: &LastEventId) -> Client {
    latest(hub.subscribe_to(["prices"], last))
}

#[test]
fn a_new_client_gets_the_newest_event_of_each_key_and_then_the_updates() {
    let hub = Hub::new();
    set(&hub, "a", 1);
    let b = set(&hub, "b", 2);
    let a = set(&hub, "a", 3);
    let mut subscriber = hub.subscribe_to(["prices"], &none());
    subscriber.begin_with_latest().unwrap();
    let mut client = Client::new(subscriber);
    set(&hub, "b", 4);
    set(&hub, "c", 5);
    let opening = client.next().unwrap();
    assert!(!opening.contains("id: "), "{opening}");
    assert_eq!(client.next().unwrap(), format!("id: {a}\nevent: message\ndata: 3\n\n"));
    let end = client.next().unwrap();
    assert_eq!((field(&end, "event"), field(&end, "id")), (Some("checkpoint"), Some(a.as_str())));
    assert_eq!(client.ready(), ["4", "5"], "after the state, as {b} has been replaced meanwhile");
}

#[test]
fn the_checkpoint_after_the_state_is_the_position_at_which_it_was_taken() {
    let hub = Hub::new();
    set(&hub, "a", 1);
    let other = publish(&hub, "of another topic");
    let mut client = prices(&hub, &none());
    assert_eq!(client.ready(), ["1", "checkpoint"]);
    let subscriber = hub.subscribe_to(["prices"], &other.into());
    assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 0 });
    // An empty state has one, too.
    let mut client = Client::new(hub.subscribe_to(["nothing"], &none()));
    client.subscriber.begin_with_latest().unwrap();
    assert!(!client.next().unwrap().contains("id: "));
    assert!(client.next().unwrap().starts_with("id: "));
    client.assert_pending();
}

#[test]
fn a_client_that_resumes_exactly_gets_what_it_has_missed_and_nothing_twice() {
    let hub = Hub::new();
    set(&hub, "a", 1);
    let seen = set(&hub, "b", 2);
    set(&hub, "c", 3);
    let mut client = prices(&hub, &seen.into());
    assert_eq!(client.ready(), ["3"]);
}

#[test]
fn a_client_that_returns_too_late_gets_the_state_in_place_of_a_gap() {
    let hub = Hub::builder().retain_events(2).retain_keys(10).build();
    let seen = set(&hub, "a", 1);
    (2..9).for_each(|n| _ = set(&hub, &format!("k{n}"), n));
    let subscriber = hub.subscribe_to(["prices"], &seen.into());
    assert!(matches!(subscriber.resumption(), Resumption::Gap { .. }));
    let all = ["1", "2", "3", "4", "5", "6", "7", "8", "checkpoint"];
    assert_eq!(latest(subscriber).ready(), all);
}

#[test]
fn a_client_that_is_cut_off_within_the_state_misses_nothing() {
    for retained in [2, 100] {
        let hub = Hub::builder().retain_events(retained).retain_keys(100).build();
        (0..6).for_each(|n| _ = set(&hub, &format!("k{n}"), n));
        for cut in 1..=6 {
            let mut client = prices(&hub, &none());
            let frames: Vec<_> = (0..cut).map(|_| client.next().unwrap()).collect();
            let last = field(frames.last().unwrap(), "id").unwrap().to_owned();
            let mut seen: Vec<_> = frames.iter().map(|frame| short(frame)).collect();
            drop(client);
            let mut client = prices(&hub, &after(&last));
            seen.extend(client.ready().into_iter().filter(|text| text != "checkpoint"));
            let whole: Vec<_> = (0..6).map(|n| n.to_string()).collect();
            // If the position is retained no more, the state begins anew.
            assert!(seen == whole || retained == 2 && seen[cut..] == whole, "{cut}: {seen:?}");
        }
    }
}

#[test]
fn a_removed_key_is_no_part_of_the_state() {
    let hub = Hub::new();
    set(&hub, "a", 1);
    let mut live = prices(&hub, &none());
    assert_eq!(live.ready(), ["1", "checkpoint"]);
    remove(&hub, "a");
    set(&hub, "b", 2);
    assert_eq!(live.ready(), ["removed", "2"]);
    assert_eq!(prices(&hub, &none()).ready(), ["2", "checkpoint"]);
    set(&hub, "a", 3);
    assert_eq!(prices(&hub, &none()).ready(), ["2", "3", "checkpoint"]);
}

#[test]
fn events_without_a_key_and_ephemeral_ones_are_no_part_of_the_state() {
    let hub = Hub::new();
    set(&hub, "a", 1);
    hub.to("prices").try_publish(&Event::text("no key")).unwrap();
    hub.to("prices").key("b").try_publish(&Event::text("typing").no_id()).unwrap();
    assert_eq!(prices(&hub, &none()).ready(), ["1", "checkpoint"]);
}

#[test]
fn each_of_several_topics_has_its_keys_and_an_event_of_two_comes_once() {
    let hub = Hub::new();
    let key = |topics: &[&str], n: u32| {
        hub.to_all(topics).key("k").try_publish(&Event::json(n)).unwrap();
    };
    key(&["a", "b"], 1);
    key(&["a"], 2);
    key(&["c"], 3);
    let both = latest(hub.subscribe_to(["a", "b"], &none())).ready();
    assert_eq!(both, ["1", "2", "checkpoint"]);
    key(&["a", "b"], 4);
    let both = latest(hub.subscribe_to(["a", "b"], &none())).ready();
    assert_eq!(both, ["4", "checkpoint"]);
    let all = latest(hub.subscribe_all(&none())).ready();
    assert_eq!(all, ["3", "4", "checkpoint"]);
}

#[test]
fn more_keys_than_are_kept_are_a_gap_and_no_part() {
    let hub = Hub::builder().retain_keys(3).build();
    (0..3).for_each(|n| _ = set(&hub, &format!("k{n}"), n));
    hub.to("small").key("k").try_publish(&Event::json(9)).unwrap();
    let mut subscriber = hub.subscribe_to(["prices"], &none());
    assert_eq!(subscriber.resumption(), Resumption::Fresh);
    subscriber.begin_with_latest().unwrap();
    assert!(matches!(subscriber.resumption(), Resumption::Unknown { requested: None, .. }));
    let mut client = Client::new(subscriber);
    assert!(!client.next().unwrap().contains("id: "));
    assert_eq!(client.ready(), ["gap"]);
    set(&hub, "k9", 9);
    assert_eq!(client.ready(), ["9"]);
    assert_eq!(hub.stats().gaps, 1);
    // The other topic lacks nothing.
    assert_eq!(latest(hub.subscribe_to(["small"], &none())).ready(), ["9", "checkpoint"]);
    assert_eq!(latest(hub.subscribe_all(&none())).ready(), ["gap"]);
}

#[test]
fn a_key_that_is_dropped_while_the_state_is_sent_is_a_gap() {
    let hub = Hub::builder().retain_keys(3).build();
    (0..3).for_each(|n| _ = set(&hub, &format!("k{n}"), n));
    let mut client = prices(&hub, &none());
    assert_eq!(short(&client.next().unwrap()), "0");
    set(&hub, "k3", 3);
    assert_eq!(client.ready(), ["gap", "3"]);
}

#[test]
fn expired_keys_are_no_part_of_the_state() {
    let hub = Hub::builder().retain_for(Duration::from_nanos(1)).build();
    set(&hub, "a", 1);
    assert_eq!(prices(&hub, &none()).ready(), ["checkpoint"]);
    assert_eq!(hub.stats().gaps, 0);
}

#[test]
fn a_state_begins_before_the_first_poll() {
    let hub = Hub::new();
    let mut client = Client::live(hub.subscribe(&none()));
    assert!(client.subscriber.begin_with_latest().unwrap_err().is_already_polled());
}

#[test]
fn what_a_slow_client_has_lost_after_the_state_is_a_gap() {
    let hub = Hub::builder().retain_events(2).retain_keys(100).build();
    set(&hub, "a", 0);
    let mut client = prices(&hub, &none());
    (1..9).for_each(|n| _ = set(&hub, &format!("k{n}"), n));
    // The position has no id: it is before a loss.
    assert_eq!(client.ready(), ["0", "gap", "7", "8"]);
}

#[derive(Clone, Debug)]
enum Step {
    Set(u8),
    Remove(u8),
    Other,
    Read(u8),
    /// The client is cut off, and comes back after the last id that it has.
    Cut,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0..12_u8).prop_map(Step::Set),
        1 => (0..12_u8).prop_map(Step::Remove),
        1 => Just(Step::Other),
        3 => (1..6_u8).prop_map(Step::Read),
        1 => Just(Step::Cut),
    ];
    prop::collection::vec(step, 1..80)
}

/// A page that shows the prices.
#[derive(Default)]
struct Page {
    prices: BTreeMap<String, String>,
    last: Option<EventId>,
    /// Whether it reads too slowly for so few retained events, and is told so.
    has_gap: bool,
}

impl Page {
    fn connect(&self, hub: &Hub) -> Client {
        let mut subscriber = hub.subscribe_to(["prices"], &self.last.clone().into());
        subscriber.begin_with_latest().unwrap();
        Client::new(subscriber)
    }

    fn read(&mut self, frame: &str) {
        if let Some(id) = field(frame, "id") {
            self.last = Some(EventId::new(id).unwrap());
        }
        let data = field(frame, "data").unwrap();
        match field(frame, "event").unwrap() {
            "checkpoint" if data == r#"{"state":"begins"}"# => self.prices.clear(),
            "checkpoint" => {}
            "gap" => self.has_gap = true,
            event_type => {
                let (key, value) = data.split_once('=').unwrap();
                if event_type == "removed" {
                    self.prices.remove(key);
                } else {
                    self.prices.insert(key.to_owned(), value.to_owned());
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn a_page_shows_the_newest_of_each_key_whenever_it_comes_and_goes(
        steps in steps(),
        retained in 1..40_usize,
    ) {
        let hub = Hub::builder().retain_events(retained).retain_keys(100).build();
        let topic = hub.to("prices");
        let mut model = BTreeMap::new();
        let mut page = Page::default();
        let mut client = None;
        for (n, step) in steps.into_iter().enumerate() {
            match step {
                Step::Set(key) => {
                    let (name, key) = (format!("{key}={n}"), key.to_string());
                    topic.key(&key).try_publish(&Event::text(name)).unwrap();
                    model.insert(key, n.to_string());
                }
                Step::Remove(key) => {
                    let (name, key) = (format!("{key}="), key.to_string());
                    topic.key(&key).try_publish(&Event::text(name).event_type(REMOVED)).unwrap();
                    model.remove(&key);
                }
                Step::Other => _ = hub.try_publish(&Event::text("elsewhere")).unwrap(),
                Step::Cut => client = None,
                Step::Read(frames) => {
                    let client = client.get_or_insert_with(|| page.connect(&hub));
                    for _ in 0..frames {
                        let Poll::Ready(Some(frame)) = client.poll() else { break };
                        page.read(&frame);
                    }
                }
            }
            if page.has_gap {
                // It loads the page anew.
                (client, page) = (None, Page::default());
            }
        }
        let mut client = client.unwrap_or_else(|| page.connect(&hub));
        while let Poll::Ready(Some(frame)) = client.poll() {
            page.read(&frame);
        }
        if page.has_gap {
            page = Page::default();
            let mut client = page.connect(&hub);
            while let Poll::Ready(Some(frame)) = client.poll() {
                page.read(&frame);
            }
            prop_assert!(!page.has_gap, "all keys are kept");
        }
        prop_assert_eq!(page.prices, model);
    }
}
