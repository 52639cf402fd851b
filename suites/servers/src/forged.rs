//! Texts that imitate fields or frames, in every place where a text can be.

use serde_json::{Value, json, value::RawValue};
use sse_encoder::{Comment, Error, Event, EventId, EventType};

use crate::{
    client::End,
    decode::decode,
    server::{Item, Kind, Server, bare, item, items},
    table::{Data, Expected, Fields, Row, check},
};

const TEXTS: &[(&str, &str)] = &[
    ("LF", "a\nb"),
    ("CR", "a\rb"),
    ("CRLF", "a\r\nb"),
    ("LF CR", "a\n\rb"),
    ("LF first", "\na"),
    ("LF last", "a\n"),
    ("CR last", "a\r"),
    ("CRLF twice and last", "a\r\n\r\n"),
    ("NUL", "a\0b"),
    ("NUL alone", "\0"),
    ("NUL and CR", "a\0\r\0"),
    ("U+2028", "a\u{2028}data: forged\u{2028}\u{2028}"),
    ("U+2029", "a\u{2029}data: forged\u{2029}\u{2029}"),
    ("U+0085", "a\u{85}data: forged\u{85}\u{85}"),
    ("VT and FF", "a\u{B}data: forged\u{C}\u{C}"),
    ("BOM first", "\u{FEFF}a"),
    ("BOM alone", "\u{FEFF}"),
    ("BOM after an end of line", "a\n\u{FEFF}data: forged"),
    ("a space first", " a"),
    ("a colon alone", ":"),
    ("a field without a value", "retry"),
    ("like data", "data: forged"),
    ("like an id", "id: 99"),
    ("like a type", "event: forged"),
    ("like a reconnection time", "retry: 1"),
    ("like a comment", ": forged"),
    ("data after LF", "a\ndata: forged\n\n"),
    ("data after CR", "a\rdata: forged\r\r"),
    ("an id after CR", "a\rid: 99\r\r"),
    ("a type after CRLF", "a\r\nevent: forged\r\n\r\n"),
    ("a reconnection time after CR", "\r\rretry: 1\r\r"),
    ("a frame after LF", "\n\nid: 99\nevent: forged\ndata: forged\n\n"),
    ("a frame after CR", "\r\rid: 99\revent: forged\rdata: forged\r\r"),
    ("a frame after CRLF", "\r\n\r\nid: 99\r\nevent: forged\r\ndata: forged\r\n\r\n"),
    ("beyond ASCII", "é\rñ\n😀\r\n"),
];

/// A place for a text, and its outcome there.
type Place = (&'static str, fn(&'static str) -> (Item, Expected));

/// The same in an item as JSON.
type PlaceInJson = (&'static str, fn(&str) -> (Value, Expected));

const PLACES_IN_JSON: &[PlaceInJson] = &[
    ("an id of JSON", |text| {
        (json!({"id": text, "data": {"a": 1}}), id_or_refusal(text, json!({"a": 1})))
    }),
    ("a type of JSON", |text| {
        (json!({"type": text, "data": {"a": 1}}), type_or_refusal(text, json!({"a": 1})))
    }),
    ("data of JSON", |text| (json!({"data": {"a": text}}), Expected::json(json!({"a": text})))),
    ("a member of JSON", |text| {
        let expected = json!({"a": text, text: text});
        (expected.clone(), Expected::json(expected))
    }),
];

const PLACES: &[Place] = &[
    ("an id", |text| {
        let id = EventId::new(text);
        (event(id.map(|id| Event::text("x").id(id))), id_or_refusal(text, "x".into()))
    }),
    ("an id of a Value", |text| {
        let value = json!({"id": text, "data": {"a": 1}});
        (event(Event::try_from(value)), id_or_refusal(text, json!({"a": 1})))
    }),
    ("a type", |text| {
        let event_type = EventType::new(text);
        let event = event(event_type.map(|event_type| Event::text("x").event_type(event_type)));
        (event, type_or_refusal(text, "x".into()))
    }),
    ("a type of a Value", |text| {
        let value = json!({"type": text, "data": {"a": 1}});
        (event(Event::try_from(value)), type_or_refusal(text, json!({"a": 1})))
    }),
    ("a comment", |text| (item(Comment::new(text)), Expected::Nothing)),
    ("text", |text| (item(Event::text(text)), Expected::text(lines(text)))),
    ("shared text", |text| (item(Event::shared_text(text)), Expected::text(lines(text)))),
    ("long shared text", |text| {
        // Long enough to be sent without a copy.
        let text = format!("{text}{}{text}", "x".repeat(40_000));
        (item(Event::shared_text(text.clone())), Expected::text(lines(&text)))
    }),
    ("a string", |text| (item(Event::json(text)), Expected::json(text.into()))),
    ("a key", |text| (item(Event::json(json!({text: 1}))), Expected::json(json!({text: 1})))),
    ("a merged member", |text| {
        let (data, other) = (json!({"a": text, "b": 1}), json!({text: 2, "b": text}));
        (item(Event::merge(data, other)), Expected::json(json!({"a": text, "b": text, text: 2})))
    }),
    ("a text that is spread", |text| {
        // A `Value` cannot hold half a surrogate pair: without surrogates, each character is a
        // member.
        let text = text.replace('😀', "");
        let chars = text.chars().enumerate();
        let members = chars.map(|(index, char)| (index.to_string(), char.to_string().into()));
        (item(Event::spread(text.clone(), ())), Expected::json(Value::Object(members.collect())))
    }),
    ("a RawValue", |text| {
        (item(Event::json(raw(text))), Expected::json(json!({"a": text, text: [text]})))
    }),
    ("a merged RawValue", |text| {
        let expected = json!({"a": text, text: [text], "b": {"a": text, text: [text]}});
        (item(Event::merge(raw(text), json!({"b": raw(text)}))), Expected::json(expected))
    }),
    ("JSON with raw ends of lines", |text| {
        let item = format!("{{\r\"data\"\n:\r\n{},\r\"b\":\n{}\r}}\n", raw(text), raw(text));
        let expected = json!({"a": text, text: [text], "b": {"a": text, text: [text]}});
        (event(item.parse::<Event>()), Expected::json(expected))
    }),
    ("a member of a Value", |text| {
        let expected = json!({"a": text, text: text});
        (event(Event::try_from(expected.clone())), Expected::json(expected))
    }),
];

/// Items as JSON, and their outcomes.
pub(crate) fn json_items() -> Vec<(String, String, Expected)> {
    let mut items = Vec::new();
    for (place, make) in PLACES_IN_JSON {
        for (name, text) in TEXTS {
            let (value, expected) = make(text);
            items.push((format!("{place}: {name}"), value.to_string(), expected));
        }
    }
    items
}

fn rows() -> Vec<Row> {
    let parsed = json_items()
        .into_iter()
        .map(|(name, json, expected)| Row::new(name, event(json.parse::<Event>()), expected));
    let mut rows = parsed.collect::<Vec<_>>();
    for (place, make) in PLACES {
        for (name, text) in TEXTS {
            let (item, expected) = make(text);
            rows.push(Row::new(format!("{place}: {name}"), item, expected));
        }
        // Refused and ignored items write nothing.
        let after = item(Event::text("after"));
        rows.push(Row::new(format!("{place}: what follows"), after, Expected::text("after")));
    }
    rows
}

async fn text_cannot_forge_fields_or_frames_in_any_place(kind: Kind) {
    check(kind, rows).await;
}

/// A byte order mark at the start of the stream would be dropped, and some decoders fail at it.
async fn a_stream_never_begins_with_text(kind: Kind) {
    let server = Server::start(kind, |path| {
        let (_, text) = TEXTS[path[1..].parse::<usize>().unwrap()];
        bare(items([item(Event::text(text))])).opening_comment(false).comment(text)
    });
    for (index, (name, text)) in TEXTS.iter().enumerate() {
        let (body, end) = server.get(&format!("/{index}")).await.rest().await;
        assert_eq!(end, End::Clean, "{name}");
        assert_eq!(body[0], b':', "{name}");
        let events = decode(&body);
        assert_eq!(events.len(), 1, "{name}");
        assert_eq!((&*events[0].data, &*events[0].id), (&*lines(text), ""), "{name}");
    }
    server.end().await;
}

on_each_server! {
    text_cannot_forge_fields_or_frames_in_any_place
    a_stream_never_begins_with_text
}

fn event<D: sse_encoder::data::Data + Send + 'static>(event: Result<Event<D>, Error>) -> Item {
    item(event?)
}

/// The text as a client reads it: each end of line is LF.
fn lines(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

fn id_or_refusal(text: &str, data: Value) -> Expected {
    match text.find(['\r', '\n', '\0']) {
        Some(position) => Expected::refused("forbidden byte", Some("id"), Some(position)),
        None => Expected::Event(Fields {
            id: Some(text.into()),
            event_type: "message".into(),
            data: text_or_json(data),
        }),
    }
}

fn type_or_refusal(text: &str, data: Value) -> Expected {
    match text.find(['\r', '\n']) {
        Some(position) => Expected::refused("forbidden byte", Some("type"), Some(position)),
        None => {
            Expected::Event(Fields { id: None, event_type: text.into(), data: text_or_json(data) })
        }
    }
}

fn text_or_json(data: Value) -> Data {
    match data {
        Value::String(text) => Data::Text(text),
        data => Data::Json(data),
    }
}

/// JSON with raw line breaks between its tokens.
fn raw(text: &str) -> Box<RawValue> {
    let text = Value::from(text);
    let json = format!("{{\r\"a\"\n:\r\n{text},\r\r{text}:[\n\n{text}\r\n]\n}}");
    RawValue::from_string(json).unwrap()
}
