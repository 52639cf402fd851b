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
        "reconnects": stats.reconnects,
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
    let alone = |value: u64| vec![("", value)];
    let connected = stats.gaps.saturating_sub(stats.late + stats.unknown);
    for (kind, name, help, values) in [
        ("gauge", "subscribers", "Open subscriptions.", alone(stats.subscribers as u64)),
        (
            "counter",
            "subscriptions_total",
            "Subscriptions, by how they began.",
            vec![
                (r#"{resumption="fresh"}"#, stats.fresh),
                (r#"{resumption="exact"}"#, stats.exact),
                (r#"{resumption="gap"}"#, stats.late),
                (r#"{resumption="unknown"}"#, stats.unknown),
            ],
        ),
        (
            "counter",
            "events_published_total",
            "Published events, and calls that failed.",
            vec![
                (r#"{outcome="ok"}"#, stats.published),
                (r#"{outcome="refused"}"#, stats.refused),
                (r#"{outcome="unknown"}"#, stats.outcome_unknown),
            ],
        ),
        ("counter", "events_delivered_total", "Events, once a subscriber.", alone(stats.delivered)),
        (
            "counter",
            "gaps_total",
            "Gaps that clients were told of.",
            vec![
                (r#"{cause="late"}"#, stats.late),
                (r#"{cause="unknown"}"#, stats.unknown),
                (r#"{cause="connected"}"#, connected),
            ],
        ),
        ("gauge", "retained_events", "Retained events.", alone(stats.retained as u64)),
        ("gauge", "retained_bytes", "Their bytes.", alone(stats.retained_bytes as u64)),
        ("gauge", "lag_events", "How far the slowest subscriber is behind.", alone(hub.lag())),
        ("gauge", "log_up", "Whether the log can be read.", alone(is_up.into())),
        ("counter", "log_reconnects_total", "Connections found again.", alone(stats.reconnects)),
        (
            "counter",
            "entries_left_out_total",
            "Entries that cannot be events.",
            alone(stats.rejected),
        ),
    ] {
        // Writing to a `String` cannot fail.
        let _ = writeln!(text, "# HELP sse_hub_{name} {help}\n# TYPE sse_hub_{name} {kind}");
        for (labels, value) in values {
            let _ = writeln!(text, "sse_hub_{name}{labels} {value}");
        }
    }
    text
}
