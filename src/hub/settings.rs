//! A hub's bounds, and their builder.

use std::{ops::RangeInclusive, time::Duration};

use super::{Hub, random};
use crate::value::ReconnectionTime;

/// How a subscription goes on that cannot be resumed where it was asked to be.
///
/// Either way the client first gets an event of the type [`gap`](super::GAP).
///
/// ```
/// use sse_encoder::{Hub, OnGap};
///
/// let hub = Hub::builder().on_gap(OnGap::Newest).build();
/// # drop(hub);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum OnGap {
    /// With the oldest event that is retained: as little as possible is missed. This is the
    /// default.
    #[default]
    Oldest,
    /// With what is published from now on: for clients that load their state anew after a gap.
    Newest,
}

#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) events: usize,
    pub(super) bytes: usize,
    pub(super) age: Option<Duration>,
    pub(super) max_frame: usize,
    pub(super) retry: (u32, u32),
    pub(super) connection_age: Option<Duration>,
    pub(super) on_gap: OnGap,
}

impl Settings {
    /// A subscriber's own reconnection time.
    pub(super) fn jittered_retry(&self) -> Option<ReconnectionTime> {
        let (low, high) = self.retry;
        ReconnectionTime::from_millis(random::between(low.into(), high.into()) as u32)
    }

    /// A subscriber's own longest age: 80 to 100 % of the set one.
    pub(super) fn jittered_age(&self) -> Option<Duration> {
        let age = self.connection_age?;
        // In parts, as the whole can be as long as there is.
        let fifth = age / 5;
        let part = random::between(0, u64::try_from(fifth.as_nanos()).unwrap_or(u64::MAX));
        Some(age - fifth + Duration::from_nanos(part))
    }
}

/// Sets a hub's bounds; from [`Hub::builder`].
///
/// ```
/// use std::time::Duration;
/// use sse_encoder::{Hub, OnGap, ReconnectionTime};
///
/// const SOON: ReconnectionTime = ReconnectionTime::from_millis(500).unwrap();
/// const LATER: ReconnectionTime = ReconnectionTime::from_millis(10_000).unwrap();
///
/// let hub = Hub::builder()
///     .retain_events(100_000)
///     .retain_bytes(64 << 20)
///     .retain_for(Duration::from_secs(3_600))
///     .max_frame(16 << 10)
///     .reconnection_time(SOON..=LATER)
///     .connection_age(Duration::from_secs(1_800))
///     .on_gap(OnGap::Newest)
///     .build();
/// # let _ = hub;
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct HubBuilder(Settings);

impl HubBuilder {
    pub(super) const fn new() -> Self {
        Self(Settings {
            events: 1_024,
            bytes: 8 << 20,
            age: None,
            max_frame: 64 << 10,
            retry: (1_000, 5_000),
            connection_age: None,
            on_gap: OnGap::Oldest,
        })
    }

    /// How many events are retained, to be sent to those who come back. The default is 1,024; the
    /// least is 1.
    ///
    /// [Ephemeral](super::Hub#ephemeral-events) events are kept beside these, a quarter as many,
    /// until the subscribers that are connected have had the time to get them.
    pub const fn retain_events(mut self, events: usize) -> Self {
        self.0.events = if events == 0 { 1 } else { events };
        self
    }

    /// How many bytes the retained events' frames may take. The default is 8 MiB. The newest event
    /// is retained however long it is.
    ///
    /// Ephemeral events may take a quarter of it besides.
    pub const fn retain_bytes(mut self, bytes: usize) -> Self {
        self.0.bytes = bytes;
        self
    }

    /// How long events are retained at most. The default is as long as there is room.
    ///
    /// The hub has no timer: what is too old goes when something is published, or somebody
    /// subscribes.
    pub const fn retain_for(mut self, age: Duration) -> Self {
        self.0.age = Some(age);
        self
    }

    /// The largest frame in bytes, its id not counted; an item that needs a larger one is an
    /// [error](crate::Error::is_too_large). The default is 64 KiB: what is larger is better fetched
    /// than pushed to everybody.
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.0.max_frame = bytes;
        self
    }

    /// How long clients wait before they reconnect: each subscriber is told another time of this
    /// range, so that they do not all come back at once. The default is one to five seconds, about
    /// what browsers take.
    pub fn reconnection_time(mut self, range: RangeInclusive<ReconnectionTime>) -> Self {
        let (low, high) = (range.start().as_millis(), range.end().as_millis());
        self.0.retry = (low.min(high), low.max(high));
        self
    }

    /// The longest time that a subscription lasts, after which the client reconnects: each gets 80
    /// to 100 % of it, so that they do not all come back at once. The default is no end.
    ///
    /// It is looked at when the stream is polled, which the keep-alive of
    /// [`SseEncoder`](crate::SseEncoder::keep_alive) does on quiet streams.
    pub const fn connection_age(mut self, age: Duration) -> Self {
        self.0.connection_age = Some(age);
        self
    }

    /// How a subscription goes on that cannot be resumed where it was asked to be. The default is
    /// [`OnGap::Oldest`].
    pub const fn on_gap(mut self, on_gap: OnGap) -> Self {
        self.0.on_gap = on_gap;
        self
    }

    #[cfg(any(test, feature = "redis"))]
    pub(super) fn settings(self) -> Settings {
        self.0
    }

    /// The hub, which is empty.
    #[must_use]
    pub fn build(self) -> Hub {
        Hub::with_settings(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_range() {
        let settings = HubBuilder::new().connection_age(Duration::from_secs(100)).0;
        let times: Vec<_> = (0..100).filter_map(|_| settings.jittered_retry()).collect();
        assert_eq!(times.len(), 100);
        assert!(times.iter().all(|time| (1_000..=5_000).contains(&time.as_millis())));
        assert!(times.iter().any(|time| *time != times[0]));
        let ages: Vec<_> = (0..100).filter_map(|_| settings.jittered_age()).collect();
        assert!(ages.iter().all(|age| (80.0..=100.0).contains(&age.as_secs_f64())));
        for age in [Duration::ZERO, Duration::from_nanos(3), Duration::MAX] {
            let settings = HubBuilder::new().connection_age(age).0;
            assert!(settings.jittered_age().is_some_and(|jittered| jittered <= age));
        }
    }

    #[test]
    fn the_bounds_of_a_range_may_stand_in_either_order() {
        let (low, high) = (ReconnectionTime::from_millis(7), ReconnectionTime::from_millis(9));
        for range in [low.unwrap()..=high.unwrap(), high.unwrap()..=low.unwrap()] {
            assert_eq!(HubBuilder::new().reconnection_time(range).0.retry, (7, 9));
        }
    }
}
