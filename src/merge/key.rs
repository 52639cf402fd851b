//! Map keys, spelled as by `serde_json`.

use serde::ser::{self, Impossible, Serialize, Serializer};

use super::typed::Failure;

/// Passes the text of a key to a closure.
pub(super) struct KeySerializer<F>(pub(super) F);

impl<F: FnOnce(&str) -> Result<(), Failure>> KeySerializer<F> {
    fn integer(self, value: impl itoa::Integer) -> Result<(), Failure> {
        (self.0)(itoa::Buffer::new().format(value))
    }

    fn float(self, value: f64, spelled: Result<String, serde_json::Error>) -> Result<(), Failure> {
        if !value.is_finite() {
            return Err(ser::Error::custom("float key must be finite (got NaN or +/-inf)"));
        }
        (self.0)(&spelled.map_err(Failure::Custom)?)
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
