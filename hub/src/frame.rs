//! An item as a single frame.

use sse_encoder::{Encode, Encoded, Encoder, EventType};

use crate::error::Error;

/// What an item may be.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) max_frame: usize,
    /// The types of the hub's own events.
    pub(crate) reserved: &'a [EventType],
}

/// Encodes an item as a single frame, whose automatic id, if it wants one, is added later: no user
/// code runs while the log is locked.
pub(crate) fn encode(item: &(impl ?Sized + Encode), rules: Rules<'_>) -> Result<Encoded, Error> {
    let mut encoder = Encoder::new().automatic_ids(false).max_frame(rules.max_frame);
    let encoded = encoder.encode_once(item)?;
    if !encoded.is_single() {
        return Err(Error::not_single_frame());
    }
    check_type(&encoded, rules.reserved)?;
    Ok(encoded)
}

/// Fails if the type of the event is one of these.
pub(crate) fn check_type(event: &Encoded, reserved: &[EventType]) -> Result<(), Error> {
    let event_type = event_type(event.as_bytes());
    let is_reserved = |reserved: &EventType| Some(reserved.as_str().as_bytes()) == event_type;
    if reserved.iter().any(is_reserved) { Err(Error::reserved_type()) } else { Ok(()) }
}

/// The type of a frame, as a client takes it. The encoder writes it in the first line, or after the
/// id.
fn event_type(frame: &[u8]) -> Option<&[u8]> {
    let mut lines = frame.split(|byte| *byte == b'\n').skip_while(|line| line.starts_with(b"id:"));
    let first = lines.next()?;
    match first.strip_prefix(b"event: ") {
        // By the standard an empty one is the default.
        Some(b"") => Some(b"message"),
        None if first.starts_with(b":") => None,
        None => Some(b"message"),
        some => some,
    }
}

#[cfg(test)]
mod tests {
    use sse_encoder::{Comment, Event};

    use super::*;

    #[test]
    fn the_type_of_a_frame_is_that_which_clients_see() {
        let mut encoder = Encoder::new();
        let frames = [
            (encoder.encode_once(&Event::text("a\nevent: b").id("1").event_type("c")), Some("c")),
            (encoder.encode_once(&Event::text("event: b").no_event_type()), Some("message")),
            (encoder.encode_once(&Event::text("a").event_type("")), Some("message")),
            (encoder.encode_once(&Event::text("a").no_id()), Some("message")),
            (encoder.encode_once(&Comment::new("event: b")), None),
        ];
        for (frame, expected) in frames {
            let frame = frame.unwrap();
            assert_eq!(event_type(frame.as_bytes()), expected.map(str::as_bytes), "{frame:?}");
        }
    }
}
