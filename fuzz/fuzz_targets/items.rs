//! The dynamic item: any bytes as its JSON text.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use serde::{
    Deserialize,
    de::value::{Error as DeError, MapDeserializer},
};
use serde_json::value::RawValue;
use sse_encoder::{Encoder, Error, Event};
use sse_encoder_fuzz::{
    decoder,
    json::{Fault, parse},
    model,
};

/// The frame of the event: one, of one line of data.
fn frame(event: &Event) -> (decoder::Message, String) {
    let mut stream = BytesMut::new();
    let mut encoder = Encoder::new();
    encoder.encode(event, &mut stream).unwrap();
    let text = std::str::from_utf8(&stream).unwrap().to_owned();
    let client = decoder::decode(&stream).unwrap();
    assert!(client.unknown.is_empty() && client.retries.is_empty() && client.comments.is_empty());
    assert!(!client.unfinished && client.messages.len() == 1, "{text:?}");
    assert_eq!(text.matches('\n').count(), 4, "{text:?}");
    assert_eq!(text.matches('\r').count(), 0, "{text:?}");
    let fields: Vec<_> = text.lines().map(|line| line.split(": ").next().unwrap()).collect();
    assert_eq!(fields, ["id", "event", "data", ""]);
    let event_type = text.lines().nth(1).unwrap()["event: ".len()..].to_owned();
    (client.messages.into_iter().next().unwrap(), event_type)
}

fn check(text: &str, event: Result<Event, Error>) {
    let value = match parse(text) {
        Ok(value) => value,
        Err(Fault::Deep) => {
            if let Ok(event) = event {
                let (message, _) = frame(&event);
                serde_json::from_str::<&RawValue>(&message.data).unwrap();
            }
            return;
        }
        Err(Fault::Syntax) => {
            assert!(event.unwrap_err().is_syntax());
            return;
        }
    };
    let (event, item) = match (event, model::item(&value)) {
        (Ok(event), Some(item)) => (event, item),
        (Err(error), None) => {
            assert!(error.is_wrong_type() || error.is_forbidden_byte(), "{error}");
            return;
        }
        (event, item) => panic!("{event:?}, {item:?}"),
    };
    let (message, event_type) = frame(&event);
    match item.id {
        None => assert_eq!(message.last_event_id, "1"),
        Some(id) => assert!(id.is(&message.last_event_id), "{id:?}, {message:?}"),
    }
    match item.event_type {
        None => assert_eq!(event_type, "message"),
        Some(expected) => assert!(expected.is(&event_type), "{expected:?}, {event_type}"),
    }
    serde_json::from_str::<&RawValue>(&message.data).unwrap();
    assert_eq!(parse(&message.data).unwrap(), item.data, "{}", message.data);
}

fuzz_target!(|input: &[u8]| {
    let event = Event::from_slice(input);
    let deserialized = serde_json::from_slice::<Event>(input);
    assert_eq!(event.is_ok(), deserialized.is_ok());
    if let (Ok(event), Ok(deserialized)) = (&event, &deserialized) {
        assert_eq!(frame(event), frame(deserialized));
    }
    let Ok(text) = std::str::from_utf8(input) else {
        assert!(event.unwrap_err().is_syntax());
        return;
    };
    check(text, event);

    if let Ok(value) = serde_json::from_str::<serde_json::Value>(text) {
        // It sorts its members, and it spells numbers in its own way.
        let text = value.to_string();
        check(&text, Event::from_item(&value));
        check(&text, Event::try_from(value));
    }

    // A format that is not JSON can hand over any text as if it were checked JSON.
    let lie = MapDeserializer::<_, DeError>::new(std::iter::once((
        "$serde_json::private::RawValue",
        text,
    )));
    if let Ok(event) = Event::deserialize(lie) {
        frame(&event);
    }
});
