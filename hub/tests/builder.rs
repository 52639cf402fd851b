//! The settings of a hub.

mod support;

use std::time::Duration;

use sse_encoder::Event;
use sse_hub::{Hub, Resumption};
use support::{Client, field, none, publish};

#[test]
fn reconnection_times_and_ages_differ_between_subscribers() {
    let hub = Hub::new();
    let retries: std::collections::HashSet<_> = (0..50)
        .map(|_| {
            let opening = Client::new(hub.subscribe(&none())).next().unwrap();
            field(&opening, "retry").unwrap().to_owned()
        })
        .collect();
    assert!(retries.len() > 10, "{retries:?}");
}

#[test]
fn expired_events_are_removed_by_the_next_publish_or_subscription() {
    let hub = Hub::builder().retain_for(Duration::ZERO).build();
    let mut client = Client::live(hub.subscribe(&none()));
    let first = publish(&hub, "1");
    assert_eq!(client.ready(), ["1"]);
    assert_eq!(hub.stats().retained, 1);
    let up_to_date = hub.subscribe(&first.clone().into()).resumption();
    assert_eq!(up_to_date, Resumption::Exact { missed: 0 });
    assert_eq!(hub.stats().retained, 0);
    publish(&hub, "2");
    let gone = hub.subscribe(&first.into()).resumption();
    assert!(matches!(gone, Resumption::Gap { .. }), "{gone:?}");
    // An hour is not over.
    let hub = Hub::builder().retain_for(Duration::from_secs(3_600)).build();
    let first = publish(&hub, "1");
    publish(&hub, "2");
    let kept = hub.subscribe(&first.into()).resumption();
    assert_eq!(kept, Resumption::Exact { missed: 1 });
}

#[test]
fn the_byte_bound_counts_topics_and_keys_and_spares_the_newest_event() {
    let hub = Hub::builder().retain_bytes(1_000).build();
    let long = "x".repeat(100);
    for n in 0..100 {
        hub.to(&format!("{long}{n}")).key(&long).try_publish(&Event::text(&long)).unwrap();
        let stats = hub.stats();
        assert!(stats.retained_bytes <= 1_000, "{stats:?}");
    }
    assert_eq!(hub.stats().retained, 2);
    let mut client = Client::live(hub.subscribe(&none()));
    let id = publish(&hub, &"x".repeat(5_000));
    assert_eq!((hub.stats().retained, client.ready().len()), (1, 1));
    publish(&hub, "y");
    assert_eq!(hub.stats().retained, 1);
    assert_eq!(hub.subscribe(&id.into()).resumption(), Resumption::Exact { missed: 1 });
}
