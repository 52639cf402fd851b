//! The hub's allocations, and the memory it holds.

#[path = "../../tests/support/allocations.rs"]
mod allocations;

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
    time::SystemTime,
};

use allocations::{Counting, count};
use futures_core::Stream;
use sse_encoder::{Event, LastEventId};
use sse_hub::{Hub, Reconnect, Subscriber};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn poll(subscriber: &mut Subscriber) -> Poll<Option<usize>> {
    let poll = Pin::new(subscriber).poll_next(&mut Context::from_waker(Waker::noop()));
    poll.map(|frame| frame.map(|frame| frame.as_bytes().len()))
}

/// A subscriber that waits.
fn idle(hub: &Hub, topic: &str) -> Subscriber {
    let mut subscriber = hub.subscribe_to([topic], &LastEventId::none());
    while poll(&mut subscriber).is_ready() {}
    subscriber
}

#[test]
fn an_idle_subscriber_takes_at_most_200_bytes() {
    const SUBSCRIBERS: usize = 100_000;
    let hub = Hub::new();
    let mut all = Vec::with_capacity(SUBSCRIBERS);
    let before = count().live;
    all.extend((0..SUBSCRIBERS).map(|_| idle(&hub, "")));
    let own = count().live - before;
    let each = own as f64 / SUBSCRIBERS as f64 + size_of::<Subscriber>() as f64;
    println!("{} bytes of a subscriber, {each:.1} with all else", size_of::<Subscriber>());
    assert!(each <= 200.0, "{each}");
}

#[test]
fn subscribers_that_are_dropped_free_their_memory() {
    const SUBSCRIBERS: usize = 100_000;
    let hub = Hub::new();
    hub.try_publish(&Event::text("the only one")).unwrap();
    let mut all: Vec<_> = (0..SUBSCRIBERS).map(|_| Some(idle(&hub, ""))).collect();
    let full = count().live;
    // Each is replaced by another one, without a publish that would clean up.
    let mut n = 0;
    for _ in 0..5 * SUBSCRIBERS {
        n = (n + 7_919) % SUBSCRIBERS;
        all[n] = None;
        all[n] = Some(idle(&hub, ""));
    }
    let grown = count().live - full;
    println!("{grown} bytes more after {} new subscribers", 5 * SUBSCRIBERS);
    // The list of free slots in each shard.
    assert!(grown.unsigned_abs() <= 1_024, "{grown}");
    drop(all);
    let hub_alone = count().live;
    let mut all: Vec<_> = (0..SUBSCRIBERS).map(|_| idle(&hub, "")).collect();
    all.clear();
    all.shrink_to_fit();
    assert_eq!(count().live, hub_alone);
}

#[test]
fn a_retained_event_takes_its_frame_and_at_most_150_bytes() {
    // Just more than a power of two: a list that doubles would take twice as much as it needs.
    const EVENTS: usize = 1 << 13 | 1;
    let hub = Hub::builder().retain_events(EVENTS).build();
    let before = count().live;
    for n in 0..2 * EVENTS {
        hub.try_publish(&Event::text(format!("{n:0200}"))).unwrap();
    }
    let bytes = count().live - before;
    let stats = hub.stats();
    assert_eq!(stats.retained, EVENTS);
    let each = (bytes as f64 - stats.retained_bytes as f64) / EVENTS as f64;
    println!("{each:.1} bytes besides each frame");
    assert!(each <= 150.0, "{each}");
}

#[test]
fn unused_topics_free_their_memory() {
    let hub = Hub::builder().retain_events(16).build();
    let mut measured = Vec::new();
    for round in 0..3 {
        for n in 0..10_000 {
            let topic = format!("{round}:{n}");
            let subscriber = idle(&hub, &topic);
            hub.to(&topic).key(&topic).try_publish(&Event::json(n)).unwrap();
            drop(subscriber);
        }
        measured.push(count().live);
    }
    let grown = measured[2] - measured[1];
    assert!(grown.unsigned_abs() <= 1_024, "{measured:?}");
}

#[test]
fn a_subscriber_with_a_topic_of_its_own_takes_at_most_700_bytes() {
    const SUBSCRIBERS: usize = 10_000;
    let hub = Hub::new();
    let mut all = Vec::with_capacity(SUBSCRIBERS);
    let before = count().live;
    all.extend((0..SUBSCRIBERS).map(|n| idle(&hub, &format!("user:{n}"))));
    let own = count().live - before;
    let each = own as f64 / SUBSCRIBERS as f64 + size_of::<Subscriber>() as f64;
    println!("{each:.1} bytes with a topic of its own");
    assert!(each <= 700.0, "{each}");
}

#[test]
fn an_owner_takes_memory_only_as_long_as_it_has_streams() {
    const SUBSCRIBERS: usize = 10_000;
    let hub = Hub::builder().retain_endings(64).build();
    let subscribe = |n: usize| {
        let subscriber = hub.subscribe(&LastEventId::none());
        let mut subscriber = subscriber.owner(&format!("user:{n}"), SystemTime::now());
        while poll(&mut subscriber).is_ready() {}
        subscriber
    };
    let mut all = Vec::with_capacity(SUBSCRIBERS);
    let before = count().live;
    all.extend((0..SUBSCRIBERS).map(subscribe));
    let own = count().live - before;
    let each = own as f64 / SUBSCRIBERS as f64 + size_of::<Subscriber>() as f64;
    println!("{each:.1} bytes with an owner of its own");
    assert!(each <= 500.0, "{each}");
    all.clear();
    let left = count().live - before;
    assert!(left <= 1_024, "{left}");
    // Endings are bounded in number.
    let end = |n: usize| {
        let owner = format!("user:{n:05}");
        let ended = hub.end_owner(&owner, Reconnect::Never);
        assert_eq!(futures_executor::block_on(ended).unwrap(), 0);
    };
    (0..1_000).for_each(end);
    let full = count().live;
    (1_000..3_000).for_each(end);
    let grown = count().live - full;
    // A map grows once more where many of its places were used before.
    assert!(grown.unsigned_abs() <= 16_384, "{grown}");
}

#[test]
fn a_delivery_allocates_nothing() {
    const SUBSCRIBERS: usize = 1_000;
    let hub = Hub::builder().retain_events(64).build();
    let mut all: Vec<_> = (0..SUBSCRIBERS).map(|_| idle(&hub, "")).collect();
    let mut publish_and_read = || {
        hub.try_publish(&Event::text("the same for all")).unwrap();
        for subscriber in &mut all {
            assert!(poll(subscriber).is_ready());
            assert!(poll(subscriber).is_pending());
        }
    };
    (0..200).for_each(|_| publish_and_read());
    let before = count().calls;
    (0..100).for_each(|_| publish_and_read());
    let each = (count().calls - before) as f64 / 100.0;
    println!("{each:.2} allocations for a publish with {SUBSCRIBERS} deliveries");
    assert!(each <= 8.0, "{each}");
}

#[test]
fn a_state_of_the_newest_events_is_sent_without_an_allocation_for_each() {
    const KEYS: usize = 10_000;
    let hub = Hub::builder().retain_events(16).retain_keys(KEYS).build();
    for n in 0..KEYS {
        hub.key(&n.to_string()).try_publish(&Event::json(n)).unwrap();
    }
    let before = count();
    let mut subscriber = hub.subscribe(&LastEventId::none());
    subscriber.begin_with_latest().unwrap();
    let mut sent = 0;
    while poll(&mut subscriber).is_ready() {
        sent += 1;
    }
    // With the checkpoints before and after it.
    assert_eq!(sent, KEYS + 2);
    let (calls, live) = (count().calls - before.calls, count().live - before.live);
    println!("{calls} allocations for a state of {KEYS} events, {live} bytes held after it");
    assert!(calls <= 16 && live <= 256, "{calls} {live}");
}

#[test]
fn stalled_subscribers_hold_no_events() {
    let hub = Hub::builder().retain_events(16).build();
    let stalled: Vec<_> = (0..1_000).map(|_| idle(&hub, "")).collect();
    let publish = |times| {
        for _ in 0..times {
            hub.try_publish(&Event::text("x".repeat(1_000))).unwrap();
        }
    };
    publish(100);
    let before = count().live;
    publish(1_000);
    let grown = count().live - before;
    assert!(grown.unsigned_abs() <= 1_024, "{grown}");
    drop(stalled);
}

#[test]
fn the_lists_of_many_topics_hold_no_evicted_event() {
    let hub = Hub::builder().retain_events(16).build();
    let stalled: Vec<_> = (0..200).map(|n| idle(&hub, &n.to_string())).collect();
    let before = count().live;
    for n in 0..200 {
        hub.to(&n.to_string()).try_publish(&Event::text("x".repeat(10_000))).unwrap();
    }
    let grown = count().live - before;
    assert!(grown < 300_000, "{grown}");
    drop(stalled);
}
