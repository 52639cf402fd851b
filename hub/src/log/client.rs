//! The positions that a client may be told.
//!
//! A client resumes after the id that it was told last. So an id is a claim: *each event of this
//! subscription up to here was given to the client, or the client was told of its loss*. The types
//! here are made only where that holds, by the log, under its lock. The hub's own events take their
//! ids from nothing else.
//!
//! A client whose position is not in the log goes on after an older one. Its id then says both: a
//! server that still has the newer one continues there, and gives nothing again.

use sse_encoder::EventId;

use crate::position::{Claim, Position};

/// A place in the log, for one subscription: the client was given each event up to here, or was
/// told of its loss.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct ClientPosition(u64);

impl ClientPosition {
    /// A client that was given nothing.
    pub(crate) const NOTHING: Self = Self(0);

    /// For the log alone: it knows what lies before this place.
    pub(super) const fn new(seq: u64) -> Self {
        Self(seq)
    }

    /// The place of the next event of the subscription, which is given with its id.
    pub(crate) const fn given(self, seq: u64) -> Self {
        debug_assert!(seq > self.0);
        Self(seq)
    }

    /// Its number in the order of the log.
    pub(crate) const fn seq(self) -> u64 {
        self.0
    }
}

/// The id of a [`ClientPosition`]: the only kind of id in a checkpoint, a state or a gap.
#[derive(Clone, Debug)]
pub(crate) struct PositionId(EventId);

impl PositionId {
    /// For the log alone. `had`: the position that the client had before a gap.
    pub(super) fn new(at: Position, had: Option<Position>) -> Self {
        // A server that has both has the lower one first: there the higher one is all that counts.
        Self(Claim { at, had: had.filter(|had| *had > at) }.to_id())
    }

    #[cfg(test)]
    pub(crate) const fn of_a_test(id: EventId) -> Self {
        Self(id)
    }

    pub(crate) const fn get(&self) -> &EventId {
        &self.0
    }
}

/// Events that a client lacks. The position beyond them exists only with the gap that tells of
/// them.
#[derive(Debug)]
#[must_use = "a loss is to be told"]
pub(crate) struct Loss {
    /// The place after which nothing is missing.
    pub(super) until: u64,
    /// The position that the client had, which the log lacks.
    pub(super) had: Option<Position>,
}

impl Loss {
    /// The position that the client had, which the log lacks.
    pub(crate) const fn had(&self) -> Option<Position> {
        self.had
    }
}

/// A loss in the words of the gap that tells of it.
#[derive(Debug)]
pub(crate) struct ToldLoss {
    /// The client's position once it has the gap.
    pub(crate) position: ClientPosition,
    pub(crate) id: PositionId,
}

/// Where a client with a last event ID continues.
pub(crate) enum Resumed {
    /// It lacks nothing up to its position.
    Exact(ClientPosition),
    /// Likewise, and it had the later position before a gap, which the log lacks.
    Returned(ClientPosition, Position),
    /// Its position is known, but later events are lost.
    Lost(Loss),
    /// Its position is not one of this log.
    Unknown(Loss),
}
