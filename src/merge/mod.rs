//! One object from two values: the reference's `{ ...data, ...other }`.
//!
//! A key that both have stands where `data` has it, with `other`'s value. So `other` is written
//! first, aside, and its members are noted. Then `data` is written: for nearly all of its keys a set
//! of 64 bits shows that `other` lacks them. The rest of `other` follows.

mod failure;
mod key;
mod members;
mod object;
mod part;
mod raw;
mod typed;

use std::cell::Cell;

pub(crate) use self::{
    failure::{Failure, not_here},
    object::{Key, Keys, Object, Source},
    part::{Part, Rule},
    raw::Raw,
    typed::Typed,
};
use self::{
    members::{Member, Members, Note, Override},
    object::MAX_SURPLUS,
};
use crate::{buffer::Buffer, error::Error};

/// The largest working memory that a thread keeps, in bytes and in members.
const MAX_SPARE: usize = 64 * 1024;
const MAX_SPARE_MEMBERS: usize = 1024;

thread_local! {
    /// A merge takes it out of its cell, so a nested merge makes its own.
    static SPARE: Cell<Option<Box<Scratch>>> = const { Cell::new(None) };
}

/// Appends the merged object on one line.
///
/// On an error a part of it has been written.
#[inline]
pub(crate) fn write(
    buffer: &mut Buffer,
    data: &impl Source,
    other: &impl Source,
) -> Result<(), Error> {
    Scratch::with(|scratch| {
        let Scratch { members, text, room } = scratch;
        let start = buffer.len();
        members.clear();
        write_aside(buffer, other, &mut Note(members), room)?;
        text.clear();
        text.extend_from_slice(&buffer.as_slice()[start..]);
        buffer.truncate(start);

        let other = Members::new(text, start, members);
        buffer.put(b"{");
        let mut object = Object { buffer, keys: &mut Override(&other), is_empty: true, room };
        data.write(&mut object)?;
        other.write_rest(object.buffer, object.is_empty);
        object.buffer.put(b"}");
        Ok(())
    })
}

/// Appends the members of a source that `keys` does not skip.
#[inline]
pub(crate) fn write_some(
    buffer: &mut Buffer,
    source: &impl Source,
    keys: &mut impl Keys,
) -> Result<(), Error> {
    write_aside(buffer, source, keys, &mut Vec::new())
}

/// Appends members that the caller then moves or removes.
#[inline]
fn write_aside(
    buffer: &mut Buffer,
    source: &impl Source,
    keys: &mut impl Keys,
    room: &mut Vec<u8>,
) -> Result<(), Error> {
    buffer.with_raised_limit(MAX_SURPLUS, |buffer| {
        source.write(&mut Object { buffer, keys, is_empty: true, room })
    })
}

/// The working memory of a merge.
#[derive(Default)]
struct Scratch {
    members: Vec<Member>,
    /// The text of the members.
    text: Vec<u8>,
    /// JSON that `serde_json` wrote, to be scanned.
    room: Vec<u8>,
}

impl Scratch {
    #[inline]
    fn with<R>(work: impl FnOnce(&mut Self) -> R) -> R {
        let mut scratch = SPARE.try_with(Cell::take).ok().flatten().unwrap_or_default();
        let result = work(&mut scratch);
        if scratch.members.capacity() <= MAX_SPARE_MEMBERS
            && scratch.text.capacity().max(scratch.room.capacity()) <= MAX_SPARE
        {
            // A thread that ends keeps nothing.
            let _ = SPARE.try_with(|spare| spare.set(Some(scratch)));
        }
        result
    }
}
