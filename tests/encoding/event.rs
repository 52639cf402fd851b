//! `Event`, without merging.

use bytes::{Bytes, BytesMut};
use serde_json::json;
use sse_encoder::{Comment, Encoder, Event, EventId, EventType, ReconnectionTime};

use crate::{
    assert_rows,
    shapes::{DATA, FailsHalfway},
    support::encode,
};

pub(crate) const TICK: EventType = EventType::from_static("tick");

#[test]
fn text_is_one_data_field_for_each_line() {
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
    ]);
}

#[test]
fn json_is_one_data_field() {
    assert_rows(&[
        ("json: a string", &Event::json("a\n"), "id: 1\nevent: message\ndata: \"a\\n\"\n\n"),
        ("json: an array", &Event::json([1, 2]), "id: 1\nevent: message\ndata: [1,2]\n\n"),
        ("json: a scalar", &Event::json(0), "id: 1\nevent: message\ndata: 0\n\n"),
        ("json: null", &Event::json(()), "id: 1\nevent: message\ndata: null\n\n"),
    ]);
}

#[test]
fn ids_types_and_reconnection_times_are_fields_before_the_data() {
    let retry = ReconnectionTime::from_millis(2_500).unwrap();
    assert_rows(&[
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
        ("retry by itself", &Event::new().retry(retry), "retry: 2500\n"),
        ("id by itself", &Event::new().id(7), "id: 7\n\n"),
        ("nothing", &Event::new(), ""),
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
    ]);
}

#[test]
fn an_invalid_id_or_type_is_the_events_error_each_time_it_is_encoded() {
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
fn events_of_every_kind_can_be_owned() {
    let events: Vec<Event> = vec![
        Event::text("a\nb").event_type(TICK).into_owned(),
        Event::json([1]).id(7).into_owned(),
        Event::merge(DATA, json!({"b": 2})).into_owned(),
        Event::spread("ab", ()).into_owned(),
        Event::shared_text("shared").no_id().into_owned(),
        Event::shared_text(Bytes::from_static(b"boxed")).into_owned(),
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
    let broken: [Event; 2] = [Event::json(FailsHalfway).into(), Event::merge(1, ()).into()];
    for _ in 0..2 {
        assert!(encode(&broken[0]).unwrap_err().is_serialize());
        assert!(encode(&broken[1]).unwrap_err().is_wrong_type());
    }
}

#[test]
fn events_of_equal_fields_are_equal() {
    let retry = std::time::Duration::from_secs(1);
    let parse = |json: &str| json.parse::<Event>().unwrap();
    let invalid = Event::text("a").id("\n").into_owned();
    // Each differs from all others.
    let events: [Event; 16] = [
        Event::new(),
        Event::text("a").into(),
        Event::text("b").into(),
        Event::json("a").into(),
        Comment::new("a").into(),
        Event::text("a").id(1).into(),
        Event::text("a").id(2).into(),
        Event::text("a").no_id().into(),
        Event::text("a").event_type("a").into(),
        Event::text("a").no_event_type().into(),
        Event::text("a").retry(retry).into(),
        Event::text("a").retry(retry * 2).into(),
        parse(r#"{"data":1}"#),
        parse(r#"{"data":2}"#),
        Event::try_from(json!({"data": 1})).unwrap(),
        Event::json(FailsHalfway).into(),
    ];
    for (n, a) in events.iter().enumerate() {
        for (m, b) in events.iter().enumerate() {
            assert_eq!(a == b, n == m, "{a:?}, {b:?}");
        }
        assert_eq!(*a, a.clone());
    }
    assert_eq!(Event::text("a").id(7).into_owned(), Event::shared_text("a").id("7"));
    assert_eq!(Event::json([1]).into_owned(), Event::json(vec![1]).into_owned());
    assert_eq!(Event::json(1), Event::json(1));
    assert_ne!(Event::merge(1, 2), Event::merge(1, 3));
    assert_ne!(Event::merge(1, 2), Event::spread(1, 2));
    // An error is equal to its clones alone.
    assert_eq!(invalid, invalid.clone());
    assert_ne!(invalid, Event::text("a").id("\n").into_owned());
    let invalid = Event::text("a").event_type("\n").retry(std::time::Duration::ZERO);
    assert_eq!(invalid, invalid.clone());
    assert_ne!(invalid, Event::text("a").event_type("\n").retry(std::time::Duration::ZERO));
}
