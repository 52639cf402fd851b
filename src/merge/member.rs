//! What is merged: the members of a value, and what is done with each.

use std::borrow::Cow;

use crate::{
    buffer::Buffer,
    error::{Error, Kind},
    json::{self, PartName, scan},
};

/// A value whose members can be visited, any number of times.
pub(crate) trait Source {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), Error>;
}

/// Is called for every member, in order.
pub(crate) trait Visitor {
    /// So much text is scanned at this visit, as at every other one.
    fn scans(&mut self, _len: usize) {}

    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error>;
}

/// A member's value, which can append itself as JSON on one line.
pub(crate) trait Value {
    fn write(&self, buffer: &mut Buffer) -> Result<(), Error>;
}

/// A member's key: as text, or as a JSON string with its quotes.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    Json(&'a [u8]),
    Text(&'a str),
}

impl<'a> Key<'a> {
    /// The length of the key as it is written.
    #[inline]
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Json(string) => string.len(),
            Self::Text(text) => text.len(),
        }
    }

    /// The key's text, to compare it with others.
    #[inline]
    pub(crate) fn text(self) -> Cow<'a, [u8]> {
        match self {
            Self::Json(string) => scan::text(string),
            Self::Text(text) => Cow::Borrowed(text.as_bytes()),
        }
    }

    /// Appends the key and its colon, after a comma unless it is the first of its object.
    #[inline]
    pub(crate) fn write(self, buffer: &mut Buffer, is_first: bool) -> Result<(), Error> {
        match self {
            Self::Json(string) => {
                buffer.put(if is_first { b"" } else { b"," });
                json::write_raw(buffer, string)?;
                buffer.put(b":");
                Ok(())
            }
            Self::Text(text) => json::write_key(buffer, text, is_first),
        }
    }
}

/// A part of an item whose members are merged: what it is called in an error, and what counts as
/// having members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) name: PartName,
    pub(crate) rule: Rule,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Objects, and `null` as one without any. All else is an error.
    Object,
    /// The reference's, to the letter: the elements of an array and the UTF-16 code units of a
    /// string are members too, and numbers and booleans have none.
    Spread,
    /// What an adjacently tagged enum can be: an object, and not even `null` beside it.
    Tagged,
}

impl Part {
    /// What is no object, and yet not nothing.
    pub(crate) fn allow(self, found: &'static str) -> Result<(), Error> {
        match self.rule {
            Rule::Object => Err(Kind::NoMembers { part: self.name.as_str(), found }.into()),
            Rule::Spread => Ok(()),
            Rule::Tagged => Err(Kind::NotTagged { found: format!("it is {found}") }.into()),
        }
    }
}
