//! A published item as the fields of an entry, and back.

use bytes::Bytes;

use super::source::Entry;
use crate::{
    encoder::Encoded,
    error::{Error, Kind, LogFailure},
    event::{Comment, Encode, Event},
    frame::Frames,
    hub::{log::Address, publish::encode},
    value::ReconnectionTime,
};

/// The longest topic, and the longest key, in bytes.
pub(super) const MAX_NAME: usize = 4 * 1024;

const DATA: &str = "data";
const TYPE: &str = "type";
const ID: &str = "id";
const TOPIC: &str = "topic";
const KEY: &str = "key";
const RETRY: &str = "retry";
const COMMENT: &str = "comment";
const EPHEMERAL: &str = "ephemeral";

const MARK: &str = "mark";

/// What a mark consists of.
pub(super) const MARK_FIELD: (&str, &str) = (MARK, "1");

/// Whether the entry is no event, but only a place in the log.
pub(super) fn is_mark(entry: &Entry) -> bool {
    entry.fields.len() == 1 && entry.fields[0].0 == MARK.as_bytes()
}

/// The fields that say what a frame says, in the order in which they are written.
pub(super) fn fields(
    address: Address<'_>,
    published: &Encoded,
) -> Result<Vec<(&'static str, Bytes)>, Error> {
    for (field, text) in [(TOPIC, Some(address.topic)), (KEY, address.key)] {
        if text.is_some_and(|text| text.len() > MAX_NAME) {
            return Err(Kind::TooLong { field, limit: MAX_NAME }.into());
        }
    }
    let frame = published.as_bytes();
    let mut fields = Vec::with_capacity(4);
    let event_type = values(frame, b"event").next().filter(|text| !text.is_empty());
    if let Some(event_type) = event_type.filter(|text| *text != b"message") {
        fields.push((TYPE, frame.slice_ref(event_type)));
    }
    let texts = [(DATA, lines(frame, b"data")), (COMMENT, lines(frame, b""))];
    fields.extend(texts.into_iter().filter_map(|(name, text)| Some((name, text?))));
    if let Some(retry) = values(frame, b"retry").next() {
        fields.push((RETRY, frame.slice_ref(retry)));
    }
    if fields.iter().all(|(name, _)| *name == TYPE) {
        return Err(LogFailure::Entry(NO_DATA).into());
    }
    match published.id() {
        Some(id) => fields.push((ID, Bytes::copy_from_slice(id.as_str().as_bytes()))),
        None if published.lacks_id() => {}
        None => fields.push((EPHEMERAL, Bytes::from_static(b"1"))),
    }
    if !address.topic.is_empty() {
        fields.push((TOPIC, Bytes::copy_from_slice(address.topic.as_bytes())));
    }
    if let Some(key) = address.key {
        fields.push((KEY, Bytes::copy_from_slice(key.as_bytes())));
    }
    Ok(fields)
}

const NO_DATA: &str = "has no `data`";

/// The values of the lines with this name, in the way that this crate writes them.
fn values<'a>(frame: &'a [u8], name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    frame.split(|byte| *byte == b'\n').filter_map(move |line| {
        let rest = line.strip_prefix(name)?.strip_prefix(b":")?;
        Some(rest.strip_prefix(b" ").unwrap_or(rest))
    })
}

/// All of these values as one text; `None` where there are none.
fn lines(frame: &Bytes, name: &[u8]) -> Option<Bytes> {
    let mut values = values(frame, name);
    let first = values.next()?;
    let Some(second) = values.next() else { return Some(frame.slice_ref(first)) };
    let mut text = first.to_vec();
    for value in std::iter::once(second).chain(values) {
        text.push(b'\n');
        text.extend_from_slice(value);
    }
    Some(text.into())
}

/// What an entry says, if it can be a frame.
#[derive(Default)]
pub(super) struct Record<'a> {
    data: Option<&'a str>,
    event_type: Option<&'a str>,
    id: Option<&'a str>,
    topic: &'a str,
    key: Option<&'a str>,
    retry: Option<ReconnectionTime>,
    comment: Option<&'a str>,
    is_ephemeral: bool,
}

impl<'a> Record<'a> {
    /// Reads the fields. Unknown ones are left alone; of several with one name the last one counts,
    /// as in JSON; an empty one is none, but for `data` and `key`.
    ///
    /// # Errors
    ///
    /// The entry cannot be a frame.
    pub(super) fn read(entry: &'a Entry) -> Result<Self, Error> {
        let mut record = Self::default();
        for (name, value) in &entry.fields {
            let text = |field| {
                str::from_utf8(value)
                    .map_err(|_| Error::from(LogFailure::Field { field, reason: "is not UTF-8" }))
            };
            let some = |field| text(field).map(|text| Some(text).filter(|text| !text.is_empty()));
            match name.as_slice() {
                b"data" => record.data = Some(text(DATA)?),
                b"type" => record.event_type = some(TYPE)?,
                b"id" => record.id = some(ID)?,
                b"topic" => record.topic = short(TOPIC, text(TOPIC)?)?,
                b"key" => record.key = Some(short(KEY, text(KEY)?)?),
                b"comment" => record.comment = Some(text(COMMENT)?),
                b"retry" => record.retry = some(RETRY)?.map(time).transpose()?,
                b"ephemeral" => {
                    let text = some(EPHEMERAL)?;
                    record.is_ephemeral = !matches!(text, None | Some("0" | "false"));
                }
                _ => {}
            }
        }
        if record.data.is_none() && record.comment.is_none() && record.retry.is_none() {
            return Err(LogFailure::Entry(NO_DATA).into());
        }
        Ok(record)
    }

    pub(super) fn address(&self) -> Address<'a> {
        Address { topic: self.topic, key: self.key }
    }

    /// # Errors
    ///
    /// As the encoder's: what others wrote is checked like all input.
    pub(super) fn published(&self, max_frame: usize) -> Result<Encoded, Error> {
        encode(self, max_frame)
    }
}

fn short<'a>(field: &'static str, text: &'a str) -> Result<&'a str, Error> {
    let is_short = text.len() <= MAX_NAME;
    is_short.then_some(text).ok_or_else(|| Kind::TooLong { field, limit: MAX_NAME }.into())
}

fn time(text: &str) -> Result<ReconnectionTime, Error> {
    let time = text.parse().ok().and_then(ReconnectionTime::from_millis);
    let reason = "is not a number of milliseconds";
    time.ok_or_else(|| LogFailure::Field { field: RETRY, reason }.into())
}

impl Encode for Record<'_> {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        match (self.data, self.comment) {
            (Some(data), _) => self.finish(Event::text(data)).encode(frames),
            (None, Some(comment)) => Comment::new(comment).encode(frames),
            (None, None) => self.finish(Event::new()).encode(frames),
        }
    }
}

impl Record<'_> {
    fn finish<D: crate::data::Data>(&self, event: Event<D>) -> Event<D> {
        let event = match (self.id, self.is_ephemeral) {
            (Some(id), _) => event.id(id),
            (None, true) => event.no_id(),
            (None, false) => event,
        };
        let event = match self.event_type {
            Some(event_type) => event.event_type(event_type),
            None => event,
        };
        match self.retry {
            Some(retry) => event.retry(retry),
            None => event,
        }
    }
}
