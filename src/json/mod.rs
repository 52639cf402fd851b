//! JSON on one line, written straight into a buffer, and the rules of JSON and JavaScript that the
//! reference needs.

mod number;
pub(crate) mod scan;

use std::io;

use memchr::memchr2;
use serde::Serialize;
use serde_json::ser::Formatter;

pub(crate) use self::number::javascript_number;
use crate::{
    buffer::Buffer,
    error::{Error, Kind},
};

/// The part of an item, as errors name it. One byte: each value's writer passes it down.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PartName {
    Data,
    Other,
}

impl PartName {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Other => "other",
        }
    }
}

/// Appends `value` as JSON on one line. Errors name `part`.
///
/// On an error, `buffer` holds partial output.
#[inline]
pub(crate) fn write<T: ?Sized + Serialize>(
    buffer: &mut Buffer,
    value: &T,
    part: PartName,
) -> Result<(), Error> {
    value
        .serialize(&mut serde_json::Serializer::with_formatter(&mut *buffer, OneLine))
        .map_err(|error| failure(buffer, error, part))
}

/// The buffer's only I/O error is a frame that is too large.
#[cold]
fn failure(buffer: &Buffer, error: serde_json::Error, part: PartName) -> Error {
    if error.is_io() {
        buffer.too_large()
    } else {
        Kind::Serialize { part: part.as_str(), error }.into()
    }
}

/// Appends a key and its colon, after a comma unless it is its object's first key.
#[inline]
pub(crate) fn write_key(buffer: &mut Buffer, key: &str, is_first: bool) -> Result<(), Error> {
    // Most keys need no escapes and take three writes.
    if key.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        buffer.put(if is_first { b"" } else { b"," });
        write(buffer, key, PartName::Data)?;
        buffer.put(b":");
    } else {
        buffer.put(if is_first { b"\"" } else { b",\"" });
        buffer.try_put(key.as_bytes())?;
        buffer.put(b"\":");
    }
    Ok(())
}

/// Appends JSON text, on one line.
pub(crate) fn write_raw(buffer: &mut Buffer, json: &[u8]) -> Result<(), Error> {
    write_without_line_ends(buffer, json).map_err(|_| buffer.too_large())
}

/// Compact JSON without line ends. They can only occur in text that `serde_json` copies: a
/// `RawValue`, or the digits of an `arbitrary_precision` number. In valid JSON they are white space
/// there. Dropping them also covers a type that lies about its text.
struct OneLine;

impl Formatter for OneLine {
    fn write_number_str<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        value: &str,
    ) -> io::Result<()> {
        write_without_line_ends(writer, value.as_bytes())
    }

    fn write_raw_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        write_without_line_ends(writer, fragment.as_bytes())
    }
}

fn write_without_line_ends<W: ?Sized + io::Write>(
    writer: &mut W,
    mut json: &[u8],
) -> io::Result<()> {
    while let Some(end) = memchr2(b'\r', b'\n', json) {
        writer.write_all(&json[..end])?;
        json = &json[end + 1..];
    }
    writer.write_all(json)
}

/// `serde_json`'s private name for a `RawValue`.
pub(crate) const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// `serde_json`'s private name for a number with `arbitrary_precision`.
pub(crate) const NUMBER: &str = "$serde_json::private::Number";
