//! The remote log, as the follower needs it.

use std::{
    future::{Future, ready},
    time::Duration,
};

use crate::{
    error::Error,
    position::{Check, Position},
};

/// An entry as the log has it: its position, and its fields, which any program may have written.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) position: Position,
    pub(super) fields: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Entry {
    /// The numbers are the log's own. The check tells the entry from another one with the same
    /// numbers, of a log that was emptied or replaced.
    pub(super) fn new((epoch, n): (u64, u64), fields: Vec<(Vec<u8>, Vec<u8>)>) -> Self {
        let check = check(fields.iter().map(|(name, value)| (&name[..], &value[..])));
        Self { position: Position { epoch, n, check }, fields }
    }

    /// The bytes that its names and values take.
    pub(super) fn size(&self) -> usize {
        self.fields.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

/// The check of an entry with these fields.
pub(super) fn check<'a>(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Check {
    let hash = fields.fold(Hash::default(), |hash, (name, value)| hash.bytes(name).bytes(value));
    Check::of_entry(hash.finish())
}

/// A hash that is the same on every server, in every version of the program. It need not resist an
/// attacker: a program that can write one entry can write any.
#[derive(Clone, Copy, Default)]
pub(super) struct Hash(u64);

impl Hash {
    /// Adds the bytes and their number.
    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let (words, rest) = bytes.as_chunks::<8>();
        let hash = words.iter().fold(self, |hash, word| hash.number(u64::from_le_bytes(*word)));
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        hash.number(u64::from_le_bytes(last)).number(bytes.len() as u64)
    }

    pub(super) const fn number(self, number: u64) -> Self {
        Self((self.0 ^ number).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(29))
    }

    /// Each bit depends on all of the input.
    pub(super) const fn finish(self) -> u64 {
        let hash = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let hash = (hash ^ hash >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        hash ^ hash >> 31
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

    /// The entries of the endings of streams that are kept beside the log, oldest first; or the
    /// refusal, if the right to read them is missing.
    fn endings(&mut self) -> impl Future<Output = Result<Result<Vec<Entry>, Error>, Error>> + Send {
        ready(Ok(Ok(Vec::new())))
    }

    /// Whether an answer was not in time.
    fn is_slow(&self) -> bool {
        false
    }

    /// Whether the log is elsewhere now, or on its way there.
    fn has_moved(&self) -> bool {
        false
    }
}

/// Makes connections to a log.
pub(super) trait Connector {
    type Source: Source + Send;

    /// Connects. `patience` is how long an answer may take.
    fn open(&self, patience: Duration) -> impl Future<Output = Result<Self::Source, Error>> + Send;

    /// Waits this long before the next attempt, or less if another connection is up.
    fn pause(&self, time: Duration) -> impl Future<Output = ()> + Send;
}
