//! Values of every shape that serde knows.

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::value::RawValue;
use sse_encoder::Encode;

use crate::support::encode;

#[derive(Serialize)]
pub(crate) struct Data {
    a: i32,
    b: &'static str,
}

#[derive(Serialize)]
pub(crate) struct Newtype(pub(crate) Data);

#[derive(Serialize)]
pub(crate) struct Unit;

#[derive(Serialize)]
pub(crate) struct Pair(pub(crate) i32, pub(crate) &'static str);

#[derive(Serialize)]
pub(crate) enum Variants {
    Unit,
    Newtype(i32),
    Tuple(i32, i32),
    Struct { x: i32, y: &'static str },
}

/// A map whose keys and values come one at a time.
pub(crate) struct MapInHalves;

impl Serialize for MapInHalves {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_key("a")?;
        map.serialize_value(&1)?;
        map.serialize_key(&'b')?;
        map.serialize_value(&2)?;
        map.end()
    }
}

pub(crate) struct Octets;

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&[7, 8])
    }
}

/// Fails after its first member.
pub(crate) struct FailsHalfway;

impl Serialize for FailsHalfway {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("a", "written")?;
        Err(serde::ser::Error::custom("no second member"))
    }
}

pub(crate) const DATA: Data = Data { a: 1, b: "x" };

pub(crate) fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

/// The data line of a merged event.
pub(crate) fn merged(event: &dyn Encode) -> String {
    let frame = encode(event).unwrap();
    let data = frame.strip_prefix("id: 1\nevent: message\ndata: ").unwrap();
    data.strip_suffix("\n\n").unwrap().to_owned()
}
