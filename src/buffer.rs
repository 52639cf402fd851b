//! The bytes that are being written, and the buffer that each thread keeps for them.

use std::{cell::Cell, io, mem};

use bytes::Bytes;

use crate::error::{Error, Kind};

thread_local! {
    /// Whoever encodes takes it out of its cell: whoever encodes meanwhile finds an empty one.
    static SPARE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The most that a thread keeps. A chunk of the default size and its last item mostly fit.
const MAX_SPARE: usize = 64 * 1024;

/// From this size on the buffer itself leaves: a copy would take longer than a new buffer.
pub(crate) const LEAVES_FROM: usize = 32 * 1024;

/// Bytes that are being written, with a limit for the frame that is written last.
///
/// The limit is looked at where the buffer grows and at the frame's end, not at each write. Up to
/// its end a frame may therefore be too large by what the buffer has room for.
#[derive(Debug)]
pub struct Buffer {
    bytes: Vec<u8>,
    /// The length that the buffer may have at the frame's end; 0 once something did not fit.
    limit: usize,
    /// What the limit was made from, for the error.
    max_frame: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self::new()
    }
}

impl Buffer {
    /// An empty one, without a limit.
    pub(crate) const fn new() -> Self {
        Self { bytes: Vec::new(), limit: usize::MAX, max_frame: usize::MAX }
    }

    /// A buffer for a part of the frame that is written last, with what its limit leaves.
    pub(crate) fn scratch(&self) -> Self {
        Self { bytes: Vec::new(), limit: self.remaining(), max_frame: self.max_frame }
    }

    /// Takes the thread's buffer, unless this one has room already.
    #[inline(always)]
    pub(crate) fn acquire(&mut self) {
        if self.bytes.capacity() == 0 {
            self.bytes = SPARE.try_with(Cell::take).unwrap_or_default();
        }
    }

    /// Gives the room back to the thread. What is in it is forgotten.
    #[inline]
    pub(crate) fn release(&mut self) {
        let mut bytes = mem::take(&mut self.bytes);
        if (1..=MAX_SPARE).contains(&bytes.capacity()) {
            bytes.clear();
            // A thread that ends keeps nothing.
            let _ = SPARE.try_with(|spare| spare.set(bytes));
        }
    }

    /// Moves the bytes into room of their own, for a while in which others need the thread's
    /// buffer.
    pub(crate) fn keep(&mut self) {
        let mut own = Vec::with_capacity(2 * self.bytes.len());
        own.extend_from_slice(&self.bytes);
        self.release();
        self.bytes = own;
    }

    /// Takes all bytes, in an allocation of exactly their size.
    #[inline(always)]
    pub(crate) fn take(&mut self) -> Bytes {
        if self.bytes.len() < LEAVES_FROM {
            let chunk = Bytes::copy_from_slice(&self.bytes);
            self.bytes.clear();
            chunk
        } else {
            let mut bytes = mem::take(&mut self.bytes);
            bytes.shrink_to_fit();
            bytes.into()
        }
    }

    /// Begins a frame of at most `max_frame` bytes.
    #[inline]
    pub(crate) fn begin_frame(&mut self, max_frame: usize) {
        self.max_frame = max_frame;
        self.limit = self.bytes.len().saturating_add(max_frame);
    }

    /// How much the frame may still grow.
    pub(crate) fn remaining(&self) -> usize {
        self.limit.saturating_sub(self.bytes.len())
    }

    /// Fails if the frame is larger than it may be, or if something of it did not fit.
    #[inline]
    pub(crate) fn check(&self) -> Result<(), Error> {
        if self.bytes.len() > self.limit { Err(self.too_large()) } else { Ok(()) }
    }

    /// Counts bytes for the frame that are not in the buffer.
    pub(crate) fn count_elsewhere(&mut self, len: usize) -> Result<(), Error> {
        if len > self.remaining() {
            return Err(self.too_large());
        }
        if self.max_frame != usize::MAX {
            self.limit -= len;
        }
        Ok(())
    }

    #[cold]
    pub(crate) fn too_large(&self) -> Error {
        Kind::TooLarge { limit: self.max_frame }.into()
    }

    /// Lets `write` append what does not count for the limit.
    pub(crate) fn without_limit<R>(&mut self, write: impl FnOnce(&mut Self) -> R) -> R {
        let (limit, start) = (mem::replace(&mut self.limit, usize::MAX), self.bytes.len());
        let result = write(self);
        // Once something did not fit, nothing does.
        if limit > 0 {
            self.limit = limit.saturating_add(self.bytes.len() - start);
        } else {
            self.limit = 0;
        }
        result
    }

    /// Lets `write` go beyond the limit by some bytes, which it takes off again.
    pub(crate) fn with_raised_limit<R>(
        &mut self,
        by: usize,
        write: impl FnOnce(&mut Self) -> R,
    ) -> R {
        self.limit = self.limit.saturating_add(by);
        let result = write(self);
        self.limit = self.limit.saturating_sub(by);
        result
    }

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

    pub(crate) fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// Appends bytes whose number is small or has been checked.
    #[inline]
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends the first `len` of these bytes. All are copied, which the compiler does without a
    /// call.
    #[inline]
    pub(crate) fn put_short<const N: usize>(&mut self, bytes: [u8; N], len: usize) {
        let end = self.bytes.len() + len;
        self.bytes.extend_from_slice(&bytes);
        self.bytes.truncate(end);
    }

    /// Appends a number's decimal digits.
    #[inline]
    pub(crate) fn put_number(&mut self, number: u64) {
        match u32::try_from(number) {
            Ok(number @ ..100_000_000) => {
                let (digits, len) = short_digits(number);
                self.put_short(digits, len);
            }
            _ => self.put(itoa::Buffer::new().format(number).as_bytes()),
        }
    }

    /// Appends bytes, unless the buffer would have to grow beyond the limit for them.
    #[inline]
    pub(crate) fn try_put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if self.put_if_it_fits(bytes) { Ok(()) } else { Err(self.too_large()) }
    }

    #[inline(always)]
    fn put_if_it_fits(&mut self, bytes: &[u8]) -> bool {
        // The very check of `Vec`, which so is made once.
        if bytes.len() > self.bytes.capacity().wrapping_sub(self.bytes.len()) {
            return self.grow_and_put(bytes);
        }
        self.bytes.extend_from_slice(bytes);
        true
    }

    /// Grows, if the limit allows it. If not, the frame has failed, even if a `Serialize` does not
    /// pass the error on.
    #[cold]
    #[inline(never)]
    fn grow_and_put(&mut self, bytes: &[u8]) -> bool {
        let fits = bytes.len() <= self.remaining();
        if fits {
            self.bytes.extend_from_slice(bytes);
        } else {
            self.limit = 0;
        }
        fits
    }
}

/// The decimal digits of a number of up to eight, and how many there are: all at once in one
/// register, as four digits, then two, then one, are taken off in its halves, quarters and eighths.
#[inline]
const fn short_digits(number: u32) -> ([u8; 8], usize) {
    let number = number as u64;
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    // Exact division by 100 of what is below 10,000, and by 10 of what is below 100.
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007F_0000_007F;
    let twos = hundreds | ((fours - 100 * hundreds) << 16);
    let tens = ((twos * 103) >> 10) & 0x000F_000F_000F_000F;
    let ones = tens | ((twos - 10 * tens) << 8);
    // The first digit is in the lowest byte. Zero has one digit, too.
    let zeros = (ones | (1 << 56)).trailing_zeros() / 8;
    let text = (ones | 0x3030_3030_3030_3030) >> (8 * zeros);
    (text.to_le_bytes(), 8 - zeros as usize)
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

    fn spare() -> usize {
        let bytes = SPARE.take();
        let capacity = bytes.capacity();
        SPARE.set(bytes);
        capacity
    }

    #[test]
    fn a_thread_keeps_one_buffer_of_bounded_size() {
        let mut buffer = Buffer::default();
        buffer.acquire();
        buffer.put(&[0; 1_000]);
        buffer.release();
        assert!((1_000..=2_000).contains(&spare()));
        for (len, kept) in [(MAX_SPARE, true), (MAX_SPARE + 1, false)] {
            SPARE.take();
            let mut buffer = Buffer { bytes: Vec::with_capacity(len), ..Buffer::default() };
            buffer.put(b"x");
            buffer.release();
            assert_eq!(spare() > 0, kept, "{len}");
        }
    }

    #[test]
    fn whoever_encodes_meanwhile_finds_an_empty_buffer() {
        SPARE.set(Vec::with_capacity(100));
        let (mut outer, mut inner) = (Buffer::default(), Buffer::default());
        outer.acquire();
        inner.acquire();
        assert_eq!((outer.bytes.capacity(), inner.bytes.capacity()), (100, 0));
    }

    #[test]
    fn a_thread_that_ends_still_encodes() {
        struct Late;
        impl Drop for Late {
            fn drop(&mut self) {
                let mut buffer = Buffer::default();
                buffer.acquire();
                buffer.put(b"late");
                assert_eq!(buffer.take(), "late");
                buffer.release();
            }
        }
        thread_local!(static LATE: Late = const { Late });
        std::thread::spawn(|| {
            LATE.with(|_| ());
            let mut buffer = Buffer::default();
            buffer.acquire();
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
