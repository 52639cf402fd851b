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
    committed: Mark,
    /// Long shared bytes that were not copied: seldom any.
    #[allow(clippy::box_collection, reason = "each stream has one, and it is seldom used")]
    runs: Option<Box<Vec<Run>>>,
}

/// Bytes that belong before what the buffer has at `at`.
#[derive(Debug)]
struct Run {
    at: usize,
    bytes: Bytes,
}

/// A place between two frames.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Mark {
    len: usize,
    runs: usize,
}

impl Output {
    pub(crate) const fn new() -> Self {
        Self { buffer: Buffer::new(), committed: Mark { len: 0, runs: 0 }, runs: None }
    }

    /// Where frames are written.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// The place after all that has been written.
    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark { len: self.buffer.len(), runs: self.runs.as_ref().map_or(0, |runs| runs.len()) }
    }

    /// Begins an item: takes a buffer, and forgets what did not become whole.
    #[inline]
    pub(crate) fn begin(&mut self) -> Mark {
        self.buffer.acquire();
        self.reset(self.committed);
        self.committed
    }

    /// Forgets what was written after this place.
    #[inline]
    pub(crate) fn reset(&mut self, mark: Mark) {
        self.buffer.truncate(mark.len);
        if let Some(runs) = &mut self.runs {
            runs.truncate(mark.runs);
        }
    }

    /// Ends an item: what was written up to this place counts.
    #[inline]
    pub(crate) fn commit(&mut self, mark: Mark) {
        self.committed = mark;
    }

    /// Whether these bytes are not copied.
    pub(crate) fn shares(bytes: &Bytes) -> bool {
        bytes.len() >= SHARE_FROM
    }

    /// Appends whole frames that came encoded; if they are long, without copying them.
    pub(crate) fn append(&mut self, frames: &Bytes) -> Result<(), Error> {
        self.begin();
        self.buffer.begin_frame(usize::MAX);
        self.put_shared(frames)?;
        self.commit(self.mark());
        Ok(())
    }

    /// Appends shared bytes; if they are long, without copying them.
    pub(crate) fn put_shared(&mut self, bytes: &Bytes) -> Result<(), Error> {
        if !Self::shares(bytes) {
            return self.buffer.try_put(bytes);
        }
        self.buffer.count_elsewhere(bytes.len())?;
        let run = Run { at: self.buffer.len(), bytes: bytes.clone() };
        self.runs.get_or_insert_default().push(run);
        Ok(())
    }

    /// The length of all whole items.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.committed.len + if self.committed.runs > 0 { self.shared_len() } else { 0 }
    }

    #[cold]
    fn shared_len(&self) -> usize {
        let runs = self.runs.iter().flat_map(|runs| &**runs).take(self.committed.runs);
        runs.map(|run| run.bytes.len()).sum()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.committed == Mark::default()
    }

    /// Takes all whole items, and gives the room back: the first piece, and the others to `later`.
    #[inline]
    pub(crate) fn take(&mut self, later: impl FnMut(Bytes)) -> Option<Bytes> {
        let Mark { len, runs } = mem::take(&mut self.committed);
        self.buffer.truncate(len);
        let chunk = if runs > 0 {
            self.take_pieces(runs, later)
        } else {
            (len > 0).then(|| self.buffer.take())
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
    pub(crate) fn append_to(mut self, dst: &mut BytesMut) {
        if dst.is_empty() && self.len() >= LEAVES_FROM {
            // The buffer itself: nobody else has it.
            *dst = self.take_whole().into();
        } else if self.committed.runs > 0 {
            dst.extend_from_slice(&self.take_whole());
        } else {
            dst.extend_from_slice(&self.buffer.as_slice()[..self.committed.len]);
            self.buffer.release();
        }
    }

    #[cold]
    fn take_pieces(&mut self, count: usize, later: impl FnMut(Bytes)) -> Option<Bytes> {
        let whole = self.buffer.take();
        let mut runs = self.runs.take().unwrap_or_default();
        runs.truncate(count);
        let between = |start: usize, end: usize| (start < end).then(|| whole.slice(start..end));
        let mut start = 0;
        let mut pieces = Vec::with_capacity(2 * count + 1);
        for Run { at, bytes } in *runs {
            pieces.extend(between(start, at));
            pieces.push(bytes);
            start = at;
        }
        pieces.extend(between(start, whole.len()));
        let mut pieces = pieces.into_iter();
        let first = pieces.next();
        pieces.for_each(later);
        first
    }

    /// Moves whole items into room of their own, and gives the thread's back.
    pub(crate) fn keep(&mut self) {
        self.reset(self.committed);
        self.buffer.keep();
    }
}
