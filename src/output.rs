use std::{io, mem, ops::Range};

use bytes::{Bytes, BytesMut};

/// From this size on, shared bytes leave as they are instead of being copied into the chunk: the
/// price of one more chunk is then small beside that of the copy.
const SHARE_FROM: usize = 32 * 1024;

/// How much room is made at first, and then as much again as has been put, within what is allocated.
///
/// A quiet stream's event mostly fits, as into the least that is allocated for it. A busy stream has the
/// room of its last chunk: `benches/instructions` counts the same, within 0.1 %, with 128 and with 512.
const FIRST_ROOM: usize = 256;

/// How many times what a chunk needs, or was expected to, its buffer may be.
const LARGEST_ROOM: usize = 4;

/// The bytes that have been written.
///
/// Encoding is many small writes, each of them shorter if the room for it is already there: so the
/// buffer's length is the *room*, whose end is zeros, and what has been written is counted here.
///
/// Nothing is taken back. What was written after the last whole frame does not count, and the next frame
/// overwrites it: one that fails, or panics, leaves no trace.
#[derive(Debug)]
pub(crate) struct Output {
    room: BytesMut,
    /// The bytes that left last: as soon as nobody else holds them they are the room again.
    spare: Bytes,
    len: usize,
    /// Up to here there are whole frames.
    whole: usize,
    /// Up to here nothing says how much room will be needed: it was there before, or was appended at once.
    base: usize,
    /// Where the current frame would become too large.
    limit: usize,
    /// The room to make at first.
    expected: usize,
    /// Whether something did not fit, even if a `Serialize` has not passed the error on.
    is_cut: bool,
    shares: bool,
    apart: Apart,
}

/// Shared bytes that are not copied.
#[derive(Debug, Default)]
struct Apart {
    /// Whether there are any: mostly not, and then nothing else here is looked at.
    used: bool,
    /// Long ones, which belong into the buffer's run of bytes.
    runs: Vec<Run>,
    /// How many of them are in whole frames.
    whole_runs: usize,
    /// Frames of any length that are all there is: they need no buffer. As soon as an item follows they are
    /// copied, so that both leave in one piece.
    sole: Option<Bytes>,
}

/// Bytes that belong into the output before what the buffer has at `at`.
#[derive(Debug)]
struct Run {
    at: usize,
    bytes: Bytes,
}

/// A place between two items.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mark {
    len: usize,
    runs: usize,
}

impl Default for Output {
    fn default() -> Self {
        Self {
            room: BytesMut::new(),
            spare: Bytes::new(),
            len: 0,
            whole: 0,
            base: 0,
            limit: usize::MAX,
            expected: 0,
            is_cut: false,
            shares: false,
            apart: Apart::default(),
        }
    }
}

impl Output {
    /// An output in which shared bytes need not be copied.
    pub(crate) fn sharing(expected: usize) -> Self {
        Self { shares: true, expected, ..Self::default() }
    }

    /// An output that appends to these bytes.
    pub(crate) fn appending(bytes: BytesMut) -> Self {
        let len = bytes.len();
        Self { room: bytes, len, whole: len, base: len, ..Self::default() }
    }

    /// An output for a part of the current frame, with what its limit leaves.
    pub(crate) fn aside(&self) -> Self {
        Self { limit: self.limit.saturating_sub(self.len), ..Self::default() }
    }

    pub(crate) fn expected(&self) -> usize {
        self.expected
    }

    /// How much room to make when there is none.
    pub(crate) fn expect(&mut self, expected: usize) {
        self.expected = expected;
    }

    /// Begins an item: what was sole is so no longer, whatever becomes of what follows.
    #[inline]
    pub(crate) fn begin_item(&mut self) -> Mark {
        if self.apart.used {
            self.settle_shared();
        }
        Mark { len: self.whole, runs: self.apart.whole_runs }
    }

    /// The frames after this place do not count.
    #[cold]
    pub(crate) fn reset(&mut self, mark: Mark) {
        self.whole = mark.len;
        self.apart.whole_runs = mark.runs;
        self.apart.sole = None;
    }

    /// Begins a frame of at most `max` bytes, in the place of one that did not become whole.
    #[inline]
    pub(crate) fn begin_frame(&mut self, max: usize) {
        if self.apart.used {
            self.settle_shared();
        }
        self.len = self.whole;
        self.limit = self.len.saturating_add(max);
        self.is_cut = false;
    }

    /// Copies what was sole, and forgets what did not become whole.
    #[cold]
    fn settle_shared(&mut self) {
        self.apart.runs.truncate(self.apart.whole_runs);
        if let Some(bytes) = self.apart.sole.take() {
            self.limit = usize::MAX;
            self.len = 0;
            self.put(&bytes);
            self.whole = self.len;
        }
    }

    /// Ends a frame: it is whole.
    #[inline]
    pub(crate) fn end_frame(&mut self) {
        self.whole = self.len;
        if self.apart.used {
            self.apart.whole_runs = self.apart.runs.len();
        }
    }

    /// Whether nothing of the current frame has been written. (Shared bytes never come first.)
    #[inline]
    pub(crate) fn is_at_start_of_frame(&self) -> bool {
        self.len == self.whole
    }

    /// The length of the frame that is being written.
    #[inline]
    pub(crate) fn frame_len(&self) -> usize {
        let own = self.len - self.whole;
        if self.apart.used { own + self.shared_len(self.apart.whole_runs..) } else { own }
    }

    #[cold]
    fn shared_len(&self, runs: impl std::slice::SliceIndex<[Run], Output = [Run]>) -> usize {
        self.apart.runs[runs].iter().map(|run| run.bytes.len()).sum()
    }

    /// Whether something of the frame that is being written is missing.
    #[inline]
    pub(crate) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// Lets `write` append what does not count for the limit.
    pub(crate) fn put_beside_limit<R>(&mut self, write: impl FnOnce(&mut Self) -> R) -> R {
        let (limit, start) = (mem::replace(&mut self.limit, usize::MAX), self.len);
        let result = write(self);
        self.limit = limit.saturating_add(self.len - start);
        result
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
        if !self.put_into_room(bytes) {
            self.put_and_make_room(bytes);
        }
    }

    /// Appends bytes, if there is room for them.
    #[inline]
    fn put_into_room(&mut self, bytes: &[u8]) -> bool {
        let Some(slot) = self.room.get_mut(self.len..self.len + bytes.len()) else { return false };
        slot.copy_from_slice(bytes);
        self.len += bytes.len();
        true
    }

    #[cold]
    #[inline(never)]
    fn put_and_make_room(&mut self, bytes: &[u8]) {
        if self.len + bytes.len() > self.limit {
            self.is_cut = true;
            return;
        }
        if self.len == 0 {
            self.room.clear();
            self.make_first_room();
            if self.put_into_room(bytes) {
                return;
            }
        }
        self.extend(|room| room.extend_from_slice(bytes));
        // Not more than there is: what comes next may be the frame's end.
        let spare = self.room.capacity() - self.len;
        let more = self.len.saturating_sub(self.base).max(FIRST_ROOM).min(spare);
        self.room.resize(self.len + more, 0);
    }

    /// Takes the bytes that left last, which need not be made zeros again; or as many new ones.
    fn make_first_room(&mut self) {
        if self.spare.is_empty() {
            self.room.reserve(self.expected);
            return;
        }
        // Another handle to the same bytes.
        self.room = BytesMut::new();
        let spare = mem::take(&mut self.spare).try_into_mut();
        self.room = spare.unwrap_or_else(|_| BytesMut::with_capacity(self.expected));
    }

    /// Lets `write` append to the buffer itself: much at once, for which no room has been made.
    ///
    /// The room that there was is lost. What is made next is small again, or many texts would cost a
    /// multiple of all that there is.
    #[inline]
    pub(crate) fn append(&mut self, write: impl FnOnce(&mut BytesMut)) {
        self.extend(write);
        self.base = self.len;
    }

    #[inline]
    fn extend(&mut self, write: impl FnOnce(&mut BytesMut)) {
        self.room.truncate(self.len);
        write(&mut self.room);
        self.len = self.room.len();
    }

    /// Whether these bytes are long enough not to be copied.
    pub(crate) fn shares(&self, bytes: &Bytes) -> bool {
        self.shares && bytes.len() >= SHARE_FROM
    }

    /// Appends shared bytes; if they are long, without copying them.
    pub(crate) fn put_shared(&mut self, bytes: &Bytes) {
        if self.shares(bytes) {
            self.apart.used = true;
            self.apart.runs.push(Run { at: self.len, bytes: bytes.clone() });
        } else {
            self.put(bytes);
        }
    }

    /// Appends shared bytes that are whole frames, as one frame.
    pub(crate) fn put_whole(&mut self, bytes: &Bytes, max: usize) {
        if self.shares && self.whole == 0 && !self.apart.used && !bytes.is_empty() {
            self.apart.used = true;
            self.apart.sole = Some(bytes.clone());
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

    /// The length of the whole frames that are in the buffer.
    pub(crate) fn own_len(&self) -> usize {
        self.whole
    }

    /// The length of all whole frames.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        if self.apart.used { self.len_with_shared() } else { self.whole }
    }

    #[cold]
    fn len_with_shared(&self) -> usize {
        let sole = self.apart.sole.as_ref().map_or(0, Bytes::len);
        self.whole + self.shared_len(..self.apart.whole_runs) + sole
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes all whole frames, as pieces that follow one another.
    pub(crate) fn take(&mut self, mut piece: impl FnMut(Bytes)) {
        self.fit();
        self.room.truncate(mem::take(&mut self.whole));
        self.len = 0;
        self.base = 0;
        if mem::take(&mut self.apart.used) {
            self.apart.sole.take().map(&mut piece);
            self.apart.runs.truncate(mem::take(&mut self.apart.whole_runs));
            let mut taken = 0;
            for Run { at, bytes } in self.apart.runs.drain(..) {
                if at > taken {
                    piece(self.room.split_to(at - taken).freeze());
                    taken = at;
                }
                piece(bytes);
            }
            if taken > 0 {
                // The end of a buffer: of what size nobody knows any more, so it is not kept.
                let last = mem::take(&mut self.room);
                if !last.is_empty() {
                    piece(last.freeze());
                }
                return;
            }
        }
        if !self.room.is_empty() {
            let last = self.room.split().freeze();
            self.spare = last.clone();
            piece(last);
        }
    }

    /// Keeps a small chunk from holding the buffer of a giant one that left before.
    #[inline]
    fn fit(&mut self) {
        let needed = self.whole.max(self.expected);
        if self.room.capacity().max(self.spare.len()) / LARGEST_ROOM > needed {
            self.move_to_smaller(needed);
        }
    }

    #[cold]
    fn move_to_smaller(&mut self, needed: usize) {
        let mut room = BytesMut::new();
        if self.whole > 0 {
            room.reserve(needed);
            room.extend_from_slice(&self.room[..self.whole]);
        }
        self.room = room;
        self.spare = Bytes::new();
    }

    /// The bytes that this appended to, with the whole frames.
    pub(crate) fn into_bytes(mut self) -> BytesMut {
        self.room.truncate(self.whole);
        self.room
    }
}

/// JSON's writer: an error where the frame would become too large.
impl io::Write for Output {
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if !self.put_into_room(bytes) {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The room is made zeros: after each text as much again as there is would be quadratic.
    #[test]
    fn what_was_appended_makes_no_more_room() {
        let mut output = Output::sharing(0);
        for _ in 0..1_000 {
            output.begin_frame(usize::MAX);
            output.put(b"data: ");
            output.append(|room| room.extend_from_slice(&[b'x'; 1_000]));
            output.put(b"\n\n");
            output.end_frame();
            assert!(output.room.len() - output.len <= FIRST_ROOM);
        }
        // What is put makes as much again.
        (0..20_000).for_each(|_| output.put(b"x"));
        assert!(output.room.len() - output.base >= 20_000);
        assert!(output.room.len() - output.len <= 20_000);
        output.end_frame();
        let mut len = 0;
        output.take(|piece| len += piece.len());
        assert_eq!(len, 1_000 * 1_008 + 20_000);
    }
}
