//! The syntax of an event stream: bytes in, `name: value` lines out.
//!
//! Lines end with LF, the shortest of the three ends and the only one after which a parser need not
//! wait for the next byte. The space after the colon is always written: a client removes one space,
//! so without it a value would lose its own first one.

use bytes::Bytes;
use memchr::memchr2_iter;

use crate::{buffer::Buffer, error::Error, output::Output};

// Each line ending is written together with the next field name, which saves three writes per
// event.
pub(crate) const ID: &[u8; 5] = b"\nid: ";
pub(crate) const EVENT: &[u8; 8] = b"\nevent: ";
pub(crate) const EVENT_MESSAGE: &[u8; 15] = b"\nevent: message";
pub(crate) const RETRY: &[u8; 8] = b"\nretry: ";
const DATA: &[u8; 7] = b"\ndata: ";
const COMMENT: &[u8; 3] = b"\n: ";
const EMPTY_COMMENT: &[u8; 2] = b"\n:";
const BLANK_LINE: &[u8; 2] = b"\n\n";

/// Text up to this length grows the buffer, if at all, as it is written.
const SHORT: usize = 256;

/// How many times its own size text can take: text of nothing but ends of line.
const TEXT_GROWTH: usize = 8;

/// The inside of one frame: its fields, one after the other.
///
/// Only `frame` makes one, so nobody writes a field outside a frame.
#[derive(Debug)]
pub struct Fields<'a> {
    output: &'a mut Output,
    start: usize,
}

impl<'a> Fields<'a> {
    /// The fields of the frame that begins at `start`.
    #[inline(always)]
    pub(crate) fn after(output: &'a mut Output, start: usize) -> Self {
        Self { output, start }
    }

    /// Ends the last line and the frame; one without any line is nothing. The place after it.
    #[inline]
    pub(crate) fn end(self) -> Result<usize, Error> {
        let buffer = self.output.buffer();
        if buffer.len() > self.start {
            buffer.put(BLANK_LINE);
        }
        buffer.check()?;
        Ok(buffer.len())
    }

    /// Begins a line: ends the one before, if there is one.
    #[inline]
    pub(crate) fn name<const N: usize>(&mut self, name: &[u8; N]) -> &mut Buffer {
        let buffer = self.output.buffer();
        if buffer.len() == self.start {
            buffer.put(&name[1..]);
        } else {
            buffer.put(name);
        }
        buffer
    }

    /// Begins a `data` line, whose value is to be appended; the value has no end of line.
    #[inline]
    pub(crate) fn data_line(&mut self) -> &mut Buffer {
        self.name(DATA)
    }

    /// Appends text as `data` fields, one for each of its lines; empty text is one empty field.
    #[inline]
    pub(crate) fn text(&mut self, text: &[u8]) -> Result<(), Error> {
        let remaining = self.output.buffer().remaining();
        // The lines are counted where that matters.
        if text.len() > remaining / TEXT_GROWTH && text_size(text) > remaining {
            return Err(self.output.buffer().too_large());
        }
        put_lines(self.name(DATA), DATA, text);
        Ok(())
    }

    /// Appends text as `data` fields; if it is long and one line, it is not copied.
    pub(crate) fn shared_text(&mut self, text: &Bytes) -> Result<(), Error> {
        if Output::shares(text) && is_one_line(text) {
            self.shared_data_line(text)
        } else {
            self.text(text)
        }
    }

    /// Appends one `data` line; if it is long, it is not copied.
    pub(crate) fn shared_data_line(&mut self, value: &Bytes) -> Result<(), Error> {
        self.data_line();
        self.output.put_shared(value)
    }

    /// Appends text as comments, one for each of its lines.
    pub(crate) fn comment(&mut self, text: &[u8]) -> Result<(), Error> {
        let buffer = self.output.buffer();
        if text.len() > buffer.remaining() {
            return Err(buffer.too_large());
        }
        if text.is_empty() {
            self.name(EMPTY_COMMENT);
        } else {
            put_lines(self.name(COMMENT), COMMENT, text);
        }
        Ok(())
    }
}

/// How many bytes text takes as `data` fields.
fn text_size(text: &[u8]) -> usize {
    // A CRLF is one end of line, whose second byte is not written.
    let ends = memchr2_iter(b'\r', b'\n', text).count();
    let pairs = memchr::memmem::find_iter(text, b"\r\n").count();
    text.len() - ends + (ends - pairs + 1) * DATA.len()
}

/// Appends each line of the text, with the name before all but the first. CRLF, LF and a lone CR
/// each end a line; nothing else does (U+2028 is text).
///
/// The name's length is known to the compiler: its copy is a move.
#[inline]
fn put_lines<const N: usize>(buffer: &mut Buffer, name: &[u8; N], text: &[u8]) {
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

/// Whether text stays one line.
pub(crate) fn is_one_line(text: &[u8]) -> bool {
    memchr::memchr2(b'\r', b'\n', text).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the standard says of lines, as plainly as it can be said.
    fn naive(text: &str) -> String {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        text.split('\n').map(|line| format!("data: {line}\n")).collect::<String>() + "\n"
    }

    fn frame(write: impl FnOnce(&mut Fields<'_>) -> Result<(), Error>) -> String {
        let mut output = Output::new();
        output.begin();
        let mut fields = Fields::after(&mut output, 0);
        write(&mut fields).unwrap();
        fields.end().unwrap();
        String::from_utf8(output.buffer().as_slice().to_vec()).unwrap()
    }

    fn text(text: &str) -> String {
        frame(|fields| fields.text(text.as_bytes()))
    }

    #[test]
    fn every_text_of_seven_bytes_from_the_ends_of_line_is_split_as_by_the_naive_splitter() {
        let alphabet = [b'\r', b'\n', b'x', b' '];
        for code in 0..4_usize.pow(7) {
            let bytes = (0..7).map(|place| alphabet[code / 4_usize.pow(place) % 4]).collect();
            let input = String::from_utf8(bytes).unwrap();
            assert_eq!(text(&input), naive(&input), "{input:?}");
        }
    }

    #[test]
    fn the_size_of_text_is_that_of_its_fields() {
        for input in ["", "a", "\r\n", "\r\r\n\n\r", "one\ntwo\r\nthree\r", "\n\n\n\n\n\n\n\n"] {
            assert_eq!(text_size(input.as_bytes()) + 1, naive(input).len(), "{input:?}");
            assert!(text_size(input.as_bytes()) <= TEXT_GROWTH * input.len().max(1));
        }
    }

    #[test]
    fn long_text_is_split_as_short_text_is() {
        for input in ["x".repeat(SHORT + 1), "ab\r\n\rc\n".repeat(SHORT), "\n".repeat(SHORT + 1)] {
            assert_eq!(text(&input), naive(&input));
        }
    }

    #[test]
    fn comments_are_split_as_text_is() {
        for (comment, expected) in [
            ("", ":\n\n"),
            ("a", ": a\n\n"),
            ("a\rdata: x\n\n", ": a\n: data: x\n: \n: \n\n"),
            ("\r\n", ": \n: \n\n"),
        ] {
            assert_eq!(frame(|fields| fields.comment(comment.as_bytes())), expected, "{comment:?}");
        }
    }

    #[test]
    fn a_frame_without_fields_is_nothing() {
        assert_eq!(frame(|_| Ok(())), "");
    }
}
