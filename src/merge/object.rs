//! Writes the members of an object.

use std::mem;

use serde::Serialize;

use crate::{
    buffer::Buffer,
    error::Error,
    json::{self, PartName, scan},
};

/// How far bytes that are removed again, such as overridden values, may exceed the frame's limit.
pub(super) const MAX_SURPLUS: usize = 64 * 1024;

/// A value with members.
pub(crate) trait Source {
    /// Appends the members, with a comma between them and no braces.
    ///
    /// On an error a part of them has been written.
    fn write(&self, object: &mut Object<'_, impl Keys>) -> Result<(), Error>;
}

/// The treatment of each key.
pub(crate) trait Keys {
    /// Whether the member is left out.
    #[inline(always)]
    fn skips(&mut self, _text: &[u8]) -> bool {
        false
    }

    /// Called once the key is written. Returns whether this wrote the value, too.
    fn written(&mut self, buffer: &mut Buffer, key: Key, text: &[u8]) -> bool;
}

/// The range of a key, with its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Key {
    /// The start of its value.
    #[inline]
    pub(crate) const fn value(self) -> usize {
        self.end + 1
    }
}

/// The object that is being written.
pub(crate) struct Object<'a, K> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) keys: &'a mut K,
    pub(super) is_empty: bool,
    /// JSON that `serde_json` wrote, to be scanned.
    pub(super) room: &'a mut Vec<u8>,
}

impl<K: Keys> Object<'_, K> {
    /// Appends members that are JSON text on one line.
    pub(crate) fn members<'a>(
        &mut self,
        mut members: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Result<(), Error> {
        members.try_for_each(|(key, value)| {
            if !self.key(key)? {
                self.buffer.try_put(value)?;
            }
            Ok(())
        })
    }

    /// Appends a key that is JSON text, and its colon. Returns `true` if the caller must not write
    /// the value: it is written already, or the member is left out.
    pub(super) fn key(&mut self, json: &[u8]) -> Result<bool, Error> {
        let text = scan::text(json);
        if self.keys.skips(&text) {
            return Ok(true);
        }
        self.buffer.put(if mem::replace(&mut self.is_empty, false) { b"" } else { b"," });
        let start = self.buffer.len();
        self.buffer.try_put(json)?;
        self.buffer.put(b":");
        let key = Key { start, end: start + json.len() };
        Ok(self.keys.written(self.buffer, key, &text))
    }

    /// The same for a key that is text. For a literal, most of it is computed at compile time.
    #[inline(always)]
    pub(super) fn key_text(&mut self, text: &str) -> Result<bool, Error> {
        if text.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
            return self.escaped_key(text);
        }
        if self.keys.skips(text.as_bytes()) {
            return Ok(true);
        }
        let is_first = mem::replace(&mut self.is_empty, false);
        self.buffer.put(if is_first { b"\"" } else { b",\"" });
        let start = self.buffer.len() - 1;
        self.buffer.try_put(text.as_bytes())?;
        self.buffer.put(b"\":");
        let key = Key { start, end: start + text.len() + 2 };
        Ok(self.keys.written(self.buffer, key, text.as_bytes()))
    }

    #[cold]
    fn escaped_key(&mut self, text: &str) -> Result<bool, Error> {
        self.by_serde_json(text, PartName::Data, |json, object| object.key(json))
    }

    /// Lets `serde_json` write a value, hands the JSON to `read`, and removes it.
    pub(super) fn by_serde_json<T: ?Sized + Serialize, R>(
        &mut self,
        value: &T,
        part: PartName,
        read: impl FnOnce(&[u8], &mut Self) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let start = self.buffer.len();
        let written =
            self.buffer.with_raised_limit(MAX_SURPLUS, |buffer| json::write(buffer, value, part));
        let mut json = mem::take(self.room);
        json.clear();
        json.extend_from_slice(&self.buffer.as_slice()[start..]);
        self.buffer.truncate(start);
        let result = written.and_then(|()| read(&json, self));
        *self.room = json;
        result
    }
}
