use std::{str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use crate::{
    data::{self, Data, Dynamic, Empty, Json, Merge, SharedText, Text},
    error::{Error, Kind},
    frames::Frames,
    value::{EventId, EventType, ReconnectionTime},
};

/// What can be written as frames of an event stream: an [`Event`], a [`Comment`], or a type of your
/// own that is made of them.
///
/// With it your own enum or struct is an item: a stream of it needs no conversion and no boxing.
///
/// ```
/// use sse_encoder::{Encode, Encoder, Error, Event, EventType, Frames};
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Price { symbol: &'static str, cents: u64 }
///
/// enum Update {
///     Note(String),
///     Price(Price),
/// }
///
/// const NOTE: EventType = EventType::from_static("note");
/// const PRICE: EventType = EventType::from_static("price");
///
/// impl Encode for Update {
///     fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
///         match self {
///             Self::Note(text) => Event::text(text).event_type(NOTE).encode(frames),
///             Self::Price(price) => Event::json(price).event_type(PRICE).encode(frames),
///         }
///     }
/// }
///
/// let mut stream = bytes::BytesMut::new();
/// let mut encoder = Encoder::new();
/// encoder.encode(&Update::Price(Price { symbol: "ACME", cents: 1250 }), &mut stream)?;
/// encoder.encode(&Update::Note("closed".into()), &mut stream)?;
/// assert_eq!(stream, "id: 1\nevent: price\ndata: {\"symbol\":\"ACME\",\"cents\":1250}\n\n\
///                     id: 2\nevent: note\ndata: closed\n\n");
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an item of an event stream",
    note = "say what its data is, `Event::json(value)` or `Event::text(text)`, or `impl Encode` for it"
)]
pub trait Encode {
    /// Writes any number of frames: mostly one, by calling `encode` of an [`Event`].
    ///
    /// # Errors
    ///
    /// Whatever keeps the item from being written whole. What was written of it is then taken back;
    /// an error of your own goes in by [`Error::from_source`].
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error>;
}

macro_rules! encode_by_reference {
    ($($pointer:ty)*) => {$(
        impl<T: ?Sized + Encode> Encode for $pointer {
            fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
                (**self).encode(frames)
            }
        }
    )*};
}

encode_by_reference!(&T Box<T> Arc<T>);

/// An event: data, and its type, id and reconnection time.
///
/// Made by a constructor that says what its data is:
///
/// | constructor | data |
/// |---|---|
/// | [`json`](Event::json) | a value as JSON, as it is |
/// | [`text`](Event::text), [`shared_text`](Event::shared_text) | plain text, line by line |
/// | [`merge`](Event::merge) | two values as one JSON object: `data`, and the fields beside it |
/// | [`spread`](Event::spread) | the same with JavaScript's rules: `{ ...data, ...other }` |
/// | [`new`](Event::new) | none |
/// | `str::parse`, `Deserialize`, `TryFrom<Value>` | an item `{ data, type, id, ..other }` as JSON |
///
/// Unless you say otherwise an event gets the next automatic id and the type `message`; an
/// [`Encoder::bare`](crate::Encoder::bare) writes neither.
///
/// ```
/// use sse_encoder::{Encoder, Event, EventId, EventType};
/// use serde_json::json;
///
/// const TICK: EventType = EventType::from_static("tick");
///
/// let mut stream = bytes::BytesMut::new();
/// let mut encoder = Encoder::new();
/// encoder.encode(&Event::json([1, 2]).event_type(TICK), &mut stream)?;
/// encoder.encode(&Event::text("two\nlines").id(EventId::new("b7")?).no_event_type(), &mut stream)?;
/// encoder.encode(&Event::merge(json!({"a": 1}), json!({"b": 2})), &mut stream)?;
/// encoder.encode(&r#"{"type":"tick","data":{"a":1},"b":2}"#.parse::<Event>()?, &mut stream)?;
/// assert_eq!(stream, "id: 1\nevent: tick\ndata: [1,2]\n\n\
///                     id: b7\ndata: two\ndata: lines\n\n\
///                     id: 2\nevent: message\ndata: {\"a\":1,\"b\":2}\n\n\
///                     id: 3\nevent: tick\ndata: {\"a\":1,\"b\":2}\n\n");
/// # Ok::<(), sse_encoder::Error>(())
/// ```
///
/// # Items that came as JSON
///
/// One JSON object with the members `data`, `type`, `id` and any others becomes an event by the rules
/// of the `Transform` class that this crate descends from, to the letter: see
/// [the table](crate#the-reference-transform). Its text is kept, so members keep their order and numbers
/// their digits. `Deserialize` works from the deserializers of `serde_json`.
///
/// ```
/// use sse_encoder::Event;
///
/// let error = r#"{"type":["a"],"data":{}}"#.parse::<Event>().unwrap_err();
/// assert_eq!(error.to_string(), "`type` is an array, not a string or a number");
/// ```
#[derive(Clone, Debug)]
pub struct Event<D = Dynamic> {
    id: IdField,
    event_type: EventTypeField,
    retry: Option<ReconnectionTime>,
    data: D,
}

#[derive(Clone, Debug)]
pub(crate) enum IdField {
    Absent,
    Automatic,
    Explicit(EventId),
}

#[derive(Clone, Debug)]
pub(crate) enum EventTypeField {
    Absent,
    Default,
    Explicit(EventType),
}

impl Event<Empty> {
    /// An event without data: no listener of the client is called. It has no id and no type until you
    /// give it one.
    ///
    /// For a [`retry`](Self::retry) by itself. With an id it moves the client's last event ID in some
    /// clients only (Firefox forgets it); to be sure send `Event::text("")` of a type that nobody
    /// listens to.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event, ReconnectionTime};
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// let retry = ReconnectionTime::from_millis(5_000).unwrap();
    /// Encoder::new().encode(&Event::new().retry(retry), &mut stream)?;
    /// assert_eq!(stream, "retry: 5000\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn new() -> Self {
        Self { id: IdField::Absent, event_type: EventTypeField::Absent, retry: None, data: Empty }
    }
}

impl Default for Event<Empty> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Serialize> Event<Json<T>> {
    /// An event whose data is `value` as JSON, as it is: arrays and scalars stay what they are.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// Encoder::new().encode(&Event::json("a\nb"), &mut stream)?;
    /// assert_eq!(stream, "id: 1\nevent: message\ndata: \"a\\nb\"\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn json(value: T) -> Self {
        Self::with_data(Json(value))
    }
}

impl<T: AsRef<str>> Event<Text<T>> {
    /// An event whose data is `text`. Each of CRLF, LF and a lone CR ends a line and reaches the client
    /// as LF; empty text is an event too.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// Encoder::new().encode(&Event::text("one\r\n two\r"), &mut stream)?;
    /// assert_eq!(stream, "id: 1\nevent: message\ndata: one\ndata:  two\ndata: \n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn text(text: T) -> Self {
        Self::with_data(Text(text))
    }
}

impl Event<SharedText> {
    /// An event whose data is text that can be shared, as by [`text`](Event::text); in an
    /// [`SseEncoder`](crate::SseEncoder) one long line of it (32 KiB and more) is not copied.
    pub fn shared_text(text: impl Into<SharedText>) -> Self {
        Self::with_data(text.into())
    }
}

impl<D: Serialize, O: Serialize> Event<Merge<D, O>> {
    /// An event whose data is one JSON object: the members of `data`, then those of `other`.
    ///
    /// A key that both have stands where `data` has it, with `other`'s value. Either is a struct, a map
    /// or another value that is an object in JSON; `None` and `()` have no members. Nothing is allocated
    /// to merge them, unless `other` has more than 32 members, or more than 4 KiB of keys and raw JSON.
    ///
    /// Anything else — text, a number, an array — is an error when the event is encoded: as the reference
    /// merges it, it would vanish or become an object of characters. Where that is wanted, there is
    /// [`spread`](Self::spread); where the value itself is meant, [`json`](Event::json) or
    /// [`text`](Event::text).
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// struct Reading { sensor: u32, value: f64 }
    ///
    /// #[derive(Serialize)]
    /// struct Extra { value: &'static str, unit: &'static str }
    ///
    /// let data = Reading { sensor: 7, value: 1.5 };
    /// let mut stream = bytes::BytesMut::new();
    /// let mut encoder = Encoder::new();
    /// encoder.encode(&Event::merge(&data, Extra { value: "1.50", unit: "V" }), &mut stream)?;
    /// assert_eq!(stream, "id: 1\nevent: message\ndata: {\"sensor\":7,\"value\":\"1.50\",\"unit\":\"V\"}\n\n");
    ///
    /// let error = encoder.encode(&Event::merge("text", &data), &mut stream).unwrap_err();
    /// assert_eq!(error.to_string(), "`data` is a string, which has no members to merge");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn merge(data: D, other: O) -> Self {
        Self::with_data(Merge { data, other, spread: false })
    }

    /// An event whose data is `{ ...data, ...other }` with the very rules of JavaScript: an array has the
    /// members `"0"`, `"1"` and so on, a string one for each of its UTF-16 code units, and numbers and
    /// booleans have none. `other` is an object, as in [`merge`](Self::merge).
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// Encoder::new().encode(&Event::spread("a😀", ()), &mut stream)?;
    /// assert_eq!(stream, "id: 1\nevent: message\ndata: {\"0\":\"a\",\"1\":\"\\ud83d\",\"2\":\"\\ude00\"}\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn spread(data: D, other: O) -> Self {
        Self::with_data(Merge { data, other, spread: true })
    }
}

impl Event {
    /// An event from any value that is an item `{ data, type, id, ..other }` when it is serialized as
    /// JSON: a struct of yours, say, with those fields.
    ///
    /// # Errors
    ///
    /// The value cannot be serialized, is no object, or its `id` or `type` cannot be one.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    /// use serde_json::json;
    ///
    /// let item = json!({"id": 12, "type": "tick", "data": {"a": 1}, "b": 2});
    /// let mut stream = bytes::BytesMut::new();
    /// Encoder::new().encode(&Event::from_item(&item)?, &mut stream)?;
    /// assert_eq!(stream, "id: 12\nevent: tick\ndata: {\"a\":1,\"b\":2}\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn from_item(item: &(impl ?Sized + Serialize)) -> Result<Self, Error> {
        let json = serde_json::value::to_raw_value(item)
            .map_err(|error| Kind::Serialize { part: "item", error })?;
        data::Parts::from_raw(json).map(Self::from)
    }

    /// An event from the JSON text of an item `{ data, type, id, ..other }`.
    ///
    /// # Errors
    ///
    /// The text is not UTF-8 or not JSON, is no object, or its `id` or `type` cannot be one.
    ///
    /// ```
    /// assert!(sse_encoder::Event::from_slice(b"{\"data\":{}}").is_ok());
    /// assert!(sse_encoder::Event::from_slice(b"{\"data\":\"\xFF\"}").unwrap_err().is_syntax());
    /// ```
    pub fn from_slice(json: &[u8]) -> Result<Self, Error> {
        let json = serde_json::from_slice::<Box<RawValue>>(json).map_err(Kind::Syntax)?;
        data::Parts::from_raw(json).map(Self::from)
    }
}

impl<D> Event<D> {
    const fn with_data(data: D) -> Self {
        Self { id: IdField::Automatic, event_type: EventTypeField::Default, retry: None, data }
    }

    fn with<E>(self, data: E) -> Event<E> {
        let Self { id, event_type, retry, .. } = self;
        Event { id, event_type, retry, data }
    }

    /// Sets the id. The counter of automatic ids is left alone.
    ///
    /// The empty id, [`EventId::EMPTY`], makes the client forget its last event ID: that is not the same
    /// as [no id](Self::no_id).
    #[must_use]
    pub fn id(mut self, id: impl Into<EventId>) -> Self {
        self.id = IdField::Explicit(id.into());
        self
    }

    /// Writes no `id` line: the client keeps the last event ID that it has. The default is the next
    /// automatic id.
    #[must_use]
    pub fn no_id(mut self) -> Self {
        self.id = IdField::Absent;
        self
    }

    /// Sets the event type. The default is `message`.
    #[must_use]
    pub fn event_type(mut self, event_type: impl Into<EventType>) -> Self {
        self.event_type = EventTypeField::Explicit(event_type.into());
        self
    }

    /// Writes no `event` line, which clients take for `message`.
    #[must_use]
    pub fn no_event_type(mut self) -> Self {
        self.event_type = EventTypeField::Absent;
        self
    }

    /// Tells the client how long to wait before it reconnects, from now on. The default is to say
    /// nothing: browsers then wait some seconds.
    #[must_use]
    pub fn retry(mut self, time: ReconnectionTime) -> Self {
        self.retry = Some(time);
        self
    }
}

impl<D: Data> Event<D> {
    /// Serializes the data now, so that the event owns it and its type no longer depends on it: events
    /// of all kinds can then share one stream. Where nothing is to be serialized, `into()` does the same.
    ///
    /// # Errors
    ///
    /// The data cannot be serialized or merged.
    ///
    /// ```
    /// use sse_encoder::Event;
    ///
    /// let events: Vec<Event> = vec![
    ///     Event::text("plain").into(),
    ///     Event::json(&[1, 2, 3]).into_owned()?,
    ///     r#"{"data":{"a":1}}"#.parse()?,
    /// ];
    /// # let _ = events;
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn into_owned(self) -> Result<Event, Error> {
        let Self { id, event_type, retry, data } = self;
        Ok(Event { id, event_type, retry, data: data.into_dynamic()? })
    }
}

impl<D: Data> Encode for Event<D> {
    #[inline]
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        frames.frame(|frames| {
            frames.put_head(&self.id, &self.event_type, self.retry)?;
            self.data.put(frames)?;
            frames.put_blank_line();
            Ok(())
        })
    }
}

impl From<data::Parts> for Event {
    fn from(parts: data::Parts) -> Self {
        let data::Parts { id, event_type, item } = parts;
        Self { id, event_type, retry: None, data: Dynamic(data::Repr::Item(item)) }
    }
}

impl<T: AsRef<str>> From<Event<Text<T>>> for Event {
    fn from(event: Event<Text<T>>) -> Self {
        let text = SharedText::from(event.data.0.as_ref().to_owned());
        event.with(Dynamic(data::Repr::Text(text)))
    }
}

impl From<Event<SharedText>> for Event {
    fn from(mut event: Event<SharedText>) -> Self {
        let text = std::mem::take(&mut event.data);
        event.with(Dynamic(data::Repr::Text(text)))
    }
}

impl From<Event<Empty>> for Event {
    fn from(event: Event<Empty>) -> Self {
        event.with(Dynamic::default())
    }
}

impl FromStr for Event {
    type Err = Error;

    fn from_str(json: &str) -> Result<Self, Error> {
        Self::from_slice(json.as_bytes())
    }
}

impl TryFrom<serde_json::Value> for Event {
    type Error = Error;

    fn try_from(item: serde_json::Value) -> Result<Self, Error> {
        data::Parts::from_value(item).map(Self::from)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Box::<RawValue>::deserialize(deserializer)?;
        data::Parts::from_raw(json).map(Self::from).map_err(de::Error::custom)
    }
}

/// A comment: clients ignore it, proxies take it as a sign of life.
///
/// Any text; each of its lines becomes one line of the comment. Empty text is one empty line, `:`.
///
/// ```
/// use sse_encoder::{Comment, Encoder};
///
/// let mut stream = bytes::BytesMut::new();
/// Encoder::new().encode(&Comment::new("two\nlines"), &mut stream)?;
/// assert_eq!(stream, ": two\n: lines\n\n");
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Comment<T = &'static str>(T);

impl<T: AsRef<str>> Comment<T> {
    /// A comment of this text.
    pub const fn new(text: T) -> Self {
        Self(text)
    }
}

impl<T: AsRef<str>> Encode for Comment<T> {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        frames.frame(|frames| {
            frames.put_comment(self.0.as_ref().as_bytes())?;
            // Without it some clients wait.
            frames.put_blank_line();
            Ok(())
        })
    }
}
