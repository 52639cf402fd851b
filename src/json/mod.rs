//! JSON on one line, straight into a buffer, and the few facts about JSON and JavaScript's values
//! that the reference needs.

mod number;
pub(crate) mod scan;

use std::io;

use bytes::Bytes;
use memchr::memchr2;
use serde::Serialize;
use serde_json::{ser::Formatter, value::RawValue};

pub(crate) use self::number::javascript_number;
use crate::{
    buffer::Buffer,
    error::{Error, Kind},
};

/// The part of an item that is being written, for an error. One byte, as each value passes it on.
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

/// Appends `value` as JSON on one line. `part` names it in an error.
///
/// On an error a part of it has been written.
#[inline]
pub(crate) fn write<T: ?Sized + Serialize>(
    buffer: &mut Buffer,
    value: &T,
    part: PartName,
) -> Result<(), Error> {
    write_with(buffer, part, |json| value.serialize(json))
}

/// Like [`write`], with a closure that writes to the serializer.
#[inline]
pub(crate) fn write_with(
    buffer: &mut Buffer,
    part: PartName,
    write: impl FnOnce(&mut JsonSerializer<'_>) -> Result<(), serde_json::Error>,
) -> Result<(), Error> {
    write(&mut serde_json::Serializer::with_formatter(&mut *buffer, OneLine))
        .map_err(|error| failure(buffer, error, part))
}

/// Whether a struct of this name stands for raw JSON, or for a number.
#[inline]
pub(crate) fn is_stand_in(name: &str) -> bool {
    name.starts_with("$serde_json::private::")
}

/// Writes JSON on one line.
pub(crate) type JsonSerializer<'a> = serde_json::Serializer<&'a mut Buffer, OneLine>;

/// An array or an object that a [`JsonSerializer`] writes.
pub(crate) type JsonCompound<'a, 'b> = serde_json::ser::Compound<'a, &'b mut Buffer, OneLine>;

/// The buffer's only I/O error is that the frame would be too large.
#[cold]
fn failure(buffer: &Buffer, error: serde_json::Error, part: PartName) -> Error {
    if error.is_io() {
        buffer.too_large()
    } else {
        Kind::Serialize { part: part.as_str(), error }.into()
    }
}

/// Compact JSON, in which an end of line can only come from text that `serde_json` passes on as it
/// is: a `RawValue`, or the digits of an `arbitrary_precision` number. In valid JSON it is white
/// space there and is dropped; where a type hands over invalid JSON, it still ends no line.
pub(crate) struct OneLine;

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

/// JSON text without ends of line: in valid JSON they are white space.
pub(crate) fn one_line(json: Box<RawValue>) -> Bytes {
    let json = Box::<str>::from(json);
    if memchr2(b'\r', b'\n', json.as_bytes()).is_none() {
        json.into_boxed_bytes().into()
    } else {
        json.replace(['\r', '\n'], "").into()
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
