//! How a subscription continues from the client's last event ID.

use sse_encoder::{EventId, LastEventId};

use crate::{log::ToldLoss, mutant};

/// The longest last event ID that is kept beside a subscription: a client chooses it, and it may
/// have 4 KiB.
const MAX_REQUESTED: usize = 128;

/// Whether a subscription continues exactly where the client left off; from
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
    /// The client is new: it sent no last event ID. It gets the events published from now on.
    Fresh,
    /// The client gets every event that it has missed, and none twice.
    Exact {
        /// How many retained events it has missed.
        missed: usize,
    },
    /// The client's position is known, but some later events are no longer retained.
    Gap {
        /// The last event ID that the client sent; `None` if it is longer than 128 bytes, as it is
        /// kept as long as the subscription.
        requested: Option<EventId>,
        /// The position after which the subscription continues.
        resumed_after: EventId,
    },
    /// The last event ID does not belong to this log: it is from another process, or of an event
    /// with an id of its own that is no longer retained, or any other text; or it was sent, and
    /// [cannot be read](sse_encoder::LastEventId::is_unreadable).
    Unknown {
        /// The last event ID that the client sent; `None` if it cannot be read, or is longer than
        /// 128 bytes, as it is kept as long as the subscription.
        requested: Option<EventId>,
        /// The position after which the subscription continues.
        resumed_after: EventId,
    },
}

impl Resumption {
    /// Whether the client may lack events that the subscription will not deliver: `true` for all
    /// kinds but [`Exact`](Self::Exact). If so, load the current state, and [begin with
    /// it](crate::Subscriber::begin_with).
    pub const fn needs_state(&self) -> bool {
        !matches!(self, Self::Exact { .. })
    }

    /// The resumption of a client that lacks events. It has the ids of the gap that tells of them.
    pub(crate) fn inexact(is_unknown: bool, last: &LastEventId, loss: &ToldLoss) -> Self {
        let requested = last.get().filter(|id| id.as_str().len() <= MAX_REQUESTED).cloned();
        let resumed_after = loss.id.get().clone();
        if is_unknown {
            Self::Unknown { requested, resumed_after }
        } else {
            Self::Gap { requested, resumed_after }
        }
    }
}

/// Whether the client sent no id. One that sent an unreadable id is not new.
pub(crate) fn is_new(last: &LastEventId) -> bool {
    last.get().is_none() && (!last.is_unreadable() || mutant::lacks(29))
}
