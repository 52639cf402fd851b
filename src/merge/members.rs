//! Members that were written aside, and are found by their keys.

use std::{
    borrow::Cow,
    cell::{Cell, OnceCell},
    collections::HashMap,
    ops::Range,
};

use super::object::{Key, Keys};
use crate::{buffer::Buffer, json::scan};

/// The most members that are searched one by one.
const MAX_UNINDEXED_MEMBERS: usize = 32;

/// The most bytes of such members: each search compares keys.
const MAX_UNINDEXED_BYTES: usize = 4096;

/// The place of a member. Its value ends before the comma of the next one.
#[derive(Debug)]
pub(super) struct Member {
    key: Key,
    bit: u64,
    /// Whether its value, or that of a later one with its key, has been written.
    written: Cell<bool>,
}

/// The bit of a key in a set of 64.
#[inline(always)]
fn bit(key: &[u8]) -> u64 {
    let first = key.first().copied().unwrap_or_default();
    let last = key.last().copied().unwrap_or_default();
    let mixed = key.len() ^ usize::from(first) << 1 ^ usize::from(last).wrapping_mul(7);
    1 << (mixed & 63)
}

/// Notes the members that are written.
pub(super) struct Note<'a>(pub(super) &'a mut Vec<Member>);

impl Keys for Note<'_> {
    #[inline(always)]
    fn written(&mut self, _: &mut Buffer, key: Key, text: &[u8]) -> bool {
        self.0.push(Member { key, bit: bit(text), written: Cell::new(false) });
        false
    }
}

/// Members, and their text, which a `Serialize` that breaks its contract can leave incomplete.
pub(super) struct Members<'a> {
    text: &'a [u8],
    /// The offset in the buffer of the text when the members were noted.
    base: usize,
    all: &'a [Member],
    /// The bits of all keys: a key whose bit is missing is not among them.
    bits: u64,
    index: OnceCell<HashMap<Cow<'a, [u8]>, usize>>,
    /// Whether any of them has been written.
    any_written: Cell<bool>,
}

impl<'a> Members<'a> {
    #[inline]
    pub(super) fn new(text: &'a [u8], base: usize, all: &'a [Member]) -> Self {
        let bits = all.iter().fold(0, |bits, member| bits | member.bit);
        let any_written = Cell::new(false);
        Self { text, base, all, bits, index: OnceCell::new(), any_written }
    }

    #[inline]
    fn key(&self, index: usize) -> &'a [u8] {
        let Key { start, end } = self.all[index].key;
        &self.text[start - self.base..end - self.base]
    }

    #[inline]
    fn value(&self, index: usize) -> Range<usize> {
        let next = self.all.get(index + 1);
        let end = next.map_or(self.text.len(), |next| next.key.start - 1 - self.base);
        let start = self.all[index].key.value() - self.base;
        start.min(end)..end
    }

    /// Appends the value of the last member with this key, if there is one.
    #[inline(never)]
    fn write_value_of(&self, buffer: &mut Buffer, key: &[u8]) -> bool {
        let found = if self.is_small() { self.search(key) } else { self.look_up(key) };
        if let Some(found) = found {
            self.all[found].written.set(true);
            self.any_written.set(true);
            buffer.put(&self.text[self.value(found)]);
        }
        found.is_some()
    }

    fn is_small(&self) -> bool {
        self.all.len() <= MAX_UNINDEXED_MEMBERS && self.text.len() <= MAX_UNINDEXED_BYTES
    }

    fn search(&self, key: &[u8]) -> Option<usize> {
        let mut last = None;
        let bit = bit(key);
        for (index, other) in self.all.iter().enumerate() {
            if other.bit == bit && *scan::text(self.key(index)) == *key {
                other.written.set(true);
                last = Some(index);
            }
        }
        last
    }

    fn look_up(&self, key: &[u8]) -> Option<usize> {
        let index = self.index.get_or_init(|| {
            (0..self.all.len()).map(|index| (scan::text(self.key(index)), index)).collect()
        });
        index.get(key).copied()
    }

    /// Appends those that have not been written.
    pub(super) fn write_rest(&self, buffer: &mut Buffer, mut is_first: bool) {
        let mut comma = |buffer: &mut Buffer| {
            if !is_first {
                buffer.put(b",");
            }
            is_first = false;
        };
        if !self.any_written.get() {
            if !self.text.is_empty() {
                comma(buffer);
                buffer.put(self.text);
            }
            return;
        }
        for index in 0..self.all.len() {
            let key = self.key(index);
            // With an index, a repeated key has its last value, at its first place. Without one
            // all of its members are written, which means the same.
            let last = self.index.get().and_then(|all| all.get(&*scan::text(key)));
            let last = last.copied().unwrap_or(index);
            if !self.all[last].written.replace(true) {
                comma(buffer);
                buffer.put(key);
                buffer.put(b":");
                buffer.put(&self.text[self.value(last)]);
            }
        }
    }
}

/// Writes the other side's value where both sides have a key.
pub(super) struct Override<'a>(pub(super) &'a Members<'a>);

impl Keys for Override<'_> {
    #[inline(always)]
    fn written(&mut self, buffer: &mut Buffer, _: Key, text: &[u8]) -> bool {
        self.0.bits & bit(text) != 0 && self.0.write_value_of(buffer, text)
    }
}
