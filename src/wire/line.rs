//! The syntax of an event stream: `name: value` lines.
//!
//! Lines end with LF: the shortest of the three line endings, and the only one after which a parser
//! need not wait for the next byte. The space after the colon is always written: a client removes
//! one space, and a value that begins with a space would lose it.

use memchr::{memchr2, memchr2_iter, memmem};

use crate::buffer::Buffer;

// Each name is written together with the end of the line before it, which saves three writes per
// event.
pub(crate) const ID: &[u8; 5] = b"\nid: ";
pub(crate) const EVENT: &[u8; 8] = b"\nevent: ";
pub(crate) const EVENT_MESSAGE: &[u8; 15] = b"\nevent: message";
pub(crate) const RETRY: &[u8; 8] = b"\nretry: ";
pub(crate) const DATA: &[u8; 7] = b"\ndata: ";
pub(crate) const COMMENT: &[u8; 3] = b"\n: ";
pub(crate) const EMPTY_COMMENT: &[u8; 2] = b"\n:";
pub(crate) const END: &[u8; 1] = b"\n";
pub(crate) const BLANK_LINE: &[u8; 2] = b"\n\n";

/// Longer text reserves its space first.
const SHORT: usize = 256;

/// The most that text can grow by as `data` fields: text of line endings alone.
pub(crate) const TEXT_GROWTH: usize = 8;

/// The size of text as `data` fields.
pub(crate) fn text_size(text: &[u8]) -> usize {
    // A CRLF is one line ending, whose second byte is not written.
    let ends = memchr2_iter(b'\r', b'\n', text).count();
    let pairs = memmem::find_iter(text, b"\r\n").count();
    text.len() - ends + (ends - pairs + 1) * DATA.len()
}

/// Appends each line of the text, with the name before all but the first. CRLF, LF and a lone CR
/// each end a line; nothing else does (U+2028 is text).
///
/// The name's length is known to the compiler, which makes its copy a move.
#[inline]
pub(crate) fn put_lines<const N: usize>(buffer: &mut Buffer, name: &[u8; N], text: &[u8]) {
    if text.len() > SHORT {
        // Enough for lines of some hundred bytes; shorter ones grow the buffer.
        buffer.reserve(text.len() + text.len() / 8 + 2);
    }
    let mut start = 0;
    for end in memchr2_iter(b'\r', b'\n', text) {
        // `end` may be the LF of a CRLF that the CR has ended.
        if end >= start {
            buffer.put(&text[start..end]);
            buffer.put(name);
            start = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        }
    }
    buffer.put(&text[start..]);
}

/// Whether text has no line ending.
pub(crate) fn is_one_line(text: &[u8]) -> bool {
    memchr2(b'\r', b'\n', text).is_none()
}

#[cfg(test)]
pub(super) const SHORT_TEXT: usize = SHORT;
