//! Whether the log is at hand.

use std::time::Instant;

/// Whether a hub has its log at hand; from [`Hub::status`](crate::Hub::status).
///
/// ```
/// use sse_encoder::{Hub, hub::Status};
///
/// // In memory it always has.
/// assert_eq!(Hub::new().status(), Status::Live);
///
/// let (hub, driver) = Hub::builder().redis("redis://127.0.0.1/", "orders")?;
/// assert!(matches!(hub.status(), Status::Stale { .. }));
/// drop(driver);
/// assert_eq!(hub.status(), Status::Ended);
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Status {
    /// What is published reaches the subscribers.
    Live,
    /// There is no connection to the log. Streams stay open, and what is retained is served from
    /// memory; nothing new comes until there is a connection again.
    Stale {
        /// Since when: the loss of the connection, or the start.
        since: Instant,
    },
    /// The [driver](super::Driver) has ended, or was dropped: nothing new will come.
    Ended,
}
