//! The builder of a hub.

use std::{ops::RangeInclusive, time::Duration};

use sse_encoder::{EventType, ReconnectionTime};

use crate::{
    feed::Feed,
    handle::Handle,
    hub::Hub,
    listeners::Hook,
    log::{Bounds, Numbering},
    memory::Memory,
    notice::{CHECKPOINT, GAP},
    position,
    settings::{OnGap, Settings},
};

const ONE_SECOND: ReconnectionTime = ReconnectionTime::from_secs(1).unwrap();
const FIVE_SECONDS: ReconnectionTime = ReconnectionTime::from_secs(5).unwrap();

/// Sets a hub's bounds; from [`Hub::builder`].
///
/// ```
/// use std::time::Duration;
/// use sse_encoder::ReconnectionTime;
/// use sse_hub::{Hub, OnGap};
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
    const fn new() -> Self {
        Self(Settings {
            bounds: Bounds { events: 1_024, bytes: 8 << 20, keys: None, age: None },
            max_frame: 64 << 10,
            retry: (ONE_SECOND, FIVE_SECONDS),
            connection_age: None,
            on_gap: OnGap::Oldest,
            authorization_age: Duration::from_secs(24 * 3_600),
            retain_endings: 10_000,
            on_listeners: None,
            notice_types: [CHECKPOINT, GAP],
            #[cfg(feature = "disk")]
            sync_every: None,
        })
    }

    /// How many events are retained for clients that reconnect: 1,024 by default, and at least one.
    ///
    /// [Ephemeral](crate::Hub#ephemeral-events) events are kept besides these, up to a quarter as
    /// many, for connected subscribers.
    pub const fn retain_events(mut self, events: usize) -> Self {
        self.0.bounds.events = if events == 0 { 1 } else { events };
        self
    }

    /// How many bytes the retained events may take: their frames, topics, keys and own ids. The
    /// default is 8 MiB. The newest event is retained however long it is.
    ///
    /// Ephemeral events may take another quarter of it.
    pub const fn retain_bytes(mut self, bytes: usize) -> Self {
        self.0.bounds.bytes = bytes;
        self
    }

    /// How many [keys](crate::Hub::key) keep their newest event for [subscriptions that begin with
    /// it](crate::Subscriber::begin_with_latest), even once it is no longer retained otherwise. A
    /// key counts once in each topic. The default is as many as events are retained.
    ///
    /// These events may take [as many bytes](Self::retain_bytes) as the retained ones, in addition.
    /// If one was dropped, clients of its topic get a gap, and not a part of the state.
    pub const fn retain_keys(mut self, keys: usize) -> Self {
        self.0.bounds.keys = Some(keys);
        self
    }

    /// How long events are retained at most. The default is as long as there is room.
    ///
    /// The hub has no timer: expired events are removed by the next publish or subscription.
    pub const fn retain_for(mut self, age: Duration) -> Self {
        self.0.bounds.age = Some(age);
        self
    }

    /// The largest frame in bytes, without an automatic id; an item that needs a larger one is an
    /// [error](sse_encoder::Error::is_too_large). The default is 64 KiB: clients should fetch
    /// anything larger.
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.0.max_frame = bytes;
        self
    }

    /// How long clients wait before they reconnect: each subscriber gets a random time of this
    /// range, so that they do not all return at once. The default is one to five seconds, about
    /// what browsers take.
    pub fn reconnection_time(mut self, range: RangeInclusive<ReconnectionTime>) -> Self {
        let (start, end) = range.into_inner();
        self.0.retry = (start.min(end), start.max(end));
        self
    }

    /// The longest time that a subscription lasts, after which the client reconnects: each gets 80
    /// to 100 % of it, so that they do not all return at once. The default is no end.
    ///
    /// It is checked when the stream is polled, which the keep-alive of
    /// [`SseEncoder`](sse_encoder::SseEncoder::keep_alive) does on quiet streams.
    pub const fn connection_age(mut self, age: Duration) -> Self {
        self.0.connection_age = Some(age);
        self
    }

    /// Where an unresumable subscription continues. The default is [`OnGap::Oldest`].
    pub const fn on_gap(mut self, on_gap: OnGap) -> Self {
        self.0.on_gap = on_gap;
        self
    }

    /// How long an authorization of a stream with an [owner](crate::Subscriber::owner) lives at
    /// most. For that long the hub remembers each end of the streams of an
    /// [owner](crate::Hub::end_owner) or a [topic](crate::Hub::end_topic); an older authorization
    /// is invalid. The default is a day, longer than most tokens live; a shorter time takes less
    /// memory after many endings.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::builder().authorization_age(Duration::from_secs(3_600)).build();
    /// # drop(hub);
    /// ```
    pub const fn authorization_age(mut self, age: Duration) -> Self {
        self.0.authorization_age = age;
        self
    }

    /// How many owners and topics, together, the hub remembers as ended. The default is 10,000, at
    /// some 200 bytes each beside the name: enough for a logout every nine seconds all day.
    ///
    /// Beyond that the oldest ending is forgotten, and authorizations from before it are invalid,
    /// whatever the owner: these clients are authorized again, and no ended one slips through.
    ///
    /// ```
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::builder().retain_endings(100_000).build();
    /// # drop(hub);
    /// ```
    pub const fn retain_endings(mut self, endings: usize) -> Self {
        self.0.retain_endings = endings;
        self
    }

    #[cfg(feature = "disk")]
    pub(crate) const fn settings_mut(&mut self) -> &mut Settings {
        &mut self.0
    }

    /// The types of the hub's own events: [`CHECKPOINT`](crate::CHECKPOINT) and
    /// [`GAP`](crate::GAP) by default. No event of these types can be published, as a page would
    /// take it for the hub's word: choose other ones if you need these for yours.
    ///
    /// On Redis, give all servers the same ones.
    ///
    /// ```
    /// use sse_encoder::{Event, EventType};
    /// use sse_hub::Hub;
    ///
    /// let gap = Event::text("mind it").event_type("gap");
    /// assert!(Hub::new().try_publish(&gap).unwrap_err().is_reserved_type());
    ///
    /// const CHECKPOINT: EventType = EventType::from_static("hub:checkpoint");
    /// const GAP: EventType = EventType::from_static("hub:gap");
    /// let hub = Hub::builder().notice_types(CHECKPOINT, GAP).build();
    /// hub.try_publish(&gap)?;
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn notice_types(mut self, checkpoint: EventType, gap: EventType) -> Self {
        self.0.notice_types = [checkpoint, gap];
        self
    }

    #[cfg(any(test, feature = "disk", feature = "redis"))]
    pub(crate) fn settings(self) -> Settings {
        self.0
    }

    /// Calls this with a topic, and the number of its [listeners](crate::Hub::listeners), whenever
    /// it gains or loses some. Presence is built on it: the cookbook has a program.
    ///
    /// It is called after the change, on the thread that subscribes or drops a subscriber, without
    /// a lock: it may call the hub. One call runs at a time, so the last call for a topic has its
    /// last number; several changes may be reported as one. It must be quick, and must not panic:
    /// give work that takes time to another task. [`subscribe_all`](crate::Hub::subscribe_all)
    /// names no topic.
    ///
    /// ```
    /// use sse_encoder::LastEventId;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::builder().on_listeners(|topic, count| println!("{topic}: {count}")).build();
    /// let subscriber = hub.subscribe_to(["user:7"], &LastEventId::none());
    /// drop(subscriber);
    /// ```
    pub fn on_listeners(mut self, hook: impl Fn(&str, usize) + Send + Sync + 'static) -> Self {
        self.0.on_listeners = Some(Hook::new(hook));
        self
    }

    /// An empty hub whose log is in memory.
    #[must_use]
    pub fn build(self) -> Hub {
        let feed = Feed::new(self.0, Numbering::Counted { epoch: position::epoch() });
        Hub::on(Handle::new(feed.clone(), Memory::new(feed)))
    }
}

impl Default for HubBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl Hub {
    /// A hub with the default bounds: 1,024 events and 8 MiB retained, frames of 64 KiB at most,
    /// reconnection times of one to five seconds.
    ///
    /// ```
    /// let hub = sse_hub::Hub::new();
    /// assert_eq!(hub.stats().retained, 0);
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets the bounds.
    ///
    /// ```
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::builder().retain_events(10_000).build();
    /// # drop(hub);
    /// ```
    pub const fn builder() -> HubBuilder {
        HubBuilder::new()
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_range() {
        let settings = HubBuilder::new().connection_age(Duration::from_secs(100)).0;
        let times: Vec<_> = (0..100).map(|_| settings.jittered_retry()).collect();
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
    fn a_range_may_be_reversed() {
        for range in [ONE_SECOND..=FIVE_SECONDS, FIVE_SECONDS..=ONE_SECOND] {
            let builder = HubBuilder::new().reconnection_time(range);
            assert_eq!(builder.0.retry, (ONE_SECOND, FIVE_SECONDS));
        }
    }
}
