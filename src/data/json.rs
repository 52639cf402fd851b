use serde::Serialize;

use super::owned::{Data, Owned, sealed::Sealed};
use crate::{
    error::Error,
    json::{self, PartName},
    wire::{Frame, Head},
};

/// A value as JSON, as it is.
///
/// ```
/// use sse_encoder::{Event, data::Json};
///
/// fn event(row: &[u64]) -> Event<Json<&[u64]>> {
///     Event::json(row)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Json<T>(pub(crate) T);

impl<T: Serialize> Data for Json<T> {}

impl<T: Serialize> Sealed for Json<T> {
    #[inline]
    fn write(&self, head: &Head, frame: &mut Frame<'_, '_>) -> Result<(), Error> {
        json::write(frame.head_and_data_line(head)?, &self.0, PartName::Data)
    }

    fn into_owned(self, head: Head) -> (Head, Owned) {
        let data = Owned::json(|buffer| json::write(buffer, &self.0, PartName::Data));
        (head, data)
    }
}
