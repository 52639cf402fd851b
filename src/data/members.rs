//! Which members a value contributes to a merged object: the reference's `{ ...value }`.

use std::{borrow::Cow, fmt};

use serde::ser::{
    self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct,
    SerializeStructVariant, SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
    Serializer,
};

use super::raw;
use crate::{
    error::{Error, Kind},
    json,
    output::Output,
};

/// A value whose members can be visited, any number of times.
pub(crate) trait Source {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), Error>;
}

/// Is called for every member, in order.
pub(crate) trait Visitor {
    /// So much text is passed over at this visit, as at every other one.
    fn passes(&mut self, _len: usize) {}

    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error>;
}

/// A member's value, which can append itself as JSON on one line.
pub(crate) trait Value {
    fn put(&self, output: &mut Output) -> Result<(), Error>;
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
            Self::Json(string) => raw::text(string),
            Self::Text(text) => Cow::Borrowed(text.as_bytes()),
        }
    }

    /// Appends the key and its colon, after a comma unless it is the first of its object.
    #[inline]
    pub(crate) fn put(self, output: &mut Output, is_first: bool) -> Result<(), Error> {
        match self {
            Self::Json(string) => {
                output.put(if is_first { b"" } else { b"," });
                json::put_raw(output, string)?;
                output.put(b":");
                Ok(())
            }
            Self::Text(text) => json::put_key(output, text, is_first),
        }
    }
}

/// What counts as having members.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Rule {
    /// Objects, and `null` as one without any. All else is an error that names this part of the item.
    Object { part: &'static str },
    /// The reference's, to the letter: the elements of an array and the UTF-16 code units of a string
    /// are members too, and numbers and booleans have none.
    Spread,
}

impl Rule {
    /// What is no object, and yet not nothing.
    fn allow(self, found: &'static str) -> Result<(), Error> {
        match self {
            Self::Object { part } => Err(Kind::NoMembers { part, found }.into()),
            Self::Spread => Ok(()),
        }
    }
}

/// A value of the user's.
pub(crate) struct Typed<'a, T: ?Sized> {
    pub(crate) value: &'a T,
    pub(crate) rule: Rule,
}

impl<T: ?Sized + Serialize> Source for Typed<'_, T> {
    #[inline]
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), Error> {
        let serializer = MembersSerializer { value: self.value, rule: self.rule, visitor };
        self.value.serialize(serializer).map_err(|failure| failure.0)
    }
}

/// A value that is JSON text.
pub(crate) struct Raw<'a> {
    pub(crate) json: &'a [u8],
    pub(crate) rule: Rule,
}

impl Source for Raw<'_> {
    fn visit<V: Visitor>(&self, visitor: &mut V) -> Result<(), Error> {
        visitor.passes(self.json.len());
        let kind = raw::Kind::of(self.json);
        match kind {
            raw::Kind::Null => Ok(()),
            raw::Kind::Object => raw::Members::new(self.json)
                .try_for_each(|(key, value)| visitor.member(Key::Json(key), &RawJson(value))),
            raw::Kind::Array => {
                self.rule.allow(kind.name())?;
                let mut index = Index::default();
                raw::Members::new(self.json)
                    .try_for_each(|(_, value)| index.member(visitor, &RawJson(value)))
            }
            raw::Kind::String => {
                self.rule.allow(kind.name())?;
                let mut index = Index::default();
                raw::for_each_unit(raw::trim(self.json), |unit| index.member(visitor, &Unit(unit)))
            }
            raw::Kind::False | raw::Kind::Number | raw::Kind::True => self.rule.allow(kind.name()),
        }
    }
}

pub(crate) struct RawJson<'a>(pub(crate) &'a [u8]);

impl Value for RawJson<'_> {
    #[inline]
    fn put(&self, output: &mut Output) -> Result<(), Error> {
        json::put_raw(output, self.0)
    }
}

pub(crate) struct TypedJson<'a, T: ?Sized>(pub(crate) &'a T);

impl<T: ?Sized + Serialize> Value for TypedJson<'_, T> {
    #[inline]
    fn put(&self, output: &mut Output) -> Result<(), Error> {
        json::put(output, self.0)
    }
}

/// A string of one UTF-16 code unit.
struct Unit(u16);

impl Value for Unit {
    fn put(&self, output: &mut Output) -> Result<(), Error> {
        match char::from_u32(self.0.into()) {
            Some(char) => json::put(output, &char),
            None => json::put_raw(output, format!("\"\\u{:04x}\"", self.0).as_bytes()),
        }
    }
}

/// What an enum's variant holds: the value of the one member of `{"Variant": …}`.
struct Payload<'a, T: ?Sized> {
    key: &'static str,
    value: &'a T,
}

impl<T: ?Sized + Serialize> Value for Payload<'_, T> {
    fn put(&self, output: &mut Output) -> Result<(), Error> {
        let start = output.written_len();
        // The key and the braces leave again: they do not count.
        output.with_more_room(6 * self.key.len() + 5, |output| json::put(output, self.value))?;
        let whole = output.written_since(start);
        let payload = raw::Members::new(whole).next_span().map_or(0..0, |span| span.value());
        let len = payload.len();
        whole.copy_within(payload, 0);
        output.truncate(start + len);
        Ok(())
    }
}

/// Numbers the members of a value that has elements.
#[derive(Default)]
struct Index(usize);

impl Index {
    fn member(&mut self, visitor: &mut impl Visitor, value: &impl Value) -> Result<(), Error> {
        let mut digits = itoa::Buffer::new();
        let key = Key::Text(digits.format(self.0));
        self.0 += 1;
        visitor.member(key, value)
    }
}

/// Hands the members of the value that it serializes to the visitor.
struct MembersSerializer<'a, T: ?Sized, V> {
    value: &'a T,
    rule: Rule,
    visitor: &'a mut V,
}

impl<T: ?Sized + Serialize, V: Visitor> MembersSerializer<'_, T, V> {
    fn no_members(self, found: &'static str) -> Result<(), Failure> {
        Ok(self.rule.allow(found)?)
    }

    /// The one member of an enum's variant.
    fn variant(self, name: &'static str) -> Result<Ignored, Failure> {
        let payload = Payload { key: name, value: self.value };
        self.visitor.member(Key::Text(name), &payload)?;
        Ok(Ignored)
    }
}

/// `serde` wants an error type of its serializer's own.
#[derive(Debug)]
struct Failure(Error);

impl ser::Error for Failure {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self(Kind::Serialize { part: "data", error: ser::Error::custom(message) }.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
        self.rule.allow("a string")?;
        let mut index = Index::default();
        value.encode_utf16().try_for_each(|unit| index.member(self.visitor, &Unit(unit)))?;
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Failure> {
        self.rule.allow("an array")?;
        let mut index = Index::default();
        value.iter().try_for_each(|byte| index.member(self.visitor, &TypedJson(byte)))?;
        Ok(())
    }

    fn serialize_none(self) -> Result<(), Failure> {
        Ok(())
    }

    fn serialize_some<U: ?Sized + Serialize>(self, value: &U) -> Result<(), Failure> {
        value.serialize(MembersSerializer { value, rule: self.rule, visitor: self.visitor })
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
        Ok(self.visitor.member(Key::Text(variant), &TypedJson(value))?)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a, V>, Failure> {
        self.rule.allow("an array")?;
        Ok(Elements { visitor: self.visitor, index: Index::default() })
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
        Ok(Entries { visitor: self.visitor, key: String::new() })
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields<'a, V>, Failure> {
        let kind = match name {
            json::RAW_VALUE => FieldsKind::Raw,
            json::NUMBER => {
                self.rule.allow("a number")?;
                FieldsKind::Number
            }
            _ => FieldsKind::Struct,
        };
        Ok(Fields { visitor: self.visitor, rule: self.rule, kind })
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
}

macro_rules! elements {
    ($($trait:ident::$method:ident)*) => {$(
        impl<V: Visitor> $trait for Elements<'_, V> {
            type Ok = ();
            type Error = Failure;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Failure> {
                Ok(self.index.member(self.visitor, &TypedJson(value))?)
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
    /// A key that came by itself; maps of the standard library and of `serde_json` hand over whole
    /// entries and need no copy.
    key: String,
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
        Ok(self.visitor.member(Key::Text(&self.key), &TypedJson(value))?)
    }

    #[inline]
    fn serialize_entry<K, T>(&mut self, key: &K, value: &T) -> Result<(), Failure>
    where
        K: ?Sized + Serialize,
        T: ?Sized + Serialize,
    {
        key.serialize(KeySerializer(|key: &str| {
            Ok(self.visitor.member(Key::Text(key), &TypedJson(value))?)
        }))
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}

/// The fields of a struct, or the one private field behind which `serde_json` hands over raw JSON.
struct Fields<'a, V> {
    visitor: &'a mut V,
    rule: Rule,
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
            FieldsKind::Struct => Ok(self.visitor.member(Key::Text(key), &TypedJson(value))?),
            FieldsKind::Number => Ok(()),
            FieldsKind::Raw => value.serialize(KeySerializer(|json: &str| {
                let raw = Raw { json: json.as_bytes(), rule: self.rule };
                Ok(raw.visit(self.visitor)?)
            })),
        }
    }

    fn end(self) -> Result<(), Failure> {
        Ok(())
    }
}

/// What follows after a variant has been handed over whole.
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

/// Hands the text of a map's key to a closure, spelled as `serde_json` spells it.
struct KeySerializer<F>(F);

impl<F: FnOnce(&str) -> Result<(), Failure>> KeySerializer<F> {
    fn integer(self, value: impl itoa::Integer) -> Result<(), Failure> {
        (self.0)(itoa::Buffer::new().format(value))
    }

    fn float(self, value: f64, spelled: Result<String, serde_json::Error>) -> Result<(), Failure> {
        if !value.is_finite() {
            return Err(ser::Error::custom("float key must be finite (got NaN or +/-inf)"));
        }
        (self.0)(&spelled.map_err(|error| Failure(Error::from_writing(error)))?)
    }
}

fn no_key<T>() -> Result<T, Failure> {
    Err(ser::Error::custom("key must be a string"))
}

impl<F: FnOnce(&str) -> Result<(), Failure>> Serializer for KeySerializer<F> {
    type Ok = ();
    type Error = Failure;
    type SerializeSeq = Impossible<(), Failure>;
    type SerializeTuple = Impossible<(), Failure>;
    type SerializeTupleStruct = Impossible<(), Failure>;
    type SerializeTupleVariant = Impossible<(), Failure>;
    type SerializeMap = Impossible<(), Failure>;
    type SerializeStruct = Impossible<(), Failure>;
    type SerializeStructVariant = Impossible<(), Failure>;

    fn serialize_bool(self, value: bool) -> Result<(), Failure> {
        (self.0)(if value { "true" } else { "false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_i16(self, value: i16) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_i32(self, value: i32) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_i64(self, value: i64) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_i128(self, value: i128) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_u16(self, value: u16) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_u32(self, value: u32) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_u64(self, value: u64) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), Failure> {
        self.integer(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Failure> {
        self.float(value.into(), serde_json::to_string(&value))
    }

    fn serialize_f64(self, value: f64) -> Result<(), Failure> {
        self.float(value, serde_json::to_string(&value))
    }

    fn serialize_char(self, value: char) -> Result<(), Failure> {
        (self.0)(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Failure> {
        (self.0)(value)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Failure> {
        no_key()
    }

    fn serialize_none(self) -> Result<(), Failure> {
        no_key()
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Failure> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Failure> {
        no_key()
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Failure> {
        no_key()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Failure> {
        (self.0)(variant)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Failure> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Failure> {
        no_key()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Failure> {
        no_key()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Failure> {
        no_key()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Failure> {
        no_key()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Failure> {
        no_key()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Failure> {
        no_key()
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeStruct, Failure> {
        no_key()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Failure> {
        no_key()
    }
}
