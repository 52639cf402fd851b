use std::fmt;

use bytes::Bytes;

use super::{Data, SharedText, item::Item, sealed::Sealed};
use crate::{buffer::Buffer, error::Error, field::Fields};

/// Owned data of any kind: of an event that arrived as JSON, or of a plain [`Event`](crate::Event)
/// made by `.into()`.
#[derive(Clone, Default)]
pub struct Owned(pub(crate) Repr);

#[derive(Clone, Default)]
pub(crate) enum Repr {
    /// A comment in place of data.
    Comment(SharedText),
    #[default]
    Empty,
    /// The error of data that could not be serialized.
    Invalid(Error),
    Item(Item),
    Json(Bytes),
    Text(SharedText),
}

impl Owned {
    /// The JSON that `write` appends.
    pub(super) fn json(write: impl FnOnce(&mut Buffer) -> Result<(), Error>) -> Self {
        let mut buffer = Buffer::default();
        buffer.acquire();
        let written = write(&mut buffer);
        let json = buffer.take();
        buffer.release();
        Self(match written {
            Ok(()) => Repr::Json(json),
            Err(error) => Repr::Invalid(error),
        })
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Comment(text) => f.debug_tuple("Comment").field(text).finish(),
            Repr::Empty => f.write_str("Empty"),
            Repr::Invalid(error) => f.debug_tuple("Invalid").field(error).finish(),
            Repr::Item(item) => item.fmt(f),
            Repr::Json(json) => f.debug_tuple("Json").field(json).finish(),
            Repr::Text(text) => f.debug_tuple("Text").field(text).finish(),
        }
    }
}

impl Data for Owned {}

impl Sealed for Owned {
    fn write(&self, fields: &mut Fields<'_>) -> Result<(), Error> {
        match &self.0 {
            Repr::Comment(text) => fields.comment(&text.0),
            Repr::Empty => Ok(()),
            Repr::Invalid(error) => Err(error.clone()),
            Repr::Item(item) => item.write(fields.data_line()),
            Repr::Json(json) => fields.shared_data_line(json),
            Repr::Text(text) => fields.shared_text(&text.0),
        }
    }

    fn into_owned(self) -> Self {
        self
    }
}
