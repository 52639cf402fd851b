//! Members of JSON text.

use super::member::{Key, Part, Source, Value, Visitor};
use crate::{
    buffer::Buffer,
    error::Error,
    json::{self, PartName, scan},
};

/// A value as JSON text.
pub(crate) struct Raw<'a> {
    pub(crate) json: &'a [u8],
    pub(crate) part: Part,
}

impl Source for Raw<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), Error> {
        visitor.scans(self.json.len());
        let kind = scan::Kind::of(self.json);
        match kind {
            scan::Kind::Null => Ok(()),
            scan::Kind::Object => scan::Members::new(self.json)
                .try_for_each(|(key, value)| visitor.member(Key::Json(key), &RawJson(value))),
            scan::Kind::Array => {
                self.part.allow(kind.name())?;
                let mut index = Index::default();
                scan::Members::new(self.json)
                    .try_for_each(|(_, value)| index.member(visitor, &RawJson(value)))
            }
            scan::Kind::String => {
                self.part.allow(kind.name())?;
                let mut index = Index::default();
                scan::for_each_unit(scan::trim(self.json), |unit| {
                    index.member(visitor, &Unit(unit))
                })
            }
            scan::Kind::False | scan::Kind::Number | scan::Kind::True => {
                self.part.allow(kind.name())
            }
        }
    }
}

pub(crate) struct RawJson<'a>(pub(crate) &'a [u8]);

impl Value for RawJson<'_> {
    #[inline]
    fn write(&self, buffer: &mut Buffer) -> Result<(), Error> {
        json::write_raw(buffer, self.0)
    }
}

/// A one-unit string: a UTF-16 code unit.
pub(super) struct Unit(pub(super) u16);

impl Value for Unit {
    fn write(&self, buffer: &mut Buffer) -> Result<(), Error> {
        match char::from_u32(self.0.into()) {
            Some(char) => json::write(buffer, &char, PartName::Data),
            None => json::write_raw(buffer, format!("\"\\u{:04x}\"", self.0).as_bytes()),
        }
    }
}

/// Numbers the elements of a value.
#[derive(Default)]
pub(super) struct Index(usize);

impl Index {
    pub(super) fn member(
        &mut self,
        visitor: &mut impl Visitor,
        value: &impl Value,
    ) -> Result<(), Error> {
        let mut digits = itoa::Buffer::new();
        let key = Key::Text(digits.format(self.0));
        self.0 += 1;
        visitor.member(key, value)
    }
}
