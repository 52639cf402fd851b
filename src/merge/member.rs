//! Sources of members, and their visitors.

use std::borrow::Cow;

use crate::{
    buffer::Buffer,
    error::{Error, Kind},
    json::{self, PartName, scan},
};

/// A value with members. They can be visited repeatedly.
pub(crate) trait Source {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), Error>;
}

/// Receives every member, in order.
pub(crate) trait Visitor {
    /// Receives the number of bytes scanned per visit.
    fn scans(&mut self, _len: usize) {}

    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error>;
}

/// A member's value, which appends itself as JSON on one line.
pub(crate) trait Value {
    fn write(&self, buffer: &mut Buffer) -> Result<(), Error>;
}

/// A member's key: plain text, or a JSON string with its quotes.
#[derive(Clone, Copy)]
pub(crate) enum Key<'a> {
    Json(&'a [u8]),
    Text(&'a str),
}

impl<'a> Key<'a> {
    /// The length of the written key.
    #[inline]
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Json(string) => string.len(),
            Self::Text(text) => text.len(),
        }
    }

    /// The key's text, for comparisons.
    #[inline]
    pub(crate) fn text(self) -> Cow<'a, [u8]> {
        match self {
            Self::Json(string) => scan::text(string),
            Self::Text(text) => Cow::Borrowed(text.as_bytes()),
        }
    }

    /// Appends the key and its colon, after a comma unless it is its object's first key.
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

/// A part of an item with members: its name in errors, and the rule for its members.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) name: PartName,
    pub(crate) rule: Rule,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Objects, and `null` as an empty one. Other values are errors.
    Object,
    /// The reference's rule: elements of an array and UTF-16 code units of a string are members
    /// too; numbers and booleans have none.
    Spread,
    /// An adjacently tagged enum: an object, not even `null`.
    Tagged,
}

impl Part {
    /// Accepts or refuses a value that is not an object.
    pub(crate) fn allow(self, found: &'static str) -> Result<(), Error> {
        match self.rule {
            Rule::Object => Err(Kind::NoMembers { part: self.name.as_str(), found }.into()),
            Rule::Spread => Ok(()),
            Rule::Tagged => Err(Kind::NotTagged { found: format!("it is {found}") }.into()),
        }
    }
}
