//! The two sides of a merge: the name of each in an error, and the values that it accepts.

use crate::{
    error::{Error, Kind},
    json::PartName,
};

/// A part of an item whose members are merged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Part {
    pub(crate) name: PartName,
    pub(crate) rule: Rule,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Objects, and `null` as one without members. Any other value is an error.
    Object,
    /// The reference's, to the letter: the elements of an array and the UTF-16 code units of a
    /// string are members too, and numbers and booleans have none.
    Spread,
    /// As `Object`; the error says that the value is not a tagged enum.
    Tagged,
}

impl Part {
    /// Fails unless values of this kind, which is neither an object nor `null`, are accepted.
    pub(super) fn check_kind(self, found: &'static str) -> Result<(), Error> {
        match self.rule {
            Rule::Object => Err(Kind::NoMembers { part: self.name.as_str(), found }.into()),
            Rule::Spread => Ok(()),
            Rule::Tagged => Err(Kind::NotTagged { found: format!("it is {found}") }.into()),
        }
    }
}
