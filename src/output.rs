//! Where frames go: a buffer, and what counts of it.

use std::mem;

use bytes::{Bytes, BytesMut};

use crate::{
    buffer::{Buffer, LEAVES_FROM},
    error::Error,
};

/// From this size on shared bytes leave as they are instead of being copied: the price of one more
/// chunk is then small beside that of the copy.
const SHARE_FROM: usize = 32 * 1024;

/// Items that have been written, whole, and perhaps the beginning of one more.
///
/// What was written after the last whole item does not count, and the next one overwrites it: an
/// item that fails, or panics, leaves no trace.
#[derive(Debug)]
pub(crate) struct Output {
    buffer: Buffer,
    /// Up to here the buffer has whole items.
    committed: usize,
    /// Long shared bytes that were not copied: seldom any. Those of whole items are at most at
    /// `committed`, the others after it.
    #[allow(clippy::box_collection, reason = "each stream has one, and it is seldom used")]
    runs: Option<Box<Vec<Run>>>,
}

/// Bytes that belong before what the buffer has at `at`.
#[derive(Debug)]
struct Run {
    at: usize,
    bytes: Bytes,
}

impl Output {
    pub(crate) const fn new() -> Self {
        Self { buffer: Buffer::new(), committed: 0, runs: None }
    }

    /// Where frames are written.
    #[inline(always)]
    pub(crate) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// Begins an item: takes a buffer, and forgets what did not become whole. The place where it
    /// begins.
    #[inline(always)]
    pub(crate) fn begin(&mut self) -> usize {
        self.buffer.acquire();
        self.reset(self.committed);
        self.committed
    }

    /// Forgets what was written after this place, which is one between two frames.
    #[inline(always)]
    pub(crate) fn reset(&mut self, len: usize) {
        self.buffer.truncate(len);
        if self.runs.is_some() {
            self.reset_runs(len);
        }
    }

    #[cold]
    fn reset_runs(&mut self, len: usize) {
        if let Some(runs) = &mut self.runs {
            runs.retain(|run| run.at <= len);
            if runs.is_empty() {
                self.runs = None;
            }
        }
    }

    /// Ends an item: what was written up to this place counts.
    #[inline(always)]
    pub(crate) fn commit(&mut self, len: usize) {
        self.committed = len;
    }

    /// Appends whole frames that came encoded, as an item; if they are long, without copying them.
    pub(crate) fn append(&mut self, frames: &Bytes) {
        self.begin();
        if Self::shares(frames) {
            self.push_run(frames);
        } else {
            self.buffer.put(frames);
        }
        self.commit(self.buffer.len());
    }

    /// Whether these bytes are long enough not to be copied.
    pub(crate) fn shares(bytes: &Bytes) -> bool {
        bytes.len() >= SHARE_FROM
    }

    /// Appends a line's value; if it is long, without copying it.
    pub(crate) fn put_shared(&mut self, value: &Bytes) -> Result<(), Error> {
        if !Self::shares(value) {
            return self.buffer.try_put(value);
        }
        self.buffer.count_elsewhere(value.len())?;
        self.push_run(value);
        Ok(())
    }

    fn push_run(&mut self, bytes: &Bytes) {
        let run = Run { at: self.buffer.len(), bytes: bytes.clone() };
        self.runs.get_or_insert_default().push(run);
    }

    /// The length of all whole items.
    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.committed + if self.runs.is_some() { self.shared_len() } else { 0 }
    }

    #[cold]
    fn shared_len(&self) -> usize {
        let runs = self.runs.iter().flat_map(|runs| &**runs);
        runs.filter(|run| run.at <= self.committed).map(|run| run.bytes.len()).sum()
    }

    /// The length of the shared bytes after this place.
    #[inline(always)]
    pub(crate) fn shared_after(&self, len: usize) -> usize {
        let Some(runs) = &self.runs else { return 0 };
        runs.iter().filter(|run| run.at > len).map(|run| run.bytes.len()).sum()
    }

    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes all whole items, and gives the room back: the first piece, and the others to `later`.
    #[inline(always)]
    pub(crate) fn take(&mut self, later: impl FnMut(Bytes)) -> Option<Bytes> {
        let len = mem::take(&mut self.committed);
        self.reset(len);
        let chunk = match self.runs.take() {
            None => (len > 0).then(|| self.buffer.take()),
            Some(runs) => pieces(self.buffer.take(), *runs, later),
        };
        self.buffer.release();
        chunk
    }

    /// Takes all whole items in one piece, and gives the room back.
    pub(crate) fn take_whole(mut self) -> Bytes {
        let mut pieces = Vec::new();
        let first = self.take(|piece| pieces.push(piece)).unwrap_or_default();
        if pieces.is_empty() {
            return first;
        }
        pieces.insert(0, first);
        pieces.concat().into()
    }

    /// Appends all whole items to `dst`, and gives the room back.
    #[inline]
    pub(crate) fn append_to(mut self, dst: &mut BytesMut) {
        if self.len() < LEAVES_FROM || (self.runs.is_none() && !dst.is_empty()) {
            dst.extend_from_slice(&self.buffer.as_slice()[..self.committed]);
            self.buffer.release();
        } else if dst.is_empty() {
            // The buffer itself: nobody else has it.
            *dst = self.take_whole().into();
        } else {
            dst.extend_from_slice(&self.take_whole());
        }
    }

    /// Moves whole items into room of their own, and gives the thread's back.
    pub(crate) fn keep(&mut self) {
        self.reset(self.committed);
        self.buffer.keep();
    }
}

/// What was written, and between it what was not copied.
#[cold]
fn pieces(written: Bytes, runs: Vec<Run>, later: impl FnMut(Bytes)) -> Option<Bytes> {
    let between = |start: usize, end: usize| (start < end).then(|| written.slice(start..end));
    let mut start = 0;
    let mut pieces = Vec::with_capacity(2 * runs.len() + 1);
    for Run { at, bytes } in runs {
        pieces.extend(between(start, at));
        pieces.push(bytes);
        start = at;
    }
    pieces.extend(between(start, written.len()));
    let mut pieces = pieces.into_iter();
    let first = pieces.next();
    pieces.for_each(later);
    first
}
