//! A table of items, and the outcome of each at the client.

use std::fmt::Debug;

use eventsource_stream::Event as Received;
use serde_json::Value;
use sse_encoder::{Error, Event, EventType, OnError};

use crate::{
    client::End,
    decode::decode,
    server::{Item, Kind, Server, items, response},
};

const REFUSED: &str = "refused";

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) item: Item,
    pub(crate) expected: Expected,
}

pub(crate) enum Expected {
    /// No event is dispatched.
    Nothing,
    /// The item is an error of this description; see [`describe`].
    Refused(String),
    Event(Fields),
}

pub(crate) struct Fields {
    /// `None` is the next automatic id.
    pub(crate) id: Option<String>,
    pub(crate) event_type: String,
    pub(crate) data: Data,
}

#[derive(Debug)]
pub(crate) enum Data {
    Text(String),
    /// JSON of this value, in any spelling.
    Json(Value),
}

impl Row {
    pub(crate) fn new(name: impl Into<String>, item: Item, expected: Expected) -> Self {
        Self { name: name.into(), item, expected }
    }
}

impl Expected {
    /// With the next automatic id, and of the default type.
    pub(crate) fn text(data: impl Into<String>) -> Self {
        Self::data(Data::Text(data.into()))
    }

    pub(crate) fn json(data: Value) -> Self {
        Self::data(Data::Json(data))
    }

    fn data(data: Data) -> Self {
        Self::Event(Fields { id: None, event_type: "message".into(), data })
    }

    pub(crate) fn refused(kind: &str, field: Option<&str>, position: Option<usize>) -> Self {
        Self::Refused(describe(kind, field, position))
    }
}

/// Sends all rows in one stream, and compares the events.
pub(crate) async fn check(kind: Kind, rows: fn() -> Vec<Row>) {
    let body = send(kind, rows).await;
    compare(expected(rows), &decode(&body));
}

pub(crate) fn expected(rows: fn() -> Vec<Row>) -> impl Iterator<Item = (String, Expected)> {
    rows().into_iter().map(|row| (row.name, row.expected))
}

/// Sends all rows in one stream; an event in a failed item's place tells the client its error.
pub(crate) async fn send(kind: Kind, rows: fn() -> Vec<Row>) -> Vec<u8> {
    let server = Server::start(kind, move |_| {
        let rows = items(rows().into_iter().map(|row| row.item).collect::<Vec<_>>());
        response(rows).on_error(show)
    });
    let (body, end) = server.get("/").await.rest().await;
    assert_eq!(end, End::Clean);
    server.end().await;
    body
}

fn show(error: Error) -> OnError {
    const TYPE: EventType = EventType::from_static(REFUSED);
    let kind = match &error {
        error if error.is_forbidden_byte() => "forbidden byte",
        error if error.is_serialize() => "serialize",
        error if error.is_syntax() => "syntax",
        error if error.is_wrong_type() => "wrong type",
        _ => "other",
    };
    let text = describe(kind, error.field(), error.position());
    OnError::replace(Event::text(text).event_type(TYPE).no_id())
}

fn describe(kind: &str, field: Option<&str>, position: Option<usize>) -> String {
    format!("{kind} in {} at {position:?}", field.unwrap_or("the item"))
}

/// The events are the expected ones, in order.
pub(crate) fn compare(
    expected: impl IntoIterator<Item = (String, Expected)>,
    received: &[Received],
) {
    let mut received = received.iter();
    let mut next_id = 1;
    let mut last_id = String::new();
    for (name, expected) in expected {
        let fields = match expected {
            Expected::Nothing => continue,
            Expected::Refused(data) => {
                let id = Some(last_id.clone());
                Fields { id, event_type: REFUSED.into(), data: Data::Text(data) }
            }
            Expected::Event(fields) => fields,
        };
        last_id = fields.id.unwrap_or_else(|| {
            next_id += 1;
            (next_id - 1).to_string()
        });
        let event = received.next().unwrap_or_else(|| panic!("{name}: nothing was dispatched"));
        assert_same(&name, &event.id, &last_id);
        assert_same(&name, &event.event, &fields.event_type);
        assert_eq!(event.retry, None, "{name}");
        match &fields.data {
            Data::Text(text) => assert_same(&name, &event.data, text),
            Data::Json(value) => {
                let data = serde_json::from_str::<Value>(&event.data);
                assert_same(&name, &data.unwrap_or_else(|error| panic!("{name}: {error}")), value);
            }
        }
    }
    assert_eq!(received.next(), None, "something else was dispatched");
}

/// Shortened: some are too large to print.
fn assert_same<T: PartialEq + Debug + ?Sized>(name: &str, actual: &T, expected: &T) {
    assert!(
        actual == expected,
        "{name}: {:.200?} is not {:.200?}",
        format!("{actual:?}"),
        format!("{expected:?}")
    );
}
