//! One object from two values, written straight into the output: the reference's
//! `{ ...data, ...other }`.
//!
//! A key that both have stands where `data` has it, with `other`'s value. Nothing is allocated for
//! that: `other` is first asked for its keys, `data`'s members are then written as they come, and
//! where a key may be `other`'s, `other` is asked again. A set of 64 bits answers "certainly not"
//! for nearly all keys, so the second question is rare. That is linear only as long as `other` is
//! small; a large one is written aside first, with an index.

use std::{collections::HashMap, mem, ops::Range};

use super::members::{Key, RawJson, Source, Value, Visitor};
use crate::{
    error::{Error, Kind},
    output::Output,
};

/// The most members that `other` is not indexed for: those already written are bits of a `u32`.
const FEW: usize = 32;

/// The most bytes that it is not indexed for: keys, and JSON text, are passed over at every visit.
const SHORT: usize = 4096;

/// Appends the merged object on one line.
///
/// On an error a part of it has been written.
pub(crate) fn put(
    output: &mut Output,
    data: &impl Source,
    other: &impl Source,
) -> Result<(), Error> {
    let mut keys = Keys::default();
    other.visit(&mut keys).map_err(Error::of_other)?;
    let mut object = Object { output, is_empty: true };
    object.output.put(b"{");
    if keys.count <= FEW && keys.passed <= SHORT {
        let mut overridden = Overridden { object, other, other_keys: keys.set, written: 0 };
        data.visit(&mut overridden)?;
        let Overridden { object: rest, written, .. } = overridden;
        object = rest;
        let mut appended = Appended { object: &mut object, written, index: 0 };
        other.visit(&mut appended).map_err(Error::of_other)?;
    } else {
        let mut index = Indexed::new(object.output.aside());
        other.visit(&mut Last { index: &mut index, count: 0 }).map_err(Error::of_other)?;
        other.visit(&mut index).map_err(Error::of_other)?;
        if index.json.is_cut() {
            return Err(Kind::TooLarge { limit: 0 }.into());
        }
        data.visit(&mut OverriddenByIndex { object: &mut object, index: &mut index })?;
        index.append_rest(&mut object)?;
    }
    object.output.put(b"}");
    Ok(())
}

/// The object that is being written.
struct Object<'a> {
    output: &'a mut Output,
    is_empty: bool,
}

impl Object<'_> {
    #[inline]
    fn key(&mut self, key: Key<'_>) -> Result<(), Error> {
        key.put(self.output, mem::replace(&mut self.is_empty, false))
    }

    #[inline]
    fn value(&mut self, value: &impl Value) -> Result<(), Error> {
        value.put(self.output)
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
    passed: usize,
}

impl Visitor for Keys {
    #[inline]
    fn passes(&mut self, len: usize) {
        self.passed += len;
    }

    #[inline]
    fn member(&mut self, key: Key<'_>, _: &impl Value) -> Result<(), Error> {
        self.set.add(Set::bit(&key.text()));
        self.count += 1;
        self.passed += key.len();
        Ok(())
    }
}

/// Writes `data`'s members, with `other`'s value where `other` has the key too.
struct Overridden<'a, O> {
    object: Object<'a>,
    other: &'a O,
    other_keys: Set,
    /// Which of `other`'s members have been written so.
    written: u32,
}

impl<O: Source> Visitor for Overridden<'_, O> {
    #[inline]
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        self.object.key(key)?;
        let text = key.text();
        if self.other_keys.may_have(Set::bit(&text)) {
            let mut find = Find { key: &text, index: 0, found: 0 };
            self.other.visit(&mut find).map_err(Error::of_other)?;
            if find.found != 0 {
                // The last one's value counts.
                let wanted = find.found.ilog2();
                let mut at = At { object: &mut self.object, wanted, index: 0 };
                self.other.visit(&mut at).map_err(Error::of_other)?;
                if at.index > wanted {
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
struct At<'f, 'a> {
    object: &'f mut Object<'a>,
    wanted: u32,
    index: u32,
}

impl Visitor for At<'_, '_> {
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
struct Appended<'f, 'a> {
    object: &'f mut Object<'a>,
    written: u32,
    index: u32,
}

impl Visitor for Appended<'_, '_> {
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

/// A large `other`, written aside. Of members with the same key the last value counts, at the first
/// one's place.
struct Indexed {
    json: Output,
    entries: Vec<Entry>,
    by_key: HashMap<Vec<u8>, usize>,
    count: usize,
}

struct Entry {
    /// The member whose value counts.
    last: usize,
    key: Range<usize>,
    value: Range<usize>,
    written: bool,
}

impl Entry {
    /// Not if the member was gone the second time.
    fn has_value(&self) -> bool {
        !self.value.is_empty()
    }
}

impl Indexed {
    fn new(json: Output) -> Self {
        Self { json, entries: Vec::new(), by_key: HashMap::new(), count: 0 }
    }

    fn append_rest(&self, object: &mut Object<'_>) -> Result<(), Error> {
        for entry in self.entries.iter().filter(|entry| !entry.written && entry.has_value()) {
            object.key(Key::Json(self.json.written(entry.key.clone())))?;
            object.value(&RawJson(self.json.written(entry.value.clone())))?;
        }
        Ok(())
    }
}

/// Makes the entries of an index.
struct Last<'a> {
    index: &'a mut Indexed,
    count: usize,
}

impl Visitor for Last<'_> {
    fn member(&mut self, key: Key<'_>, _: &impl Value) -> Result<(), Error> {
        let Indexed { entries, by_key, .. } = &mut *self.index;
        match by_key.get(&*key.text()) {
            Some(entry) => entries[*entry].last = self.count,
            None => {
                by_key.insert(key.text().into_owned(), entries.len());
                entries.push(Entry { last: self.count, key: 0..0, value: 0..0, written: false });
            }
        }
        self.count += 1;
        Ok(())
    }
}

/// Writes keys and values where the entries have their place.
impl Visitor for Indexed {
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        let count = self.count;
        self.count += 1;
        // A type may name other members the second time: they have no place.
        let Some(entry) = self.by_key.get(&*key.text()) else { return Ok(()) };
        let entry = &mut self.entries[*entry];
        if entry.last == count {
            let start = self.json.written_len();
            // `data` may spell the same key shorter. (`by_key` has it anyhow.)
            self.json.put_beside_limit(|json| key.put(json, true))?;
            let colon = self.json.written_len() - 1;
            value.put(&mut self.json)?;
            entry.key = start..colon;
            entry.value = colon + 1..self.json.written_len();
        }
        Ok(())
    }
}

/// Writes `data`'s members, with the index's value where it has the key too.
struct OverriddenByIndex<'f, 'a> {
    object: &'f mut Object<'a>,
    index: &'f mut Indexed,
}

impl Visitor for OverriddenByIndex<'_, '_> {
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        self.object.key(key)?;
        let entry = self.index.by_key.get(&*key.text());
        match entry.map(|entry| &mut self.index.entries[*entry]) {
            Some(entry) if entry.has_value() => {
                entry.written = true;
                self.object.value(&RawJson(self.index.json.written(entry.value.clone())))
            }
            _ => self.object.value(value),
        }
    }
}
