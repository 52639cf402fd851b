//! Events of every kind through one encoder, read back by a client.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use serde::{Serialize, ser::SerializeSeq};
use sse_encoder::{
    Comment, Encode, Encoder, Error, Event, EventId, EventType, Frames, ReconnectionTime, data,
};
use sse_encoder_fuzz::{
    decoder::{self, Message},
    input::Text,
    json::{Json, parse},
    model::{self, Rule},
};

#[derive(Arbitrary, Debug)]
struct Input {
    automatic_ids: bool,
    default_type: bool,
    next_id: NextId,
    max_frame: Option<u16>,
    items: Vec<Item>,
}

#[derive(Arbitrary, Debug)]
enum NextId {
    First,
    Last(u8),
    Resumed(u64),
}

#[derive(Arbitrary, Debug)]
enum Item {
    Comment(Text),
    Event { head: Head, data: Data, how: How },
    Group { texts: Vec<Text>, fails: bool },
}

#[derive(Arbitrary, Debug)]
struct Head {
    id: Field,
    event_type: Field,
    retry: Option<u32>,
}

#[derive(Arbitrary, Debug)]
enum Field {
    Absent,
    Default,
    Number(i128),
    Text(Text),
}

#[derive(Arbitrary, Debug)]
enum Data {
    Empty,
    Fails(u8),
    Json(Json),
    Merge(Json, Json),
    Shared(Text),
    Spread(Json, Json),
    Text(Text),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum How {
    Boxed,
    Once,
    Owned,
    Plain,
}

/// Fails after some elements.
struct Fails(u8);

impl Serialize for Fails {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(usize::from(self.0) + 1))?;
        (0..self.0).try_for_each(|element| seq.serialize_element(&element))?;
        Err(serde::ser::Error::custom("half-way"))
    }
}

/// Many frames as one item; it carries on after an event of its own that fails.
struct Group<'a> {
    texts: &'a [Text],
    fails: bool,
}

impl Encode for Group<'_> {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        for text in self.texts {
            Event::text(&text.0).encode(frames)?;
            assert!(Event::json(Fails(3)).encode(frames).is_err());
        }
        if self.fails { Err(Error::other("all written, and yet not")) } else { Ok(()) }
    }
}

/// What must come out of an event.
struct Expected {
    head: String,
    data: ExpectedData,
    id: Option<String>,
    event_type: Option<String>,
    retry: Option<u32>,
}

enum ExpectedData {
    Empty,
    Error,
    Json(Json),
    Text(String),
}

/// What the field's value is, where the crate takes it.
fn value(field: &Field, default: Option<String>, forbidden: &[char]) -> Result<Option<String>, ()> {
    match field {
        Field::Absent => Ok(None),
        Field::Default => Ok(default),
        Field::Number(number) => Ok(Some(number.to_string())),
        Field::Text(text) if text.0.contains(forbidden) => Err(()),
        Field::Text(text) => Ok(Some(text.0.clone())),
    }
}

fn json(json: &Json) -> Json {
    // Strings of Rust's have no lone surrogates.
    parse(&serde_json::to_string(json).unwrap()).unwrap()
}

fn expected(
    head: &Head,
    data: &Data,
    encoder: &Encoder,
    input: (bool, bool),
) -> Result<Expected, ()> {
    let none = matches!(data, Data::Empty);
    let automatic = encoder.next_id().filter(|_| input.0 && !none).map(|id| id.to_string());
    let message = (input.1 && !none).then(|| "message".to_owned());
    let id = value(&head.id, automatic, &['\r', '\n', '\0'])?;
    let event_type = value(&head.event_type, message, &['\r', '\n'])?;
    let retry = head.retry.filter(|retry| (1..=i32::MAX as u32).contains(retry));
    let mut text = String::new();
    id.iter().for_each(|id| text += &format!("id: {id}\n"));
    event_type.iter().for_each(|name| text += &format!("event: {name}\n"));
    retry.iter().for_each(|millis| text += &format!("retry: {millis}\n"));
    let object = |object: Option<Json>| object.map_or(ExpectedData::Error, ExpectedData::Json);
    let data = match data {
        Data::Empty => ExpectedData::Empty,
        Data::Fails(_) => ExpectedData::Error,
        Data::Json(value) => ExpectedData::Json(json(value)),
        Data::Merge(data, other) => object(model::merge(&json(data), Rule::Object, &json(other))),
        Data::Spread(data, other) => object(model::merge(&json(data), Rule::Spread, &json(other))),
        Data::Shared(text) | Data::Text(text) => ExpectedData::Text(text.0.clone()),
    };
    let exhausted = input.0 && !none && encoder.next_id().is_none();
    let data =
        if exhausted && matches!(head.id, Field::Default) { ExpectedData::Error } else { data };
    Ok(Expected { head: text, data, id, event_type, retry })
}

fn send<D: data::Data>(
    mut event: Event<D>,
    head: &Head,
    how: How,
    encoder: &mut Encoder,
    stream: &mut BytesMut,
) -> Result<(), Error> {
    event = match &head.id {
        Field::Absent => event.no_id(),
        Field::Default => event,
        Field::Number(number) => event.id(*number),
        Field::Text(text) => event.id(EventId::new(&text.0)?),
    };
    event = match &head.event_type {
        Field::Absent => event.no_event_type(),
        Field::Default => event,
        Field::Number(number) => event.event_type(*number),
        Field::Text(text) => event.event_type(EventType::new(&text.0)?),
    };
    if let Some(time) = head.retry.and_then(ReconnectionTime::from_millis) {
        event = event.retry(time);
    }
    match how {
        How::Boxed => encoder.encode(&std::sync::Arc::new(Box::new(&event)), stream),
        How::Once => {
            let once = encoder.encode_once(&event)?;
            encoder.encode(&once, stream)
        }
        How::Owned => encoder.encode(&event.into_owned(), stream),
        How::Plain => encoder.encode(&event, stream),
    }
}

fn send_any(
    head: &Head,
    data: &Data,
    how: How,
    encoder: &mut Encoder,
    stream: &mut BytesMut,
) -> Result<(), Error> {
    match data {
        Data::Empty => send(Event::new(), head, how, encoder, stream),
        Data::Fails(after) => send(Event::json(Fails(*after)), head, how, encoder, stream),
        Data::Json(value) => send(Event::json(value), head, how, encoder, stream),
        Data::Merge(a, b) => send(Event::merge(a, b), head, how, encoder, stream),
        Data::Shared(text) => send(Event::shared_text(text.0.clone()), head, how, encoder, stream),
        Data::Spread(a, b) => send(Event::spread(a, b), head, how, encoder, stream),
        Data::Text(text) => send(Event::text(&text.0), head, how, encoder, stream),
    }
}

fuzz_target!(|input: Input| {
    let settings = (input.automatic_ids, input.default_type);
    let mut encoder =
        Encoder::bare().automatic_ids(input.automatic_ids).default_type(input.default_type);
    match input.next_id {
        NextId::First => {}
        NextId::Last(before) => encoder.set_next_id(u64::MAX - u64::from(before % 8)),
        NextId::Resumed(after) => assert!(encoder.resume_after(&EventId::from(after))),
    }
    let limit = input.max_frame.map_or(usize::MAX, usize::from);
    let mut limited = encoder.clone().max_frame(limit);
    let mut stream = BytesMut::new();
    // What a client must have seen at the end.
    let (mut messages, mut comments, mut retries) = (Vec::new(), Vec::new(), Vec::new());
    let mut last_event_id = String::new();

    for item in &input.items {
        encoder.clone_from(&limited);
        encoder = encoder.max_frame(usize::MAX);
        let before = (stream.len(), limited.next_id());
        // Without a limit first: that says how large the frames are.
        let mut frames = BytesMut::new();
        let fits = |frames: &BytesMut| frames.len() <= limit;
        let (written, result) = match item {
            Item::Comment(text) => {
                encoder.encode(&Comment::new(&text.0), &mut frames).unwrap();
                let written = fits(&frames);
                if written {
                    let lines = model::lines(&text.0);
                    let empty = text.0.is_empty();
                    let space = if empty { "" } else { " " };
                    comments.extend(lines.iter().map(|line| format!("{space}{line}")));
                }
                (written, limited.encode(&Comment::new(&text.0), &mut stream))
            }
            Item::Event { head, data, how } => {
                let expected = expected(head, data, &encoder, settings);
                let whole = send_any(head, data, *how, &mut encoder, &mut frames);
                let result = send_any(head, data, *how, &mut limited, &mut stream);
                let Ok(expected) = expected else {
                    assert!(whole.unwrap_err().is_forbidden_byte());
                    assert!(result.unwrap_err().is_forbidden_byte());
                    continue;
                };
                if let ExpectedData::Error = expected.data {
                    let error = whole.unwrap_err();
                    assert!(error.is_serialize() || error.is_wrong_type() || error.is_exhausted());
                    (false, result)
                } else {
                    whole.unwrap();
                    let frame = std::str::from_utf8(&frames).unwrap();
                    let rest = frame.strip_prefix(&*expected.head).expect("the head");
                    let data = match expected.data {
                        ExpectedData::Empty => {
                            // A blank line is an event to many clients: only fields that take
                            // effect there have one.
                            let takes_effect =
                                expected.id.is_some() || expected.event_type.is_some();
                            assert_eq!(rest, if takes_effect { "\n" } else { "" });
                            None
                        }
                        ExpectedData::Json(value) => {
                            let line = rest.strip_prefix("data: ").expect("data");
                            let line = line.strip_suffix("\n\n").expect("the end");
                            assert!(!line.contains(['\r', '\n']));
                            assert_eq!(parse(line).unwrap(), value);
                            Some(line.to_owned())
                        }
                        ExpectedData::Text(text) => {
                            let lines = model::lines(&text);
                            let data: String =
                                lines.iter().map(|line| format!("data: {line}\n")).collect();
                            assert_eq!(rest, data + "\n");
                            Some(lines.join("\n"))
                        }
                        ExpectedData::Error => unreachable!(),
                    };
                    let written = fits(&frames);
                    if written {
                        last_event_id = expected.id.unwrap_or(last_event_id);
                        retries.extend(expected.retry.map(u64::from));
                        messages.extend(data.map(|data| {
                            Message {
                                event_type: expected
                                    .event_type
                                    .filter(|name| !name.is_empty())
                                    .unwrap_or("message".into()),
                                data,
                                last_event_id: last_event_id.clone(),
                            }
                        }));
                    }
                    (written, result)
                }
            }
            Item::Group { texts, fails } => {
                let mut all = !fails;
                let mut group = Vec::new();
                let mut id = last_event_id.clone();
                for Text(text) in texts {
                    let start = frames.len();
                    let next = encoder.next_id().filter(|_| input.automatic_ids);
                    all &= encoder.encode(&Event::text(text), &mut frames).is_ok();
                    all &= frames.len() - start <= limit;
                    id = next.map_or(id, |id| id.to_string());
                    group.push(Message {
                        event_type: "message".into(),
                        data: model::lines(text).join("\n"),
                        last_event_id: id.clone(),
                    });
                }
                if all {
                    messages.extend(group);
                    last_event_id = id;
                }
                (all, limited.encode(&Group { texts, fails: *fails }, &mut stream))
            }
        };
        if written {
            result.unwrap();
            assert_eq!(stream[before.0..], frames[..]);
            assert_eq!(limited.next_id(), encoder.next_id());
        } else {
            result.unwrap_err();
            assert_eq!((stream.len(), limited.next_id()), before);
        }
    }

    let client = decoder::decode(&stream).unwrap();
    assert!(client.unknown.is_empty() && !client.unfinished);
    assert_eq!(client.messages, messages);
    assert_eq!(client.comments, comments);
    assert_eq!(client.retries, retries);
    assert_eq!(client.last_event_id, last_event_id);
});
