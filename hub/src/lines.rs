//! The lines of a frame.

use std::borrow::Cow;

/// The values of a frame's lines, as the encoder writes them.
#[derive(Default)]
pub(crate) struct Lines<'a> {
    #[cfg_attr(not(feature = "disk"), allow(dead_code, reason = "an entry has it apart"))]
    pub(crate) id: Option<&'a [u8]>,
    pub(crate) event_type: Option<&'a [u8]>,
    pub(crate) data: Option<Cow<'a, [u8]>>,
    pub(crate) comment: Option<Cow<'a, [u8]>>,
    pub(crate) retry: Option<&'a [u8]>,
}

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
