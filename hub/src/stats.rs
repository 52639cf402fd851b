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
    /// Open subscriptions.
    pub subscribers: usize,
    /// Published events.
    pub published: u64,
    /// Delivered events, counted once for each subscriber. Those that a subscriber has taken since
    /// it last waited are counted when it waits again.
    pub delivered: u64,
    /// Gaps that clients were told of.
    pub gaps: u64,
    /// Retained events.
    pub retained: usize,
    /// Bytes of the retained events, with their topics and keys.
    pub retained_bytes: usize,
    /// How many entries the slowest subscriber is behind the newest one. A large number means a
    /// client that does not read.
    pub lag: u64,
    /// Entries that other programs have written to Redis and that cannot be events: they reach no
    /// subscriber. On disk: the holes that the log had when it was opened, where files were damaged
    /// or missing. Always 0 with a log in memory.
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
