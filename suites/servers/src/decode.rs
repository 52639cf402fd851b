//! What a client makes of a body.

use std::{convert::Infallible, str};

use eventsource_stream::{Event, Eventsource};
use futures_util::{FutureExt, TryStreamExt, stream};

/// The events that the body dispatches. All of it must be whole frames of our fields.
pub(crate) fn decode(body: &[u8]) -> Vec<Event> {
    assert_frames(body);
    // The decoder copies what it has not read yet after each line, so it gets line by line.
    let lines = body.split_inclusive(|byte| *byte == b'\n').map(Ok::<_, Infallible>);
    let events = stream::iter(lines).eventsource().try_collect();
    events.now_or_never().expect("all of it is there").unwrap()
}

/// Frames are made of LF-terminated lines of these fields, and end with a blank line.
pub(crate) fn assert_frames(body: &[u8]) {
    let text = str::from_utf8(body).expect("it is UTF-8");
    assert!(text.is_empty() || text.ends_with("\n\n"), "half a frame at the end");
    assert!(!body.contains(&b'\r'), "it has a carriage return");
    for line in text.split('\n') {
        let fields = ["id: ", "event: ", "data: ", "retry: ", ": "];
        let known = line.is_empty() || line == ":" || fields.iter().any(|f| line.starts_with(f));
        assert!(known, "a line that is none of ours: {:.100?}", line);
    }
}
