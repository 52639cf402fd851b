//! A client of the hub: the events it gets, and the id it would send.

use std::{sync::Arc, time::Duration};

use futures_util::StreamExt;
use sse_encoder::{EventId, LastEventId};
use sse_hub::{Hub, Subscriber};
use tokio::{sync::watch, task::JoinHandle};

use crate::now;

/// The events that a client gets, without checkpoints.
#[derive(Clone, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "nobody else depends on it")]
pub enum Seen {
    Event { id: String, event_type: String, data: String },
    Gap { resumed_after: String },
}

impl Seen {
    #[must_use]
    pub fn data(&self) -> &str {
        match self {
            Self::Event { data, .. } => data,
            Self::Gap { .. } => "gap",
        }
    }
}

/// All that a client has heard, in order.
#[derive(Debug, Default)]
pub struct Record {
    pub topics: Vec<&'static str>,
    pub items: Vec<Item>,
}

#[derive(Debug)]
pub struct Item {
    /// The number of the hub.
    pub hub: usize,
    /// In milliseconds since 1970.
    pub at: u64,
    pub heard: Heard,
}

#[derive(Debug)]
#[allow(clippy::exhaustive_enums, reason = "nobody else depends on it")]
pub enum Heard {
    /// The client has subscribed.
    Joined,
    /// A checkpoint that has an id.
    Checkpoint(String),
    Gap(String),
    Event {
        id: String,
        data: String,
    },
}

#[derive(Debug, Default)]
pub struct Client {
    pub last: Option<String>,
    pub seen: Vec<Seen>,
    pub record: Record,
    /// The number of the hub to which it is connected.
    pub hub: usize,
}

impl Client {
    #[must_use]
    pub fn last(&self) -> LastEventId {
        let id = self.last.as_deref().and_then(|last| EventId::new(last).ok());
        id.into()
    }

    /// Subscribes to its topics. Without any it gets the events without one.
    pub fn subscribe(&mut self, hub: &Hub) -> Subscriber {
        let (topics, last) = (&self.record.topics, self.last());
        let subscriber = match topics.len() {
            0 => hub.subscribe(&last),
            _ => hub.subscribe_to(topics, &last),
        };
        self.note(Heard::Joined);
        subscriber
    }

    /// Waits until the hub knows the client's events. If it cannot tell, the client asks again.
    pub async fn wait_for(&self, hub: &Hub) {
        while !hub.wait_for(&self.last()).await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn note(&mut self, heard: Heard) {
        self.record.items.push(Item { hub: self.hub, at: now(), heard });
    }

    /// Reads up to this many frames; `false` at the end.
    pub async fn read(&mut self, subscriber: &mut Subscriber, frames: usize) -> bool {
        for _ in 0..frames {
            let Some(frame) = subscriber.next().await else { return false };
            self.take(&String::from_utf8_lossy(frame.as_bytes()));
        }
        true
    }

    /// Reads until nothing has come for this long.
    pub async fn read_for(&mut self, subscriber: &mut Subscriber, quiet: Duration) {
        while let Ok(true) = tokio::time::timeout(quiet, self.read(subscriber, 1)).await {}
    }

    fn take(&mut self, frame: &str) {
        let field = |name: &str| {
            let prefix = format!("{name}: ");
            let values: Vec<_> =
                frame.lines().filter_map(|line| line.strip_prefix(prefix.as_str())).collect();
            (!values.is_empty()).then(|| values.join("\n"))
        };
        let id = field("id");
        if let Some(id) = &id {
            self.last = Some(id.clone());
        }
        let event_type = field("event").unwrap_or_default();
        match (event_type.as_str(), id) {
            ("checkpoint", None) => {}
            ("checkpoint", Some(id)) => self.note(Heard::Checkpoint(id)),
            ("gap", id) => {
                let id = id.unwrap_or_default();
                self.note(Heard::Gap(id.clone()));
                self.seen.push(Seen::Gap { resumed_after: id });
            }
            (_, id) => {
                // A frame without data is not an event.
                if let Some(data) = field("data") {
                    let id = id.unwrap_or_default();
                    self.note(Heard::Event { id: id.clone(), data: data.clone() });
                    self.seen.push(Seen::Event { id, event_type, data });
                }
            }
        }
    }
}

/// A client that reads in the background, until it has seen an event that begins so.
#[derive(Debug)]
pub struct Reading(JoinHandle<Client>);

impl Reading {
    /// Stays on the first of the hubs, each of which has its number, or moves to the next one after
    /// some `hop` frames.
    #[must_use]
    pub fn start(hubs: &[(usize, Hub)], hop: Option<usize>, end: &'static str) -> Self {
        let hubs: Arc<[_]> = hubs.into();
        Self(tokio::spawn(async move {
            let mut client = Client::default();
            for turn in 0.. {
                let (number, hub) = &hubs[turn % hubs.len()];
                client.hub = *number;
                client.wait_for(hub).await;
                let mut subscriber = client.subscribe(hub);
                let mut frames = hop.map_or(usize::MAX, |hop| hop + turn % 7);
                while frames > 0 {
                    // Move away from a quiet server, too.
                    let wait = if hop.is_some() { 300 } else { 3_600_000 };
                    let read = client.read(&mut subscriber, 1);
                    match tokio::time::timeout(Duration::from_millis(wait), read).await {
                        Ok(true) => frames -= 1,
                        Ok(false) => return client,
                        Err(_) => break,
                    }
                    if client.seen.last().is_some_and(|seen| seen.data().starts_with(end)) {
                        return client;
                    }
                }
            }
            client
        }))
    }

    /// # Panics
    ///
    /// The client does not see the event in time.
    pub async fn end(self) -> Client {
        tokio::time::timeout(crate::PATIENCE, self.0).await.expect("the last event comes").unwrap()
    }
}

/// A flag that tasks check.
#[derive(Clone, Debug)]
pub struct Stop(Arc<watch::Sender<bool>>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Stop {
    pub fn set(&self) {
        self.0.send_replace(true);
    }

    #[must_use]
    pub fn is_set(&self) -> bool {
        *self.0.borrow()
    }
}
