use bytes::Bytes;

use super::owned::{Data, Owned, Repr, sealed::Sealed};
use crate::{
    error::Error,
    wire::{Frame, Head},
};

/// Plain text.
///
/// ```
/// use sse_encoder::{Event, data::Text};
///
/// fn event(line: &str) -> Event<Text<&str>> {
///     Event::text(line)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Text<T>(pub(crate) T);

impl<T: AsRef<str>> Data for Text<T> {}

impl<T: AsRef<str>> Sealed for Text<T> {
    #[inline]
    fn write(&self, head: &Head, frame: &mut Frame<'_, '_>) -> Result<(), Error> {
        frame.head(head)?;
        frame.text(self.0.as_ref().as_bytes())
    }

    fn into_owned(self, head: Head) -> (Head, Owned) {
        let data = Owned(Repr::Text(Bytes::copy_from_slice(self.0.as_ref().as_bytes())));
        (head, data)
    }
}
