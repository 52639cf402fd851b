//! The figures of a hub.

mod support;

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
    assert_eq!(stalled.ready().len(), 5);
    let stats = hub.stats();
    assert_eq!((stats.delivered, stats.gaps, hub.lag()), (14, 1, 0));
    drop((reading, stalled, other));
    let stats = hub.stats();
    assert_eq!((stats.subscribers, stats.delivered), (0, 14));
}
