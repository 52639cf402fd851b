use std::{io, mem, ops::Range};

use bytes::{Bytes, BytesMut};

/// From this size on, shared bytes leave as they are instead of being copied into the chunk: the
/// price of one more chunk is then small beside that of the copy.
const SHARE_FROM: usize = 32 * 1024;

/// How much room is made at first, and then as much again as has been written.
const FIRST_ROOM: usize = 128;

/// The bytes that have been written.
///
/// Encoding is many small writes, each of them shorter if the room for it is already there: so the
/// buffer's length is the *room*, whose end is zeros, and what has been written is counted here.
///
/// Nothing is ever taken back. What was written after [`committed`](Self::committed) is not there unless
/// it gets committed, and what was written after the last whole frame is overwritten by the next one: an
/// item that fails, or panics, leaves no trace.
#[derive(Debug)]
pub(crate) struct Output {
    room: BytesMut,
    len: usize,
    /// Up to here the frames of the item that is being written are whole.
    whole: Mark,
    /// Up to here the items are.
    committed: Mark,
    /// What was there before, which says nothing of how much will be written.
    base: usize,
    /// Where the current frame would become too large.
    limit: usize,
    /// Whether something did not fit, even if a `Serialize` has not passed the error on.
    is_cut: bool,
    /// Long shared bytes, which belong into the output without being copied there.
    shared: Vec<Shared>,
    /// Shared bytes of any length that are all there is: they need no buffer. As soon as a frame follows
    /// they are copied, so that both leave in one piece.
    sole: Option<Bytes>,
    shares: bool,
    /// The room to make at first.
    expected: usize,
}

/// Bytes that belong into the output before what it has at `at`.
#[derive(Debug)]
struct Shared {
    at: usize,
    bytes: Bytes,
}

/// A place in the output.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Mark {
    len: usize,
    shared: usize,
    sole: bool,
}

impl Mark {
    #[inline]
    fn is_start(self) -> bool {
        self.len == 0 && self.shared == 0 && !self.sole
    }
}

impl Default for Output {
    fn default() -> Self {
        Self {
            room: BytesMut::new(),
            len: 0,
            whole: Mark::default(),
            committed: Mark::default(),
            base: 0,
            limit: usize::MAX,
            is_cut: false,
            shared: Vec::new(),
            sole: None,
            shares: false,
            expected: 0,
        }
    }
}

impl Output {
    /// An output in which shared bytes need not be copied.
    pub(crate) fn sharing(expected: usize) -> Self {
        Self { shares: true, expected, ..Self::default() }
    }

    pub(crate) fn expected(&self) -> usize {
        self.expected
    }

    /// How much room to make when there is none.
    pub(crate) fn expect(&mut self, expected: usize) {
        self.expected = expected;
    }

    /// An output that appends to these bytes.
    pub(crate) fn appending(bytes: BytesMut) -> Self {
        let len = bytes.len();
        let mark = Mark { len, ..Mark::default() };
        Self { room: bytes, len, whole: mark, committed: mark, base: len, ..Self::default() }
    }

    /// An output for a part of the current frame, with what its limit leaves.
    pub(crate) fn aside(&self) -> Self {
        Self { limit: self.limit.saturating_sub(self.len), ..Self::default() }
    }

    /// Begins an item.
    #[inline]
    pub(crate) fn begin_item(&mut self) {
        self.whole = self.committed;
    }

    /// Ends an item: its whole frames count.
    #[inline]
    pub(crate) fn commit(&mut self) {
        self.committed = self.whole;
    }

    /// Begins a frame of at most `max` bytes, in the place of one that did not become whole.
    #[inline]
    pub(crate) fn begin_frame(&mut self, max: usize) {
        if self.whole.sole {
            self.copy_sole();
        }
        self.len = self.whole.len;
        self.limit = self.len.saturating_add(max);
        self.is_cut = false;
        if self.shared.len() > self.whole.shared {
            self.shared.truncate(self.whole.shared);
        }
    }

    /// Ends a frame: it is whole.
    #[inline]
    pub(crate) fn end_frame(&mut self) {
        self.whole = Mark { len: self.len, shared: self.shared.len(), sole: false };
    }

    /// The sole bytes stay until the item is committed, which may fail.
    #[cold]
    fn copy_sole(&mut self) {
        self.len = 0;
        self.limit = usize::MAX;
        if let Some(bytes) = self.sole.clone() {
            self.put(&bytes);
        }
        self.end_frame();
    }

    /// The length of the frame that is being written.
    #[inline]
    pub(crate) fn frame_len(&self) -> usize {
        let own = self.len - self.whole.len;
        if self.shared.len() == self.whole.shared {
            return own;
        }
        own + self.shared[self.whole.shared..]
            .iter()
            .map(|shared| shared.bytes.len())
            .sum::<usize>()
    }

    /// Whether something of the frame that is being written is missing.
    #[inline]
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Lets `write` go beyond the limit by some bytes, which it takes off again afterwards.
    pub(crate) fn with_more_room<R>(
        &mut self,
        more: usize,
        write: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let limit = self.limit;
        self.limit = limit.saturating_add(more);
        let result = write(self);
        self.limit = limit;
        result
    }

    /// Appends bytes.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        if let Some(slot) = self.slot(bytes.len()) {
            slot.copy_from_slice(bytes);
            self.len += bytes.len();
        } else {
            self.put_and_make_room(bytes);
        }
    }

    /// The next bytes of the room, if there are as many.
    #[inline]
    fn slot(&mut self, len: usize) -> Option<&mut [u8]> {
        self.room.get_mut(self.len..self.len + len)
    }

    #[cold]
    #[inline(never)]
    fn put_and_make_room(&mut self, bytes: &[u8]) {
        if self.len + bytes.len() > self.limit {
            self.is_cut = true;
            return;
        }
        if self.len == self.base {
            self.room.truncate(self.len);
            self.room.reserve(self.expected);
        }
        self.append(|room| room.extend_from_slice(bytes));
        let more = (self.len - self.base).max(FIRST_ROOM);
        // Room that is there is taken whole rather than passed by.
        let spare = self.room.capacity() - self.len;
        let more = if spare < FIRST_ROOM { more } else { more.min(spare) };
        self.room.resize(self.len + more, 0);
    }

    /// Lets `write` append to the buffer itself: much at once, for which no room has been made.
    #[inline]
    pub(crate) fn append<R>(&mut self, write: impl FnOnce(&mut BytesMut) -> R) -> R {
        self.room.truncate(self.len);
        let result = write(&mut self.room);
        self.len = self.room.len();
        result
    }

    /// Whether these bytes are long enough not to be copied.
    pub(crate) fn shares(&self, bytes: &Bytes) -> bool {
        self.shares && bytes.len() >= SHARE_FROM
    }

    /// Appends shared bytes; if they are long, without copying them.
    pub(crate) fn put_shared(&mut self, bytes: &Bytes) {
        if self.shares(bytes) {
            self.shared.push(Shared { at: self.len, bytes: bytes.clone() });
        } else {
            self.put(bytes);
        }
    }

    /// Appends shared bytes that are whole frames, as one frame.
    pub(crate) fn put_whole(&mut self, bytes: &Bytes, max: usize) {
        if self.shares && self.whole.is_start() && self.committed.is_start() && !bytes.is_empty() {
            self.sole = Some(bytes.clone());
            self.whole.sole = true;
        } else {
            self.begin_frame(max);
            self.put_shared(bytes);
            self.end_frame();
        }
    }

    /// What has been written, as bytes to change: only the end of it, that of the current frame.
    pub(crate) fn written_since(&mut self, start: usize) -> &mut [u8] {
        &mut self.room[start..self.len]
    }

    pub(crate) fn written(&self, range: Range<usize>) -> &[u8] {
        &self.room[range]
    }

    pub(crate) fn written_len(&self) -> usize {
        self.len
    }

    /// Takes the end off again, within the current frame.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = len;
    }

    /// The length of what has been copied into the buffer.
    pub(crate) fn own_len(&self) -> usize {
        self.committed.len
    }

    /// The length of all items.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        let Mark { len, shared, sole } = self.committed;
        if shared == 0 && !sole {
            return len;
        }
        let shared = self.shared[..shared].iter().map(|shared| &shared.bytes);
        len + shared.chain(&self.sole).map(Bytes::len).sum::<usize>()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.committed.is_start()
    }

    /// Takes all items, as pieces that follow one another. The buffer keeps what it has beyond them.
    pub(crate) fn take(&mut self, mut piece: impl FnMut(Bytes)) {
        let Mark { len, shared, sole } = mem::take(&mut self.committed);
        if let Some(bytes) = self.sole.take()
            && sole
        {
            return piece(bytes);
        }
        self.room.truncate(len);
        self.shared.truncate(shared);
        let mut taken = 0;
        for Shared { at, bytes } in self.shared.drain(..) {
            if at > taken {
                piece(self.room.split_to(at - taken).freeze());
                taken = at;
            }
            piece(bytes);
        }
        if !self.room.is_empty() {
            piece(self.room.split().freeze());
        }
        self.len = 0;
    }

    /// The bytes that this appended to, with what was committed.
    pub(crate) fn into_bytes(mut self) -> BytesMut {
        self.room.truncate(self.committed.len);
        self.room
    }
}

/// JSON's writer: an error where the frame would become too large.
impl io::Write for Output {
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if let Some(slot) = self.slot(bytes.len()) {
            slot.copy_from_slice(bytes);
            self.len += bytes.len();
        } else {
            self.put_and_make_room(bytes);
            if self.is_cut {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
        }
        Ok(())
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
