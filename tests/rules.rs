//! The rules, a row each: what goes in, and the exact bytes that come out.

use std::collections::BTreeMap;

use bytes::BytesMut;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{json, value::RawValue};
use sse_encoder::{Comment, Encode, Encoder, Error, Event, EventId, EventType, ReconnectionTime};

/// What one item becomes, from a new encoder.
fn encode(item: &dyn Encode) -> Result<String, Error> {
    let mut dst = BytesMut::new();
    Encoder::new().encode(item, &mut dst)?;
    Ok(String::from_utf8(dst.to_vec()).unwrap())
}

fn assert_rows(rows: &[(&str, &dyn Encode, &str)]) {
    for (rule, item, expected) in rows {
        assert_eq!(encode(*item).unwrap(), *expected, "{rule}");
    }
}

/// The rows of design's tables for items that came as JSON: rule, item, frame.
const ITEMS: &[(&str, &str, &str)] = &[
    // The id.
    ("id missing: the counter", r#"{}"#, "id: 1\nevent: message\ndata: {}\n\n"),
    ("id null: the counter", r#"{"id":null}"#, "id: 1\nevent: message\ndata: {}\n\n"),
    ("id false: the counter", r#"{"id":false}"#, "id: 1\nevent: message\ndata: {}\n\n"),
    ("id 0: the counter", r#"{"id":0}"#, "id: 1\nevent: message\ndata: {}\n\n"),
    ("id -0: the counter", r#"{"id":-0}"#, "id: 1\nevent: message\ndata: {}\n\n"),
    ("id -0.0: the counter", r#"{"id":-0.0}"#, "id: 1\nevent: message\ndata: {}\n\n"),
    (
        "id too small for a double: the counter",
        r#"{"id":1e-400}"#,
        "id: 1\nevent: message\ndata: {}\n\n",
    ),
    ("id empty: the counter", r#"{"id":""}"#, "id: 1\nevent: message\ndata: {}\n\n"),
    ("id a string: as it is", r#"{"id":" a\tb "}"#, "id:  a\tb \nevent: message\ndata: {}\n\n"),
    (
        "id escaped: its text",
        r#"{"id":"\u00e9\ud83d\ude00"}"#,
        "id: é😀\nevent: message\ndata: {}\n\n",
    ),
    (
        "id a lone surrogate: U+FFFD",
        r#"{"id":"\ud83d"}"#,
        "id: \u{FFFD}\nevent: message\ndata: {}\n\n",
    ),
    ("id an integer", r#"{"id":7}"#, "id: 7\nevent: message\ndata: {}\n\n"),
    ("id a fraction", r#"{"id":1.50}"#, "id: 1.5\nevent: message\ndata: {}\n\n"),
    (
        "id large: JavaScript's exponent",
        r#"{"id":1e21}"#,
        "id: 1e+21\nevent: message\ndata: {}\n\n",
    ),
    (
        "id beyond 2^53: JavaScript's digits",
        r#"{"id":9007199254740993}"#,
        "id: 9007199254740992\nevent: message\ndata: {}\n\n",
    ),
    ("id too large for a double", r#"{"id":1e400}"#, "id: Infinity\nevent: message\ndata: {}\n\n"),
    ("id true", r#"{"id":true}"#, "id: true\nevent: message\ndata: {}\n\n"),
    ("id twice: the last one", r#"{"id":7,"id":8}"#, "id: 8\nevent: message\ndata: {}\n\n"),
    ("id by an escaped key", r#"{"\u0069d":7}"#, "id: 7\nevent: message\ndata: {}\n\n"),
    // The type.
    ("type missing: message", r#"{"id":7}"#, "id: 7\nevent: message\ndata: {}\n\n"),
    ("type null: message", r#"{"type":null}"#, "id: 1\nevent: message\ndata: {}\n\n"),
    ("type a string: as it is", r#"{"type":"a b"}"#, "id: 1\nevent: a b\ndata: {}\n\n"),
    ("type empty: an empty field", r#"{"type":""}"#, "id: 1\nevent: \ndata: {}\n\n"),
    ("type a number", r#"{"type":-1.0}"#, "id: 1\nevent: -1\ndata: {}\n\n"),
    ("type 0", r#"{"type":-0}"#, "id: 1\nevent: 0\ndata: {}\n\n"),
    ("type false", r#"{"type":false}"#, "id: 1\nevent: false\ndata: {}\n\n"),
    ("type with NUL: as it is", r#"{"type":"a\u0000"}"#, "id: 1\nevent: a\0\ndata: {}\n\n"),
    // The data's members.
    ("data null: none", r#"{"data":null,"b":2}"#, "id: 1\nevent: message\ndata: {\"b\":2}\n\n"),
    ("data false: none", r#"{"data":false,"b":2}"#, "id: 1\nevent: message\ndata: {\"b\":2}\n\n"),
    ("data 0: none", r#"{"data":0,"b":2}"#, "id: 1\nevent: message\ndata: {\"b\":2}\n\n"),
    ("data empty: none", r#"{"data":"","b":2}"#, "id: 1\nevent: message\ndata: {\"b\":2}\n\n"),
    ("data true: none", r#"{"data":true,"b":2}"#, "id: 1\nevent: message\ndata: {\"b\":2}\n\n"),
    ("data a number: none", r#"{"data":5,"b":2}"#, "id: 1\nevent: message\ndata: {\"b\":2}\n\n"),
    (
        "data an object: its own, in order",
        r#"{"data":{"z":1,"a":{"y":2,"b":3}}}"#,
        "id: 1\nevent: message\ndata: {\"z\":1,\"a\":{\"y\":2,\"b\":3}}\n\n",
    ),
    (
        "data an array: indices",
        r#"{"data":[[1],"x"]}"#,
        "id: 1\nevent: message\ndata: {\"0\":[1],\"1\":\"x\"}\n\n",
    ),
    (
        "data a string: UTF-16 code units",
        r#"{"data":"a😀"}"#,
        "id: 1\nevent: message\ndata: {\"0\":\"a\",\"1\":\"\\ud83d\",\"2\":\"\\ude00\"}\n\n",
    ),
    (
        "data a string with escapes",
        r#"{"data":"\n\ud83d\""}"#,
        "id: 1\nevent: message\ndata: {\"0\":\"\\n\",\"1\":\"\\ud83d\",\"2\":\"\\\"\"}\n\n",
    ),
    (
        "data twice: the last one",
        r#"{"data":{"a":1},"data":{"b":2}}"#,
        "id: 1\nevent: message\ndata: {\"b\":2}\n\n",
    ),
    // Merging.
    (
        "key in both: other's value at data's place",
        r#"{"data":{"a":1,"b":2},"c":3,"a":9}"#,
        "id: 1\nevent: message\ndata: {\"a\":9,\"b\":2,\"c\":3}\n\n",
    ),
    (
        "key in both, other's twice: the last value",
        r#"{"a":7,"data":{"a":1},"a":9}"#,
        "id: 1\nevent: message\ndata: {\"a\":9}\n\n",
    ),
    (
        "key in both, spelled otherwise",
        r#"{"data":{"\u0061":1},"a":9}"#,
        "id: 1\nevent: message\ndata: {\"\\u0061\":9}\n\n",
    ),
    (
        "key in both, a lone surrogate",
        r#"{"data":{"\ud83d":1},"\uD83D":9}"#,
        "id: 1\nevent: message\ndata: {\"\\ud83d\":9}\n\n",
    ),
    (
        "index of an array overridden",
        r#"{"data":["x","y"],"1":9}"#,
        "id: 1\nevent: message\ndata: {\"0\":\"x\",\"1\":9}\n\n",
    ),
    (
        "__proto__ is a key like any",
        r#"{"data":{"__proto__":1},"__proto__":{}}"#,
        "id: 1\nevent: message\ndata: {\"__proto__\":{}}\n\n",
    ),
    (
        "retry, event and comment are members",
        r#"{"retry":1,"event":"x"}"#,
        "id: 1\nevent: message\ndata: {\"retry\":1,\"event\":\"x\"}\n\n",
    ),
    // JSON as it came.
    (
        "digits are kept",
        r#"{"data":{"a":1.0,"b":12345678901234567890,"c":-0,"d":1e400}}"#,
        "id: 1\nevent: message\ndata: {\"a\":1.0,\"b\":12345678901234567890,\"c\":-0,\"d\":1e400}\n\n",
    ),
    (
        "lone surrogates are kept",
        r#"{"data":{"a":"\ud83d"}}"#,
        "id: 1\nevent: message\ndata: {\"a\":\"\\ud83d\"}\n\n",
    ),
    (
        "line ends between tokens go",
        "{\r\n\"data\":{\"a\":\r[1,\n2]\n}\r,\"b\":\n2\r}\r\n",
        "id: 1\nevent: message\ndata: {\"a\":[1,2],\"b\":2}\n\n",
    ),
    (
        "U+2028 and a BOM stay in text",
        "{\"data\":{\"a\":\"\u{2028}\u{feff}\"}}",
        "id: 1\nevent: message\ndata: {\"a\":\"\u{2028}\u{feff}\"}\n\n",
    ),
];

#[test]
fn items_that_came_as_json_text() {
    for (rule, item, expected) in ITEMS {
        assert_eq!(encode(&item.parse::<Event>().unwrap()).unwrap(), *expected, "{rule}");
        let item: Event = serde_json::from_str(item).unwrap();
        assert_eq!(encode(&item).unwrap(), *expected, "{rule}, by Deserialize");
    }
}

#[test]
fn items_that_came_as_a_value_say_the_same_to_a_client() {
    for (rule, item, expected) in ITEMS {
        // A `Value` has no lone surrogates, and no numbers beyond a double.
        let Ok(value) = serde_json::from_str::<serde_json::Value>(item) else { continue };
        let frame = encode(&Event::try_from(value.clone()).unwrap()).unwrap();
        assert_eq!(observed(&frame), observed(expected), "{rule}");
        let frame = encode(&Event::from_item(&value).unwrap()).unwrap();
        assert_eq!(observed(&frame), observed(expected), "{rule}, serialized");
    }
}

/// Id line, event line, and the data as a value; as text where it has what no `Value` can have.
fn observed(frame: &str) -> (&str, &str, Result<serde_json::Value, &str>) {
    let mut lines = frame.lines();
    let mut line = || lines.next().unwrap();
    let (id, event, data) = (line(), line(), line().strip_prefix("data: ").unwrap());
    (id, event, serde_json::from_str(data).map_err(|_| data))
}

#[test]
fn items_that_are_refused_name_the_member() {
    for (item, field, position, message) in [
        (r#"{"id":"a\nb"}"#, Some("id"), Some(1), "`id` has a line feed (0x0A) at byte 1"),
        (r#"{"id":"é\r"}"#, Some("id"), Some(2), "`id` has a carriage return (0x0D) at byte 2"),
        (r#"{"id":"\u0000"}"#, Some("id"), Some(0), "`id` has a null (0x00) at byte 0"),
        (
            r#"{"type":"a\rb"}"#,
            Some("type"),
            Some(1),
            "`type` has a carriage return (0x0D) at byte 1",
        ),
        (r#"{"id":[1]}"#, Some("id"), None, "`id` is an array, not a string or a number"),
        (r#"{"id":{}}"#, Some("id"), None, "`id` is an object, not a string or a number"),
        (r#"{"type":[]}"#, Some("type"), None, "`type` is an array, not a string or a number"),
        ("[]", None, None, "the item is an array, not an object"),
        ("null", None, None, "the item is null, not an object"),
        ("\"a\"", None, None, "the item is a string, not an object"),
        ("1", None, None, "the item is a number, not an object"),
        ("true", None, None, "the item is a boolean, not an object"),
        (
            "{",
            None,
            None,
            "the item is not valid JSON: EOF while parsing an object at line 1 column 1",
        ),
    ] {
        let error = item.parse::<Event>().unwrap_err();
        assert_eq!((error.field(), error.position()), (field, position), "{item}");
        assert_eq!(error.to_string(), message, "{item}");
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(item) {
            let error = Event::try_from(value).unwrap_err();
            assert_eq!(error.to_string(), message, "{item} as a value");
        }
    }
}

const TICK: EventType = EventType::from_static("tick");

#[test]
fn events_of_every_kind() {
    let retry = ReconnectionTime::from_millis(2_500).unwrap();
    assert_rows(&[
        ("text: a line", &Event::text("a"), "id: 1\nevent: message\ndata: a\n\n"),
        ("text: empty is a field", &Event::text(""), "id: 1\nevent: message\ndata: \n\n"),
        (
            "text: CR, LF and CRLF end a line",
            &Event::text("a\rb\nc\r\nd"),
            "id: 1\nevent: message\ndata: a\ndata: b\ndata: c\ndata: d\n\n",
        ),
        (
            "text: LF CR is two ends",
            &Event::text("a\n\rb"),
            "id: 1\nevent: message\ndata: a\ndata: \ndata: b\n\n",
        ),
        (
            "text: a last end of line survives",
            &Event::text("a\n"),
            "id: 1\nevent: message\ndata: a\ndata: \n\n",
        ),
        ("text: a first space survives", &Event::text(" a"), "id: 1\nevent: message\ndata:  a\n\n"),
        (
            "text: fields in it are text",
            &Event::text("a\n\nid: 9"),
            "id: 1\nevent: message\ndata: a\ndata: \ndata: id: 9\n\n",
        ),
        (
            "text: U+2028, NEL, NUL and a BOM are text",
            &Event::text("\u{feff}\u{2028}\u{85}\0"),
            "id: 1\nevent: message\ndata: \u{feff}\u{2028}\u{85}\0\n\n",
        ),
        ("json: a string", &Event::json("a\n"), "id: 1\nevent: message\ndata: \"a\\n\"\n\n"),
        ("json: an array", &Event::json([1, 2]), "id: 1\nevent: message\ndata: [1,2]\n\n"),
        ("json: a scalar", &Event::json(0), "id: 1\nevent: message\ndata: 0\n\n"),
        ("json: null", &Event::json(()), "id: 1\nevent: message\ndata: null\n\n"),
        ("id explicit", &Event::text("a").id(7), "id: 7\nevent: message\ndata: a\n\n"),
        (
            "id empty is a field",
            &Event::text("a").id(EventId::EMPTY),
            "id: \nevent: message\ndata: a\n\n",
        ),
        ("no id", &Event::text("a").no_id(), "event: message\ndata: a\n\n"),
        ("type explicit", &Event::text("a").event_type(TICK), "id: 1\nevent: tick\ndata: a\n\n"),
        ("no type", &Event::text("a").no_event_type(), "id: 1\ndata: a\n\n"),
        ("bare", &Event::text("a").no_id().no_event_type(), "data: a\n\n"),
        (
            "retry",
            &Event::text("a").retry(retry),
            "id: 1\nevent: message\nretry: 2500\ndata: a\n\n",
        ),
        ("retry by itself", &Event::new().retry(retry), "retry: 2500\n\n"),
        ("id by itself", &Event::new().id(7), "id: 7\n\n"),
        ("nothing", &Event::new(), ""),
        ("comment", &Comment::new("a"), ": a\n\n"),
        ("comment: lines", &Comment::new("a\rdata: b"), ": a\n: data: b\n\n"),
        ("comment: empty", &Comment::new(""), ":\n\n"),
        ("box", &Box::new(Event::text("a")), "id: 1\nevent: message\ndata: a\n\n"),
        ("id by text", &Event::text("a").id("7f"), "id: 7f\nevent: message\ndata: a\n\n"),
        (
            "id by owned text",
            &Event::text("a").id(String::from("7f")),
            "id: 7f\nevent: message\ndata: a\n\n",
        ),
        (
            "id by the longest integer",
            &Event::text("a").id(i128::MIN),
            "id: -170141183460469231731687303715884105728\nevent: message\ndata: a\n\n",
        ),
        ("type by text", &Event::text("a").event_type("x"), "id: 1\nevent: x\ndata: a\n\n"),
        (
            "type by long text",
            &Event::text("a").event_type("a type of more than twenty-two bytes"),
            "id: 1\nevent: a type of more than twenty-two bytes\ndata: a\n\n",
        ),
        ("type by a number", &Event::text("a").event_type(7), "id: 1\nevent: 7\ndata: a\n\n"),
        ("some", &Some(Comment::new("a")), ": a\n\n"),
        ("none", &None::<Event>, ""),
        ("vec", &vec![Comment::new("a"), Comment::new("b")], ": a\n\n: b\n\n"),
        ("vec: empty", &Vec::<Event>::new(), ""),
        ("array", &[Comment::new("a"), Comment::new("b")], ": a\n\n: b\n\n"),
        ("slice", &&[Comment::new("a"), Comment::new("b")][..1], ": a\n\n"),
        (
            "tuple",
            &(Comment::new("a"), Event::json(1).no_id(), Some(Event::text("b"))),
            ": a\n\nevent: message\ndata: 1\n\nid: 1\nevent: message\ndata: b\n\n",
        ),
    ]);
}

#[test]
fn what_cannot_be_an_id_or_a_type_is_the_events_error_when_it_is_encoded() {
    let forged = "7\ndata: forged";
    for (event, message) in [
        (Event::text("").id(forged), "`id` has a line feed (0x0A) at byte 1"),
        (Event::text("").id("\0"), "`id` has a null (0x00) at byte 0"),
        (Event::text("").id("x".repeat(4097)), "`id` is longer than 4096 bytes"),
        (Event::text("").event_type("a\r"), "`type` has a carriage return (0x0D) at byte 1"),
    ] {
        // Each time, also after it was made a plain event.
        for _ in 0..2 {
            assert_eq!(encode(&event).unwrap_err().to_string(), message);
        }
        assert_eq!(encode(&event.into_owned()).unwrap_err().to_string(), message);
    }
    // The last one that was given counts.
    assert!(encode(&Event::text("").id(forged).id("7")).is_ok());
}

#[test]
fn items_of_several_frames_are_written_whole_or_not_at_all() {
    let bad = || Event::text("").id("\n");
    for item in [
        &vec![Event::text("a"), bad()] as &dyn Encode,
        &[Event::text("a"), bad()],
        &(Event::text("a"), Comment::new("b"), bad()),
        &Some(bad()),
    ] {
        let mut encoder = Encoder::new();
        let mut dst = BytesMut::from("before");
        assert!(encoder.encode(item, &mut dst).is_err());
        assert_eq!((&dst[..], encoder.next_id()), (&b"before"[..], Some(1)));
    }
}

#[derive(Serialize)]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
enum Tagged {
    Done,
    Maybe(Option<u8>),
    Note(&'static str),
    Number(f64),
    Pair(u8, u8),
    Price { cents: u32 },
}

/// With an id beside it.
#[derive(Serialize)]
struct Row<I> {
    id: I,
    #[serde(flatten)]
    event: Tagged,
}

#[test]
fn adjacently_tagged_values_are_events_as_they_are() {
    let row = |id| Row { id, event: Tagged::Note("a") };
    let note = r#"{"type":"note","data":"a"}"#;
    assert_rows(&[
        ("text", &Event::tagged(Tagged::Note("a\n")), "id: 1\nevent: note\ndata: \"a\\n\"\n\n"),
        ("number", &Event::tagged(Tagged::Number(1.5)), "id: 1\nevent: number\ndata: 1.5\n\n"),
        ("none", &Event::tagged(Tagged::Maybe(None)), "id: 1\nevent: maybe\ndata: null\n\n"),
        ("unit", &Event::tagged(Tagged::Done), "id: 1\nevent: done\ndata: null\n\n"),
        ("tuple", &Event::tagged(Tagged::Pair(1, 2)), "id: 1\nevent: pair\ndata: [1,2]\n\n"),
        (
            "struct",
            &Event::tagged(&Tagged::Price { cents: 5 }),
            "id: 1\nevent: price\ndata: {\"cents\":5}\n\n",
        ),
        ("id", &Event::tagged(row(9_u64)), "id: 9\nevent: note\ndata: \"a\"\n\n"),
        (
            "id by text",
            &Event::tagged(Row { id: "7f", event: Tagged::Done }),
            "id: 7f\nevent: done\ndata: null\n\n",
        ),
        (
            "id: null",
            &Event::tagged(Row { id: (), event: Tagged::Done }),
            "id: 1\nevent: done\ndata: null\n\n",
        ),
        (
            "the builder's id counts",
            &Event::tagged(row(9)).id(8),
            "id: 8\nevent: note\ndata: \"a\"\n\n",
        ),
        ("no id", &Event::tagged(row(9)).no_id(), "event: note\ndata: \"a\"\n\n"),
        (
            "the builder's type counts",
            &Event::tagged(Tagged::Done).event_type("end"),
            "id: 1\nevent: end\ndata: null\n\n",
        ),
        ("owned", &Event::tagged(row(9)).into_owned(), "id: 9\nevent: note\ndata: \"a\"\n\n"),
        (
            "a value",
            &Event::tagged(json!({"type": "note", "data": "a"})),
            "id: 1\nevent: note\ndata: \"a\"\n\n",
        ),
        ("raw", &Event::tagged(raw(note)), "id: 1\nevent: note\ndata: \"a\"\n\n"),
    ]);
}

#[test]
fn values_of_another_shape_are_no_tagged_events() {
    #[derive(Serialize)]
    enum External {
        Note(&'static str),
    }
    let wrong = "the value is not an adjacently tagged enum \
                 (`#[serde(tag = \"type\", content = \"data\")]`): ";
    for (item, found) in [
        (&Event::tagged("text") as &dyn Encode, "it is a string"),
        (&Event::tagged(5), "it is a number"),
        (&Event::tagged([1]), "it is an array"),
        (&Event::tagged(()), "it has no `type`"),
        (&Event::tagged(External::Note("a")), "it has a member `Note`"),
        (&Event::tagged(json!({"data": 1})), "it has no `type`"),
        (&Event::tagged(json!({"type": "a", "extra": 1})), "it has a member `extra`"),
        (&Event::tagged("text").into_owned(), "it is a string"),
    ] {
        let error = encode(item).unwrap_err();
        assert!(error.is_wrong_type());
        assert_eq!(error.to_string(), format!("{wrong}{found}"));
    }
    for (item, message) in [
        (json!({"type": ["a"]}), "`type` is an array, not a string or a number"),
        (json!({"type": "a\n"}), "`type` has a line feed (0x0A) at byte 1"),
        (json!({"type": "a", "id": {}}), "`id` is an object, not a string or a number"),
    ] {
        assert_eq!(encode(&Event::tagged(item)).unwrap_err().to_string(), message);
    }
}

#[derive(Serialize)]
struct Data {
    a: i32,
    b: &'static str,
}

#[derive(Serialize)]
struct Newtype(Data);

#[derive(Serialize)]
struct Unit;

#[derive(Serialize)]
struct Pair(i32, &'static str);

#[derive(Serialize)]
enum Variants {
    Unit,
    Newtype(i32),
    Tuple(i32, i32),
    Struct { x: i32, y: &'static str },
}

/// A map whose keys and values come one at a time.
struct Halves;

impl Serialize for Halves {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_key("a")?;
        map.serialize_value(&1)?;
        map.serialize_key(&'b')?;
        map.serialize_value(&2)?;
        map.end()
    }
}

struct Octets;

impl Serialize for Octets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&[7, 8])
    }
}

const DATA: Data = Data { a: 1, b: "x" };

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

/// The data line of a merged event.
fn merged(event: &dyn Encode) -> String {
    let frame = encode(event).unwrap();
    let data = frame.strip_prefix("id: 1\nevent: message\ndata: ").unwrap();
    data.strip_suffix("\n\n").unwrap().to_owned()
}

#[test]
fn values_of_every_shape_are_merged() {
    let b = json!({"b": 2});
    let integers = BTreeMap::from([(-1, 'x'), (10, 'y')]);
    let rows: &[(&str, &dyn Encode, &str)] = &[
        ("struct", &Event::merge(DATA, &b), r#"{"a":1,"b":2}"#),
        ("reference", &Event::merge(&DATA, ()), r#"{"a":1,"b":"x"}"#),
        ("newtype", &Event::merge(Newtype(DATA), &b), r#"{"a":1,"b":2}"#),
        ("some", &Event::merge(Some(DATA), &b), r#"{"a":1,"b":2}"#),
        ("none", &Event::merge(None::<Data>, &b), r#"{"b":2}"#),
        ("unit", &Event::merge((), &b), r#"{"b":2}"#),
        ("unit struct", &Event::merge(Unit, &b), r#"{"b":2}"#),
        ("other none", &Event::merge(DATA, None::<Data>), r#"{"a":1,"b":"x"}"#),
        ("both nothing", &Event::merge((), ()), "{}"),
        ("map", &Event::merge(BTreeMap::from([("b", 1), ("c", 3)]), &b), r#"{"b":2,"c":3}"#),
        ("map in halves", &Event::merge(Halves, &b), r#"{"a":1,"b":2}"#),
        ("other in halves", &Event::merge(DATA, Halves), r#"{"a":1,"b":2}"#),
        ("integer keys", &Event::merge(&integers, ()), r#"{"-1":"x","10":"y"}"#),
        (
            "integer keys overridden",
            &Event::merge(&integers, BTreeMap::from([("10", 0)])),
            r#"{"-1":"x","10":0}"#,
        ),
        ("char keys", &Event::merge(BTreeMap::from([('b', 1)]), &b), r#"{"b":2}"#),
        ("bool keys", &Event::merge(BTreeMap::from([(true, 1)]), ()), r#"{"true":1}"#),
        ("value", &Event::merge(json!({"b": [1]}), &b), r#"{"b":2}"#),
        ("newtype variant", &Event::merge(Variants::Newtype(1), &b), r#"{"Newtype":1,"b":2}"#),
        ("tuple variant", &Event::merge(Variants::Tuple(1, 2), &b), r#"{"Tuple":[1,2],"b":2}"#),
        (
            "struct variant",
            &Event::merge(Variants::Struct { x: 1, y: "}" }, &b),
            r#"{"Struct":{"x":1,"y":"}"},"b":2}"#,
        ),
        (
            "struct variant overridden",
            &Event::merge(Variants::Struct { x: 1, y: "" }, json!({"Struct": 0})),
            r#"{"Struct":0}"#,
        ),
        (
            "struct variant overrides",
            &Event::merge(json!({"Tuple": 0, "b": 2}), Variants::Tuple(1, 2)),
            r#"{"Tuple":[1,2],"b":2}"#,
        ),
        (
            "raw object",
            &Event::merge(raw("{\r\n  \"a\": 1,\n  \"b\": [ 1,\r2 ]\n}"), json!({"a": 9})),
            r#"{"a":9,"b":[ 1,2 ]}"#,
        ),
        ("raw null", &Event::merge(raw(" null "), &b), r#"{"b":2}"#),
        (
            "raw with a key twice",
            &Event::merge(raw(r#"{"a":1,"a":2}"#), &b),
            r#"{"a":1,"a":2,"b":2}"#,
        ),
        (
            "raw other with a key twice",
            &Event::merge(DATA, raw(r#"{"a":7,"c":3,"a":8}"#)),
            r#"{"a":8,"b":"x","c":3}"#,
        ),
        ("raw inside", &Event::merge(BTreeMap::from([("r", raw("[\n1\r]"))]), ()), r#"{"r":[1]}"#),
        (
            "wide integers",
            &Event::merge(BTreeMap::from([("i", i128::MIN)]), ()),
            r#"{"i":-170141183460469231731687303715884105728}"#,
        ),
        (
            "floats that are none",
            &Event::merge(BTreeMap::from([("f", f64::NAN), ("i", f64::INFINITY)]), ()),
            r#"{"f":null,"i":null}"#,
        ),
        ("keys are escaped", &Event::merge(BTreeMap::from([("\n\"é", 1)]), ()), r#"{"\n\"é":1}"#),
        (
            "keys are escaped whatever it is that needs it",
            &Event::merge(
                BTreeMap::from([("\0", 1), ("\x1F", 2), (" ", 3), ("\"", 4), ("\\", 5)]),
                (),
            ),
            r#"{"\u0000":1,"\u001f":2," ":3,"\"":4,"\\":5}"#,
        ),
    ];
    for (rule, event, expected) in rows {
        assert_eq!(merged(*event), *expected, "{rule}");
    }
}

#[test]
fn values_without_members_are_spread_by_the_rules_of_javascript() {
    let rows: &[(&str, &dyn Encode, &str)] = &[
        ("text", &Event::spread("a😀", ()), r#"{"0":"a","1":"\ud83d","2":"\ude00"}"#),
        ("char", &Event::spread('é', ()), r#"{"0":"é"}"#),
        (
            "unit variant",
            &Event::spread(Variants::Unit, ()),
            r#"{"0":"U","1":"n","2":"i","3":"t"}"#,
        ),
        ("empty text", &Event::spread("", json!({"b": 2})), r#"{"b":2}"#),
        ("array", &Event::spread([true, false], json!({"1": 0})), r#"{"0":true,"1":0}"#),
        ("tuple", &Event::spread((1, "x"), ()), r#"{"0":1,"1":"x"}"#),
        ("tuple struct", &Event::spread(Pair(1, "x"), ()), r#"{"0":1,"1":"x"}"#),
        ("number", &Event::spread(5, json!({"b": 2})), r#"{"b":2}"#),
        ("zero", &Event::spread(0, ()), "{}"),
        ("float", &Event::spread(1.5, ()), "{}"),
        ("wide integer", &Event::spread(u128::MAX, ()), "{}"),
        ("value number", &Event::spread(json!(5), ()), "{}"),
        ("true", &Event::spread(true, ()), "{}"),
        ("object", &Event::spread(DATA, json!({"b": 2})), r#"{"a":1,"b":2}"#),
        ("raw array", &Event::spread(raw("[1,\n[2]]"), ()), r#"{"0":1,"1":[2]}"#),
        ("raw string", &Event::spread(raw(r#" "a\ud83d" "#), ()), r#"{"0":"a","1":"\ud83d"}"#),
        ("raw number", &Event::spread(raw("1e400"), ()), "{}"),
    ];
    for (rule, event, expected) in rows {
        assert_eq!(merged(*event), *expected, "{rule}");
    }
}

#[test]
fn values_without_members_are_never_merged_by_accident() {
    let rows: &[(&dyn Encode, &str)] = &[
        (&Event::merge("a", &DATA), "`data` is a string, which has no members to merge"),
        (&Event::merge("", &DATA), "`data` is a string, which has no members to merge"),
        (&Event::merge(Variants::Unit, &DATA), "`data` is a string, which has no members to merge"),
        (&Event::merge(5, &DATA), "`data` is a number, which has no members to merge"),
        (&Event::merge(json!(5), &DATA), "`data` is a number, which has no members to merge"),
        (&Event::merge(false, &DATA), "`data` is a boolean, which has no members to merge"),
        (&Event::merge([1], &DATA), "`data` is an array, which has no members to merge"),
        (&Event::merge((1, 2), &DATA), "`data` is an array, which has no members to merge"),
        (&Event::merge(raw("[1]"), &DATA), "`data` is an array, which has no members to merge"),
        (&Event::merge(raw("1"), &DATA), "`data` is a number, which has no members to merge"),
        (&Event::merge(&DATA, "a"), "`other` is a string, which has no members to merge"),
        (&Event::spread(&DATA, [1]), "`other` is an array, which has no members to merge"),
    ];
    for (event, message) in rows {
        let error = encode(*event).unwrap_err();
        assert_eq!(error.to_string(), *message);
        assert!(error.is_wrong_type());
    }
}

#[test]
fn no_scalar_of_any_width_has_members() {
    macro_rules! scalars {
        ($($value:expr => $found:literal, $spread:literal;)*) => {$(
            let error = encode(&Event::merge($value, &DATA)).unwrap_err();
            assert_eq!(
                error.to_string(),
                concat!("`data` is ", $found, ", which has no members to merge"),
            );
            assert_eq!(merged(&Event::spread($value, ())), $spread, stringify!($value));
        )*};
    }
    scalars! {
        1_i8 => "a number", "{}";
        1_i16 => "a number", "{}";
        1_i32 => "a number", "{}";
        1_i64 => "a number", "{}";
        1_i128 => "a number", "{}";
        1_u8 => "a number", "{}";
        1_u16 => "a number", "{}";
        1_u32 => "a number", "{}";
        1_u64 => "a number", "{}";
        1_u128 => "a number", "{}";
        1_f32 => "a number", "{}";
        1_f64 => "a number", "{}";
        true => "a boolean", "{}";
        'c' => "a string", r#"{"0":"c"}"#;
        Octets => "an array", r#"{"0":7,"1":8}"#;
    }
}

#[test]
fn a_large_other_is_merged_as_a_small_one() {
    for count in [31, 32, 33, 200] {
        let data: BTreeMap<_, _> = (0..count).step_by(2).map(|n| (format!("k{n:03}"), n)).collect();
        let other: BTreeMap<_, _> = (0..count).map(|n| (format!("k{n:03}"), -n)).collect();
        let even = (0..count).step_by(2);
        let odd = (1..count).step_by(2);
        let members: Vec<_> = even.chain(odd).map(|n| format!("\"k{n:03}\":{}", -n)).collect();
        assert_eq!(merged(&Event::merge(&data, &other)), format!("{{{}}}", members.join(",")));
    }
    let twice: Vec<_> = (0..40).map(|n| format!("\"k{n}\":{n},\"k{n}\":-1")).collect();
    let other = raw(&format!("{{{}}}", twice.join(",")));
    let merged = merged(&Event::merge(json!({"k3": 0}), other));
    assert!(merged.starts_with(r#"{"k3":-1,"k0":-1,"k1":-1,"k2":-1,"k4":-1,"#), "{merged}");
}

/// A map with this key, whose entry comes in one piece or in two.
struct Keyed<K>(K, bool);

impl<K: Serialize> Serialize for Keyed<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if self.1 {
            map.serialize_entry(&self.0, &3)?;
        } else {
            map.serialize_key(&self.0)?;
            map.serialize_value(&3)?;
        }
        map.end()
    }
}

#[derive(Serialize)]
struct Wrapped<T>(T);

#[test]
fn keys_are_spelled_as_in_json() {
    macro_rules! keys {
        ($($key:expr => $expected:literal;)*) => {$(
            for whole in [true, false] {
                let object = concat!("{\"", $expected, "\":3}");
                let key = stringify!($key);
                assert_eq!(merged(&Event::json(Keyed($key, whole))), object, "{key}");
                assert_eq!(merged(&Event::merge(Keyed($key, whole), ())), object, "{key}");
                assert_eq!(merged(&Event::merge((), Keyed($key, whole))), object, "{key}");
            }
        )*};
    }
    keys! {
        "a\"b" => r#"a\"b"#;
        'c' => "c";
        true => "true";
        false => "false";
        -8_i8 => "-8";
        -16_i16 => "-16";
        -32_i32 => "-32";
        -64_i64 => "-64";
        i128::MIN => "-170141183460469231731687303715884105728";
        8_u8 => "8";
        16_u16 => "16";
        32_u32 => "32";
        64_u64 => "64";
        u128::MAX => "340282366920938463463374607431768211455";
        0.1_f32 => "0.1";
        1_f32 => "1.0";
        0.1_f64 => "0.1";
        1e-7_f64 => "1e-7";
        Variants::Unit => "Unit";
        Wrapped("a") => "a";
        Wrapped(1) => "1";
        Some("a") => "a";
    }
}

#[test]
fn keys_that_are_no_strings_are_errors() {
    macro_rules! keys {
        ($($key:expr;)*) => {$(
            for whole in [true, false] {
                for event in [
                    &Event::json(Keyed($key, whole)) as &dyn Encode,
                    &Event::merge(Keyed($key, whole), ()),
                    &Event::merge((), Keyed($key, whole)),
                ] {
                    assert!(encode(event).unwrap_err().is_serialize(), "{}", stringify!($key));
                }
            }
        )*};
    }
    keys! {
        (1, 2);
        vec![1];
        BTreeMap::from([("a", 1)]);
        None::<i32>;
        ();
        Unit;
        Octets;
        DATA;
        Pair(1, "b");
        Variants::Newtype(1);
        Variants::Tuple(1, 2);
        Variants::Struct { x: 1, y: "y" };
        f32::NAN;
        f64::INFINITY;
    }
}

/// Fails after its first member.
struct HalfWay;

impl Serialize for HalfWay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("a", "written")?;
        Err(serde::ser::Error::custom("no second member"))
    }
}

#[test]
fn an_error_leaves_the_buffer_and_the_counter_alone() {
    let mut encoder = Encoder::new();
    let mut dst = BytesMut::new();
    encoder.encode(&Event::text("first"), &mut dst).unwrap();
    let before = dst.clone();
    let nested = BTreeMap::from([("x", HalfWay)]);
    for event in [
        &Event::json(HalfWay) as &dyn Encode,
        &Event::merge(HalfWay, &DATA),
        &Event::merge(&DATA, HalfWay),
        &Event::merge(&nested, &DATA),
        &Event::merge(&DATA, &nested),
        &Event::spread(HalfWay, HalfWay),
    ] {
        let error = encoder.encode(event, &mut dst).unwrap_err();
        assert!(error.is_serialize(), "{error}");
        assert!(error.to_string().contains("no second member"), "{error}");
        assert_eq!((&dst, encoder.next_id()), (&before, Some(2)));
    }
}

#[test]
fn the_counter_advances_for_automatic_ids_only_and_ends_with_an_error() {
    let mut encoder = Encoder::new();
    let mut dst = BytesMut::new();
    for event in
        [Event::text("a"), Event::text("b").id(900), Event::text("c").no_id(), Event::text("d")]
    {
        encoder.encode(&event, &mut dst).unwrap();
    }
    assert_eq!(encoder.next_id(), Some(3));
    encoder.set_next_id(u64::MAX);
    dst.clear();
    encoder.encode(&Event::text("last"), &mut dst).unwrap();
    assert_eq!(dst, "id: 18446744073709551615\nevent: message\ndata: last\n\n");
    assert_eq!(encoder.next_id(), None);
    let before = dst.clone();
    assert!(encoder.encode(&Event::text("more"), &mut dst).unwrap_err().is_exhausted());
    assert_eq!(dst, before);
    encoder.encode(&Event::text("x").id(1), &mut dst).unwrap();
}

#[test]
fn automatic_ids_and_default_types_can_be_off_for_a_whole_stream() {
    let rows = [
        (Encoder::bare(), "data: a\n\n"),
        (Encoder::new().automatic_ids(false), "event: message\ndata: a\n\n"),
        (Encoder::new().default_type(false), "id: 1\ndata: a\n\n"),
    ];
    for (mut encoder, expected) in rows {
        let mut dst = BytesMut::new();
        encoder.encode(&Event::text("a"), &mut dst).unwrap();
        assert_eq!(dst, expected);
        dst.clear();
        encoder.encode(&Event::text("a").id(7).event_type(TICK), &mut dst).unwrap();
        assert_eq!(dst, "id: 7\nevent: tick\ndata: a\n\n");
    }
}

#[test]
fn a_frame_beyond_the_limit_is_refused_whole() {
    let frame = encode(&Event::text("0123456789")).unwrap();
    let json = json!({"a": vec!["0123456789"; 9]});
    let mut dst = BytesMut::from("before");
    for (limit, fits) in [(frame.len(), true), (frame.len() - 1, false)] {
        let mut encoder = Encoder::new().max_frame(limit);
        let result = encoder.encode(&Event::text("0123456789"), &mut dst);
        assert_eq!(result.is_ok(), fits);
        dst.truncate(6);
        for item in [
            &Event::json(&json) as &dyn Encode,
            &Event::merge(&json, ()),
            &Event::text("x".repeat(limit + 1)),
            &Event::text("\n".repeat(limit / 2)),
            &Comment::new("x".repeat(limit)),
            &Event::text("").event_type(EventType::new("x".repeat(limit)).unwrap()),
        ] {
            let error = encoder.encode(item, &mut dst).unwrap_err();
            assert!(error.is_too_large());
            assert_eq!(error.to_string(), format!("the frame is larger than {limit} bytes"));
            assert_eq!(dst, "before");
        }
    }
}

#[test]
fn a_frame_of_exactly_the_limit_fits_whatever_it_is_made_of() {
    #[derive(Serialize)]
    enum Escaped {
        #[serde(rename = "\u{1}\u{2}\u{3}")]
        Variant { x: [u8; 3] },
    }
    let once = Encoder::bare().encode_once(&Event::text("encoded once")).unwrap();
    let items: &[(&str, &dyn Encode)] = &[
        ("text", &Event::text("a line")),
        ("lines", &Event::text("\n\r\n\r")),
        ("shared text", &Event::shared_text("a line")),
        ("json", &Event::json([1, 2, 3])),
        ("merged", &Event::merge(DATA, json!({"b": 2}))),
        ("variant", &Event::merge(Escaped::Variant { x: [1, 2, 3] }, ())),
        ("spread", &Event::spread("a😀", ())),
        ("owned", &Event::json([1, 2, 3]).into_owned()),
        ("comment", &Comment::new("two\nlines")),
        ("empty comment", &Comment::new("")),
        ("retry", &Event::new().retry(ReconnectionTime::MAX)),
        ("encoded once", &once),
    ];
    for (name, item) in items {
        let whole = encode(*item).unwrap();
        for (limit, fits) in
            [(whole.len() + 1, true), (whole.len(), true), (whole.len() - 1, false)]
        {
            let mut dst = BytesMut::from("before");
            let result = Encoder::new().max_frame(limit).encode(*item, &mut dst);
            assert_eq!(result.is_ok(), fits, "{name}: {limit}");
            assert_eq!(
                dst,
                if fits { format!("before{whole}") } else { "before".into() },
                "{name}"
            );
        }
    }
}

/// A variant is written with its name, in a place where it is not wanted: that must not count.
#[test]
fn a_variant_of_exactly_the_limit_fits_however_long_it_is() {
    #[derive(Serialize)]
    enum Escaped {
        #[serde(rename = "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{e}\u{f}")]
        Variant { x: String },
    }
    for len in 0..1_200 {
        let item = Event::merge(Escaped::Variant { x: "x".repeat(len) }, ());
        let whole = encode(&item).unwrap();
        let mut dst = BytesMut::new();
        let result = Encoder::new().max_frame(whole.len()).encode(&item, &mut dst);
        assert!(result.is_ok() && dst == whole, "{len}: {result:?}");
    }
}

/// Swallows the error of its second frame.
struct Careless;

impl Encode for Careless {
    fn encode(&self, frames: &mut sse_encoder::Frames<'_>) -> Result<(), Error> {
        Event::text("first").encode(frames)?;
        let _ = Event::json(HalfWay).encode(frames);
        Event::text("third").encode(frames)
    }
}

/// Fails after its first frame.
struct Undecided;

impl Encode for Undecided {
    fn encode(&self, frames: &mut sse_encoder::Frames<'_>) -> Result<(), Error> {
        Event::text("first").encode(frames)?;
        Err(Error::other("no second frame"))
    }
}

#[test]
fn an_item_of_many_frames_is_written_whole_or_not_at_all() {
    assert_eq!(
        encode(&Careless).unwrap(),
        "id: 1\nevent: message\ndata: first\n\nid: 2\nevent: message\ndata: third\n\n"
    );
    let mut dst = BytesMut::new();
    let mut encoder = Encoder::new();
    let error = encoder.encode(&Undecided, &mut dst).unwrap_err();
    assert_eq!(error.into_inner().unwrap().to_string(), "no second frame");
    assert_eq!((dst.len(), encoder.next_id()), (0, Some(1)));
}

#[test]
fn events_of_all_kinds_can_be_owned() {
    let events: Vec<Event> = vec![
        Event::text("a\nb").event_type(TICK).into_owned(),
        Event::json([1]).id(7).into_owned(),
        Event::merge(DATA, json!({"b": 2})).into_owned(),
        Event::spread("ab", ()).into_owned(),
        Event::shared_text("shared").no_id().into_owned(),
        Event::shared_text(Box::<str>::from("boxed")).into_owned(),
        Event::new().into_owned(),
        r#"{"data":{"a":1}}"#.parse::<Event>().unwrap().into_owned(),
    ];
    let mut dst = BytesMut::new();
    let mut encoder = Encoder::bare();
    for event in &events {
        encoder.encode(event, &mut dst).unwrap();
    }
    assert_eq!(
        dst,
        "event: tick\ndata: a\ndata: b\n\nid: 7\ndata: [1]\n\ndata: {\"a\":1,\"b\":2}\n\n\
         data: {\"0\":\"a\",\"1\":\"b\"}\n\ndata: shared\n\ndata: boxed\n\ndata: {\"a\":1}\n\n"
    );
    // What could not be serialized is the event's error each time that it is encoded.
    let broken: [Event; 2] = [Event::json(HalfWay).into(), Event::merge(1, ()).into()];
    for _ in 0..2 {
        assert!(encode(&broken[0]).unwrap_err().is_serialize());
        assert!(encode(&broken[1]).unwrap_err().is_wrong_type());
    }
}
