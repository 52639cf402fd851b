//! The retained events, read at once.

mod support;

use futures_core::FusedStream;
use futures_executor::block_on;
use futures_util::StreamExt;
use sse_encoder::{Encoded, Event, EventId, LastEventId};
use sse_hub::{History, Hub, Resumption};
use support::{Client, after, none, short};

fn publish(hub: &Hub, topic: &str, n: u32) -> EventId {
    hub.to(topic).try_publish(&Event::json(n)).unwrap().unwrap()
}

fn texts(frames: impl Iterator<Item = Encoded>) -> Vec<String> {
    frames.map(|frame| short(str::from_utf8(frame.as_bytes()).unwrap())).collect()
}

fn room(hub: &Hub, last: &LastEventId, limit: usize) -> History {
    hub.history(["room"], last, limit)
}

#[test]
fn without_a_position_the_newest_come_the_oldest_of_them_first() {
    let hub = Hub::new();
    for n in 0..10 {
        publish(&hub, "room", n);
        publish(&hub, "other", 100 + n);
    }
    let history = room(&hub, &none(), 3);
    assert_eq!(*history.resumption(), Resumption::Fresh);
    let position = history.position().clone();
    assert_eq!((history.len(), texts(history)), (3, vec!["7".into(), "8".into(), "9".into()]));
    // Nothing is missing between them and what follows.
    publish(&hub, "room", 10);
    let mut client = Client::live(hub.subscribe_to(["room"], &position.into()));
    assert_eq!(client.ready(), ["10"]);
    assert_eq!(room(&hub, &none(), 1_000).len(), 11);
    assert_eq!(hub.history([""], &none(), 5).len(), 0);
}

#[test]
fn pages_follow_each_other_without_a_hole_or_an_event_twice() {
    let hub = Hub::new();
    let mut position = hub.position();
    (0..10).for_each(|n| _ = publish(&hub, "room", n));
    let mut all = Vec::new();
    loop {
        let page = room(&hub, &position.clone().into(), 3);
        let missed = 10 - all.len();
        assert_eq!(*page.resumption(), Resumption::Exact { missed });
        position = page.position().clone();
        if page.len() == 0 {
            break;
        }
        all.extend(texts(page));
    }
    assert_eq!(all, (0..10).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(position, hub.position());
}

#[test]
fn what_is_missing_before_them_is_told() {
    let hub = Hub::builder().retain_events(4).build();
    let first = publish(&hub, "room", 0);
    (1..10).for_each(|n| _ = publish(&hub, "room", n));
    let history = room(&hub, &first.into(), 2);
    assert!(matches!(history.resumption(), Resumption::Gap { .. }));
    assert_eq!(texts(history), ["6", "7"]);
    let history = room(&hub, &after("row 9"), 2);
    assert!(matches!(history.resumption(), Resumption::Unknown { .. }));
    assert_eq!(texts(history), ["6", "7"]);
    assert_eq!(texts(room(&hub, &none(), 3)), ["7", "8", "9"]);
    assert_eq!(hub.stats().gaps, 0);
}

#[test]
fn replaced_and_ephemeral_events_are_no_part_of_it() {
    let hub = Hub::new();
    publish(&hub, "room", 0);
    for n in 1..5 {
        hub.to("room").key("k").try_publish(&Event::json(n)).unwrap();
    }
    hub.to("room").try_publish(&Event::text("typing").no_id()).unwrap();
    hub.to_all(&["room", "other"]).try_publish(&Event::json(5)).unwrap();
    assert_eq!(texts(hub.history(["room", "other"], &none(), 2)), ["4", "5"]);
    assert_eq!(texts(hub.history(["room", "other"], &none(), 9)), ["0", "4", "5"]);
}

#[test]
fn it_is_a_stream_that_ends_and_leaves_no_topic_behind() {
    let hub = Hub::new();
    publish(&hub, "room", 1);
    let mut history = room(&hub, &none(), 9);
    assert!(!history.is_terminated());
    assert_eq!(block_on(StreamExt::count(&mut history)), 1);
    assert!(history.is_terminated());
    assert_eq!(hub.listeners("room"), 0);
    assert_eq!(hub.stats().subscribers, 0);
}
