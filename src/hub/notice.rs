//! What the hub itself says to a client.

use std::fmt::Write;

use super::{CHECKPOINT, GAP};
use crate::{
    encoder::{Encoded, Encoder},
    event::Event,
    value::{EventId, ReconnectionTime},
};

/// The longest part of a requested id that goes back to the client.
const MAX_ECHO: usize = 256;

/// An event that nobody listens to, for its id and reconnection time. The data is `{}`, as there
/// are clients that parse the data of every event as JSON, and others that drop an event without
/// data.
pub(super) fn checkpoint(id: Option<EventId>, retry: Option<ReconnectionTime>) -> Encoded {
    let event = Event::text("{}").event_type(CHECKPOINT);
    let event = match id {
        Some(id) => event.id(id),
        None => event.no_id(),
    };
    encode(match retry {
        Some(retry) => event.retry(retry),
        None => event,
    })
}

/// What was asked for cannot be had; what follows begins after `resumed_after`.
pub(super) fn gap(requested: Option<&EventId>, resumed_after: EventId) -> Encoded {
    let mut data = String::from("{\"requested\":");
    match requested {
        Some(id) => put_json(&mut data, start_of(id.as_str())),
        None => data.push_str("null"),
    }
    data.push_str(",\"resumed_after\":");
    put_json(&mut data, resumed_after.as_str());
    data.push('}');
    encode(Event::text(data).event_type(GAP).id(resumed_after))
}

/// The last words before the end of a stream: when to come back.
pub(super) fn retry(time: ReconnectionTime) -> Encoded {
    encode(Event::new().retry(time))
}

fn encode<D: crate::data::Data>(event: Event<D>) -> Encoded {
    // A text without a limit cannot fail.
    Encoder::bare().encode_once(&event).unwrap_or_default()
}

fn put_json(data: &mut String, text: &str) {
    // Neither a `str` nor a `String` can fail.
    let text = serde_json::to_string(text).unwrap_or_default();
    let _ = data.write_str(&text);
}

fn start_of(text: &str) -> &str {
    let end = (0..=MAX_ECHO.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or_default()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(frame: &Encoded) -> &str {
        str::from_utf8(frame.as_bytes()).unwrap()
    }

    #[test]
    fn the_hubs_own_frames() {
        let (id, retry_time) = (EventId::from_static("5-7"), ReconnectionTime::from_millis(1_234));
        for (frame, expected) in [
            (checkpoint(None, None), "event: checkpoint\ndata: {}\n\n"),
            (
                checkpoint(Some(id.clone()), retry_time),
                "id: 5-7\nevent: checkpoint\nretry: 1234\ndata: {}\n\n",
            ),
            (
                gap(Some(&EventId::from_static("a\"\u{1}")), id.clone()),
                "id: 5-7\nevent: gap\n\
                 data: {\"requested\":\"a\\\"\\u0001\",\"resumed_after\":\"5-7\"}\n\n",
            ),
            (
                gap(None, id),
                "id: 5-7\nevent: gap\ndata: {\"requested\":null,\"resumed_after\":\"5-7\"}\n\n",
            ),
            (retry(retry_time.unwrap()), "retry: 1234\n\n"),
        ] {
            assert_eq!(text(&frame), expected);
        }
    }

    #[test]
    fn a_long_request_is_not_sent_back_whole() {
        let long = EventId::new("é".repeat(EventId::MAX_LEN / 2)).unwrap();
        let frame = gap(Some(&long), EventId::from(1));
        assert!(text(&frame).contains(&format!("\"{}\"", "é".repeat(128))));
        assert!(frame.as_bytes().len() < 400);
    }
}
