//! Whether the log is at hand.

use std::time::Instant;

/// Whether a hub has its log at hand; from [`Hub::status`].
///
/// ```
/// use sse_hub::{Hub, Status};
///
/// // In memory it always has.
/// assert_eq!(Hub::new().status(), Status::Live);
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// What is published reaches the subscribers.
    Live,
    /// There is no connection to the log. Streams stay open, and what is retained is served from
    /// memory; nothing new comes until there is a connection again. An event may be published all
    /// the same, as that takes a connection of its own.
    Stale {
        /// Since when: the loss of the connection, or the start.
        since: Instant,
    },
    /// The driver of the log has ended, or was dropped: nothing new will come.
    Ended,
}
