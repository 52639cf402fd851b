use super::Encode;
use crate::{error::Error, wire::Frames};

/// A comment. Clients ignore it; proxies take it as a sign of life.
///
/// Any text is allowed; each of its lines becomes a line of the comment. Empty text makes one empty
/// line, `:`.
///
/// ```
/// use sse_encoder::{Comment, Encoder};
///
/// let mut stream = bytes::BytesMut::new();
/// Encoder::new().encode(&Comment::new("two\nlines"), &mut stream)?;
/// assert_eq!(stream, ": two\n: lines\n");
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Comment<T = &'static str>(T);

impl<T: AsRef<str>> Comment<T> {
    /// The text.
    pub(super) fn text(&self) -> &str {
        self.0.as_ref()
    }

    /// A comment of this text.
    pub const fn new(text: T) -> Self {
        Self(text)
    }
}

impl<T: AsRef<str>> Encode for Comment<T> {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        let mut frame = frames.frame();
        frame.comment(self.text().as_bytes())?;
        frame.end()
    }
}
