//! Items, texts and streams that mean harm, or lie.

#[path = "../support/mod.rs"]
mod support;

mod json;
mod limits;
mod sources;
mod text;
mod values;

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::BytesMut;
use sse_encoder::{Encode, Encoder, Error, Event};

pub(crate) const RAW_VALUE: &str = "$serde_json::private::RawValue";

pub(crate) const NUMBER: &str = "$serde_json::private::Number";

/// Encodes the item after another one; `None` if it panics. A failure, or a panic of the item's
/// own, must write nothing and use no id; the output must be whole frames, and UTF-8.
pub(crate) fn encode(item: &dyn Encode) -> Option<Result<String, Error>> {
    let mut stream = BytesMut::new();
    let mut encoder = Encoder::new();
    encoder.encode(&Event::text("before"), &mut stream).unwrap();
    let before = stream.len();
    let result = catch_unwind(AssertUnwindSafe(|| encoder.encode(item, &mut stream)));
    if let Err(panic) = &result {
        assert_own(&**panic);
    }
    if !matches!(result, Ok(Ok(()))) {
        assert_eq!((stream.len(), encoder.next_id()), (before, Some(2)));
    }
    let frames = String::from_utf8(stream.split_off(before).to_vec()).expect("it is UTF-8");
    assert!(frames.is_empty() || frames.ends_with('\n'));
    Some(result.ok()?.map(|()| frames))
}

/// The panic must be the item's own, or of `serde_json` because of a failing `Display`.
pub(crate) fn assert_own(panic: &(dyn Any + Send)) {
    let message = panic.downcast_ref::<&str>().copied().map(String::from);
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    let own = ["a panic of the item's own", "there should be an error", "a Display implementation"];
    assert!(own.iter().any(|own| message.starts_with(own)), "a panic of the crate's: {message}");
}

/// The data of an event with one line of it.
pub(crate) fn data(event: &dyn Encode) -> String {
    one_line(&encode(event).expect("it does not panic").unwrap())
}

pub(crate) fn one_line(frame: &str) -> String {
    assert_eq!(fields(frame), ["id", "event", "data"], "{frame:?}");
    frame.split_once("data: ").unwrap().1.trim_end_matches('\n').to_owned()
}

/// The names of a frame's fields; a comment's is empty.
pub(crate) fn fields(frame: &str) -> Vec<&str> {
    assert!(!frame.contains('\r'));
    let lines = frame.strip_suffix('\n').expect("a line's end");
    let (event, is_event) = lines.strip_suffix('\n').map_or((lines, false), |lines| (lines, true));
    let names: Vec<_> =
        event.split('\n').map(|line| line.split_once(':').expect("a field").0).collect();
    // A blank line follows an event, and no comment.
    assert_eq!(is_event, names.iter().any(|name| !name.is_empty()));
    names
}

/// The item may fail or panic, but a frame that it writes is one event with one line of data.
pub(crate) fn assert_harmless(item: &dyn Encode) {
    if let Some(Ok(frame)) = encode(item) {
        one_line(&frame);
    }
}
