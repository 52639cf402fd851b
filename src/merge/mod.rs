//! One object from two values, written straight into the buffer: the reference's
//! `{ ...data, ...other }`.
//!
//! A key that both have stands where `data` has it, with `other`'s value. Nothing is allocated for
//! that: `other` is first asked for its keys, `data`'s members are then written as they come, and
//! where a key may be `other`'s, `other` is asked again. A set of 64 bits answers "certainly not"
//! for nearly all keys, so the second question is rare. That is linear only as long as `other` is
//! small; a large one is written to a scratch buffer first, with an index.

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

/// The most members that `other` is not indexed for: those already written are bits of a `u32`.
const MAX_UNINDEXED_MEMBERS: usize = 32;

/// The most bytes that it is not indexed for: keys, and JSON text, are scanned at every visit.
const MAX_UNINDEXED_BYTES: usize = 4096;

/// Appends the merged object on one line.
///
/// On an error a part of it has been written.
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

/// The object that is being written.
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

/// A set of keys that says "certainly not" or "perhaps".
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

/// Writes `data`'s members, with `other`'s value where `other` has the key too.
struct Overridden<'f, 'a, O> {
    object: &'f mut Object<'a>,
    other: &'f O,
    other_keys: Set,
    /// Which of `other`'s members have been written so.
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
                // The last one's value counts.
                let wanted = find.found.ilog2();
                let mut nth = WriteNth { object: self.object, wanted, index: 0 };
                self.other.visit(&mut nth)?;
                if nth.index > wanted {
                    self.written |= find.found;
                    return Ok(());
                }
                // A type may have fewer members this time.
            }
        }
        self.object.value(value)
    }
}

/// Finds the members with this key.
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

/// The bit of a member; none for what a type names beyond those that it named at first.
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

/// Writes `other`'s members that have not been written yet.
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
