//! Items that came as JSON, and raw JSON.

use serde::{
    Deserialize, Serialize,
    de::value::{Error as DeError, MapDeserializer},
};
use serde_json::value::RawValue;
use sse_encoder::Event;

use crate::{NUMBER, RAW_VALUE, assert_harmless, data, encode, values::RAW_LIES};

#[test]
fn raw_json_is_written_on_one_line() {
    let text = "\r\n{\"a\"\r:\n1,\r\n\n\"id\":\"x\"\r\r}\n";
    let raw = RawValue::from_string(text.trim().to_owned()).unwrap();
    #[derive(Serialize)]
    struct Within<'a> {
        raw: Vec<&'a RawValue>,
    }
    let within = Within { raw: vec![&raw, &raw] };
    assert_eq!(data(&Event::json(&raw)), r#"{"a":1,"id":"x"}"#);
    assert_eq!(data(&Event::merge(&raw, &raw)), r#"{"a":1,"id":"x"}"#);
    assert_eq!(data(&Event::spread(&raw, ())), r#"{"a":1,"id":"x"}"#);
    let twice = r#"{"raw":[{"a":1,"id":"x"},{"a":1,"id":"x"}]}"#;
    assert_eq!(data(&Event::json(&within)), twice);
    assert_eq!(data(&Event::merge(&within, ())), twice);
    assert_eq!(data(&Event::merge((), &within).into_owned()), twice);
    let item = format!("{{\r\"data\"\n:{text},\r\n\"b\":\r{text}\n}}\r\n");
    let expected = r#"{"a":1,"id":"x","b":{"a":1,"id":"x"}}"#;
    assert_eq!(data(&item.parse::<Event>().unwrap()), expected);
}

#[test]
fn json_may_be_nested_to_any_depth() {
    // Parsed JSON is limited to 128 levels by `serde_json`; JSON that is passed on unparsed is not.
    for depth in [127, 128, 129, 200_000] {
        for (open, close, core) in [("[", "]", ""), ("{\"a\":", "}", "1")] {
            let value = open.repeat(depth) + core + &close.repeat(depth);
            let object = format!("{{\"data\":{{\"d\":{value}}},\"e\":{value}}}");
            let event = object.parse::<Event>().unwrap();
            assert_eq!(data(&event), format!("{{\"d\":{value},\"e\":{value}}}"));
            let raw = RawValue::from_string(value.clone()).unwrap();
            assert_eq!(data(&Event::json(&raw)), value);
            let unclosed = open.repeat(depth);
            assert!(unclosed.parse::<Event>().unwrap_err().is_syntax());
            assert!(format!("{{\"id\":{value}}}").parse::<Event>().unwrap_err().is_wrong_type());
        }
    }
}

#[test]
fn huge_numbers_keep_their_digits() {
    let digits = "9".repeat(100_000);
    for number in ["1e400", "-1e400", "1e-400", "1E+999999999999999999999", &digits] {
        let item = format!("{{\"data\":{{\"a\":{number}}},\"b\":{number}}}");
        let expected = format!("{{\"a\":{number},\"b\":{number}}}");
        assert_eq!(data(&item.parse::<Event>().unwrap()), expected);
        assert!(format!("{{\"type\":{number}}}").parse::<Event>().is_ok());
        assert!(format!("{{\"data\":{number}}}").parse::<Event>().is_ok());
    }
    let event = format!("{{\"id\":{digits},\"type\":-{digits}}}").parse::<Event>().unwrap();
    let frame = encode(&event).unwrap().unwrap();
    assert_eq!(frame, "id: Infinity\nevent: -Infinity\ndata: {}\n\n");
}

#[test]
fn a_format_that_passes_text_off_as_json_cannot_break_a_frame() {
    for text in RAW_LIES {
        let item = format!("{{\"data\":{text},\"b\":{text}");
        for text in [text, &item] {
            let lie = MapDeserializer::<_, DeError>::new(std::iter::once((RAW_VALUE, text)));
            if let Ok(event) = Event::deserialize(lie) {
                assert_harmless(&event);
            }
        }
    }
}

#[test]
fn private_names_in_json_are_ordinary_members() {
    for name in [RAW_VALUE, NUMBER] {
        let object = serde_json::json!({ name: "\n\nid: 9\n\n" });
        assert_eq!(data(&Event::json(&object)), object.to_string());
        assert_eq!(data(&Event::merge(&object, ())), object.to_string());
        let item = serde_json::json!({ "data": object });
        assert_eq!(data(&item.to_string().parse::<Event>().unwrap()), object.to_string());
    }
}
