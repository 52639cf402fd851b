//! Publishers that count the outcomes of their events.

use std::time::Duration;

use sse_encoder::Event;
use sse_hub::{Hub, Target};
use tokio::{task::JoinHandle, time::sleep};

use crate::client::Stop;

/// The outcomes of the events of one or several publishers.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// The ids and the data.
    pub acknowledged: Vec<(String, String)>,
    /// Those of other programs.
    pub foreign: Vec<(String, String)>,
    pub not_appended: Vec<String>,
    pub unknown: Vec<String>,
}

impl Outcomes {
    pub fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.foreign.extend(other.foreign);
        self.not_appended.extend(other.not_appended);
        self.unknown.extend(other.unknown);
    }
}

/// Publishes `<name> <n>` for rising `n`, with a pause after each, until it is stopped.
#[must_use]
pub fn publisher(hub: &Hub, name: String, pause: Duration, stop: &Stop) -> JoinHandle<Outcomes> {
    let (hub, stop) = (hub.clone(), stop.clone());
    tokio::spawn(async move {
        let mut outcomes = Outcomes::default();
        for n in 0.. {
            if stop.is_set() {
                break;
            }
            publish(&hub, format!("{name} {n}"), &mut outcomes).await;
            sleep(pause).await;
        }
        outcomes
    })
}

/// Publishes an event, and records the outcome.
///
/// # Panics
///
/// The outcome is not one of the three.
pub async fn publish(hub: &Hub, data: String, outcomes: &mut Outcomes) {
    publish_to(hub.to(""), data, outcomes).await;
}

/// As [`publish`], to these topics.
pub async fn publish_to(target: Target<'_>, data: String, outcomes: &mut Outcomes) {
    match target.publish(&Event::text(&data)).await {
        Ok(id) => outcomes.acknowledged.push((id.unwrap().to_string(), data)),
        Err(error) if error.is_not_appended() => outcomes.not_appended.push(data),
        Err(error) if error.is_outcome_unknown() => outcomes.unknown.push(data),
        Err(error) => panic!("{error}"),
    }
}

/// Publishes the event until it is acknowledged. After an unknown outcome it gets another name.
pub async fn publish_surely(hub: &Hub, data: &str) -> Outcomes {
    publish_surely_to(hub.to(""), data).await
}

/// As [`publish_surely`], to these topics.
pub async fn publish_surely_to(target: Target<'_>, data: &str) -> Outcomes {
    let mut outcomes = Outcomes::default();
    while outcomes.acknowledged.is_empty() {
        let name = match outcomes.unknown.len() {
            0 => data.into(),
            n => format!("{data} {n}"),
        };
        publish_to(target, name, &mut outcomes).await;
        sleep(Duration::from_millis(20)).await;
    }
    outcomes.not_appended.clear();
    outcomes
}
