//! An event as a record of a batch, and back.
//!
//! Three numbers: its place in the batch, how many topics it has, and how many keys, 0 or 1. Then
//! texts, each after its length: the topics, the key, and the frame without an automatic id.

use sse_encoder::{Encoded, Event, ReconnectionTime, data::Data};

use crate::{
    frame::{Rules, encode},
    lines::Lines,
    log::{Draft, Names},
};

/// The bytes of a record beside its texts, with one topic and a key.
pub(super) const RECORD_HEADER: usize = 24;
/// The largest record: lengths fit a `u32`.
pub(super) const MAX_SIZE: usize = 1 << 30;

/// An event, and the names that a [`Draft`] borrows.
pub(crate) struct Record {
    /// How many numbers after the first one of the batch.
    pub(super) offset: u32,
    topics: Vec<String>,
    key: Option<String>,
    event: Encoded,
}

impl Record {
    pub(crate) fn new(draft: &Draft<'_>) -> Self {
        let topics = draft.topics.iter().map(str::to_owned).collect();
        Self { offset: 0, topics, key: draft.key.map(str::to_owned), event: draft.event.clone() }
    }

    /// Its topics, for [`draft`](Self::draft).
    pub(super) fn topics(&self) -> Vec<&str> {
        self.topics.iter().map(String::as_str).collect()
    }

    pub(super) fn draft<'a>(&'a self, topics: &'a [&'a str]) -> Draft<'a> {
        let topics = match topics {
            [topic] => Names::One(topic),
            topics => Names::Several(topics),
        };
        Draft { topics, key: self.key.as_deref(), event: self.event.clone() }
    }

    pub(super) const fn event(&self) -> &Encoded {
        &self.event
    }

    /// Whether the event is never in the log.
    pub(super) const fn is_ephemeral(&self) -> bool {
        !self.event.has_id() && !self.event.lacks_id()
    }

    /// About how many bytes it takes.
    pub(super) fn size(&self) -> usize {
        let names = self.topics.iter().chain(&self.key).map(|name| 4 + name.len()).sum::<usize>();
        names.saturating_add(self.event.as_bytes().len()).saturating_add(RECORD_HEADER)
    }

    pub(super) fn write(&self, bytes: &mut Vec<u8>) {
        // The lengths fit: a longer record is refused before.
        let mut put = |number: usize| bytes.extend_from_slice(&(number as u32).to_le_bytes());
        put(self.offset as usize);
        put(self.topics.len());
        put(self.key.iter().len());
        let names = self.topics.iter().chain(&self.key).map(String::as_bytes);
        for text in names.chain([&self.event.as_bytes()[..]]) {
            bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
            bytes.extend_from_slice(text);
        }
    }

    /// The record at the beginning of `bytes`, which then begin after it; `None` if it is not one
    /// that this crate has written.
    pub(super) fn read(bytes: &mut &[u8]) -> Option<Self> {
        let offset = number(bytes)?;
        let (topics, keys) = (number(bytes)?, number(bytes)?);
        let topics = (0..topics).map(|_| text(bytes)).collect::<Option<_>>()?;
        let key = if keys > 0 { Some(text(bytes)?) } else { None };
        let len = number(bytes)? as usize;
        let frame = bytes.split_off(..len)?;
        Some(Self { offset, topics, key, event: decode(frame)? })
    }
}

/// A number at the beginning of `bytes`, which then begin after it.
pub(super) fn number(bytes: &mut &[u8]) -> Option<u32> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u32::from_le_bytes(*number))
}

fn text(bytes: &mut &[u8]) -> Option<String> {
    let len = number(bytes)? as usize;
    String::from_utf8(bytes.split_off(..len)?.to_vec()).ok()
}

/// The event of a frame; `None` unless the encoder writes it in the same bytes.
fn decode(frame: &[u8]) -> Option<Encoded> {
    let lines = Lines::scan(frame);
    let event = match &lines.data {
        Some(data) => finish(Event::text(str::from_utf8(data).ok()?), &lines),
        None => finish(Event::new(), &lines),
    };
    event.filter(|event| event.as_bytes() == frame)
}

fn finish<D: Data>(mut event: Event<D>, lines: &Lines<'_>) -> Option<Encoded> {
    if let Some(id) = lines.id {
        event = event.id(str::from_utf8(id).ok()?);
    }
    event = match lines.event_type {
        Some(event_type) => event.event_type(str::from_utf8(event_type).ok()?),
        None => event.no_event_type(),
    };
    if let Some(retry) = lines.retry {
        let millis = str::from_utf8(retry).ok()?.parse().ok()?;
        event = event.retry(ReconnectionTime::from_millis(millis)?);
    }
    encode(&event, Rules { max_frame: usize::MAX, reserved: &[] }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_size_of_a_record_is_about_the_bytes_that_it_takes() {
        let rules = Rules { max_frame: usize::MAX, reserved: &[] };
        for topics in [Names::One("a topic"), Names::Several(&["one", "two", "three"])] {
            for (key, text) in [(None, ""), (Some("a key"), "some text")] {
                let event = encode(&Event::text(text), rules).unwrap();
                let record = Record::new(&Draft { topics, key, event });
                let mut bytes = Vec::new();
                record.write(&mut bytes);
                assert!((bytes.len()..bytes.len() + 9).contains(&record.size()));
            }
        }
    }
}
