//! Where frames go: a buffer, and what counts of it.

use std::mem;

use bytes::{Bytes, BytesMut};

use crate::{buffer::Buffer, error::Error};

/// From this size on shared bytes leave as they are instead of being copied: the price of one more
/// chunk is then small beside that of the copy.
const SHARE_FROM: usize = 32 * 1024;

/// Items that have been written, whole, and perhaps the beginning of one more.
///
/// What was written after the last whole item does not count, and the next one overwrites it: an
/// item that fails, or panics, leaves no trace.
#[derive(Debug, Default)]
pub(crate) struct Output {
    buffer: Buffer,
    committed: Mark,
    /// Long shared bytes that are not copied. `None` where all are.
    runs: Option<Vec<Run>>,
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
    /// An output in which long shared bytes are not copied.
    pub(crate) const fn sharing(buffer: Buffer) -> Self {
        Self { buffer, committed: Mark { len: 0, runs: 0 }, runs: Some(Vec::new()) }
    }

    /// Where frames are written.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Buffer {
        &mut self.buffer
    }

    /// The place after all that has been written.
    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark { len: self.buffer.len(), runs: self.runs.as_ref().map_or(0, Vec::len) }
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
    pub(crate) fn shares(&self, bytes: &Bytes) -> bool {
        self.runs.is_some() && bytes.len() >= SHARE_FROM
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
        let shares = self.shares(bytes);
        match &mut self.runs {
            Some(runs) if shares => {
                self.buffer.count_elsewhere(bytes.len())?;
                runs.push(Run { at: self.buffer.len(), bytes: bytes.clone() });
                Ok(())
            }
            _ => self.buffer.try_put(bytes),
        }
    }

    /// The length of all whole items.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.committed.len + if self.committed.runs > 0 { self.shared_len() } else { 0 }
    }

    #[cold]
    fn shared_len(&self) -> usize {
        let runs = self.runs.iter().flatten().take(self.committed.runs);
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

    /// Appends all whole items to `dst`, and gives the room back.
    pub(crate) fn append_to(mut self, dst: &mut BytesMut) {
        dst.extend_from_slice(&self.buffer.as_slice()[..self.committed.len]);
        self.buffer.release();
    }

    #[cold]
    fn take_pieces(&mut self, count: usize, later: impl FnMut(Bytes)) -> Option<Bytes> {
        let whole = self.buffer.take();
        let mut runs = self.runs.replace(Vec::new()).unwrap_or_default();
        runs.truncate(count);
        let between = |start: usize, end: usize| (start < end).then(|| whole.slice(start..end));
        let mut start = 0;
        let mut pieces = Vec::with_capacity(2 * count + 1);
        for Run { at, bytes } in runs {
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

    /// Keeps whole items for a later poll, in room of their own.
    pub(crate) fn keep(&mut self) {
        self.reset(self.committed);
        self.buffer.keep();
    }

    /// Gives the room back, if nothing is in it.
    pub(crate) fn release(&mut self) {
        if self.is_empty() {
            self.buffer.release();
        }
    }
}
