//! The members of a `Serialize` value: the reference's `{ ...value }`.

use std::fmt;

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{
    key::KeySerializer,
    member::{Key, Part, Source, Value, Visitor},
    raw::{Index, Raw, Unit},
};
use crate::{
    buffer::Buffer,
    error::{Error, Kind},
    json::{self, PartName, scan},
};

/// A user's value.
pub(crate) struct Typed<'a, T: ?Sized> {
    pub(crate) value: &'a T,
    pub(crate) part: Part,
}

impl<T: ?Sized + Serialize> Source for Typed<'_, T> {
    #[inline]
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), Error> {
        let serializer = MembersSerializer { value: self.value, part: self.part, visitor };
        self.value.serialize(serializer).map_err(|failure| failure.of(self.part))
    }
}

/// The value of a user's member.
pub(crate) struct TypedJson<'a, T: ?Sized> {
    pub(crate) value: &'a T,
    /// The part of the item that it belongs to.
    pub(crate) part: PartName,
}

impl<T: ?Sized + Serialize> Value for TypedJson<'_, T> {
    #[inline]
    fn write(&self, buffer: &mut Buffer) -> Result<(), Error> {
        json::write(buffer, self.value, self.part)
    }
}

/// The content of an enum's variant: the value of the one member of `{"Variant": …}`.
struct Payload<'a, T: ?Sized> {
    key: &'static str,
    json: TypedJson<'a, T>,
}

impl<T: ?Sized + Serialize> Value for Payload<'_, T> {
    fn write(&self, buffer: &mut Buffer) -> Result<(), Error> {
        let start = buffer.len();
        // Exempt from the limit: the key and the braces are stripped below.
        buffer.with_raised_limit(6 * self.key.len() + 5, |buffer| self.json.write(buffer))?;
        let whole = &mut buffer.as_mut_slice()[start..];
        let payload = scan::Members::new(whole).next_span().map_or(0..0, |span| span.value());
        let len = payload.len();
        whole.copy_within(payload, 0);
        buffer.truncate(start + len);
        Ok(())
    }
}

/// Passes the members of a serialized value to the visitor.
struct MembersSerializer<'a, T: ?Sized, V> {
    value: &'a T,
    part: Part,
    visitor: &'a mut V,
}

impl<T: ?Sized + Serialize, V: Visitor> MembersSerializer<'_, T, V> {
    fn no_members(self, found: &'static str) -> Result<(), Failure> {
        Ok(self.part.allow(found)?)
    }

    /// Visits the one member of an enum's variant.
    fn variant(self, name: &'static str) -> Result<Ignored, Failure> {
        let json = TypedJson { value: self.value, part: self.part.name };
        let payload = Payload { key: name, json };
        self.visitor.member(Key::Text(name), &payload)?;
        Ok(Ignored)
    }
}

/// The serializer's own error type, as `serde` requires.
#[derive(Debug)]
pub(super) enum Failure {
    /// From a `Serialize`, without the name of the part.
    Custom(serde_json::Error),
    Whole(Error),
}

impl Failure {
    #[cold]
    fn of(self, part: Part) -> Error {
        match self {
            Self::Custom(error) => Kind::Serialize { part: part.name.as_str(), error }.into(),
            Self::Whole(error) => error,
        }
    }
}

impl ser::Error for Failure {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self::Custom(ser::Error::custom(message))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Whole(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Custom(error) => error.fmt(f),
            Self::Whole(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl<'a, T: ?Sized + Serialize, V: Visitor> Serializer for MembersSerializer<'a, T, V> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Elements<'a, V>;
    type SerializeTuple = Elements<'a, V>;
    type SerializeTupleStruct = Elements<'a, V>;
    type SerializeTupleVariant = Ignored;
    type SerializeMap = Entries<'a, V>;
    type SerializeStruct = Fields<'a, V>;
    type SerializeStructVariant = Ignored;

    fn serialize_bool(self, _: bool) -> Result<(), Failure> {
        self.no_members("a boolean")
    }

    fn serialize_i8(self, _: i8) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_i16(self, _: i16) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_i32(self, _: i32) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_i64(self, _: i64) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_i128(self, _: i128) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_u8(self, _: u8) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_u16(self, _: u16) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_u32(self, _: u32) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_u64(self, _: u64) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_u128(self, _: u128) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_f32(self, _: f32) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_f64(self, _: f64) -> Result<(), Failure> {
        self.no_members("a number")
    }

    fn serialize_char(self, value: char) -> Result<(), Failure> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, value: &str) -> Result<(), Failure> {
        self.part.allow("a string")?;
        let mut index = Index::default();
        value.encode_utf16().try_for_each(|unit| index.member(self.visitor, &Unit(unit)))?;
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Failure> {
        self.part.allow("an array")?;
        let part = self.part.name;
        let mut index = Index::default();
        value
            .iter()
            .try_for_each(|byte| index.member(self.visitor, &TypedJson { value: byte, part }))?;
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Failure> {
        Ok(())
    }

    fn serialize_some<U: ?Sized + Serialize>(self, value: &U) -> Result<(), Failure> {
        value.serialize(MembersSerializer { value, part: self.part, visitor: self.visitor })
    }

    fn serialize_unit(self) -> Result<(), Failure> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failure> {
        Ok(())
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Failure> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<U: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &U,
    ) -> Result<(), Failure> {
        self.serialize_some(value)
    }

    fn serialize_newtype_variant<U: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &U,
    ) -> Result<(), Failure> {
        let json = TypedJson { value, part: self.part.name };
        Ok(self.visitor.member(Key::Text(variant), &json)?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a, V>, Failure> {
        self.part.allow("an array")?;
        Ok(Elements { visitor: self.visitor, index: Index::default(), part: self.part.name })
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'a, V>, Failure> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'a, V>, Failure> {
        self.serialize_seq(None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Ignored, Failure> {
        self.variant(variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a, V>, Failure> {
        Ok(Entries { visitor: self.visitor, key: String::new(), part: self.part.name })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'a, V>, Failure> {
        let kind = match name {
            json::RAW_VALUE => FieldsKind::Raw,
            json::NUMBER => {
                self.part.allow("a number")?;
                FieldsKind::Number
            }
            _ => FieldsKind::Struct,
        };
        Ok(Fields { visitor: self.visitor, part: self.part, kind })
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Ignored, Failure> {
        self.variant(variant)
    }
}

/// The elements of a sequence or a tuple.
struct Elements<'a, V> {
    visitor: &'a mut V,
    index: Index,
    part: PartName,
}

macro_rules! elements {
    ($($trait:ident::$method:ident)*) => {$(
        impl<V: Visitor> $trait for Elements<'_, V> {
            type Ok = ();
            type Error = Failure;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failure> {
                Ok(self.index.member(self.visitor, &TypedJson { value, part: self.part })?)
            }

            fn end(self) -> Result<(), Failure> {
                Ok(())
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
}

/// The entries of a map.
struct Entries<'a, V> {
    visitor: &'a mut V,
    /// A key serialized on its own. Maps of the standard library and of `serde_json` serialize
    /// whole entries and need no copy.
    key: String,
    part: PartName,
}

impl<V: Visitor> SerializeMap for Entries<'_, V> {
    type Ok = ();
    type Error = Failure;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Failure> {
        self.key.clear();
        key.serialize(KeySerializer(|key: &str| {
            self.key.push_str(key);
            Ok(())
        }))
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failure> {
        let json = TypedJson { value, part: self.part };
        Ok(self.visitor.member(Key::Text(&self.key), &json)?)
    }

    #[inline]
    fn serialize_entry<K, T>(&mut self, key: &K, value: &T) -> Result<(), Failure>
    where
        K: ?Sized + Serialize,
        T: ?Sized + Serialize,
    {
        let json = TypedJson { value, part: self.part };
        key.serialize(KeySerializer(|key: &str| Ok(self.visitor.member(Key::Text(key), &json)?)))
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The fields of a struct, or the one private field with `serde_json`'s raw JSON.
struct Fields<'a, V> {
    visitor: &'a mut V,
    part: Part,
    kind: FieldsKind,
}

enum FieldsKind {
    Number,
    Raw,
    Struct,
}

impl<V: Visitor> SerializeStruct for Fields<'_, V> {
    type Ok = ();
    type Error = Failure;

    #[inline]
    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        match self.kind {
            FieldsKind::Struct => {
                let json = TypedJson { value, part: self.part.name };
                Ok(self.visitor.member(Key::Text(key), &json)?)
            }
            FieldsKind::Number => Ok(()),
            FieldsKind::Raw => value.serialize(KeySerializer(|json: &str| {
                let raw = Raw { json: json.as_bytes(), part: self.part };
                Ok(raw.visit(self.visitor)?)
            })),
        }
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The rest of a variant that was already visited whole.
struct Ignored;

impl SerializeTupleVariant for Ignored {
    type Ok = ();
    type Error = Failure;

    fn serialize_field<T: ?Sized + Serialize>(&mut self, _: &T) -> Result<(), Failure> {
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}

impl SerializeStructVariant for Ignored {
    type Ok = ();
    type Error = Failure;

    fn serialize_field<T: ?Sized + Serialize>(
        &mut self,
        _: &'static str,
        _: &T,
    ) -> Result<(), Failure> {
        Ok(())
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}
