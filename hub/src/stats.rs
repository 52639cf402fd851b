//! Figures of a hub.

use crate::handle::Handle;

/// A hub's figures at one instant; from [`Hub::stats`](crate::Hub::stats).
///
/// ```
/// use sse_encoder::Event;
/// use sse_hub::Hub;
///
/// let hub = Hub::new();
/// hub.try_publish(&Event::text("hello"))?;
/// assert_eq!((hub.stats().published, hub.stats().delivered), (1, 0));
/// # Ok::<(), sse_hub::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Subscriptions that are open.
    pub subscribers: usize,
    /// Items that have been published.
    pub published: u64,
    /// Events that subscribers have been given: each counts once for each of them. Those that a
    /// subscriber has got since it last waited are counted when it waits again.
    pub delivered: u64,
    /// How often a client was told of a gap.
    pub gaps: u64,
    /// Events that are retained.
    pub retained: usize,
    /// The bytes that these take, with their topics and keys.
    pub retained_bytes: usize,
    /// How many places in the log the slowest subscriber is behind the newest event. A large number
    /// is a client that does not read.
    pub lag: u64,
    /// Entries of the log that cannot be events, and so reach no subscriber: others have written
    /// them to Redis. Always 0 with a log in memory.
    pub rejected: u64,
}

impl Stats {
    pub(crate) fn of(Handle { feed, log }: &Handle) -> Self {
        let state = feed.read();
        let (retained, retained_bytes) = state.retained.size();
        let mut stats = Self {
            subscribers: feed.subscribers().get(),
            published: feed.published(),
            delivered: state.lists.delivered_before(),
            gaps: feed.gaps(),
            retained,
            retained_bytes,
            lag: 0,
            rejected: log.rejected(),
        };
        for list in state.lists.all() {
            let totals = list.totals();
            stats.delivered += totals.delivered;
            // A subscriber that has reached the newest entry of its topic is up to date.
            let slowest = totals.slowest.filter(|cursor| *cursor < list.last());
            stats.lag = stats.lag.max(slowest.map_or(0, |cursor| state.retained.tip() - cursor));
        }
        stats
    }
}
