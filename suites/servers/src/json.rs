//! JSON at the depth limit of a parser, and beyond; numbers that no type can hold.

use serde_json::{Value, value::RawValue};
use sse_encoder::Event;

use crate::{
    server::{Kind, item},
    table::{Data, Expected, Fields, Row, check},
};

/// The depths that `serde_json` still parses, and those beyond: raw JSON is passed on unparsed.
const DEPTHS: [usize; 4] = [127, 128, 129, 10_000];

/// A number, its spelling as an id (`None`: falsy), and as a type.
pub(crate) const NUMBERS: &[(&str, Option<&str>, &str)] = &[
    ("1e400", Some("Infinity"), "Infinity"),
    ("-1e400", Some("-Infinity"), "-Infinity"),
    ("1e-400", None, "0"),
    ("1E+99999999999999999999", Some("Infinity"), "Infinity"),
    (DIGITS, Some("1e+99"), "1e+99"),
    ("0.1000000000000000055511151231257827021181583404541015625", Some("0.1"), "0.1"),
    ("18446744073709551616", Some("18446744073709552000"), "18446744073709552000"),
    ("-0", None, "0"),
];

/// One hundred digits.
const DIGITS: &str = concat!(
    "10000000000000000000000000000000000000000000000000",
    "00000000000000000000000000000000000000000000000000"
);

/// Items as JSON, and their outcomes.
pub(crate) fn items() -> Vec<(String, String, Expected)> {
    let mut items = Vec::new();
    let mut add = |name: String, item: String, expected| items.push((name, item, expected));
    for depth in DEPTHS {
        for (open, close, core) in [("[", "]", ""), ("{\"a\":", "}", "1")] {
            let deep = open.repeat(depth) + core + &close.repeat(depth);
            let name = |what| format!("{depth} deep in {open} as {what}");
            let data = format!("{{\"d\":{deep},\"e\":{deep}}}");
            add(
                name("data and a member"),
                format!("{{\"data\":{{\"d\":{deep}}},\"e\":{deep}}}"),
                Expected::text(data),
            );
            for field in ["id", "type"] {
                let expected = Expected::refused("wrong type", Some(field), None);
                add(name(field), format!("{{\"{field}\":{deep}}}"), expected);
            }
            let syntax = || Expected::refused("syntax", None, None);
            add(name("what is not closed"), format!("{{\"data\":{}", open.repeat(depth)), syntax());
            add(name("what is closed twice"), format!("{{\"data\":{deep}{close}}}}}"), syntax());
        }
    }
    for (number, id, event_type) in NUMBERS {
        let name = |what| format!("{number} as {what}");
        add(
            name("data and a member"),
            format!("{{\"data\":{{\"a\":{number}}},\"b\":[{number}]}}"),
            Expected::text(format!("{{\"a\":{number},\"b\":[{number}]}}")),
        );
        add(name("all of the data"), format!("{{\"data\":{number}}}"), Expected::text("{}"));
        let id = id.map(String::from);
        let data = || Data::Text("{}".into());
        add(
            name("an id"),
            format!("{{\"id\":{number}}}"),
            Expected::Event(Fields { id, event_type: "message".into(), data: data() }),
        );
        add(
            name("a type"),
            format!("{{\"type\":{number}}}"),
            Expected::Event(Fields { id: None, event_type: (*event_type).into(), data: data() }),
        );
    }
    items
}

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, json, expected) in items() {
        let parsed = json.parse::<Event>().map_err(Into::into);
        rows.push(Row::new(name, parsed.and_then(item), expected));
    }
    for depth in DEPTHS {
        let deep = "[".repeat(depth) + &"]".repeat(depth);
        let raw = RawValue::from_string(deep.clone()).unwrap();
        let name = format!("{depth} deep as a RawValue");
        rows.push(Row::new(name, item(Event::json(raw)), Expected::text(&*deep)));
        let value = serde_json::from_str::<Value>(&deep);
        let expected = match &value {
            Ok(_) => Expected::text(&*deep),
            Err(_) => Expected::refused("other", None, None),
        };
        assert_eq!(value.is_ok(), depth <= 127);
        let value = value.map(Event::json).map_err(Into::into);
        rows.push(Row::new(format!("{depth} deep as a Value"), value.and_then(item), expected));
    }
    for (number, ..) in NUMBERS {
        let raw = RawValue::from_string((*number).into()).unwrap();
        let name = format!("{number} as a RawValue");
        rows.push(Row::new(name, item(Event::json(raw)), Expected::text(*number)));
        let name = format!("{number} as a Value");
        // Out of range or rounded, as in `serde_json`.
        rows.push(match serde_json::from_str::<Value>(number) {
            Ok(value) => Row::new(name, item(Event::json(value.clone())), Expected::json(value)),
            Err(error) => Row::new(name, Err(error.into()), Expected::refused("other", None, None)),
        });
    }
    for (name, number) in [("NaN", f64::NAN), ("infinity", f64::INFINITY)] {
        rows.push(Row::new(name, item(Event::json(number)), Expected::text("null")));
    }
    rows
}

async fn depth_and_numbers_are_passed_on_or_refused(kind: Kind) {
    check(kind, rows).await;
}

on_each_server! { depth_and_numbers_are_passed_on_or_refused }
