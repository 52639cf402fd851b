//! An object's members on their way into the buffer.

use std::mem;

use serde::Serialize;

use crate::{
    buffer::Buffer,
    error::Error,
    json::{self, PartName, scan},
};

/// How far what does not stay as it is may go beyond the frame's limit: values that are overridden,
/// white space.
pub(super) const MAX_SURPLUS: usize = 64 * 1024;

/// What has members.
pub(crate) trait Source {
    /// Appends the members, with a comma between them and no braces.
    ///
    /// On an error a part of them has been written.
    fn write(&self, object: &mut Object<'_, impl Keys>) -> Result<(), Error>;
}

/// What is done with each key.
pub(crate) trait Keys {
    /// Whether the member is left out.
    #[inline(always)]
    fn skips(&mut self, _text: &[u8]) -> bool {
        false
    }

    /// Is told where the key has been written. Whether it has got its value by this.
    fn written(&mut self, buffer: &mut Buffer, key: Key, text: &[u8]) -> bool;
}

/// Where a key stands, with its quotes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Key {
    /// Where its value begins.
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
    /// Room for what `serde_json` writes, to be read again.
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

    /// Appends a key that is JSON text, and its colon. Whether it has its value by this, or needs
    /// none.
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

    /// The same of a key that is text. If it is a literal, the compiler knows much of the result.
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

    /// Hands what `serde_json` makes of a value to `read`. It does not stay.
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
