//! The error of this module's serializers, which only take what they are made for.

use std::fmt;

use serde::ser;

use crate::error::Error;

/// `serde` wants an error type of its serializer's own.
#[derive(Debug)]
pub(super) enum Failure {
    Error(Error),
    /// A `Serialize` has made it: it does not know what it is a part of.
    Message(serde_json::Error),
    /// `serde_json` is to write this one.
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

/// What a serializer does not take.
macro_rules! not_here {
    ($ok:ty) => {
        type Ok = $ok;
        type Error = Failure;
        type SerializeSeq = Impossible<$ok, Failure>;
        type SerializeTuple = Impossible<$ok, Failure>;
        type SerializeTupleStruct = Impossible<$ok, Failure>;
        type SerializeTupleVariant = Impossible<$ok, Failure>;
        type SerializeStructVariant = Impossible<$ok, Failure>;

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
            serialize_unit_variant(&'static str, u32, &'static str) -> $ok;
            serialize_seq(Option<usize>) -> Self::SerializeSeq;
            serialize_tuple(usize) -> Self::SerializeTuple;
            serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
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
    ($($method:ident($($argument:ty),*) -> $ok:ty;)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<$ok, Failure> {
            Err(Failure::NotHere)
        }
    )*};
}

pub(super) use not_here;
