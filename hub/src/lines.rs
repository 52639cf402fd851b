//! The lines of a frame.

#[cfg(any(feature = "disk", feature = "redis"))]
use std::borrow::Cow;

/// The values of a frame's lines, as the encoder writes them.
#[cfg(any(feature = "disk", feature = "redis"))]
#[derive(Default)]
pub(crate) struct Lines<'a> {
    #[cfg_attr(not(feature = "disk"), allow(dead_code, reason = "for a log on disk"))]
    pub(crate) id: Option<&'a [u8]>,
    pub(crate) event_type: Option<&'a [u8]>,
    pub(crate) data: Option<Cow<'a, [u8]>>,
    pub(crate) comment: Option<Cow<'a, [u8]>>,
    pub(crate) retry: Option<&'a [u8]>,
}

#[cfg(any(feature = "disk", feature = "redis"))]
impl<'a> Lines<'a> {
    pub(crate) fn scan(frame: &'a [u8]) -> Self {
        let mut lines = Self::default();
        for line in frame.split(|byte| *byte == b'\n') {
            let Some(colon) = line.iter().position(|byte| *byte == b':') else { continue };
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match name {
                b"id" => lines.id = Some(value),
                b"event" => lines.event_type = Some(value),
                b"retry" => lines.retry = Some(value),
                b"data" => add_line(&mut lines.data, value),
                b"" => add_line(&mut lines.comment, value),
                _ => {}
            }
        }
        lines
    }
}

/// Usually there is a single line, which is not copied here.
#[cfg(any(feature = "disk", feature = "redis"))]
fn add_line<'a>(text: &mut Option<Cow<'a, [u8]>>, line: &'a [u8]) {
    match text {
        None => *text = Some(Cow::Borrowed(line)),
        Some(text) => {
            let text = text.to_mut();
            text.push(b'\n');
            text.extend_from_slice(line);
        }
    }
}

/// The event type that clients see in a frame; `None` for a comment. The encoder writes it in the
/// first line, or after the id.
pub(crate) fn event_type(frame: &[u8]) -> Option<&[u8]> {
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
    use sse_encoder::{Comment, Encoder, Event};

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
