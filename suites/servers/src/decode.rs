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

/// Frames consist of LF-terminated lines of these fields, and end with a blank line.
pub(crate) fn assert_frames(body: &[u8]) {
    let text = str::from_utf8(body).expect("it is UTF-8");
    assert!(text.is_empty() || text.ends_with("\n\n"), "half a frame at the end");
    assert!(!body.contains(&b'\r'), "it has a carriage return");
    for line in text.split('\n') {
        let fields = ["id: ", "event: ", "data: ", "retry: ", ": "];
        let known = line.is_empty() || line == ":" || fields.iter().any(|f| line.starts_with(f));
        assert!(known, "an unknown field: {:.100?}", line);
    }
}
