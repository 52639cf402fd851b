//! The remote log, as the follower needs it.

use std::{
    future::Future,
    hash::{DefaultHasher, Hash, Hasher},
};

use crate::{error::Error, position::Position};

/// An entry as the log has it: its position, and its fields, which any program may have written.
#[derive(Clone)]
pub(super) struct Entry {
    pub(super) position: Position,
    pub(super) fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// Tells it from another entry at the same position, of a log that was emptied or replaced.
    pub(super) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.fields.hash(&mut hasher);
        hasher.finish()
    }

    /// The bytes that its names and values take.
    pub(super) fn size(&self) -> usize {
        self.fields.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// The answer to a wait for entries.
pub(super) struct News {
    /// The entries after the position; empty if none arrived for a while.
    pub(super) entries: Vec<Entry>,
    /// The entry at that position, if it was still there after the others were read. Then nothing
    /// between it and them can be missing.
    pub(super) last: Option<Entry>,
}

/// A connection to a log: an order of entries whose positions ascend, of which the oldest may be
/// gone.
///
/// An error ends the connection; the driver makes another one and continues where it was.
pub(super) trait Source {
    /// Up to `count` of the newest entries, or of those before `before`; the newest first.
    fn newest(
        &mut self,
        before: Option<Position>,
        count: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, Error>> + Send;

    /// Up to `count` entries from this position on, the one at it included; the oldest first.
    fn from(
        &mut self,
        position: Position,
        count: usize,
    ) -> impl Future<Output = Result<Vec<Entry>, Error>> + Send;

    /// Waits, for a bounded time, for entries after this position, or for any if it is `None`. If
    /// the future is dropped, this connection must not be used again.
    fn wait(
        &mut self,
        after: Option<Position>,
        count: usize,
    ) -> impl Future<Output = Result<News, Error>> + Send;

    /// Whether the log still has every entry that was ever appended to it. `false` if that is
    /// unknown.
    fn is_complete(&mut self) -> impl Future<Output = Result<bool, Error>> + Send;

    /// Appends a mark to an empty log, to give all its readers a common position. `false` if that
    /// is refused.
    fn mark(&mut self) -> impl Future<Output = Result<bool, Error>> + Send;

    /// A unique position before all later entries: for an empty log without a mark.
    fn before_all(&mut self) -> impl Future<Output = Result<Position, Error>> + Send;
}
