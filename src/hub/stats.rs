//! Figures of a hub.

use super::{
    Shared,
    sync::{Ordering, read},
};

/// A hub's figures at one instant; from [`Hub::stats`](super::Hub::stats).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct HubStats {
    /// Subscriptions that are open.
    pub subscribers: usize,
    /// Items that have been published.
    pub published: u64,
    /// Events that subscribers have been given: each counts once for each of them. What a
    /// subscriber has got since it last waited for something is counted when it waits again.
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
    /// Entries of the log that cannot be events, and so reach nobody: what others have written to
    /// [Redis](super::HubBuilder::redis).
    #[cfg(feature = "redis")]
    pub left_out: u64,
}

pub(super) fn of(hub: &Shared) -> HubStats {
    let log = read(&hub.log);
    let (retained, retained_bytes) = log.retained();
    let mut stats = HubStats {
        subscribers: hub.exits.subscribers(),
        published: hub.published.load(Ordering::Relaxed),
        delivered: log.rooms.delivered_before(),
        gaps: hub.gaps.load(Ordering::Relaxed),
        retained,
        retained_bytes,
        lag: 0,
        #[cfg(feature = "redis")]
        left_out: hub.remote.as_ref().map_or(0, |remote| remote.left_out()),
    };
    for room in log.rooms.all() {
        let census = room.census();
        stats.delivered += census.delivered;
        // Nothing is new for a subscriber that has reached the newest entry of its topic.
        let slowest = census.slowest.filter(|cursor| *cursor < room.last());
        stats.lag = stats.lag.max(slowest.map_or(0, |cursor| log.tip() - cursor));
    }
    stats
}
