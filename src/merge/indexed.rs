//! Merging a large `other`: it is written once, to a scratch buffer, and looked up by key.

use std::{collections::HashMap, ops::Range};

use super::{
    Object,
    member::{Key, Source, Value, Visitor},
    raw::RawJson,
};
use crate::{buffer::Buffer, error::Error};

/// Appends the members of the merged object.
pub(super) fn write(
    object: &mut Object<'_>,
    data: &impl Source,
    other: &impl Source,
) -> Result<(), Error> {
    let mut index = Indexed::new(object.buffer.scratch());
    other.visit(&mut BuildIndex { index: &mut index, count: 0 })?;
    other.visit(&mut index)?;
    index.scratch.check()?;
    data.visit(&mut OverriddenByIndex { object, index: &mut index })?;
    index.append_rest(object)
}

/// A large `other`, in a scratch buffer. Of duplicate keys, the last value counts, at the place of
/// the first.
struct Indexed {
    scratch: Buffer,
    entries: Vec<Entry>,
    by_key: HashMap<Vec<u8>, usize>,
    count: usize,
}

struct Entry {
    /// The index of the member whose value counts.
    last: usize,
    key: Range<usize>,
    value: Range<usize>,
    written: bool,
}

impl Entry {
    /// False if the second visit lacked the member.
    fn has_value(&self) -> bool {
        !self.value.is_empty()
    }
}

impl Indexed {
    fn new(scratch: Buffer) -> Self {
        Self { scratch, entries: Vec::new(), by_key: HashMap::new(), count: 0 }
    }

    fn append_rest(&self, object: &mut Object<'_>) -> Result<(), Error> {
        for entry in self.entries.iter().filter(|entry| !entry.written && entry.has_value()) {
            object.key(Key::Json(&self.scratch.as_slice()[entry.key.clone()]))?;
            object.value(&RawJson(&self.scratch.as_slice()[entry.value.clone()]))?;
        }
        Ok(())
    }
}

/// Builds the entries of an index.
struct BuildIndex<'a> {
    index: &'a mut Indexed,
    count: usize,
}

impl Visitor for BuildIndex<'_> {
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

/// Writes each key and value to the scratch buffer, and records their ranges.
impl Visitor for Indexed {
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        let count = self.count;
        self.count += 1;
        // A type may name new members at the second visit: skip them.
        let Some(entry) = self.by_key.get(&*key.text()) else { return Ok(()) };
        let entry = &mut self.entries[*entry];
        if entry.last == count {
            let start = self.scratch.len();
            // Exempt from the limit: `data` may have a shorter spelling of the key. (`by_key` holds
            // it anyway.)
            self.scratch.without_limit(|scratch| key.write(scratch, true))?;
            let colon = self.scratch.len() - 1;
            value.write(&mut self.scratch)?;
            entry.key = start..colon;
            entry.value = colon + 1..self.scratch.len();
        }
        Ok(())
    }
}

/// Writes `data`'s members, with the index's value for a common key.
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
                self.object.value(&RawJson(&self.index.scratch.as_slice()[entry.value.clone()]))
            }
            _ => self.object.value(value),
        }
    }
}
