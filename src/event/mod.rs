mod comment;
mod encode;

use std::str::FromStr;

use bytes::Bytes;
use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

pub(crate) use self::encode::Internal;
pub use self::{comment::Comment, encode::Encode};
use crate::{
    data::{self, Data, Json, Merge, Owned, Repr, Tagged, Text},
    error::{Error, Kept, Kind},
    value::{EventId, EventType, ReconnectionTime},
    wire::{EventTypeField, Frames, Head, IdField},
};

/// An event: its data, type, id and reconnection time.
///
/// Each constructor names the kind of data:
///
/// | constructor | data |
/// |---|---|
/// | [`json`](Event::json) | a value as JSON, as it is |
/// | [`text`](Event::text), [`shared_text`](Event::shared_text) | plain text, line by line |
/// | [`merge`](Event::merge) | two values as one JSON object: `data`, and further members |
/// | [`spread`](Event::spread) | the same with JavaScript's rules: `{ ...data, ...other }` |
/// | [`tagged`](Event::tagged) | the content of a serde enum, whose variant's name is the type |
/// | [`new`](Event::new) | none |
/// | `str::parse`, `Deserialize`, `TryFrom<Value>` | an item `{ data, type, id, ..other }` as JSON |
///
/// By default an event gets the next automatic id and the type `message`; an
/// [`Encoder::bare`](crate::Encoder::bare) writes neither.
///
/// ```
/// use sse_encoder::{Encoder, Event, EventType};
/// use serde_json::json;
///
/// const TICK: EventType = EventType::from_static("tick");
///
/// let mut stream = bytes::BytesMut::new();
/// let mut encoder = Encoder::new();
/// encoder.encode(&Event::json([1, 2]).event_type(TICK), &mut stream)?;
/// encoder.encode(&Event::text("two\nlines").id("b7").no_event_type(), &mut stream)?;
/// encoder.encode(&Event::merge(json!({"a": 1}), json!({"b": 2})), &mut stream)?;
/// encoder.encode(&r#"{"type":"tick","data":{"a":1},"b":2}"#.parse::<Event>()?, &mut stream)?;
/// assert_eq!(stream, "id: 1\nevent: tick\ndata: [1,2]\n\n\
///                     id: b7\ndata: two\ndata: lines\n\n\
///                     id: 2\nevent: message\ndata: {\"a\":1,\"b\":2}\n\n\
///                     id: 3\nevent: tick\ndata: {\"a\":1,\"b\":2}\n\n");
/// # Ok::<(), sse_encoder::Error>(())
/// ```
///
/// # Items that arrive as JSON
///
/// One JSON object with the members `data`, `type`, `id` and any others becomes an event by the
/// rules of the `Transform` class from which this crate descends, to the letter. [These
/// rules](crate#the-reference-transform) turn text into an object of characters, and drop numbers;
/// for an enum of typed events use [`tagged`](Event::tagged). The event keeps the JSON text:
/// members keep their order, and numbers their digits. `Deserialize` needs a deserializer of
/// `serde_json`.
///
/// ```
/// use sse_encoder::Event;
///
/// let error = r#"{"type":["a"],"data":{}}"#.parse::<Event>().unwrap_err();
/// assert_eq!(error.to_string(), "`type` is an array, not a string or a number");
/// ```
#[derive(Clone, Debug)]
pub struct Event<D = Owned> {
    head: Head,
    data: D,
}

/// Two events are equal if their ids, types, reconnection times and data are. An item that arrived
/// as JSON text differs from the same item that arrived as a `Value`.
///
/// ```
/// use sse_encoder::Event;
///
/// let event: Event = Event::json([1, 2]).event_type("tick").into();
/// assert_eq!(event, Event::json(vec![1, 2]).event_type("tick").into());
/// assert_ne!(event, Event::json([1, 2]).into());
/// ```
impl<D: PartialEq> PartialEq for Event<D> {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head && self.data == other.data
    }
}

impl<D: Eq> Eq for Event<D> {}

impl Default for Event {
    fn default() -> Self {
        Self::new()
    }
}

impl<T: Serialize> Event<Json<T>> {
    /// An event whose data is `value` as JSON, as it is: arrays and scalars keep their form.
    ///
    /// # Errors
    ///
    /// A value that cannot be serialized is an error when the event is encoded.
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
    /// An event whose data is `text`. CRLF, LF and a lone CR each end a line and reach the client
    /// as LF. Empty text makes an event too.
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

impl<D: Serialize, O: Serialize> Event<Merge<D, O>> {
    /// An event whose data is one JSON object: the members of `data`, then those of `other`.
    ///
    /// A key in both keeps `data`'s place and takes `other`'s value. Each part is a struct, a map
    /// or another value that is an object in JSON; `None` and `()` have no members. Once a thread
    /// has merged, merging allocates only for a key with an escape in JSON, and if `other` has more
    /// than 32 members or more than 4 KiB of JSON.
    ///
    /// Any other value (text, a number, an array) is an error when the event is encoded: by the
    /// reference's rules it would vanish or become an object of characters. For those rules, use
    /// [`spread`](Self::spread); for the value itself, [`json`](Event::json) or
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
    /// assert_eq!(stream, "id: 1\nevent: message\n\
    ///                     data: {\"sensor\":7,\"value\":\"1.50\",\"unit\":\"V\"}\n\n");
    ///
    /// let error = encoder.encode(&Event::merge("text", &data), &mut stream).unwrap_err();
    /// assert_eq!(error.to_string(), "`data` is a string, which has no members to merge");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn merge(data: D, other: O) -> Self {
        Self::with_data(Merge { data, other, spread: false })
    }

    /// An event whose data is `{ ...data, ...other }` by the rules of JavaScript: an array has the
    /// members `"0"`, `"1"` and so on, a string one for each of its UTF-16 code units, and numbers
    /// and booleans have none. `other` is an object, as in [`merge`](Self::merge).
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// Encoder::new().encode(&Event::spread("a😀", ()), &mut stream)?;
    /// assert_eq!(stream, "id: 1\nevent: message\n\
    ///                     data: {\"0\":\"a\",\"1\":\"\\ud83d\",\"2\":\"\\ude00\"}\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn spread(data: D, other: O) -> Self {
        Self::with_data(Merge { data, other, spread: true })
    }
}

impl<T: Serialize> Event<Tagged<T>> {
    /// An event from a serde enum, in any of its tagged representations. The variant's name is the
    /// event's type. The variant's content is the data, as JSON, *as it is*: text stays text, a
    /// number a number; the data of a unit variant is `null`. Only an internally tagged enum is the
    /// data as a whole, with its tag: Anthropic's and OpenAI's streams have this form.
    ///
    /// | representation | type | data of `Note("a")`, `Price { cents: 5 }`, `Done` |
    /// |---|---|---|
    /// | external, serde's default | the name | `"a"`, `{"cents":5}`, `null` |
    /// | adjacent, `#[serde(tag = "t", content = "c")]`, any names | the tag | `"a"`, `{"cents":5}`, `null` |
    /// | internal, `#[serde(tag = "t")]`, any name | the tag | –, `{"t":"Price","cents":5}`, `{"t":"Done"}` |
    ///
    /// A name is what serde makes of it (`rename`, `rename_all`). Generics, references, `Box`,
    /// `Some` and structs of one unnamed field are transparent.
    ///
    /// **An id** stands beside the enum: set it with [`id`](Self::id), or flatten the enum in a
    /// struct whose first field is `id`. An adjacently tagged enum that is flattened has the tag
    /// `type` and the content `data`. An id or a type set on the builder overrides the value's.
    ///
    /// **A value that is not an enum**, such as a [`Value`](serde_json::Value), is an event if its
    /// members are `type`, `data` and `id`, of which the last two may be missing. Other members are
    /// an error: serde's calls do not tell whether they belong to the data.
    ///
    /// A `Serialize` written by hand counts as the enum whose calls it makes.
    ///
    /// # Errors
    ///
    /// When it is encoded: an untagged enum, unless its variants hold tagged ones; a value of any
    /// other shape; two members with the tag's name; a name that cannot be an [`EventType`].
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    /// use serde::Serialize;
    ///
    /// #[derive(Serialize)]
    /// #[serde(rename_all = "lowercase")]
    /// enum Update { Note(String), Price { cents: u64 }, Done }
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// let mut encoder = Encoder::new();
    /// for update in [Update::Note("hello".into()), Update::Price { cents: 1250 }, Update::Done] {
    ///     encoder.encode(&Event::tagged(update), &mut stream)?;
    /// }
    /// assert_eq!(stream, "id: 1\nevent: note\ndata: \"hello\"\n\n\
    ///                     id: 2\nevent: price\ndata: {\"cents\":1250}\n\n\
    ///                     id: 3\nevent: done\ndata: null\n\n");
    ///
    /// #[derive(Serialize)]
    /// #[serde(tag = "type", rename_all = "snake_case")]
    /// enum Delta { TextDelta { text: &'static str } }
    ///
    /// stream.clear();
    /// Encoder::bare().encode(&Event::tagged(Delta::TextDelta { text: "Once" }), &mut stream)?;
    /// assert_eq!(stream, "event: text_delta\n\
    ///                     data: {\"type\":\"text_delta\",\"text\":\"Once\"}\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn tagged(value: T) -> Self {
        Self::with_data(Tagged(value))
    }
}

impl Event {
    /// An event without data, which calls no listener of the client. It has no id and no type until
    /// you set one.
    ///
    /// Use it for a [`retry`](Self::retry) by itself. With an id it moves the client's last event
    /// ID only in some clients (Firefox forgets it). For all clients, send `Event::text("")` with a
    /// type that the page does not listen to.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event, ReconnectionTime};
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// let retry = ReconnectionTime::from_millis(5_000).unwrap();
    /// Encoder::new().encode(&Event::new().retry(retry), &mut stream)?;
    /// assert_eq!(stream, "retry: 5000\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn new() -> Self {
        let head = Head { id: IdField::Absent, event_type: EventTypeField::Absent, retry: None };
        Self { head, data: Owned(Repr::Empty) }
    }

    /// An event whose data is text that many events share, as by [`text`](Event::text). A clone of
    /// the event shares it, and in an [`SseEncoder`](crate::SseEncoder) a long single line of it
    /// (32 KiB and more) is not copied.
    ///
    /// # Errors
    ///
    /// Bytes that are not UTF-8 are an error when the event is encoded, which names the position.
    ///
    /// ```
    /// use sse_encoder::Event;
    ///
    /// let page = Event::shared_text("<p>one</p>".repeat(100_000));
    /// let for_each_client = page.clone().event_type("page");
    /// # let _ = for_each_client;
    /// ```
    pub fn shared_text(text: impl Into<Bytes>) -> Self {
        Self::with_data(Owned::text(text.into()))
    }

    /// An event from any value that serializes to a JSON item `{ data, type, id, ..other }`: for
    /// example a struct of yours with those fields.
    ///
    /// It follows [the reference](crate#the-reference-transform) to the letter, which spreads text
    /// and drops numbers: `{"type": "note", "data": "hi"}` gives the data `{"0":"h","1":"i"}`, and
    /// `"data": 5` gives `{}`. For data as it is, and for enums of typed events, use
    /// [`tagged`](Self::tagged).
    ///
    /// # Errors
    ///
    /// The value cannot be serialized or is not an object, or its `id` or `type` is invalid.
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
    /// The text is not UTF-8, not JSON or not an object, or its `id` or `type` is invalid.
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
        let head =
            Head { id: IdField::Automatic, event_type: EventTypeField::Default, retry: None };
        Self { head, data }
    }

    /// Sets the id: text, any integer, or an [`EventId`]. The counter of automatic ids does not
    /// change.
    ///
    /// The empty id, [`EventId::EMPTY`], makes the client forget its last event ID, unlike [no
    /// id](Self::no_id).
    ///
    /// # Errors
    ///
    /// An invalid [`EventId`] is an error when the event is encoded, as is data that cannot be
    /// serialized. To get the error at once, make the [`EventId`] first.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// let mut encoder = Encoder::new();
    /// encoder.encode(&Event::text("by text").id("7f3a"), &mut stream)?;
    /// encoder.encode(&Event::text("by number").id(12), &mut stream)?;
    /// assert_eq!(stream, "id: 7f3a\nevent: message\ndata: by text\n\n\
    ///                     id: 12\nevent: message\ndata: by number\n\n");
    ///
    /// let forged = Event::text("").id("7\nevent: forged");
    /// let error = encoder.encode(&forged, &mut stream).unwrap_err();
    /// assert_eq!(error.to_string(), "`id` has a line feed (0x0A) at byte 1");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn id<T>(mut self, id: T) -> Self
    where
        T: TryInto<EventId>,
        T::Error: Into<Error>,
    {
        self.head.id = match id.try_into() {
            Ok(id) => IdField::Explicit(id),
            Err(error) => IdField::Invalid(Kept(error.into())),
        };
        self
    }

    /// Writes no `id` line: the client keeps its last event ID. The default is the next automatic
    /// id.
    #[must_use]
    pub fn no_id(mut self) -> Self {
        self.head.id = IdField::Absent;
        self
    }

    /// Sets the event type: text, any integer, or an [`EventType`]. The default is `message`.
    ///
    /// Avoid `error` and `open`, which have a meaning in browsers: see [`EventType`].
    ///
    /// # Errors
    ///
    /// An invalid [`EventType`] is an error when the event is encoded. The compiler checks an
    /// [`EventType`] in a `const`.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event, EventType};
    ///
    /// const TICK: EventType = EventType::from_static("tick");
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// let mut encoder = Encoder::new();
    /// encoder.encode(&Event::json(1).event_type(TICK), &mut stream)?;
    /// encoder.encode(&Event::json(2).event_type("tock"), &mut stream)?;
    /// assert_eq!(stream, "id: 1\nevent: tick\ndata: 1\n\nid: 2\nevent: tock\ndata: 2\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    #[must_use]
    #[inline]
    pub fn event_type<T>(mut self, event_type: T) -> Self
    where
        T: TryInto<EventType>,
        T::Error: Into<Error>,
    {
        self.head.event_type = match event_type.try_into() {
            Ok(event_type) => EventTypeField::Explicit(event_type),
            Err(error) => EventTypeField::Invalid(Kept(error.into())),
        };
        self
    }

    /// Writes no `event` line; clients then use the type `message`. The default is the line
    /// `event: message`.
    #[must_use]
    pub fn no_event_type(mut self) -> Self {
        self.head.event_type = EventTypeField::Absent;
        self
    }

    /// Sets the client's reconnection time, from now on. By default the event does not change it;
    /// browsers begin with some seconds.
    ///
    /// # Errors
    ///
    /// A [`Duration`](std::time::Duration) that cannot be a [`ReconnectionTime`] is an error when
    /// the event is encoded.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    /// use std::time::Duration;
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// let event = Event::text("a").no_id().retry(Duration::from_secs(5));
    /// Encoder::bare().encode(&event, &mut stream)?;
    /// assert_eq!(stream, "retry: 5000\ndata: a\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    #[must_use]
    pub fn retry<T>(mut self, time: T) -> Self
    where
        T: TryInto<ReconnectionTime>,
        T::Error: Into<Error>,
    {
        self.head.retry = Some(time.try_into().map_err(|error| Kept(error.into())));
        self
    }
}

impl<D: Data> Event<D> {
    /// Serializes the data now. The event then owns its data, and its type no longer depends on the
    /// data: events of all kinds have one type, [`Event`]. `.into()` does the same.
    ///
    /// # Errors
    ///
    /// If the data cannot be serialized or merged, the event is an error when it is encoded.
    ///
    /// ```
    /// use sse_encoder::Event;
    ///
    /// let events: Vec<Event> = vec![
    ///     Event::text("plain").into(),
    ///     Event::json(&[1, 2, 3]).event_type("numbers").into(),
    ///     r#"{"data":{"a":1}}"#.parse()?,
    /// ];
    /// # let _ = events;
    ///
    /// fn reading(volts: Option<f64>) -> Event {
    ///     match volts {
    ///         Some(volts) => Event::json(volts).into_owned(),
    ///         None => Event::text("no reading").into_owned(),
    ///     }
    /// }
    /// # let _ = reading;
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn into_owned(self) -> Event {
        let (head, data) = self.data.into_owned(self.head);
        Event { head, data }
    }
}

impl<D: Data> Encode for Event<D> {
    #[inline]
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        let mut frame = frames.frame();
        self.data.write(&self.head, &mut frame)?;
        frame.end()
    }
}

impl From<data::Parts> for Event {
    fn from(parts: data::Parts) -> Self {
        let data::Parts { id, event_type, item } = parts;
        Self { head: Head { id, event_type, retry: None }, data: Owned(Repr::Item(item)) }
    }
}

// One impl for each kind: `Event` to `Event` is in the standard library.
macro_rules! into_owned {
    ($(<$($parameter:ident: $bound:path),*> $data:ty;)*) => {$(
        impl<$($parameter: $bound),*> From<Event<$data>> for Event {
            /// See [`Event::into_owned`].
            fn from(event: Event<$data>) -> Self {
                event.into_owned()
            }
        }
    )*};
}

into_owned! {
    <T: Serialize> Json<T>;
    <D: Serialize, O: Serialize> Merge<D, O>;
    <T: Serialize> Tagged<T>;
    <T: AsRef<str>> Text<T>;
}

/// A comment as an event: it has no id and no type.
///
/// ```
/// use sse_encoder::{Comment, Event};
///
/// let items: Vec<Event> = vec![Event::json(1).into(), Comment::new("still here").into()];
/// # let _ = items;
/// ```
impl<T: AsRef<str>> From<Comment<T>> for Event {
    fn from(comment: Comment<T>) -> Self {
        let text = Bytes::copy_from_slice(comment.text().as_bytes());
        Self { data: Owned(Repr::Comment(text)), ..Self::new() }
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
