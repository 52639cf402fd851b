//! The hub's figures: as JSON for the page, and as text for Prometheus.

use std::fmt::Write;

use serde_json::{Value, json};
use sse_hub::{Hub, Status};

pub fn json(hub: &Hub, retain: usize) -> Value {
    let stats = hub.stats();
    json!({
        "subscribers": stats.subscribers,
        "published": stats.published,
        "delivered": stats.delivered,
        "gaps": stats.gaps,
        "retained": stats.retained,
        "retained_bytes": stats.retained_bytes,
        "lag": hub.lag(),
        "rejected": stats.rejected,
        "status": match hub.status() {
            Status::Live => "live",
            Status::Stale { .. } => "stale",
            _ => "ended",
        },
        "retain": retain,
    })
}

/// The text format of Prometheus. No figure has a label of a topic: each topic would be a series.
pub fn prometheus(hub: &Hub) -> String {
    let stats = hub.stats();
    let is_up = hub.status() == Status::Live;
    let mut text = String::new();
    for (kind, name, help, value) in [
        ("gauge", "subscribers", "Open subscriptions.", stats.subscribers as u64),
        ("counter", "events_published_total", "Published events.", stats.published),
        ("counter", "events_delivered_total", "Events, for each subscriber.", stats.delivered),
        ("counter", "gaps_total", "Gaps that clients were told of.", stats.gaps),
        ("gauge", "retained_events", "Retained events.", stats.retained as u64),
        ("gauge", "retained_bytes", "Bytes of the retained events.", stats.retained_bytes as u64),
        ("gauge", "lag_events", "How far the slowest subscriber is behind.", hub.lag()),
        ("gauge", "log_up", "Whether the log can be read.", u64::from(is_up)),
        ("counter", "entries_left_out_total", "Entries that are no events.", stats.rejected),
    ] {
        // Writing to a `String` cannot fail.
        let _ = write!(
            text,
            "# HELP sse_hub_{name} {help}\n# TYPE sse_hub_{name} {kind}\nsse_hub_{name} {value}\n"
        );
    }
    text
}
