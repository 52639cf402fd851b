//! Whether a hub is connected to its log.

use std::time::Instant;

/// Whether a hub is connected to its log; from [`Hub::status`](crate::Hub::status).
///
/// ```
/// use sse_hub::{Hub, Status};
///
/// // A hub in memory is always live.
/// assert_eq!(Hub::new().status(), Status::Live);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// Published events reach the subscribers.
    Live,
    /// The log cannot be read. Streams stay open, and the retained events are served from memory,
    /// but no new ones until there is a connection again. Publishing may still work, as it has a
    /// connection of its own. On disk: the last events could not be written; each new event is
    /// another attempt.
    Stale {
        /// Since when: the loss of the connection, the first failed write, or the start.
        since: Instant,
    },
    /// The driver of the log has ended, or was dropped: no new events will arrive. On disk: the hub
    /// is closed, or a write has failed in such a way that the hub has to be built again.
    Ended,
}
