//! An item as a single frame.

use sse_encoder::{Encode, Encoded, Encoder, EventType};

use crate::{error::Error, lines::event_type};

/// The rules for a published item.
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
