//! The figures of a hub.

mod support;

use sse_encoder::Event;
use sse_hub::Hub;
use support::{Client, none, publish};

#[test]
fn stats_count_deliveries_gaps_and_lag() {
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
    assert_eq!((stats.delivered, stats.gaps, hub.lag()), (10, 0, 10));
    // Only a log elsewhere has these.
    assert_eq!((stats.rejected, stats.reconnects), (0, 0));
    assert_eq!(stalled.ready().len(), 5);
    let stats = hub.stats();
    assert_eq!((stats.delivered, stats.gaps, hub.lag()), (14, 1, 0));
    drop((reading, stalled, other));
    let stats = hub.stats();
    assert_eq!((stats.subscribers, stats.delivered), (0, 14));
}

#[test]
fn stats_count_how_subscriptions_begin_and_how_publishing_ends() {
    let hub = Hub::builder().retain_events(2).max_frame(100).build();
    let first = publish(&hub, "0");
    (1..5).for_each(|n| _ = publish(&hub, &n.to_string()));
    let last = publish(&hub, "5");
    let unknown = support::after("row 9");
    for id in [none(), last.clone().into(), last.into(), first.into(), unknown] {
        drop(hub.subscribe(&id));
    }
    let stats = hub.stats();
    assert_eq!((stats.fresh, stats.exact, stats.late, stats.unknown), (1, 2, 1, 1));
    assert_eq!(stats.gaps, 2);
    assert!(hub.try_publish(&Event::text("x".repeat(200))).is_err());
    hub.close();
    assert!(hub.try_publish_all([Event::text("late")]).is_err());
    let stats = hub.stats();
    assert_eq!((stats.published, stats.refused, stats.outcome_unknown), (6, 2, 0));
}

#[test]
fn one_that_reads_shows_its_progress_before_it_has_caught_up() {
    let hub = Hub::builder().retain_events(1_000).build();
    let mut reading = Client::live(hub.subscribe_to(["", "other"], &none()));
    reading.assert_pending();
    (0..500).for_each(|n| _ = publish(&hub, &n.to_string()));
    (0..100).for_each(|_| assert!(reading.next().is_some()));
    let lag = hub.retained_lag();
    assert!((400..=436).contains(&lag), "{lag}");
}

#[test]
fn only_those_that_have_lost_nothing_are_waited_for() {
    let hub = Hub::builder().retain_events(10).build();
    let mut reading = Client::live(hub.subscribe(&none()));
    let mut stalled = Client::live(hub.subscribe(&none()));
    reading.assert_pending();
    stalled.assert_pending();
    (0..4).for_each(|n| _ = publish(&hub, &n.to_string()));
    assert_eq!(hub.retained_lag(), 4);
    assert_eq!(reading.ready().len(), 4);
    assert_eq!(hub.retained_lag(), 4, "the other one may still read");
    for n in 4..20 {
        publish(&hub, &n.to_string());
        reading.ready();
    }
    assert_eq!((hub.retained_lag(), hub.lag()), (0, 20));
    (0..3).for_each(|n| _ = publish(&hub, &n.to_string()));
    assert_eq!((hub.retained_lag(), hub.lag()), (3, 23));
    drop(stalled);
}

#[test]
fn the_slowest_subscriber_is_found_among_many_topics() {
    let hub = Hub::new();
    let mut all: Vec<_> =
        (0..200).map(|n| Client::live(hub.subscribe_to([n.to_string()], &none()))).collect();
    all.iter_mut().for_each(Client::assert_pending);
    for (before, slowest) in [3, 100, 199].into_iter().enumerate() {
        hub.to(&slowest.to_string()).try_publish(&Event::text("x")).unwrap();
        assert_eq!(hub.lag(), before as u64 + 1, "{slowest}");
        assert_eq!(all[slowest].ready(), ["x"]);
        assert_eq!(hub.lag(), 0, "{slowest}");
    }
}

#[test]
fn a_subscriber_that_is_gone_is_not_behind() {
    let hub = Hub::new();
    let mut reading = Client::live(hub.subscribe_to(["a"], &none()));
    let mut stalled = Client::live(hub.subscribe_to(["a"], &none()));
    stalled.assert_pending();
    hub.to("a").try_publish(&Event::text("x")).unwrap();
    assert_eq!(reading.ready(), ["x"]);
    assert_eq!(hub.lag(), 1);
    drop(stalled);
    assert_eq!(hub.lag(), 0);
}
