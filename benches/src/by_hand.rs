//! The floors' frames: fields written by hand, JSON by `serde_json::to_writer`, and nothing else.
//! Shared with the package `count`.

use std::io::Write;

use memchr::memchr2_iter;
use serde::Serialize;
use serde_json::Value;

/// A frame with an id, the type `tick`, and this value.
#[inline]
pub fn put_frame<W: Write>(out: &mut W, index: usize, value: &impl Serialize) {
    put_head(out, index);
    put_json(out, value);
    put(out, b"\n\n");
}

/// A frame with nothing but this value.
#[inline]
pub fn put_bare<W: Write>(out: &mut W, value: &impl Serialize) {
    put(out, b"data: ");
    put_json(out, value);
    put(out, b"\n\n");
}

/// A frame with the members of two objects.
pub fn put_merged<W: Write>(out: &mut W, index: usize, data: &Value, other: &Value) {
    let (Value::Object(data), Value::Object(other)) = (data, other) else { return };
    put_head(out, index);
    let mut mark = &b"{"[..];
    let members = data.iter().map(|(key, value)| (key, other.get(key).unwrap_or(value)));
    for (key, value) in members.chain(other.iter().filter(|(key, _)| !data.contains_key(*key))) {
        put(out, mark);
        put_json(out, key);
        put(out, b":");
        put_json(out, value);
        mark = b",";
    }
    put(out, b"}\n\n");
}

/// A frame with nothing but this text.
pub fn put_text<W: Write>(out: &mut W, text: &str) {
    let text = text.as_bytes();
    put(out, b"data: ");
    let mut start = 0;
    for end in memchr2_iter(b'\r', b'\n', text) {
        if end >= start {
            put(out, &text[start..end]);
            put(out, b"\ndata: ");
            start = if text[end..].starts_with(b"\r\n") { end + 2 } else { end + 1 };
        }
    }
    put(out, &text[start..]);
    put(out, b"\n\n");
}

#[inline]
fn put_head<W: Write>(out: &mut W, index: usize) {
    put(out, b"id: ");
    put(out, itoa::Buffer::new().format(index as u64 + 1).as_bytes());
    put(out, b"\nevent: tick\ndata: ");
}

#[inline]
fn put_json<W: Write>(out: &mut W, value: &impl Serialize) {
    serde_json::to_writer(out, value).expect("it can be serialized");
}

#[inline]
fn put<W: Write>(out: &mut W, bytes: &[u8]) {
    out.write_all(bytes).expect("memory takes everything");
}
