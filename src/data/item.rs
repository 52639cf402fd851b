//! An item that arrived as one JSON object, by the reference's rules.

use std::{borrow::Cow, fmt};

use bytes::Bytes;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value as JsonValue, value::RawValue};

use crate::{
    buffer::Buffer,
    error::{Error, Kind},
    json::{
        self, PartName,
        scan::{self, Span},
    },
    merge::{self, Keys, Object, Part, Raw, Rule, Source, Typed},
    value::{EventId, EventType},
    wire::{EventTypeField, IdField},
};

/// The reference's `data`: a value of any kind.
const DATA: Part = Part { name: PartName::Data, rule: Rule::Spread };

const OTHER: Part = Part { name: PartName::Other, rule: Rule::Object };

/// The member `data` and the others, which are merged. `id` and `type` are left out.
#[derive(Clone, Eq, PartialEq)]
pub(crate) enum Item {
    /// JSON text: its members keep their order, and numbers their digits.
    Raw {
        json: Bytes,
        data: Bytes,
        other: Vec<Span>,
    },
    Value(Map<String, JsonValue>),
}

/// An item taken apart.
pub(crate) struct Parts {
    pub(crate) id: IdField,
    pub(crate) event_type: EventTypeField,
    pub(crate) item: Item,
}

impl Parts {
    pub(crate) fn from_raw(json: Box<RawValue>) -> Result<Self, Error> {
        let json = json::one_line(json);
        let kind = scan::Kind::of(&json);
        if kind != scan::Kind::Object {
            return Err(Kind::NotAnItem { found: kind.name() }.into());
        }
        let (mut id, mut event_type, mut data) = (&b""[..], &b""[..], &b""[..]);
        let mut other = Vec::new();
        let mut members = scan::Members::new(&json);
        while let Some(span) = members.next_span() {
            let (key, value) = span.of(&json);
            // The last member with a key counts.
            match member(&scan::text(key)) {
                Some(Member::Data) => data = value,
                Some(Member::Id) => id = value,
                Some(Member::Type) => event_type = value,
                None => other.push(span),
            }
        }
        let id = id_from_json(id)?;
        let event_type = event_type_from_json(event_type)?;
        let data = json.slice_ref(data);
        Ok(Self { id, event_type, item: Item::Raw { json, data, other } })
    }

    pub(crate) fn from_value(value: JsonValue) -> Result<Self, Error> {
        let JsonValue::Object(members) = value else {
            return Err(Kind::NotAnItem { found: kind_of(&value).name() }.into());
        };
        let id = id_field(scalar("id", members.get("id"))?)?;
        let event_type = event_type_field(scalar("type", members.get("type"))?)?;
        Ok(Self { id, event_type, item: Item::Value(members) })
    }
}

impl Item {
    /// Appends the merged object.
    pub(crate) fn write(&self, buffer: &mut Buffer) -> Result<(), Error> {
        match self {
            Self::Raw { json, data, other } => {
                let data = Raw { json: data, part: DATA };
                merge::write(buffer, &data, &OtherSpans { json, spans: other })
            }
            Self::Value(members) => {
                let data = Typed { value: &members.get("data"), part: DATA };
                let other = Typed { value: &OtherMembers(members), part: OTHER };
                merge::write(buffer, &data, &other)
            }
        }
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Raw { json, .. } => f.debug_tuple("Item").field(json).finish(),
            Self::Value(members) => f.debug_tuple("Item").field(members).finish(),
        }
    }
}

/// A member with a meaning of its own.
enum Member {
    Data,
    Id,
    Type,
}

fn member(key: &[u8]) -> Option<Member> {
    match key {
        b"data" => Some(Member::Data),
        b"id" => Some(Member::Id),
        b"type" => Some(Member::Type),
        _ => None,
    }
}

/// The members other than `data`, `id` and `type`.
struct OtherSpans<'a> {
    json: &'a [u8],
    spans: &'a [Span],
}

impl Source for OtherSpans<'_> {
    fn write(&self, object: &mut Object<'_, impl Keys>) -> Result<(), Error> {
        object.members(self.spans.iter().map(|span| span.of(self.json)))
    }
}

/// The same for a `Value`.
struct OtherMembers<'a>(&'a Map<String, JsonValue>);

impl Serialize for OtherMembers<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().filter(|(key, _)| member(key.as_bytes()).is_none()))
    }
}

/// An id or a type as the reference writes it, before the test for falsy values.
enum Scalar<'a> {
    Boolean(bool),
    Missing,
    Number(String),
    String(Cow<'a, str>),
}

fn raw_scalar<'a>(field: &'static str, json: &'a [u8]) -> Result<Scalar<'a>, Error> {
    match scan::Kind::of(json) {
        scan::Kind::Null => Ok(Scalar::Missing),
        scan::Kind::False => Ok(Scalar::Boolean(false)),
        scan::Kind::True => Ok(Scalar::Boolean(true)),
        scan::Kind::Number => {
            Ok(Scalar::Number(json::javascript_number(str::from_utf8(json).unwrap_or_default())))
        }
        scan::Kind::String => Ok(Scalar::String(scan::lossy_text(json))),
        kind @ (scan::Kind::Array | scan::Kind::Object) => {
            Err(Kind::NotScalar { field, found: kind.name() }.into())
        }
    }
}

fn scalar<'a>(field: &'static str, value: Option<&'a JsonValue>) -> Result<Scalar<'a>, Error> {
    match value {
        None | Some(JsonValue::Null) => Ok(Scalar::Missing),
        Some(JsonValue::Bool(value)) => Ok(Scalar::Boolean(*value)),
        Some(JsonValue::Number(number)) => {
            Ok(Scalar::Number(json::javascript_number(&number.to_string())))
        }
        Some(JsonValue::String(text)) => Ok(Scalar::String(Cow::Borrowed(text))),
        Some(value @ (JsonValue::Array(_) | JsonValue::Object(_))) => {
            Err(Kind::NotScalar { field, found: kind_of(value).name() }.into())
        }
    }
}

/// The id in this JSON text.
pub(super) fn id_from_json(json: &[u8]) -> Result<IdField, Error> {
    id_field(raw_scalar("id", json)?)
}

/// The event type in this JSON text.
pub(super) fn event_type_from_json(json: &[u8]) -> Result<EventTypeField, Error> {
    event_type_field(raw_scalar("type", json)?)
}

fn id_field(scalar: Scalar<'_>) -> Result<IdField, Error> {
    let text = match scalar {
        Scalar::Missing | Scalar::Boolean(false) => return Ok(IdField::Automatic),
        Scalar::Boolean(true) => return Ok(IdField::Explicit(EventId::from_static("true"))),
        Scalar::Number(number) if number == "0" => return Ok(IdField::Automatic),
        Scalar::String(text) if text.is_empty() => return Ok(IdField::Automatic),
        Scalar::Number(number) => Cow::Owned(number),
        Scalar::String(text) => text,
    };
    Ok(IdField::Explicit(EventId::new(text)?))
}

fn event_type_field(scalar: Scalar<'_>) -> Result<EventTypeField, Error> {
    let text = match scalar {
        Scalar::Missing => return Ok(EventTypeField::Default),
        Scalar::Boolean(value) => Cow::Borrowed(if value { "true" } else { "false" }),
        Scalar::Number(number) => Cow::Owned(number),
        Scalar::String(text) => text,
    };
    Ok(EventTypeField::Explicit(EventType::new(text)?))
}

fn kind_of(value: &JsonValue) -> scan::Kind {
    match value {
        JsonValue::Array(_) => scan::Kind::Array,
        JsonValue::Bool(false) => scan::Kind::False,
        JsonValue::Bool(true) => scan::Kind::True,
        JsonValue::Null => scan::Kind::Null,
        JsonValue::Number(_) => scan::Kind::Number,
        JsonValue::Object(_) => scan::Kind::Object,
        JsonValue::String(_) => scan::Kind::String,
    }
}
