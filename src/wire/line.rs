//! The syntax of an event stream: `name: value` lines.
//!
//! Lines end with LF: the shortest of the three line endings, and the only one after which a parser
//! need not wait for the next byte. The space after the colon is always written: a client removes
//! one space, and a value that begins with a space would lose it.

use memchr::{memchr2, memchr2_iter, memmem};

use crate::buffer::Buffer;

// Each name is written together with the end of the line before it, which saves three writes per
// event.
pub(super) const EVENT: &[u8; 8] = b"\nevent: ";
pub(super) const EVENT_MESSAGE: &[u8; 15] = b"\nevent: message";
pub(super) const RETRY: &[u8; 8] = b"\nretry: ";
pub(super) const DATA: &[u8; 7] = b"\ndata: ";
pub(super) const COMMENT: &[u8; 3] = b"\n: ";
pub(super) const EMPTY_COMMENT: &[u8; 2] = b"\n:";
pub(super) const END: &[u8; 1] = b"\n";
pub(super) const BLANK_LINE: &[u8; 2] = b"\n\n";
/// A frame begins with it if it has an id, so no line ends before it.
pub(super) const ID: &[u8; 4] = b"id: ";

/// Longer text reserves its space first.
pub(super) const SHORT_TEXT: usize = 256;

/// The bytes that are searched for line ends at once.
const BLOCK: usize = 64;

/// In shorter text, searching for one line end after another is faster.
const FEW_LINES: usize = 1024;

/// In a longer line, searching for its end alone is faster.
const LONG_LINE: usize = 256;

/// The most that text can grow by as `data` fields: text of line endings alone.
pub(super) const TEXT_GROWTH: usize = 8;

/// The size of text as `data` fields.
pub(super) fn text_size(text: &[u8]) -> usize {
    // A CRLF is one line ending, whose second byte is not written.
    let ends = memchr2_iter(b'\r', b'\n', text).count();
    let pairs = memmem::find_iter(text, b"\r\n").count();
    text.len() - ends + (ends - pairs + 1) * DATA.len()
}

/// Appends each line of the text, with the name before all but the first. CRLF, LF and a lone CR
/// each end a line; nothing else does (U+2028 is text).
///
/// The name's length is a constant, so copying it needs no call.
#[inline]
pub(super) fn put_lines<const N: usize>(buffer: &mut Buffer, name: &[u8; N], text: &[u8]) {
    let Some(first) = memchr2(b'\r', b'\n', text) else {
        if text.len() > SHORT_TEXT {
            // With the end of the frame.
            buffer.reserve(text.len() + 2);
        }
        return buffer.put(text);
    };
    if buffer.spare_capacity() < text.len() {
        // Enough for lines of some hundred bytes; shorter ones grow the buffer.
        buffer.reserve(text.len() + text.len() / 8 + 2);
    }
    let mut lines = Lines { buffer, name, text, start: 0 };
    if text.len() - first > FEW_LINES {
        lines.put_many(first);
    } else {
        lines.put_few(first);
    }
}

/// Appends text line by line.
struct Lines<'a, const N: usize> {
    buffer: &'a mut Buffer,
    name: &'a [u8; N],
    text: &'a [u8],
    /// The start of the current line.
    start: usize,
}

impl<const N: usize> Lines<'_, N> {
    /// Appends all lines; `at` is a place in the first one. Searches for one line end after
    /// another.
    #[inline]
    fn put_few(&mut self, at: usize) {
        for end in memchr2_iter(b'\r', b'\n', &self.text[at..]) {
            self.end_line(at + end);
        }
        self.buffer.put(&self.text[self.start..]);
    }

    /// The same, searching for all the line ends of a block at once.
    #[inline(never)]
    fn put_many(&mut self, mut at: usize) {
        while let Some(block) = self.text[at..].first_chunk() {
            let mut ends = line_ends(block);
            if ends == 0 && at - self.start >= LONG_LINE {
                // Faster, but slow to begin.
                match memchr2(b'\r', b'\n', &self.text[at..]) {
                    None => return self.buffer.put(&self.text[self.start..]),
                    Some(end) => at += end,
                }
                continue;
            }
            while ends != 0 {
                self.end_line(at + ends.trailing_zeros() as usize);
                ends &= ends - 1;
            }
            at += BLOCK;
        }
        self.put_few(at);
    }

    /// Ends a line, and begins the next one.
    #[inline(always)]
    fn end_line(&mut self, end: usize) {
        // It may be the LF of a CRLF that the CR has ended.
        if end >= self.start {
            self.buffer.put(&self.text[self.start..end]);
            self.buffer.put(self.name);
            self.start = end + if self.text[end..].starts_with(b"\r\n") { 2 } else { 1 };
        }
    }
}

/// The line ends of a block: a bit for each of its bytes, of which the compiler compares sixteen or
/// more at once. Searching for one line end after another takes twice as long where lines are
/// short.
#[inline(always)]
fn line_ends(block: &[u8; BLOCK]) -> u64 {
    /// Bit n for each byte of the n-th group of eight.
    const BITS: [u8; BLOCK] = {
        let mut bits = [0; BLOCK];
        let mut index = 0;
        while index < BLOCK {
            bits[index] = 1 << (index / 8);
            index += 1;
        }
        bits
    };
    let mut ends = [0; BLOCK];
    for index in 0..BLOCK {
        let is_end = block[index] == b'\n' || block[index] == b'\r';
        ends[index] = if is_end { BITS[index] } else { 0 };
    }
    let (quarters, _) = ends.as_chunks();
    let ends = quarters.iter().fold(0, |ends, quarter| ends | u128::from_le_bytes(*quarter));
    let ends = ends as u64 | (ends >> 64) as u64;
    if ends == 0 { 0 } else { transpose(ends) }
}

/// Exchanges bit m of byte n with bit n of byte m.
#[inline(always)]
const fn transpose(bits: u64) -> u64 {
    let swap = (bits ^ bits >> 7) & 0x00AA_00AA_00AA_00AA;
    let bits = bits ^ swap ^ swap << 7;
    let swap = (bits ^ bits >> 14) & 0x0000_CCCC_0000_CCCC;
    let bits = bits ^ swap ^ swap << 14;
    let swap = (bits ^ bits >> 28) & 0x0000_0000_F0F0_F0F0;
    bits ^ swap ^ swap << 28
}

/// Whether text has no line ending.
pub(super) fn is_one_line(text: &[u8]) -> bool {
    memchr2(b'\r', b'\n', text).is_none()
}
