//! A hub's settings.

use std::time::Duration;

use sse_encoder::{EventType, ReconnectionTime};

use crate::{frame::Rules, listeners::Hook, log::Bounds, random};

/// Where an unresumable subscription continues.
///
/// Either way the client first gets an event of the type [`gap`](crate::GAP).
///
/// ```
/// use sse_hub::{Hub, OnGap};
///
/// let hub = Hub::builder().on_gap(OnGap::Newest).build();
/// # drop(hub);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum OnGap {
    /// With the oldest retained event that the client cannot have, to miss as little as possible.
    /// This is the default.
    ///
    /// A client whose last event ID [cannot be read](sse_encoder::LastEventId::is_unreadable) may
    /// have had them all: it gets those published from now on.
    #[default]
    Oldest,
    /// With the events published from now on: for clients that reload their state after a gap.
    Newest,
}

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) bounds: Bounds,
    pub(crate) max_frame: usize,
    /// The range of the reconnection times.
    pub(crate) retry: (ReconnectionTime, ReconnectionTime),
    pub(crate) connection_age: Option<Duration>,
    pub(crate) on_gap: OnGap,
    /// How long an authorization lives at most.
    pub(crate) authorization_age: Duration,
    /// How many endings of streams are kept.
    pub(crate) retain_endings: usize,
    /// Called when a topic gains or loses listeners.
    pub(crate) on_listeners: Option<Hook>,
    /// The types of the hub's own events: checkpoints and gaps.
    pub(crate) notice_types: [EventType; 2],
    /// The longest time between two syncs of a log on disk; `None`: each event is synced.
    #[cfg(feature = "disk")]
    pub(crate) sync_every: Option<Duration>,
}

impl Settings {
    /// The rules for a published item.
    pub(crate) fn rules(&self) -> Rules<'_> {
        Rules { max_frame: self.max_frame, reserved: &self.notice_types }
    }

    /// A subscriber's own reconnection time.
    pub(crate) fn jittered_retry(&self) -> ReconnectionTime {
        let (low, high) = self.retry;
        ReconnectionTime::jittered(low..=high)
    }

    /// A subscriber's own connection age: 80 to 100 % of the setting.
    pub(crate) fn jittered_age(&self) -> Option<Duration> {
        let age = self.connection_age?;
        // No sum here exceeds the setting, which may be `Duration::MAX`.
        let fifth = age / 5;
        let part = random::between(0, u64::try_from(fifth.as_nanos()).unwrap_or(u64::MAX));
        Some(age - fifth + Duration::from_nanos(part))
    }
}
