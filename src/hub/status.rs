//! Whether the log is at hand.

use std::time::Instant;

use super::Hub;
use crate::last_event_id::LastEventId;

/// Whether a hub has its log at hand; from [`Hub::status`].
///
/// ```
/// use sse_encoder::{Hub, hub::Status};
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

impl Hub {
    /// Whether the hub has its log at hand; in memory it always has.
    ///
    /// ```
    /// use sse_encoder::{Hub, hub::Status};
    ///
    /// fn health(hub: &Hub) -> String {
    ///     match hub.status() {
    ///         Status::Live => "all is well".into(),
    ///         Status::Stale { since } => format!("no connection for {:?}", since.elapsed()),
    ///         _ => "the driver was dropped".into(),
    ///     }
    /// }
    /// assert_eq!(health(&Hub::new()), "all is well");
    /// ```
    pub fn status(&self) -> Status {
        self.shared.remote.as_ref().map_or(Status::Live, |remote| remote.status())
    }

    /// Waits until the hub has its log at hand, or never will; in memory it has. At a server's
    /// start: wait for it, for a bounded time, before you accept connections.
    ///
    /// ```
    /// use sse_encoder::{Hub, hub::Status};
    ///
    /// assert_eq!(futures_executor::block_on(Hub::new().live()), Status::Live);
    /// ```
    pub async fn live(&self) -> Status {
        match &self.shared.remote {
            None => Status::Live,
            Some(remote) => remote.live().await,
        }
    }

    /// Waits until this server can tell what comes after the client's last event ID, a second at
    /// most; call it before you subscribe. Whoever changes from one server to the other within
    /// milliseconds may be ahead of it, and would hear of a gap that is none.
    ///
    /// In memory it can always tell, at once. `false` if the log is elsewhere and out of reach, and
    /// this server has not read it since it started, or not as far as the client: better send the
    /// client away for a while, with
    /// [`SseEncoder::retry_after`](crate::SseEncoder::retry_after). If you subscribe it
    /// nevertheless, it hears of a gap that may be none.
    ///
    /// An id that is none of the log's takes the second, too.
    ///
    /// ```
    /// use sse_encoder::{Hub, LastEventId, SseEncoder, Subscriber};
    ///
    /// /// `None` is to be answered with `SseEncoder::retry_after`.
    /// async fn events(hub: &Hub, last: &LastEventId) -> Option<SseEncoder<Subscriber>> {
    ///     hub.reach(last).await.then(|| SseEncoder::new(hub.subscribe(last)))
    /// }
    /// # let events = futures_executor::block_on(events(&Hub::new(), &LastEventId::none()));
    /// # assert!(events.is_some());
    /// ```
    pub async fn reach(&self, last: &LastEventId) -> bool {
        match &self.shared.remote {
            None => true,
            Some(remote) => remote.reach(&self.shared, last).await,
        }
    }
}
