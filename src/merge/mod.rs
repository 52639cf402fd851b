//! Merges two values into one object, written straight into the buffer: the reference's
//! `{ ...data, ...other }`.
//!
//! A key in both keeps `data`'s place and takes `other`'s value. Merging a small `other` allocates
//! nothing. It is visited once for its keys; then `data`'s members are written, and `other` is
//! visited again for each key that it may have. A set of 64 bits rules out nearly all other keys,
//! which makes these visits rare. To keep the work linear, a large `other` is written to a scratch
//! buffer first, with an index.

mod indexed;
mod key;
mod member;
mod raw;
mod typed;

use std::mem;

pub(crate) use self::{
    member::{Key, Part, Rule, Source, Value, Visitor},
    raw::{Raw, RawJson},
    typed::{Typed, TypedJson},
};
use crate::{buffer::Buffer, error::Error};

/// The most members of an unindexed `other`: a `u32` has a bit for each written one.
const MAX_UNINDEXED_MEMBERS: usize = 32;

/// The most bytes of keys and JSON text in an unindexed `other`: each visit scans them.
const MAX_UNINDEXED_BYTES: usize = 4096;

/// Appends the merged object on one line.
///
/// On an error, `buffer` holds partial output.
pub(crate) fn write(
    buffer: &mut Buffer,
    data: &impl Source,
    other: &impl Source,
) -> Result<(), Error> {
    let mut keys = Keys::default();
    other.visit(&mut keys)?;
    let mut object = Object { buffer, is_empty: true };
    object.buffer.put(b"{");
    if keys.count <= MAX_UNINDEXED_MEMBERS && keys.scanned <= MAX_UNINDEXED_BYTES {
        let object = &mut object;
        let mut overridden =
            Overridden { object: &mut *object, other, other_keys: keys.set, written: 0 };
        data.visit(&mut overridden)?;
        let written = overridden.written;
        other.visit(&mut WriteRest { object, written, index: 0 })?;
    } else {
        indexed::write(&mut object, data, other)?;
    }
    object.buffer.put(b"}");
    Ok(())
}

/// The object under construction.
struct Object<'a> {
    buffer: &'a mut Buffer,
    is_empty: bool,
}

impl Object<'_> {
    #[inline]
    fn key(&mut self, key: Key<'_>) -> Result<(), Error> {
        key.write(self.buffer, mem::replace(&mut self.is_empty, false))
    }

    #[inline]
    fn value(&mut self, value: &impl Value) -> Result<(), Error> {
        value.write(self.buffer)
    }
}

/// A set of keys that answers "certainly not" or "perhaps".
#[derive(Clone, Copy, Default)]
struct Set(u64);

impl Set {
    #[inline]
    fn bit(key: &[u8]) -> u64 {
        let first = key.first().copied().unwrap_or_default();
        let last = key.last().copied().unwrap_or_default();
        let mixed = key.len() ^ usize::from(first) << 1 ^ usize::from(last).wrapping_mul(7);
        1 << (mixed & 63)
    }

    #[inline]
    fn add(&mut self, bit: u64) {
        self.0 |= bit;
    }

    #[inline]
    fn may_have(self, bit: u64) -> bool {
        self.0 & bit != 0
    }
}

/// Collects the keys.
#[derive(Default)]
struct Keys {
    set: Set,
    count: usize,
    scanned: usize,
}

impl Visitor for Keys {
    #[inline]
    fn scans(&mut self, len: usize) {
        self.scanned += len;
    }

    #[inline]
    fn member(&mut self, key: Key<'_>, _: &impl Value) -> Result<(), Error> {
        self.set.add(Set::bit(&key.text()));
        self.count += 1;
        self.scanned += key.len();
        Ok(())
    }
}

/// Writes `data`'s members, with `other`'s value for a common key.
struct Overridden<'f, 'a, O> {
    object: &'f mut Object<'a>,
    other: &'f O,
    other_keys: Set,
    /// The bits of `other`'s members written so far.
    written: u32,
}

impl<O: Source> Visitor for Overridden<'_, '_, O> {
    #[inline]
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        self.object.key(key)?;
        let text = key.text();
        if self.other_keys.may_have(Set::bit(&text)) {
            let mut find = Find { key: &text, index: 0, found: 0 };
            self.other.visit(&mut find)?;
            if find.found != 0 {
                // The last duplicate's value counts.
                let wanted = find.found.ilog2();
                let mut nth = WriteNth { object: self.object, wanted, index: 0 };
                self.other.visit(&mut nth)?;
                if nth.index > wanted {
                    self.written |= find.found;
                    return Ok(());
                }
                // Otherwise the type has fewer members at this visit.
            }
        }
        self.object.value(value)
    }
}

/// Finds the members with a key.
struct Find<'a> {
    key: &'a [u8],
    index: u32,
    found: u32,
}

impl Visitor for Find<'_> {
    #[inline]
    fn member(&mut self, key: Key<'_>, _: &impl Value) -> Result<(), Error> {
        if *key.text() == *self.key {
            self.found |= bit(self.index);
        }
        self.index += 1;
        Ok(())
    }
}

/// The bit of a member; 0 for members that the first visit did not have.
#[inline]
fn bit(index: u32) -> u32 {
    1_u32.checked_shl(index).unwrap_or(0)
}

/// Writes the value of one member.
struct WriteNth<'f, 'a> {
    object: &'f mut Object<'a>,
    wanted: u32,
    index: u32,
}

impl Visitor for WriteNth<'_, '_> {
    #[inline]
    fn member(&mut self, _: Key<'_>, value: &impl Value) -> Result<(), Error> {
        if self.index == self.wanted {
            self.object.value(value)?;
        }
        self.index += 1;
        Ok(())
    }
}

/// Writes `other`'s remaining members.
struct WriteRest<'f, 'a> {
    object: &'f mut Object<'a>,
    written: u32,
    index: u32,
}

impl Visitor for WriteRest<'_, '_> {
    #[inline]
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        let written = self.written & bit(self.index) != 0;
        self.index += 1;
        if written {
            return Ok(());
        }
        self.object.key(key)?;
        self.object.value(value)
    }
}
