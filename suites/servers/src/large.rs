//! Ten mebibytes in an item, and a hundred thousand lines.

use serde_json::json;
use sse_encoder::{Comment, Event, EventId, EventType};

use tokio::sync::Mutex;

use crate::{
    decode::decode,
    server::{Item, Kind, item},
    table::{Data, Expected, Fields, Row, compare, expected, send},
};

const LEN: usize = 10 << 20;
const LINES: usize = 100_000;

fn large() -> String {
    ("x".repeat(1023) + "\0").repeat(LEN / 1024)
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\0', "\\u0000"))
}

fn row(name: &str, item: Item, expected: impl Into<String>) -> Row {
    Row::new(name, item, Expected::text(expected))
}

fn texts() -> Vec<Row> {
    let text = large();
    vec![
        row("text", item(Event::text(text.clone())), &*text),
        row("shared text", item(Event::shared_text(text.clone())), text),
    ]
}

fn values() -> Vec<Row> {
    let text = large();
    let string = quoted(&text);
    let merged = format!("{{\"a\":1,\"b\":{string}}}");
    let parsed = format!("{{\"data\":{{\"a\":1}},\"b\":{string}}}").parse::<Event>();
    vec![
        row("a member of JSON", parsed.map_err(Into::into).and_then(item), &*merged),
        row("a merged member", item(Event::merge(json!({"a": 1}), json!({"b": text}))), merged),
        row("a string", item(Event::json(text)), string),
    ]
}

fn lines() -> Vec<Row> {
    let mut rows = Vec::new();
    for end in ["\n", "\r", "\r\n", "x\r"] {
        let text = end.repeat(LINES - 1) + "x";
        let expected = end.replace("\r\n", "\n").replace('\r', "\n").repeat(LINES - 1) + "x";
        rows.push(Row::new(
            format!("a comment of lines that end with {end:?}"),
            item(Comment::new(text.clone())),
            Expected::Nothing,
        ));
        let name = format!("lines that end with {end:?}");
        rows.push(row(&name, item(Event::text(text)), expected));
    }
    let field = "0123456789abcdef".repeat(1 << 16);
    let id = "0123456789abcdef".repeat(EventId::MAX_LEN / 16);
    let event = Event::text("x").id(EventId::new(&*id).unwrap());
    rows.push(Row::new(
        "the longest id and a type of a mebibyte",
        item(event.event_type(EventType::new(&*field).unwrap())),
        Expected::Event(Fields { id: Some(id), event_type: field, data: Data::Text("x".into()) }),
    ));
    rows
}

/// Decodes the first server's output, and compares that of the others with it.
async fn check(kind: Kind, rows: fn() -> Vec<Row>, right: &Mutex<Vec<u8>>) {
    let body = send(kind, rows).await;
    let mut right = right.lock().await;
    if body != *right {
        compare(expected(rows), &decode(&body));
        *right = body;
    }
}

async fn ten_mebibytes_of_text(kind: Kind) {
    static RIGHT: Mutex<Vec<u8>> = Mutex::const_new(Vec::new());
    check(kind, texts, &RIGHT).await;
}

async fn ten_mebibytes_of_json(kind: Kind) {
    static RIGHT: Mutex<Vec<u8>> = Mutex::const_new(Vec::new());
    check(kind, values, &RIGHT).await;
}

async fn a_hundred_thousand_lines(kind: Kind) {
    static RIGHT: Mutex<Vec<u8>> = Mutex::const_new(Vec::new());
    check(kind, lines, &RIGHT).await;
}

on_each_server! {
    ten_mebibytes_of_text
    ten_mebibytes_of_json
    a_hundred_thousand_lines
}
