//! Writes the content of an enum whose tag was found.

use serde::ser::{
    Error as _, Impossible, Serialize, SerializeMap, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleVariant, Serializer,
};
use serde_json::Error as JsonError;

use super::tag::{Form, Tag};
use crate::{
    buffer::Buffer,
    error::{Error, Kind},
    json::{self, JsonCompound, JsonSerializer, PartName, scan},
};

/// Appends the content as JSON; that of an internally tagged enum is the whole object.
#[inline]
pub(super) fn write<T: ?Sized + Serialize>(
    buffer: &mut Buffer,
    value: &T,
    tag: &Tag,
) -> Result<(), Error> {
    let start = buffer.len();
    let mut is_map = false;
    json::write_with(buffer, PartName::Data, |json| {
        value.serialize(ContentSerializer { json, tag, is_map: &mut is_map })
    })?;
    if is_map && has_two_tags(&buffer.as_slice()[start..]) {
        return Err(Kind::Serialize { part: PartName::Data.as_str(), error: two_tags() }.into());
    }
    Ok(())
}

/// Whether a later member has the name of the first.
fn has_two_tags(object: &[u8]) -> bool {
    let mut members = scan::Members::new(object);
    let first = members.next();
    first.is_some_and(|(tag, _)| members.any(|(key, _)| key == tag))
}

#[cold]
fn two_tags() -> JsonError {
    JsonError::custom("two members have the tag's name")
}

/// The error of a value that serializes differently each time.
#[cold]
fn changed<T>() -> Result<T, JsonError> {
    Err(JsonError::custom("the enum has changed while it was serialized"))
}

struct ContentSerializer<'a, 'b> {
    json: &'a mut JsonSerializer<'b>,
    tag: &'a Tag,
    /// Set where a map was written.
    is_map: &'a mut bool,
}

impl<'a, 'b> ContentSerializer<'a, 'b> {
    /// The serializer of a variant's content.
    #[inline]
    fn variant(self) -> Result<&'a mut JsonSerializer<'b>, JsonError> {
        if self.tag.form == Form::External { Ok(self.json) } else { changed() }
    }
}

macro_rules! changed {
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$ok, JsonError> {
            changed()
        }
    )*};
}

impl<'a, 'b> Serializer for ContentSerializer<'a, 'b> {
    type Ok = ();
    type Error = JsonError;
    type SerializeSeq = Impossible<(), JsonError>;
    type SerializeTuple = Impossible<(), JsonError>;
    type SerializeTupleStruct = Impossible<(), JsonError>;
    type SerializeTupleVariant = Variant<'a, 'b>;
    type SerializeStructVariant = Variant<'a, 'b>;
    type SerializeMap = Entries<'a, 'b>;
    type SerializeStruct = Fields<'a, 'b>;

    changed! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_i128(i128) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_u128(u128) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), JsonError> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        value.serialize(self)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
    ) -> Result<(), JsonError> {
        self.variant()?.serialize_unit()
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        value.serialize(self.variant()?)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        len: usize,
    ) -> Result<Variant<'a, 'b>, JsonError> {
        self.variant()?.serialize_tuple(len).map(Variant)
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        len: usize,
    ) -> Result<Variant<'a, 'b>, JsonError> {
        self.variant()?.serialize_struct(name, len).map(Variant)
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries<'a, 'b>, JsonError> {
        if self.tag.form != Form::Internal || len == Some(0) {
            return changed();
        }
        *self.is_map = true;
        // The first entry is the id.
        let skips_next = self.tag.id.is_some();
        Ok(Entries { object: self.json.serialize_map(None)?, skips_next })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, len: usize) -> Result<Fields<'a, 'b>, JsonError> {
        match self.tag.form {
            Form::Adjacent => Ok(Fields::Adjacent { json: self.json, count: 0 }),
            Form::Internal if self.tag.id.is_none() => {
                let object = self.json.serialize_struct(name, len)?;
                Ok(Fields::Internal { object, tag: None })
            }
            _ => changed(),
        }
    }
}

/// The elements or the fields of a variant.
struct Variant<'a, 'b>(JsonCompound<'a, 'b>);

impl SerializeTupleVariant for Variant<'_, '_> {
    type Ok = ();
    type Error = JsonError;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), JsonError> {
        self.0.serialize_element(value)
    }

    fn end(self) -> Result<(), JsonError> {
        SerializeTuple::end(self.0)
    }
}

impl SerializeStructVariant for Variant<'_, '_> {
    type Ok = ();
    type Error = JsonError;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        SerializeStruct::serialize_field(&mut self.0, key, value)
    }

    fn end(self) -> Result<(), JsonError> {
        SerializeStruct::end(self.0)
    }
}

/// The fields of an enum that serializes as a struct.
enum Fields<'a, 'b> {
    /// The tag, and perhaps the content.
    Adjacent { json: &'a mut JsonSerializer<'b>, count: usize },
    /// The tag, and further fields.
    Internal { object: JsonCompound<'a, 'b>, tag: Option<&'static str> },
}

impl SerializeStruct for Fields<'_, '_> {
    type Ok = ();
    type Error = JsonError;

    #[inline]
    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), JsonError> {
        match self {
            Fields::Adjacent { json, count } => {
                *count += 1;
                match count {
                    1 => Ok(()),
                    2 => value.serialize(&mut **json),
                    _ => changed(),
                }
            }
            Fields::Internal { object, tag } => {
                if *tag == Some(key) {
                    return Err(two_tags());
                }
                tag.get_or_insert(key);
                SerializeStruct::serialize_field(object, key, value)
            }
        }
    }

    #[inline]
    fn end(self) -> Result<(), JsonError> {
        match self {
            // A unit variant has no content.
            Fields::Adjacent { json, count: 0 | 1 } => json.serialize_unit(),
            Fields::Adjacent { .. } => Ok(()),
            Fields::Internal { object, .. } => SerializeStruct::end(object),
        }
    }
}

/// The entries of an enum that serializes as a map.
struct Entries<'a, 'b> {
    object: JsonCompound<'a, 'b>,
    skips_next: bool,
}

impl SerializeMap for Entries<'_, '_> {
    type Ok = ();
    type Error = JsonError;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), JsonError> {
        self.object.serialize_key(key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), JsonError> {
        self.object.serialize_value(value)
    }

    fn serialize_entry<K, T>(&mut self, key: &K, value: &T) -> Result<(), JsonError>
    where
        K: ?Sized + Serialize,
        T: ?Sized + Serialize,
    {
        if std::mem::take(&mut self.skips_next) {
            return Ok(());
        }
        self.object.serialize_entry(key, value)
    }

    fn end(self) -> Result<(), JsonError> {
        SerializeMap::end(self.object)
    }
}
