//! JSON on one line, straight into the output buffer, and the few facts about JavaScript's values
//! that the reference needs.

use std::io;

use memchr::memchr2;
use serde::Serialize;
use serde_json::ser::Formatter;

use crate::{error::Error, output::Output};

/// Appends `value` as JSON on one line.
///
/// On an error a part of it has been written.
#[inline]
pub(crate) fn put<T: ?Sized + Serialize>(output: &mut Output, value: &T) -> Result<(), Error> {
    value
        .serialize(&mut serde_json::Serializer::with_formatter(output, OneLine))
        .map_err(Error::from_writing)
}

/// Appends a key and its colon, after a comma unless it is the first of its object.
#[inline]
pub(crate) fn put_key(output: &mut Output, key: &str, is_first: bool) -> Result<(), Error> {
    // Few keys have anything to escape; the others take three writes.
    if key.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        output.put(if is_first { b"" } else { b"," });
        put(output, key)?;
        output.put(b":");
    } else {
        output.put(if is_first { b"\"" } else { b",\"" });
        output.put(key.as_bytes());
        output.put(b"\":");
    }
    Ok(())
}

/// Appends JSON text, on one line.
pub(crate) fn put_raw(output: &mut Output, json: &[u8]) -> Result<(), Error> {
    put_without_line_ends(output, json)
        .map_err(|error| Error::from_writing(serde_json::Error::io(error)))
}

/// Compact JSON, in which an end of line can only come from text that `serde_json` passes on as it
/// is: a `RawValue`, or the digits of an `arbitrary_precision` number. In valid JSON it is white
/// space there and is dropped; where a type lies about what it hands over, it still ends no line.
struct OneLine;

impl Formatter for OneLine {
    fn write_number_str<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        value: &str,
    ) -> io::Result<()> {
        put_without_line_ends(writer, value.as_bytes())
    }

    fn write_raw_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        put_without_line_ends(writer, fragment.as_bytes())
    }
}

fn put_without_line_ends<W: ?Sized + io::Write>(writer: &mut W, mut json: &[u8]) -> io::Result<()> {
    while let Some(end) = memchr2(b'\r', b'\n', json) {
        writer.write_all(&json[..end])?;
        json = &json[end + 1..];
    }
    writer.write_all(json)
}

/// The name under which `serde_json` hands a `RawValue` to a serializer.
pub(crate) const RAW_VALUE: &str = "$serde_json::private::RawValue";

/// The name under which `serde_json` hands a number to one with `arbitrary_precision`.
pub(crate) const NUMBER: &str = "$serde_json::private::Number";

/// The text of a JSON number as JavaScript's `String(JSON.parse(number))`.
pub(crate) fn javascript_number(json: &str) -> String {
    // What JSON calls a number always parses; one that is too large becomes infinite in both.
    let number = json.parse::<f64>().unwrap_or(f64::NAN);
    if number == 0.0 {
        return "0".into();
    }
    if !number.is_finite() {
        return if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        }
        .into();
    }
    // The shortest digits that give the same number again. Where two are as short and as near, these are
    // the even ones, as in JavaScript; those of `format!` are not.
    let shortest = serde_json::to_string(&number.abs()).unwrap_or_default();
    let (mantissa, exponent) = shortest.split_once(['e', 'E']).unwrap_or((&shortest, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = [whole, fraction].concat();
    let digits = all_digits.trim_start_matches('0');
    // Where the point stands, counted from the first digit.
    let zeros = (all_digits.len() - digits.len()) as i32;
    let point = whole.len() as i32 - zeros + exponent.parse::<i32>().unwrap_or_default();
    let digits = digits.trim_end_matches('0');
    let count = digits.len() as i32;
    let sign = if number < 0.0 { "-" } else { "" };
    match point {
        _ if (count..=21).contains(&point) => {
            format!("{sign}{digits}{}", "0".repeat((point - count) as usize))
        }
        1..=21 => {
            let (whole, fraction) = digits.split_at(point as usize);
            format!("{sign}{whole}.{fraction}")
        }
        -5..=0 => format!("{sign}0.{}{digits}", "0".repeat(-point as usize)),
        _ => {
            let (first, rest) = digits.split_at(1);
            let dot = if rest.is_empty() { "" } else { "." };
            format!("{sign}{first}{dot}{rest}e{:+}", point - 1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_spelled_as_javascript_spells_them() {
        for (json, expected) in [
            ("7", "7"),
            ("-7", "-7"),
            ("7.0", "7"),
            ("-0", "0"),
            ("1e-400", "0"),
            ("1.5", "1.5"),
            ("-1.25e-3", "-0.00125"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("1.5e-7", "1.5e-7"),
            ("123456789012345680000", "123456789012345680000"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("1.5e300", "1.5e+300"),
            ("5e-324", "5e-324"),
            ("9007199254740993", "9007199254740992"),
            ("123456.789", "123456.789"),
            ("0.5", "0.5"),
            ("100.25e-1", "10.025"),
            ("1000000000000000.25", "1000000000000000.2"),
            ("0.5505142211914062", "0.5505142211914062"),
            ("-14.815994262695312", "-14.815994262695312"),
            ("1e400", "Infinity"),
            ("-1e400", "-Infinity"),
        ] {
            assert_eq!(javascript_number(json), expected, "{json}");
        }
    }
}
