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
    /// Entries that other programs have written to Redis and that cannot be events: they reach no
    /// subscriber. On disk: the holes that the log had when it was opened, where files were damaged
    /// or missing. Always 0 with a log in memory.
    pub rejected: u64,
}

impl Stats {
    pub(crate) fn of(Handle { feed, log }: &Handle) -> Self {
        let (retained, retained_bytes) = feed.retained();
        Self {
            subscribers: feed.subscribers().get(),
            published: feed.published(),
            delivered: feed.delivered(),
            gaps: feed.gaps(),
            retained,
            retained_bytes,
            rejected: log.rejected(),
        }
    }
}
