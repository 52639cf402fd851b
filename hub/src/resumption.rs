//! The answer to a client that asks to go on where it left off.

use sse_encoder::EventId;

/// Whether a subscription could go on where the client left off; from
/// [`Subscriber::resumption`](crate::Subscriber::resumption).
///
/// ```
/// use sse_encoder::{Event, EventId, LastEventId};
/// use sse_hub::{Hub, Resumption};
///
/// let hub = Hub::new();
/// hub.try_publish(&Event::text("one").id(EventId::from_static("row-1")))?;
/// hub.try_publish(&Event::text("two"))?;
///
/// let last = LastEventId::from_headers([b"row-1"]);
/// assert_eq!(hub.subscribe(&last).resumption(), Resumption::Exact { missed: 1 });
///
/// assert_eq!(hub.subscribe(&LastEventId::none()).resumption(), Resumption::Fresh);
///
/// let last = LastEventId::from_headers([b"row-99"]);
/// assert!(matches!(hub.subscribe(&last).resumption(), Resumption::Unknown { .. }));
/// # Ok::<(), sse_hub::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Resumption {
    /// The client is new: it had no last event ID. It gets what is published from now on.
    Fresh,
    /// The client gets all that it has missed, and nothing twice.
    Exact {
        /// How many retained events it has missed.
        missed: usize,
    },
    /// The client's position is known, but something that came after it is no longer retained.
    Gap {
        /// The last event ID that the client had.
        requested: EventId,
        /// The position after which it goes on.
        resumed_after: EventId,
    },
    /// The last event ID is not one of this log: it is another process's, that of an event with an
    /// id of its own which is no longer retained, or anything else that a client can send.
    Unknown {
        /// The last event ID that the client had.
        requested: EventId,
        /// The position after which it goes on.
        resumed_after: EventId,
    },
}

impl Resumption {
    /// Whether the client may lack something that the subscription will not bring: all kinds but
    /// [`Exact`](Self::Exact). Then load the current state, and
    /// [begin with it](crate::Subscriber::begin_with).
    pub const fn needs_state(&self) -> bool {
        !matches!(self, Self::Exact { .. })
    }
}
