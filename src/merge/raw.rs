//! The members of JSON text.

use super::{
    object::{Keys, Object, Source},
    part::Part,
};
use crate::{
    error::Error,
    json::{self, PartName, scan},
};

/// A value that is JSON text on one line.
pub(crate) struct Raw<'a> {
    pub(crate) json: &'a [u8],
    pub(crate) part: Part,
}

impl Source for Raw<'_> {
    fn write(&self, object: &mut Object<'_, impl Keys>) -> Result<(), Error> {
        let members = scan::Members::new(self.json);
        let kind = scan::Kind::of(self.json);
        match kind {
            scan::Kind::Null => return Ok(()),
            scan::Kind::Object => return object.members(members),
            _ => self.part.check_kind(kind.name())?,
        }
        let mut index = Index(0);
        if kind == scan::Kind::String {
            scan::for_each_unit(scan::trim(self.json), |unit| {
                if index.key(object)? { Ok(()) } else { put_unit(object, unit) }
            })?;
        }
        for (_, element) in members {
            if !index.key(object)? {
                object.buffer.try_put(element)?;
            }
        }
        Ok(())
    }
}

/// Numbers the members of a value that has elements.
struct Index(usize);

impl Index {
    fn key(&mut self, object: &mut Object<'_, impl Keys>) -> Result<bool, Error> {
        let mut digits = itoa::Buffer::new();
        let key = digits.format(self.0);
        self.0 += 1;
        object.key_text(key)
    }
}

/// A string of one UTF-16 code unit.
fn put_unit(object: &mut Object<'_, impl Keys>, unit: u16) -> Result<(), Error> {
    match char::from_u32(unit.into()) {
        Some(char) => json::write(object.buffer, &char, PartName::Data),
        None => object.buffer.try_put(format!("\"\\u{unit:04x}\"").as_bytes()),
    }
}
