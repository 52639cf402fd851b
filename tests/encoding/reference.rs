//! Items that came as JSON: the tables of the reference transform, a row each.

use sse_encoder::Event;

use crate::support::encode;

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
fn every_row_holds_for_json_text() {
    for (rule, item, expected) in ITEMS {
        assert_eq!(encode(&item.parse::<Event>().unwrap()).unwrap(), *expected, "{rule}");
        let item: Event = serde_json::from_str(item).unwrap();
        assert_eq!(encode(&item).unwrap(), *expected, "{rule}, by Deserialize");
    }
}

#[test]
fn every_row_holds_for_a_value_as_a_client_reads_it() {
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
fn a_refused_item_names_its_member() {
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
        ("{", None, None, "the item is not valid JSON"),
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
