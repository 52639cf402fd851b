//! Scans JSON text, without parsing it: the kind of a value, and its members.
//!
//! `serde_json` has checked the text, which keeps the scanner short. If a type hands over invalid
//! JSON, the scan ends early; it never panics.

use std::{borrow::Cow, convert::Infallible, ops::Range};

use memchr::{memchr, memchr2};

/// The members of a JSON object, or the elements of an array, in their order.
///
/// A member's key is its JSON string, with quotes; an element's key is empty.
pub(crate) struct Members<'a> {
    json: &'a [u8],
    at: usize,
    keyed: bool,
}

/// The ranges of a member's key and value.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Span {
    key: Range<usize>,
    value: Range<usize>,
}

impl Span {
    pub(crate) fn of<'a>(&self, json: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        (&json[self.key.clone()], &json[self.value.clone()])
    }
}

impl<'a> Members<'a> {
    /// The members of `json`; none if it is neither an object nor an array.
    pub(crate) fn new(json: &'a [u8]) -> Self {
        let start = json.len() - trim_start(json).len();
        let (keyed, at) = match json.get(start) {
            Some(b'{') => (true, start + 1),
            Some(b'[') => (false, start + 1),
            _ => (false, json.len()),
        };
        Self { json, at, keyed }
    }

    pub(crate) fn next_span(&mut self) -> Option<Span> {
        let mut key = 0..0;
        if self.keyed {
            key = self.value()?;
            self.skip(b':');
        }
        let value = self.value()?;
        self.skip(b',');
        Some(Span { key, value })
    }

    #[inline]
    fn value(&mut self) -> Option<Range<usize>> {
        self.skip_space();
        let start = self.at;
        self.at += value_len(&self.json[start..]);
        (self.at > start).then_some(start..self.at)
    }

    #[inline]
    fn skip(&mut self, mark: u8) {
        self.skip_space();
        self.at += usize::from(self.json.get(self.at) == Some(&mark));
    }

    #[inline]
    fn skip_space(&mut self) {
        while self.json.get(self.at).is_some_and(|byte| is_space(*byte)) {
            self.at += 1;
        }
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a [u8], &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.next_span().map(|span| span.of(self.json))
    }
}

/// The kind of a value, told by its first byte.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    Array,
    False,
    Null,
    Number,
    Object,
    String,
    True,
}

impl Kind {
    pub(crate) fn of(json: &[u8]) -> Self {
        match trim_start(json).first() {
            Some(b'{') => Self::Object,
            Some(b'[') => Self::Array,
            Some(b'"') => Self::String,
            Some(b't') => Self::True,
            Some(b'f') => Self::False,
            Some(b'n') | None => Self::Null,
            Some(_) => Self::Number,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Array => "an array",
            Self::False | Self::True => "a boolean",
            Self::Null => "null",
            Self::Number => "a number",
            Self::Object => "an object",
            Self::String => "a string",
        }
    }
}

pub(crate) fn trim(json: &[u8]) -> &[u8] {
    let json = trim_start(json);
    let end = json.iter().rposition(|byte| !is_space(*byte)).map_or(0, |last| last + 1);
    &json[..end]
}

fn trim_start(json: &[u8]) -> &[u8] {
    let start = json.iter().position(|byte| !is_space(*byte)).unwrap_or(json.len());
    &json[start..]
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// The value at the start of `json`.
pub(crate) fn first_value(json: &[u8]) -> &[u8] {
    &json[..value_len(json)]
}

/// The length of the value at the start of `json`.
fn value_len(json: &[u8]) -> usize {
    match json.first() {
        Some(b'"') => string_len(json),
        Some(b'{' | b'[') => {
            let mut depth = 0_usize;
            let mut at = 0;
            while let Some(byte) = json.get(at) {
                match byte {
                    b'"' => {
                        at += string_len(&json[at..]);
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => depth -= 1,
                    _ => {}
                }
                at += 1;
                if depth == 0 {
                    break;
                }
            }
            at
        }
        _ => json
            .iter()
            .position(|byte| is_space(*byte) || matches!(byte, b',' | b':' | b'}' | b']'))
            .unwrap_or(json.len()),
    }
}

/// The length of the string at the start of `json`, with its quotes.
fn string_len(json: &[u8]) -> usize {
    // A plain loop is faster for short strings, which most are.
    let mut at = 1;
    for byte in json.iter().skip(1).take(16) {
        match byte {
            b'"' => return at + 1,
            b'\\' => break,
            _ => at += 1,
        }
    }
    while let Some(next) = json.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += next;
        if json[at] == b'"' {
            return at + 1;
        }
        // In JSON an ASCII byte follows. Otherwise stop: do not split a character.
        if !json.get(at + 1).is_some_and(u8::is_ascii) {
            break;
        }
        at += 2;
    }
    json.len()
}

/// The text between the quotes of a JSON string.
fn unquoted(string: &[u8]) -> &[u8] {
    let inner = string.strip_prefix(b"\"").unwrap_or(string);
    inner.strip_suffix(b"\"").unwrap_or(inner)
}

/// Decodes a JSON string. A lone surrogate, which a `str` cannot hold, becomes three bytes, as
/// UTF-8 would encode it: equal keys stay equal.
pub(crate) fn text(string: &[u8]) -> Cow<'_, [u8]> {
    let inner = unquoted(string);
    if !has_escape(inner) {
        return Cow::Borrowed(inner);
    }
    let mut text = Vec::with_capacity(inner.len());
    let mut rest = inner;
    while let Some((part, tail)) = next_part(rest) {
        match part {
            Part::Plain(bytes) => text.extend_from_slice(bytes),
            Part::Unit(high @ 0xD800..=0xDBFF) => match next_part(tail) {
                Some((Part::Unit(low @ 0xDC00..=0xDFFF), after)) => {
                    push_code_point(&mut text, pair(high, low));
                    rest = after;
                    continue;
                }
                _ => push_code_point(&mut text, high.into()),
            },
            Part::Unit(unit) => push_code_point(&mut text, unit.into()),
        }
        rest = tail;
    }
    Cow::Owned(text)
}

#[inline]
fn has_escape(string: &[u8]) -> bool {
    if string.len() <= 16 { string.contains(&b'\\') } else { memchr(b'\\', string).is_some() }
}

/// Decodes a JSON string, with U+FFFD for a lone surrogate, as JavaScript writes it in UTF-8.
pub(crate) fn lossy_text(string: &[u8]) -> Cow<'_, str> {
    let inner = unquoted(string);
    if !has_escape(inner) {
        return String::from_utf8_lossy(inner);
    }
    let mut units = Vec::with_capacity(inner.len());
    let _ = for_each_unit(string, |unit| {
        units.push(unit);
        Ok::<(), Infallible>(())
    });
    Cow::Owned(String::from_utf16_lossy(&units))
}

/// Calls `each` for every UTF-16 code unit of a JSON string.
pub(crate) fn for_each_unit<E>(
    string: &[u8],
    mut each: impl FnMut(u16) -> Result<(), E>,
) -> Result<(), E> {
    let mut rest = unquoted(string);
    while let Some((part, tail)) = next_part(rest) {
        match part {
            Part::Plain(bytes) => {
                // Valid UTF-8: parts end at escapes, which are ASCII.
                str::from_utf8(bytes).unwrap_or_default().encode_utf16().try_for_each(&mut each)?;
            }
            Part::Unit(unit) => each(unit)?,
        }
        rest = tail;
    }
    Ok(())
}

enum Part<'a> {
    Plain(&'a [u8]),
    Unit(u16),
}

/// Splits off the first run without an escape, or the first escape.
fn next_part(string: &[u8]) -> Option<(Part<'_>, &[u8])> {
    let first = string.first()?;
    if *first != b'\\' {
        let (plain, rest) = string.split_at(memchr(b'\\', string).unwrap_or(string.len()));
        return Some((Part::Plain(plain), rest));
    }
    let unit = match string.get(1)? {
        b'b' => 0x08,
        b'f' => 0x0C,
        b'n' => 0x0A,
        b'r' => 0x0D,
        b't' => 0x09,
        b'u' => {
            let digits = str::from_utf8(string.get(2..6)?).ok()?;
            return Some((Part::Unit(u16::from_str_radix(digits, 16).ok()?), &string[6..]));
        }
        other => u16::from(*other),
    };
    Some((Part::Unit(unit), &string[2..]))
}

const fn pair(high: u16, low: u16) -> u32 {
    0x1_0000 + (((high as u32) - 0xD800) << 10) + ((low as u32) - 0xDC00)
}

fn push_code_point(text: &mut Vec<u8>, code_point: u32) {
    match char::from_u32(code_point) {
        Some(char) => text.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => text.extend_from_slice(&[
            0xE0 | (code_point >> 12) as u8,
            0x80 | (code_point >> 6 & 0x3F) as u8,
            0x80 | (code_point & 0x3F) as u8,
        ]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(json: &str) -> Vec<(&str, &str)> {
        let text = |bytes| str::from_utf8(bytes).unwrap();
        Members::new(json.as_bytes()).map(|(key, value)| (text(key), text(value))).collect()
    }

    #[test]
    fn members_are_found_in_any_spacing() {
        assert_eq!(members("{}"), []);
        assert_eq!(members(" [ ] "), []);
        assert_eq!(
            members("\r\n{ \"a\" :1 ,\"b\\\"}\":\t{\"c\":[1,{\"d\":\"]}\"}]},\"e\":\"x,y\"\n}"),
            [("\"a\"", "1"), ("\"b\\\"}\"", "{\"c\":[1,{\"d\":\"]}\"}]}"), ("\"e\"", "\"x,y\"")]
        );
        assert_eq!(
            members("[1,[2,3],\"\\\\\",null]"),
            [("", "1"), ("", "[2,3]"), ("", "\"\\\\\""), ("", "null")]
        );
    }

    #[test]
    fn invalid_json_ends_the_scan() {
        for json in [
            "",
            "{",
            "[",
            "{\"",
            "{\"a",
            "{\"a\\",
            "{\"a\":",
            "[[[",
            "}",
            "{]",
            "{\"a\":]}",
            "[,]",
            "{:}",
        ] {
            assert!(members(json).len() <= 2, "{json}");
        }
    }

    #[test]
    fn an_invalid_escape_cuts_no_character_in_two() {
        assert_eq!(members("[\"\\é\",1]"), [("", "\"\\é\",1]")]);
    }

    #[test]
    fn escapes_are_the_text_they_stand_for() {
        for (json, expected) in [
            (r#""""#, &b""[..]),
            (r#""\u0061\n\/\\\"""#, b"a\n/\\\""),
            (r#""\ud83d\ude00é""#, "😀é".as_bytes()),
            (r#""\ud83d""#, b"\xED\xA0\xBD"),
            (r#""\ude00\ud83d!""#, b"\xED\xB8\x80\xED\xA0\xBD!"),
            (r#""\ud83d\n""#, b"\xED\xA0\xBD\n"),
        ] {
            assert_eq!(*text(json.as_bytes()), *expected, "{json}");
        }
    }

    #[test]
    fn units_are_those_of_utf_16() {
        let mut units = Vec::new();
        for_each_unit(r#""a😀\ud83d\u00e9""#.as_bytes(), |unit| {
            units.push(unit);
            Ok::<(), ()>(())
        })
        .unwrap();
        assert_eq!(units, [0x61, 0xD83D, 0xDE00, 0xD83D, 0xE9]);
    }
}
