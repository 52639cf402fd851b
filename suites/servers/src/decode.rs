//! A body, as a client reads it.

use std::{convert::Infallible, str};

use eventsource_stream::{Event, Eventsource};
use futures_util::{FutureExt, TryStreamExt, stream};

/// The events that the body dispatches. It must consist of whole frames of known fields.
pub(crate) fn decode(body: &[u8]) -> Vec<Event> {
    assert_frames(body);
    // After each line the decoder copies its unread input, so it is fed line by line.
    let lines = body.split_inclusive(|byte| *byte == b'\n').map(Ok::<_, Infallible>);
    let events = stream::iter(lines).eventsource().try_collect();
    events.now_or_never().expect("the body is complete").unwrap()
}

/// Lines end with LF. A frame has these fields and ends with a blank line; comments and
/// reconnection times outside of one have none after them, as many clients take any blank line for
/// an event.
pub(crate) fn assert_frames(body: &[u8]) {
    let text = str::from_utf8(body).expect("it is UTF-8");
    assert!(text.is_empty() || text.ends_with('\n'), "half a line at the end");
    assert!(!body.contains(&b'\r'), "it has a carriage return");
    let mut in_frame = false;
    for line in text.split_terminator('\n') {
        if line.is_empty() {
            assert!(in_frame, "a blank line without an event");
            in_frame = false;
        } else if line == ":" || line.starts_with(": ") {
            assert!(!in_frame, "a comment in a frame");
        } else if ["id: ", "event: ", "data: "].iter().any(|field| line.starts_with(field)) {
            in_frame = true;
        } else {
            assert!(line.starts_with("retry: "), "an unknown field: {line:.100?}");
        }
    }
    assert!(!in_frame, "half a frame at the end");
}
