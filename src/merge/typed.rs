//! The members of a value: those of a struct or a map, one by one. Any other value is written by
//! `serde_json`, and its JSON scanned.

use serde::ser::{Impossible, Serialize, SerializeMap, SerializeStruct, Serializer};

use super::{
    failure::{Failure, not_here},
    key,
    object::{Keys, Object, Source},
    part::Part,
    raw::Raw,
};
use crate::{
    error::{Error, Kind},
    json::{self, PartName},
};

/// A value of the caller's.
pub(crate) struct Typed<'a, T: ?Sized> {
    pub(crate) value: &'a T,
    pub(crate) part: Part,
}

impl<T: ?Sized + Serialize> Source for Typed<'_, T> {
    #[inline]
    fn write(&self, object: &mut Object<'_, impl Keys>) -> Result<(), Error> {
        let members = MembersSerializer { object: &mut *object, part: self.part.name };
        match self.value.serialize(members) {
            Ok(()) => Ok(()),
            Err(Failure::Error(error)) => Err(error),
            Err(Failure::Message(error)) => {
                Err(Kind::Serialize { part: self.part.name.as_str(), error }.into())
            }
            Err(Failure::NotHere) => {
                object.by_serde_json(self.value, self.part.name, |json, object| {
                    Raw { json, part: self.part }.write(object)
                })
            }
        }
    }
}

struct MembersSerializer<'a, 'b, K> {
    object: &'a mut Object<'b, K>,
    part: PartName,
}

impl<'a, 'b, K: Keys> Serializer for MembersSerializer<'a, 'b, K> {
    type SerializeMap = Members<'a, 'b, K>;
    type SerializeStruct = Members<'a, 'b, K>;

    not_here!(());

    not_here! { serialize_str(&str) -> (); }

    #[inline]
    fn serialize_map(self, _: Option<usize>) -> Result<Members<'a, 'b, K>, Failure> {
        Ok(Members { object: self.object, part: self.part, has_value: false })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Members<'a, 'b, K>, Failure> {
        if json::is_stand_in(name) {
            return Err(Failure::NotHere);
        }
        self.serialize_map(None)
    }
}

struct Members<'a, 'b, K> {
    object: &'a mut Object<'b, K>,
    part: PartName,
    /// Whether the last key has its value.
    has_value: bool,
}

impl<K: Keys> SerializeMap for Members<'_, '_, K> {
    type Ok = ();
    type Error = Failure;

    #[inline]
    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Failure> {
        self.has_value = key::write(key, self.object, self.part)?;
        Ok(())
    }

    #[inline]
    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        if !self.has_value {
            json::write(self.object.buffer, value, self.part)?;
        }
        Ok(())
    }

    #[inline]
    fn serialize_entry<E, T>(&mut self, key: &E, value: &T) -> Result<(), Failure>
    where
        E: ?Sized + Serialize,
        T: ?Sized + Serialize,
    {
        if !key::write(key, self.object, self.part)? {
            json::write(self.object.buffer, value, self.part)?;
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl<K: Keys> SerializeStruct for Members<'_, '_, K> {
    type Ok = ();
    type Error = Failure;

    #[inline(always)]
    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        if !self.object.key_text(key)? {
            json::write(self.object.buffer, value, self.part)?;
        }
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}
