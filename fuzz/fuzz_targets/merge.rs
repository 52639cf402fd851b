//! Merging: values of every shape, typed and dynamic, against the table.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use serde::Serialize;
use serde_json::value::RawValue;
use sse_encoder::{Encode, Encoder, Error, Event};
use sse_encoder_fuzz::{
    decoder,
    json::{Json, parse, units},
    model::{self, Rule},
};

#[derive(Arbitrary, Debug)]
struct Input {
    data: Shape,
    other: Shape,
    /// Further members of `other`: from some number on it is merged in another way.
    more: u8,
    space: Space,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Space {
    None,
    CrLf,
    Escapes,
}

/// How a value shows itself to a serializer.
#[derive(Arbitrary, Debug)]
enum Shape {
    Plain(Json),
    Raw(Json),
    Value(Json),
    Some(Json),
    Newtype(Json),
    Bytes(Vec<u8>),
    Char(char),
    Text(String),
    Unit,
    Float(f32),
    Enum(Enum),
    Struct { a: Json, b: Json },
    Keys(Vec<(i8, bool)>),
    Tuple(Json, Json),
}

#[derive(Arbitrary, Debug)]
enum Enum {
    Unit,
    Newtype(Json),
    Tuple(Json, Json),
    Struct { a: Json, r#type: Json },
}

impl Serialize for Enum {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        enum Variants<'a> {
            Unit,
            Newtype(&'a Json),
            #[serde(rename = "\"\n:{")]
            Tuple(&'a Json, &'a Json),
            Struct {
                a: &'a Json,
                r#type: &'a Json,
            },
        }
        match self {
            Self::Unit => Variants::Unit,
            Self::Newtype(a) => Variants::Newtype(a),
            Self::Tuple(a, b) => Variants::Tuple(a, b),
            Self::Struct { a, r#type } => Variants::Struct { a, r#type },
        }
        .serialize(serializer)
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

/// A map whose keys are no strings, and come by themselves.
struct Keys<'a>(&'a [(i8, bool)]);

impl Serialize for Keys<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap;
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.0 {
            if *value {
                map.serialize_key(key)?
            } else {
                map.serialize_key(&(f32::from(*key) / 2.0))?
            }
            map.serialize_value(value)?;
        }
        map.end()
    }
}

impl Serialize for Shape {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Newtype<'a>(&'a Json);
        #[derive(Serialize)]
        struct Struct<'a> {
            a: &'a Json,
            b: &'a Json,
        }
        match self {
            Self::Plain(json) => json.serialize(serializer),
            Self::Raw(json) => {
                let text = respelled(&serde_json::to_string(json).unwrap(), Space::CrLf);
                RawValue::from_string(text).unwrap().serialize(serializer)
            }
            Self::Value(json) => serde_json::to_value(json).unwrap().serialize(serializer),
            Self::Some(json) => Some(Some(json)).serialize(serializer),
            Self::Newtype(json) => Newtype(json).serialize(serializer),
            Self::Bytes(bytes) => Bytes(bytes).serialize(serializer),
            Self::Char(char) => char.serialize(serializer),
            Self::Text(text) => serializer.collect_str(text),
            Self::Unit => ().serialize(serializer),
            // What is not finite is a number by its type and `null` as JSON.
            Self::Float(float) if float.is_finite() => float.serialize(serializer),
            Self::Float(_) => 0.5_f32.serialize(serializer),
            Self::Enum(value) => value.serialize(serializer),
            Self::Struct { a, b } => Struct { a, b }.serialize(serializer),
            Self::Keys(keys) => Keys(keys).serialize(serializer),
            Self::Tuple(a, b) => (a, b).serialize(serializer),
        }
    }
}

/// The same JSON with other white space, or with escapes where none are needed.
fn respelled(json: &str, space: Space) -> String {
    let mut respelled = String::new();
    let (mut in_string, mut escaped, mut digits) = (false, false, 0);
    for char in json.chars() {
        match (space, char) {
            _ if digits > 0 => respelled.push(char),
            (Space::CrLf, '{' | '}' | '[' | ']' | ':' | ',') if !in_string => {
                respelled.extend(['\r', char, '\n', '\t']);
            }
            (Space::Escapes, 'a'..='z' | 'é' | '😀') if in_string && !escaped => {
                char.encode_utf16(&mut [0; 2])
                    .iter()
                    .for_each(|unit| respelled.push_str(&format!("\\u{unit:04X}")));
            }
            _ => respelled.push(char),
        }
        digits = if escaped && char == 'u' { 4_usize } else { digits.saturating_sub(1) };
        in_string ^= char == '"' && !escaped;
        escaped = char == '\\' && !escaped;
    }
    respelled
}

/// Whether a frame of exactly the allowed size is always written. Values that a merge drops may
/// take 64 KiB more for a while, which no input of the fuzzer exceeds.
const LIMIT_IS_EXACT: bool = true;

fn data(event: &impl Encode) -> Result<Json, Error> {
    let mut stream = BytesMut::new();
    let result = Encoder::bare().encode(event, &mut stream);
    if let Err(error) = result {
        assert!(stream.is_empty());
        return Err(error);
    }
    let client = decoder::decode(&stream).unwrap();
    assert!(client.unknown.is_empty() && !client.unfinished && client.messages.len() == 1);
    assert_eq!(stream.iter().filter(|byte| **byte == b'\n').count(), 2);

    // The limit is the frame's size, to the byte, whatever stands before it.
    for before in [0, 5_000] {
        let mut limited = BytesMut::zeroed(before);
        let fits = Encoder::bare().max_frame(stream.len()).encode(event, &mut limited);
        assert!(fits.is_ok() || !LIMIT_IS_EXACT, "{before}");
        let mut limited = BytesMut::zeroed(before);
        let error = Encoder::bare().max_frame(stream.len() - 1).encode(event, &mut limited);
        assert!(error.unwrap_err().is_too_large());
        assert_eq!(limited.len(), before);
    }
    Ok(parse(&client.messages[0].data).unwrap())
}

/// The value as JSON, by `serde_json`; its own members then tell what is merged.
fn json(value: &impl Serialize) -> Json {
    parse(&serde_json::to_string(value).unwrap()).unwrap()
}

fuzz_target!(|input: Input| {
    let Input { data: first, other, more, space } = input;
    let more = usize::from(more % 64);

    // `other` as it is, and with further members where it is an object.
    let mut many = json(&other);
    if let Json::Object(members) = &mut many {
        let further = (0..more).map(|index| (units(&index.to_string()), Json::Bool(true)));
        members.extend(further);
    }
    let expected = |rule, other: &Json| model::merge(&json(&first), rule, other);
    let same = |event: Result<Json, Error>, expected: Option<Json>| match (event, expected) {
        (Ok(merged), Some(expected)) => assert_eq!(merged, expected),
        (Err(error), None) => assert!(error.is_wrong_type(), "{error}"),
        (event, expected) => panic!("{event:?}, {expected:?}"),
    };
    let plain = json(&other);
    same(data(&Event::merge(&first, &other)), expected(Rule::Object, &plain));
    same(data(&Event::spread(&first, &other)), expected(Rule::Spread, &plain));
    same(data(&Event::merge(&first, &many)), expected(Rule::Object, &many));
    same(data(&Event::spread(&first, &many)), expected(Rule::Spread, &many));

    // The same as an item: `other`'s members beside `data`.
    if let Json::Object(members) = &many {
        let own = ["data", "id", "type"].map(units);
        let mut item: Vec<_> =
            members.iter().filter(|(key, _)| !own.contains(key)).cloned().collect();
        let beside = Json::Object(item.clone());
        item.insert(item.len() / 2, (units("data"), json(&first)));
        let text = respelled(&serde_json::to_string(&Json::Object(item)).unwrap(), space);
        let event = text.parse::<Event>().unwrap();
        same(data(&event), expected(Rule::Spread, &beside));
        let owned = event.into_owned();
        same(data(&owned), expected(Rule::Spread, &beside));
    }
});
