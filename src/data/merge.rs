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
use crate::{error::Error, output::Output};

/// From how many members on `other` is indexed.
const LARGE: usize = 32;

/// Appends the merged object on one line.
///
/// On an error a part of it has been written.
pub(crate) fn put(
    output: &mut Output,
    data: &impl Source,
    other: &impl Source,
) -> Result<(), Error> {
    let mut keys = Keys::default();
    other.visit(&mut keys)?;
    let mut object = Object { output, is_empty: true };
    object.output.put(b"{");
    if keys.count <= LARGE {
        let mut overridden =
            Overridden { object, other, other_keys: keys.set, keys: Set::default() };
        data.visit(&mut overridden)?;
        let Overridden { object: rest, keys, .. } = overridden;
        object = rest;
        other.visit(&mut Appended { object: &mut object, data, data_keys: keys })?;
    } else {
        let mut index = Indexed::new(object.output.aside());
        other.visit(&mut index)?;
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
}

impl Visitor for Keys {
    #[inline]
    fn member(&mut self, key: Key<'_>, _: &impl Value) -> Result<(), Error> {
        self.set.add(Set::bit(&key.text()));
        self.count += 1;
        Ok(())
    }
}

/// Writes `data`'s members, with `other`'s value where `other` has the key too.
struct Overridden<'a, O> {
    object: Object<'a>,
    other: &'a O,
    other_keys: Set,
    /// The keys written so far.
    keys: Set,
}

impl<O: Source> Visitor for Overridden<'_, O> {
    #[inline]
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        self.object.key(key)?;
        let text = key.text();
        let bit = Set::bit(&text);
        self.keys.add(bit);
        if self.other_keys.may_have(bit) {
            let mut find = Find { key: &text, object: &mut self.object, found_at: None };
            self.other.visit(&mut find)?;
            if find.found_at.is_some() {
                return Ok(());
            }
        }
        self.object.value(value)
    }
}

/// Writes the value of the last member with this key.
struct Find<'f, 'a> {
    key: &'f [u8],
    object: &'f mut Object<'a>,
    /// Where its value begins in the output.
    found_at: Option<usize>,
}

impl Visitor for Find<'_, '_> {
    #[inline]
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        if *key.text() != *self.key {
            return Ok(());
        }
        match self.found_at {
            Some(start) => self.object.output.truncate(start),
            None => self.found_at = Some(self.object.output.written_len()),
        }
        self.object.value(value)
    }
}

/// Writes `other`'s members that `data` has not.
struct Appended<'f, 'a, D> {
    object: &'f mut Object<'a>,
    data: &'f D,
    data_keys: Set,
}

impl<D: Source> Visitor for Appended<'_, '_, D> {
    #[inline]
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        let text = key.text();
        if self.data_keys.may_have(Set::bit(&text)) {
            let mut has = Has { key: &text, found: false };
            self.data.visit(&mut has)?;
            if has.found {
                return Ok(());
            }
        }
        self.object.key(key)?;
        self.object.value(value)
    }
}

struct Has<'a> {
    key: &'a [u8],
    found: bool,
}

impl Visitor for Has<'_> {
    #[inline]
    fn member(&mut self, key: Key<'_>, _: &impl Value) -> Result<(), Error> {
        self.found |= *key.text() == *self.key;
        Ok(())
    }
}

/// A large `other`, written aside.
struct Indexed {
    json: Output,
    entries: Vec<Entry>,
    by_key: HashMap<Vec<u8>, usize>,
}

struct Entry {
    key: Range<usize>,
    value: Range<usize>,
    written: bool,
}

impl Indexed {
    fn new(json: Output) -> Self {
        Self { json, entries: Vec::new(), by_key: HashMap::new() }
    }

    fn append_rest(&self, object: &mut Object<'_>) -> Result<(), Error> {
        for entry in self.entries.iter().filter(|entry| !entry.written) {
            object.key(Key::Json(self.json.written(entry.key.clone())))?;
            object.value(&RawJson(self.json.written(entry.value.clone())))?;
        }
        Ok(())
    }
}

impl Visitor for Indexed {
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        let start = self.json.written_len();
        key.put(&mut self.json, true)?;
        let middle = self.json.written_len();
        value.put(&mut self.json)?;
        let value = middle..self.json.written_len();
        // Without the colon.
        let key_range = start..middle - 1;
        // Of members with the same key the last value counts, at the first one's place.
        match self.by_key.get(&*key.text()) {
            Some(index) => self.entries[*index].value = value,
            None => {
                self.by_key.insert(key.text().into_owned(), self.entries.len());
                self.entries.push(Entry { key: key_range, value, written: false });
            }
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
        match self.index.by_key.get(&*key.text()) {
            Some(index) => {
                let entry = &mut self.index.entries[*index];
                entry.written = true;
                self.object.value(&RawJson(self.index.json.written(entry.value.clone())))
            }
            None => self.object.value(value),
        }
    }
}
