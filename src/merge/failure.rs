//! The error of serializers that take only some kinds of values.

use std::fmt;

use serde::ser;

use crate::error::Error;

#[derive(Debug)]
pub(crate) enum Failure {
    Error(Error),
    /// Made by a `Serialize`, which does not know the part's name.
    Message(serde_json::Error),
    /// The serializer does not take this kind of value.
    NotHere,
}

impl ser::Error for Failure {
    fn custom<M: fmt::Display>(message: M) -> Self {
        Self::Message(ser::Error::custom(message))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Error(error) => error.fmt(f),
            Self::Message(error) => error.fmt(f),
            Self::NotHere => f.write_str("not here"),
        }
    }
}

impl std::error::Error for Failure {}

/// The methods of a serializer for values that it does not take.
macro_rules! not_here {
    (@types $ok:ty) => {
        type Ok = $ok;
        type Error = Failure;
        type SerializeSeq = Impossible<$ok, Failure>;
        type SerializeTuple = Impossible<$ok, Failure>;
        type SerializeTupleStruct = Impossible<$ok, Failure>;
        type SerializeTupleVariant = Impossible<$ok, Failure>;
        type SerializeStructVariant = Impossible<$ok, Failure>;
    };
    (@scalars $ok:ty) => {
        not_here! {
            serialize_bool(bool) -> $ok;
            serialize_i8(i8) -> $ok;
            serialize_i16(i16) -> $ok;
            serialize_i32(i32) -> $ok;
            serialize_i64(i64) -> $ok;
            serialize_i128(i128) -> $ok;
            serialize_u8(u8) -> $ok;
            serialize_u16(u16) -> $ok;
            serialize_u32(u32) -> $ok;
            serialize_u64(u64) -> $ok;
            serialize_u128(u128) -> $ok;
            serialize_f32(f32) -> $ok;
            serialize_f64(f64) -> $ok;
            serialize_char(char) -> $ok;
            serialize_bytes(&[u8]) -> $ok;
            serialize_none() -> $ok;
            serialize_unit() -> $ok;
            serialize_unit_struct(&'static str) -> $ok;
        }
    };
    (@lists $ok:ty) => {
        not_here! {
            serialize_seq(Option<usize>) -> Self::SerializeSeq;
            serialize_tuple(usize) -> Self::SerializeTuple;
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        }
    };
    (@maps $ok:ty) => {
        not_here! {
            serialize_map(Option<usize>) -> Self::SerializeMap;
            serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        }
    };
    (@variants $ok:ty) => {
        not_here! {
            serialize_tuple_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeTupleVariant;
            serialize_struct_variant(&'static str, u32, &'static str, usize)
                -> Self::SerializeStructVariant;
        }

        fn serialize_newtype_variant<T: ?Sized + Serialize>(
            self,
            _: &'static str,
            _: u32,
            _: &'static str,
            _: &T,
        ) -> Result<$ok, Failure> {
            Err(Failure::NotHere)
        }
    };
    // `Some` and newtypes are transparent.
    (@wrappers $ok:ty) => {
        fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<$ok, Failure> {
            value.serialize(self)
        }

        fn serialize_newtype_struct<T: ?Sized + Serialize>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<$ok, Failure> {
            value.serialize(self)
        }
    };
    (@no_wrappers $ok:ty) => {
        fn serialize_some<T: ?Sized + Serialize>(self, _: &T) -> Result<$ok, Failure> {
            Err(Failure::NotHere)
        }

        fn serialize_newtype_struct<T: ?Sized + Serialize>(
            self,
            _: &'static str,
            _: &T,
        ) -> Result<$ok, Failure> {
            Err(Failure::NotHere)
        }
    };
    // All but text, structs and maps.
    ($ok:ty) => {
        not_here!(@types $ok);
        not_here!(@scalars $ok);
        not_here!(@lists $ok);
        not_here!(@variants $ok);
        not_here!(@wrappers $ok);

        not_here! { serialize_unit_variant(&'static str, u32, &'static str) -> $ok; }
    };
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$ok, Failure> {
            Err(Failure::NotHere)
        }
    )*};
}

pub(crate) use not_here;
