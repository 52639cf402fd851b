//! The bytes being written: complete items, an unfinished one, and the limit of its frame.
//!
//! Each thread keeps one buffer, which an encode borrows. No stream owns one.

use std::{cell::Cell, io, mem};

use bytes::{Bytes, BytesMut};

use crate::error::Error;

thread_local! {
    /// An encode takes it out of its cell, so a nested encode finds it empty.
    static SPARE: Cell<Option<Box<Buffer>>> = const { Cell::new(None) };
}

/// The largest buffer that a thread keeps: mostly enough for a chunk of the default size and its
/// last item.
const MAX_SPARE: usize = 64 * 1024;

/// From this size, hand over the buffer itself, cut to its length: a copy would take longer. Below
/// it a copy is faster, but not always: from 2 KiB on glibc copies with `rep movsb`, which on some
/// processors takes up to three times as long at certain distances between source and destination,
/// so that the heap's layout decides (`benches/run layouts`).
const HAND_OVER_FROM: usize = 4 * 1024;

/// The longest chunk that sizes the next buffer: a giant is seldom followed by another.
const MAX_AHEAD: usize = 32 * 1024;

/// From this size, hand over the buffer even if the destination has space for a copy.
const REPLACE_FROM: usize = 32 * 1024;

/// From this size, shared bytes are passed on instead of being copied: the cost of one more chunk
/// is then small beside that of the copy.
const SHARE_FROM: usize = 32 * 1024;

/// Complete items, and perhaps the beginning of one more.
///
/// The bytes after the last complete item do not count, and the next item overwrites them: an item
/// that fails, or panics, adds nothing.
///
/// The limit of a frame is checked where the buffer grows and at the frame's end, not at each
/// write. Before its end a frame may therefore exceed the limit by the buffer's spare capacity.
#[derive(Debug)]
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    /// The end of the last complete item.
    committed: usize,
    /// The length that the buffer may have at the end of the current frame.
    limit: usize,
    /// The size that `limit` was made from, for the error.
    max_frame: usize,
    /// Bytes of the current frame were refused: it has failed, whatever its writer does next.
    overflowed: bool,
    /// The capacity that the next allocation begins with: that of the chunks before it.
    next_capacity: usize,
    /// Shared bytes that were not copied; usually absent. Those of complete items are at
    /// `committed` or before.
    #[allow(clippy::box_collection, reason = "every buffer has the field, and few use it")]
    runs: Option<Box<Vec<Run>>>,
}

/// Shared bytes that belong before the buffer's byte at `at`.
#[derive(Debug)]
struct Run {
    at: usize,
    bytes: Bytes,
}

/// A piece of a chunk. The bytes of a buffer become a `Bytes` where they are returned: one that is
/// moved is stored word by word, and slow to load again by two words at once.
#[derive(Debug)]
pub(crate) enum Piece {
    Written(Box<[u8]>),
    Shared(Bytes),
}

impl From<Piece> for Bytes {
    #[inline(always)]
    fn from(piece: Piece) -> Self {
        match piece {
            Piece::Written(bytes) => bytes.into(),
            Piece::Shared(bytes) => bytes,
        }
    }
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

/// Allocation.
impl Buffer {
    /// An empty buffer without a limit.
    pub(crate) const fn new() -> Self {
        Self {
            bytes: Vec::new(),
            committed: 0,
            limit: usize::MAX,
            max_frame: usize::MAX,
            overflowed: false,
            next_capacity: 0,
            runs: None,
        }
    }

    /// Takes the thread's buffer, which is empty.
    #[inline(always)]
    pub(crate) fn acquire() -> Box<Self> {
        let mut buffer = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
        if buffer.bytes.capacity() == 0 {
            buffer.allocate();
        }
        buffer
    }

    /// Allocates the size of the chunks that were handed over last, so that the buffer seldom
    /// grows, and little is cut off.
    #[cold]
    fn allocate(&mut self) {
        self.bytes.reserve_exact(self.next_capacity);
    }

    /// Gives the buffer to the thread and discards its contents.
    #[inline(always)]
    pub(crate) fn release(mut self: Box<Self>) {
        if self.bytes.capacity() <= MAX_SPARE {
            self.bytes.clear();
            self.committed = 0;
            if self.runs.is_some() {
                self.runs = None;
            }
            // A thread that is ending keeps no buffer.
            let _ = SPARE.try_with(|spare| spare.set(Some(self)));
        }
    }

    /// The complete items, in a buffer of their own. The thread gets its buffer back.
    pub(crate) fn detach(mut self: Box<Self>) -> Box<Self> {
        self.reset(self.committed);
        let mut bytes = Vec::with_capacity(2 * self.bytes.len());
        bytes.extend_from_slice(&self.bytes);
        let own = Self {
            bytes,
            committed: self.committed,
            next_capacity: self.next_capacity,
            runs: self.runs.take(),
            ..Self::new()
        };
        self.release();
        Box::new(own)
    }
}

/// Items.
impl Buffer {
    /// The end of the last complete item, which is the start of the next one.
    #[inline(always)]
    pub(crate) fn committed(&self) -> usize {
        self.committed
    }

    /// Discards the bytes after `len`, which lies between two frames.
    #[inline(always)]
    pub(crate) fn reset(&mut self, len: usize) {
        // Mostly there are none. Storing the same length again would delay the next write.
        if self.bytes.len() != len {
            self.discard(len);
        }
        if self.runs.is_some() {
            self.reset_runs(len);
        }
    }

    #[cold]
    #[inline(never)]
    fn discard(&mut self, len: usize) {
        self.bytes.truncate(len);
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

    /// Ends an item: the bytes up to `len` count.
    #[inline(always)]
    pub(crate) fn commit(&mut self, len: usize) {
        self.committed = len;
    }

    /// Appends encoded frames as an item; long ones are not copied.
    pub(crate) fn append(&mut self, frames: &Bytes) {
        self.reset(self.committed);
        if Self::shares(frames) {
            self.push_run(frames);
        } else {
            self.put(frames);
        }
        self.commit(self.bytes.len());
    }

    /// Whether these bytes are long enough to be passed on without a copy.
    pub(crate) fn shares(bytes: &Bytes) -> bool {
        bytes.len() >= SHARE_FROM
    }

    /// Appends bytes of the current frame; long ones are not copied.
    pub(crate) fn put_shared(&mut self, bytes: &Bytes) -> Result<(), Error> {
        if !Self::shares(bytes) {
            return self.try_put(bytes);
        }
        if bytes.len() > self.remaining() {
            return Err(self.too_large());
        }
        if self.max_frame != usize::MAX {
            self.limit -= bytes.len();
        }
        self.push_run(bytes);
        Ok(())
    }

    fn push_run(&mut self, bytes: &Bytes) {
        let run = Run { at: self.bytes.len(), bytes: bytes.clone() };
        self.runs.get_or_insert_default().push(run);
    }

    /// The length of all complete items.
    #[inline(always)]
    pub(crate) fn committed_len(&self) -> usize {
        self.committed + if self.runs.is_some() { self.committed_runs_len() } else { 0 }
    }

    #[cold]
    fn committed_runs_len(&self) -> usize {
        let runs = self.runs.iter().flat_map(|runs| &**runs);
        runs.filter(|run| run.at <= self.committed).map(|run| run.bytes.len()).sum()
    }

    /// The length of the shared bytes after this place.
    #[inline(always)]
    pub(crate) fn shared_len_after(&self, place: usize) -> usize {
        let Some(runs) = &self.runs else { return 0 };
        runs.iter().filter(|run| run.at > place).map(|run| run.bytes.len()).sum()
    }

    /// Takes all complete items and releases the buffer. Returns the first piece, and hands the
    /// others to `later`.
    #[inline(always)]
    pub(crate) fn take(mut self: Box<Self>, later: impl FnMut(Bytes)) -> Option<Piece> {
        self.reset(self.committed);
        let (bytes, runs) = (self.take_bytes(), self.runs.take());
        self.release();
        match runs {
            None if bytes.is_empty() => None,
            None => Some(Piece::Written(bytes)),
            Some(runs) => split(&bytes.into(), *runs, later).map(Piece::Shared),
        }
    }

    /// The buffer's own bytes, in an allocation of exactly their size.
    #[inline(always)]
    fn take_bytes(&mut self) -> Box<[u8]> {
        if self.bytes.len() < HAND_OVER_FROM { Box::from(&*self.bytes) } else { self.hand_over() }
    }

    /// The buffer itself, whose spare capacity is freed in place.
    #[inline(never)]
    fn hand_over(&mut self) -> Box<[u8]> {
        let bytes = mem::take(&mut self.bytes);
        let (len, before) = (bytes.len(), self.next_capacity);
        if len <= MAX_AHEAD {
            // The largest of the last chunks and a little more: growing costs more than cutting.
            self.next_capacity = (len + len / 32).max(before - before / 64);
        }
        bytes.into_boxed_slice()
    }

    /// Takes all complete items as one piece and releases the buffer.
    pub(crate) fn take_whole(self: Box<Self>) -> Bytes {
        let mut pieces = Vec::new();
        let first = self.take(|piece| pieces.push(piece)).map_or_else(Bytes::new, Bytes::from);
        if pieces.is_empty() {
            return first;
        }
        pieces.insert(0, first);
        pieces.concat().into()
    }

    /// Appends all complete items to `dst` and releases the allocation.
    #[inline]
    pub(crate) fn append_to(self: Box<Self>, dst: &mut BytesMut) {
        let len = self.committed_len();
        let replaces = len >= REPLACE_FROM || (len >= HAND_OVER_FROM && len > dst.capacity());
        if dst.is_empty() && replaces {
            // The buffer itself: it has no other owner.
            *dst = self.take_whole().into();
        } else if self.runs.is_none() {
            dst.extend_from_slice(&self.bytes[..self.committed]);
            self.release();
        } else {
            dst.extend_from_slice(&self.take_whole());
        }
    }
}

/// The buffer's own bytes, split where shared bytes stand between them.
#[cold]
fn split(written: &Bytes, runs: Vec<Run>, later: impl FnMut(Bytes)) -> Option<Bytes> {
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

/// The limit of the current frame.
impl Buffer {
    /// Begins a frame of at most `max_frame` bytes.
    #[inline]
    pub(crate) fn begin_frame(&mut self, max_frame: usize) {
        self.max_frame = max_frame;
        self.limit = self.bytes.len().saturating_add(max_frame);
        self.overflowed = false;
    }

    /// How many bytes the frame may still grow by.
    pub(crate) fn remaining(&self) -> usize {
        self.limit.saturating_sub(self.bytes.len())
    }

    /// Fails if the frame is too large, or if bytes of it were refused.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.overflowed || self.bytes.len() > self.limit {
            return Err(self.too_large());
        }
        Ok(())
    }

    #[cold]
    pub(crate) fn too_large(&self) -> Error {
        Error::too_large(self.max_frame)
    }

    /// Lets `write` exceed the limit by some bytes, which it strips again.
    pub(crate) fn with_raised_limit<R>(
        &mut self,
        by: usize,
        write: impl FnOnce(&mut Self) -> R,
    ) -> R {
        let limit = self.limit;
        self.limit = limit.saturating_add(by);
        let result = write(self);
        self.limit = limit;
        result
    }
}

/// Bytes.
impl Buffer {
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    #[inline]
    pub(crate) fn truncate(&mut self, len: usize) {
        self.bytes.truncate(len);
    }

    /// How many bytes can be appended without growing.
    pub(crate) fn spare_capacity(&self) -> usize {
        self.bytes.capacity() - self.bytes.len()
    }

    pub(crate) fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// Appends bytes whose number is small or has been checked.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends the first `len` of these bytes. Copies all of them: a constant length needs no call.
    #[inline(always)]
    pub(crate) fn put_short<const N: usize>(&mut self, bytes: [u8; N], len: usize) {
        let end = self.bytes.len() + len;
        self.bytes.extend_from_slice(&bytes);
        self.bytes.truncate(end);
    }

    /// Appends `line` with `value` in place of its last `M` bytes, of which the first `len` stay.
    /// The next write waits for each length that is stored: here only one is.
    #[inline(always)]
    pub(crate) fn put_short_line<const N: usize, const M: usize>(
        &mut self,
        line: &[u8; N],
        value: &[u8; M],
        len: usize,
    ) {
        let end = self.bytes.len() + N - M + len;
        self.bytes.extend_from_slice(line);
        if let Some(place) = self.bytes.last_chunk_mut() {
            *place = *value;
        }
        self.bytes.truncate(end);
    }

    /// Appends a number's decimal digits.
    pub(crate) fn put_number(&mut self, number: u64) {
        self.put(itoa::Buffer::new().format(number).as_bytes());
    }

    /// Appends bytes, unless the buffer would have to grow beyond the limit for them.
    #[inline]
    pub(crate) fn try_put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.put_if_it_fits(bytes) { Ok(()) } else { Err(self.too_large()) }
    }

    #[inline(always)]
    fn put_if_it_fits(&mut self, bytes: &[u8]) -> bool {
        // The same check as `Vec`'s, so the compiler keeps one of them.
        if bytes.len() > self.bytes.capacity().wrapping_sub(self.bytes.len()) {
            return self.grow_and_put(bytes);
        }
        self.bytes.extend_from_slice(bytes);
        true
    }

    /// Grows, if the limit allows it. If not, the frame has failed, even if a `Serialize` discards
    /// the error.
    #[cold]
    #[inline(never)]
    fn grow_and_put(&mut self, bytes: &[u8]) -> bool {
        let fits = !self.overflowed && bytes.len() <= self.remaining();
        if fits {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.overflowed = true;
        }
        fits
    }
}

/// The decimal digits of a number, the first in the lowest byte, and their count; `None` for more
/// than eight digits. Takes some 50 instructions less than `itoa`, for the id of every event. One
/// register holds all digits: its halves four each, then its quarters two, then its bytes one.
#[inline(always)]
pub(crate) const fn short_digits(number: u64) -> Option<(u64, usize)> {
    /// At each index the least number with more digits than that; zero has one digit, too. No
    /// number reaches those from 8 on.
    const POWERS: [u32; 16] = {
        let mut powers = [100_000_000; 16];
        (powers[0], powers[1], powers[2], powers[3]) = (0, 10, 100, 1_000);
        (powers[4], powers[5], powers[6], powers[7]) = (10_000, 100_000, 1_000_000, 10_000_000);
        powers
    };
    if number >= 100_000_000 {
        return None;
    }
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    // Exact: divides numbers below 10,000 by 100, and then numbers below 100 by 10.
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    let ones = tens | ((twos - 10 * tens) << 8);
    // All later writes wait for the count of the digits, so it does not wait for the digits.
    let bits = 32 - (number as u32 | 1).leading_zeros();
    // Times log10(2), rounded down: the count, or one less.
    let fewest = ((bits * 1_233) >> 12) as usize;
    let len = fewest + (number as u32 >= POWERS[fewest & 15]) as usize;
    let text = (ones | 0x3030_3030_3030_3030) >> (8 * (8 - len));
    Some((text, len))
}

/// JSON's writer: an error where the frame would become too large.
impl io::Write for Buffer {
    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.put_if_it_fits(bytes) { Ok(()) } else { Err(io::ErrorKind::FileTooLarge.into()) }
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

    fn spare() -> Option<usize> {
        let buffer = SPARE.take();
        let capacity = buffer.as_ref().map(|buffer| buffer.bytes.capacity());
        SPARE.set(buffer);
        capacity
    }

    #[test]
    fn a_thread_keeps_one_buffer_of_bounded_size() {
        for (len, kept) in [(MAX_SPARE, true), (MAX_SPARE + 1, false)] {
            SPARE.take();
            let mut buffer = Buffer::acquire();
            buffer.bytes = Vec::with_capacity(len);
            buffer.put(b"x");
            buffer.release();
            assert_eq!(spare(), kept.then_some(len), "{len}");
        }
    }

    #[test]
    fn a_buffer_is_empty_when_it_is_acquired_again() {
        let mut buffer = Buffer::acquire();
        buffer.begin_frame(1);
        buffer.append(&Bytes::from(vec![b'x'; SHARE_FROM]));
        assert!(buffer.try_put(&[0; 100_000]).is_err());
        buffer.release();
        let mut buffer = Buffer::acquire();
        buffer.begin_frame(usize::MAX);
        assert_eq!((buffer.len(), buffer.committed_len(), buffer.check().is_ok()), (0, 0, true));
        assert!(buffer.runs.is_none());
    }

    #[test]
    fn a_nested_encode_finds_the_threads_buffer_taken() {
        let mut first = Buffer::acquire();
        first.bytes = Vec::with_capacity(100);
        first.release();
        let (outer, inner) = (Buffer::acquire(), Buffer::acquire());
        assert_eq!((outer.bytes.capacity(), inner.bytes.capacity()), (100, 0));
    }

    #[test]
    fn a_thread_that_ends_still_encodes() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                let mut buffer = Buffer::acquire();
                buffer.put(b"late");
                buffer.commit(4);
                assert_eq!(buffer.take_whole(), "late");
            }
        }
        thread_local!(static LATE: Late = const { Late });
        std::thread::spawn(|| {
            LATE.with(|_| ());
            let mut buffer = Buffer::acquire();
            buffer.put(b"x");
            buffer.release();
        })
        .join()
        .unwrap();
    }

    #[test]
    fn numbers_are_their_decimal_digits() {
        let mut numbers: Vec<_> = (0..20_000).chain((0..u64::MAX / 7).step_by(1 << 54)).collect();
        for power in (0..20).map(|exponent| 10_u64.pow(exponent)) {
            numbers.extend([
                power - 1,
                power,
                power + 1,
                power.saturating_mul(3),
                u64::MAX - power,
            ]);
        }
        // Every digit in every place.
        numbers.extend((0..100_000_000).step_by(9_973));
        let mut buffer = Buffer::new();
        for number in numbers {
            buffer.truncate(0);
            buffer.put_number(number);
            assert_eq!(buffer.as_slice(), number.to_string().as_bytes());
            if let Some((digits, len)) = short_digits(number) {
                buffer.truncate(0);
                buffer.put_short(digits.to_le_bytes(), len);
                assert_eq!(buffer.as_slice(), number.to_string().as_bytes());
            }
        }
    }

    #[test]
    fn a_raised_limit_is_restored() {
        let mut buffer = Buffer::default();
        for max_frame in [10, usize::MAX] {
            buffer.begin_frame(max_frame);
            buffer.with_raised_limit(5, |buffer| {
                assert_eq!(buffer.remaining(), max_frame.saturating_add(5));
            });
            assert_eq!(buffer.remaining(), max_frame);
        }
    }

    #[test]
    fn a_frame_that_did_not_fit_has_failed_whatever_follows() {
        let mut buffer = Buffer::default();
        buffer.begin_frame(10);
        assert!(buffer.try_put(&[0; 11]).is_err());
        assert_eq!(buffer.len(), 0);
        buffer.put(b"x");
        assert!(buffer.check().is_err());
        buffer.truncate(0);
        buffer.begin_frame(10);
        buffer.put(b"x");
        assert!(buffer.check().is_ok());
    }
}
