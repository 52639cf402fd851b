//! The keys of a map: text as it is, all others as `serde_json` spells them.

use serde::ser::{Impossible, Serialize, Serializer};

use super::{
    failure::{Failure, not_here},
    object::{Keys, Object},
};
use crate::json::{PartName, scan};

/// Appends a key and its colon. Returns `true` if the caller must not write the value: see
/// [`Object::key`].
#[inline]
pub(super) fn write<K: ?Sized + Serialize>(
    key: &K,
    object: &mut Object<'_, impl Keys>,
    part: PartName,
) -> Result<bool, Failure> {
    match key.serialize(TextSerializer(object)) {
        Err(Failure::NotHere) => spelled_by_serde_json(key, object, part),
        result => result,
    }
}

#[inline(never)]
fn spelled_by_serde_json<K: ?Sized + Serialize>(
    key: &K,
    object: &mut Object<'_, impl Keys>,
    part: PartName,
) -> Result<bool, Failure> {
    Ok(object.by_serde_json(&OneMember(key), part, |json, object| {
        let (key, _) = scan::Members::new(json).next().unwrap_or_default();
        object.key(key)
    })?)
}

struct OneMember<'a, K: ?Sized>(&'a K);

impl<K: ?Sized + Serialize> Serialize for OneMember<'_, K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map([(self.0, ())])
    }
}

/// Takes text, and nothing else.
struct TextSerializer<'a, 'b, K>(&'a mut Object<'b, K>);

impl<K: Keys> Serializer for TextSerializer<'_, '_, K> {
    type SerializeMap = Impossible<bool, Failure>;
    type SerializeStruct = Impossible<bool, Failure>;

    not_here!(bool);

    not_here! {
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<bool, Failure> {
        Ok(self.0.key_text(value)?)
    }
}
