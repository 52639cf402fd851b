//! The syntax of an event stream: bytes in, `name: value` lines out.
//!
//! Lines end with LF, the shortest of the three ends and the only one after which a parser need not
//! wait for the next byte. The space after the colon is always written: a client removes one space,
//! so without it a value would lose its own first one.

use bytes::BytesMut;
use memchr::memchr2_iter;

use crate::output::Output;

// A line's end is written with the name of the next line, and the last one with the blank line after it:
// that makes three writes less of an event.
pub(crate) const ID: &[u8; 5] = b"\nid: ";
pub(crate) const EVENT: &[u8; 8] = b"\nevent: ";
pub(crate) const EVENT_MESSAGE: &[u8; 15] = b"\nevent: message";
pub(crate) const RETRY: &[u8; 8] = b"\nretry: ";
pub(crate) const DATA: &[u8; 7] = b"\ndata: ";
const COMMENT: &[u8; 3] = b"\n: ";
const EMPTY_COMMENT: &[u8; 2] = b"\n:";

/// Ends the last line, and the frame.
pub(crate) const BLANK_LINE: &[u8; 2] = b"\n\n";

/// Text up to this length goes through the room that the output has made, which would be lost otherwise.
const SHORT: usize = 256;

/// Begins a line: ends the one before, if there is one.
#[inline]
pub(crate) fn put_name<const N: usize>(output: &mut Output, name: &[u8; N]) {
    if output.is_at_start_of_frame() {
        output.put(&name[1..]);
    } else {
        output.put(name);
    }
}

/// Appends one line. `value` has been checked: it has no end of line.
#[inline]
pub(crate) fn put_line<const N: usize>(output: &mut Output, name: &[u8; N], value: &[u8]) {
    put_name(output, name);
    output.put(value);
}

/// Appends text as `data` fields, one for each of its lines; empty text is one empty field.
pub(crate) fn put_text(output: &mut Output, text: &[u8]) {
    put_lines(output, DATA, text);
}

/// How many times its own size text can take.
pub(crate) const TEXT_GROWTH: usize = 8;

/// How many bytes text takes as `data` fields.
pub(crate) fn text_size(text: &[u8]) -> usize {
    // A CRLF is one end of line, whose second byte is not written.
    let ends = memchr2_iter(b'\r', b'\n', text).count();
    let pairs = memchr::memmem::find_iter(text, b"\r\n").count();
    text.len() - ends + (ends - pairs + 1) * DATA.len()
}

/// Appends text as comments, one for each of its lines.
pub(crate) fn put_comment(output: &mut Output, text: &[u8]) {
    if text.is_empty() {
        put_name(output, EMPTY_COMMENT);
    } else {
        put_lines(output, COMMENT, text);
    }
}

/// CRLF, LF and a lone CR each end a line; nothing else does (U+2028 is text).
#[inline]
fn put_lines<const N: usize>(output: &mut Output, name: &[u8; N], text: &[u8]) {
    put_name(output, name);
    if text.len() > SHORT {
        return output.append(|dst| {
            // Enough for lines of some hundred bytes; shorter ones grow the buffer.
            dst.reserve(text.len() + text.len() / 8 + 2);
            append_lines(dst, name, text);
        });
    }
    let last = for_each_line_but_the_last(text, |line| {
        output.put(line);
        output.put(name);
    });
    output.put(last);
}

/// The name's length is known to the compiler: its copy is a move.
fn append_lines<const N: usize>(dst: &mut BytesMut, name: &[u8; N], text: &[u8]) {
    let last = for_each_line_but_the_last(text, |line| {
        dst.extend_from_slice(line);
        dst.extend_from_slice(name);
    });
    dst.extend_from_slice(last);
}

/// Gives the last line back.
#[inline]
fn for_each_line_but_the_last<'t>(text: &'t [u8], mut each: impl FnMut(&'t [u8])) -> &'t [u8] {
    let mut start = 0;
    for end in memchr2_iter(b'\r', b'\n', text) {
        // `end` may be the LF of a CRLF that the CR has ended.
        if end >= start {
            each(&text[start..end]);
            start = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        }
    }
    &text[start..]
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
        text.split('\n').map(|line| format!("data: {line}\n")).collect()
    }

    fn text(text: &str) -> String {
        let mut dst = Output::default();
        put_text(&mut dst, text.as_bytes());
        dst.put(b"\n");
        String::from_utf8(dst.written_since(0).to_vec()).unwrap()
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
            assert_eq!(text_size(input.as_bytes()), naive(input).len(), "{input:?}");
            assert!(naive(input).len() <= TEXT_GROWTH * input.len().max(1));
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
            ("", ":\n"),
            ("a", ": a\n"),
            ("a\rdata: x\n\n", ": a\n: data: x\n: \n: \n"),
            ("\r\n", ": \n: \n"),
        ] {
            let mut dst = Output::default();
            put_comment(&mut dst, comment.as_bytes());
            dst.put(b"\n");
            assert_eq!(dst.written_since(0), expected.as_bytes(), "{comment:?}");
        }
    }
}
