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
    /// Subscriptions so far that began [fresh](crate::Resumption::Fresh), the open ones included.
    pub fresh: u64,
    /// Subscriptions so far that resumed [exactly](crate::Resumption::Exact).
    pub exact: u64,
    /// Subscriptions so far that began after a [gap](crate::Resumption::Gap), as their clients
    /// returned too late.
    pub late: u64,
    /// Subscriptions so far with an [unknown](crate::Resumption::Unknown) last event ID: after a
    /// restart of a log in memory, all that return.
    pub unknown: u64,
    /// Published events, ephemeral ones included. With a log on disk or on Redis it includes those
    /// read at the start, and on Redis those of other servers.
    pub published: u64,
    /// Calls that published nothing: the item was at fault, the log refused it or could not be
    /// reached, or the hub was closed.
    pub refused: u64,
    /// Calls of which it is [unknown](crate::Error::is_outcome_unknown) whether they have
    /// published.
    pub outcome_unknown: u64,
    /// Delivered events, counted once for each subscriber. Those that a subscriber has taken since
    /// it last waited are counted when it waits again.
    pub delivered: u64,
    /// Gaps: one for each subscription in `late` and `unknown`, even if it began with a state
    /// instead. The others are of connected clients that read too slowly, or whose events the log
    /// has lost, and of new clients that asked for a state of [the newest
    /// events](crate::Subscriber::begin_with_latest) that is no longer complete.
    pub gaps: u64,
    /// Retained events.
    pub retained: usize,
    /// Bytes of the retained events, with their topics and keys.
    pub retained_bytes: usize,
    /// Entries that other programs have written to Redis and that cannot be events: they reach no
    /// subscriber. On disk: the holes that the log had when it was opened, where files were damaged
    /// or missing. Always 0 with a log in memory.
    pub rejected: u64,
    /// How often this server could read Redis again after its connection was lost. Always 0 with a
    /// log in memory or on disk.
    pub reconnects: u64,
}

impl Stats {
    pub(crate) fn of(Handle { feed, log }: &Handle) -> Self {
        let (retained, retained_bytes) = feed.retained();
        Self {
            subscribers: feed.subscribers().get(),
            fresh: feed.counts.fresh.get(),
            exact: feed.counts.exact.get(),
            late: feed.counts.late.get(),
            unknown: feed.counts.unknown.get(),
            published: feed.published(),
            refused: feed.counts.refused.get(),
            outcome_unknown: feed.counts.outcome_unknown.get(),
            delivered: feed.delivered(),
            gaps: feed.gaps(),
            retained,
            retained_bytes,
            rejected: log.rejected(),
            reconnects: log.reconnects(),
        }
    }
}
