use std::fmt;

use bytes::Bytes;

use super::item::Item;
use crate::{
    buffer::Buffer,
    error::{Error, Kept, Kind},
    wire::{Frame, Head},
};

/// The data of an [`Event`](crate::Event). The trait is sealed: only types of this module implement
/// it.
///
/// ```
/// use sse_encoder::{Event, data::Data};
///
/// /// Takes an event whatever the kind of its data.
/// fn described<D: Data>(event: Event<D>) -> Event<D> {
///     event.event_type("row")
/// }
/// ```
pub trait Data: Sealed {}

pub(super) mod sealed {
    use super::Owned;
    use crate::{
        error::Error,
        wire::{Frame, Head},
    };

    pub trait Sealed {
        /// Appends the head, of which the data can set a part, and the `data` fields.
        fn write(&self, head: &Head, frame: &mut Frame<'_, '_>) -> Result<(), Error>;

        /// Serializes the data, unless that is already done, and completes the head.
        fn into_owned(self, head: Head) -> (Head, Owned);
    }
}

use sealed::Sealed;

/// Owned data of any kind: of an event that arrived as JSON, or of a plain [`Event`](crate::Event)
/// made by `.into()`.
///
/// ```
/// use sse_encoder::{Event, data::Owned};
///
/// // `Event` alone is `Event<Owned>`.
/// let event: Event<Owned> = Event::text("hello").into();
/// let parsed: Event = r#"{"data":{"a":1}}"#.parse()?;
/// # let _ = (event, parsed);
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[derive(Clone, Default, Eq, PartialEq)]
pub struct Owned(pub(crate) Repr);

#[derive(Clone, Default, Eq, PartialEq)]
pub(crate) enum Repr {
    /// A comment in place of data.
    Comment(Bytes),
    #[default]
    Empty,
    /// The error of data that could not be serialized.
    Invalid(Kept),
    Item(Item),
    Json(Bytes),
    Text(Bytes),
}

impl Owned {
    /// Text, if it is UTF-8.
    pub(crate) fn text(text: Bytes) -> Self {
        Self(match str::from_utf8(&text) {
            Ok(_) => Repr::Text(text),
            Err(error) => Repr::Invalid(Kept(Kind::Utf8(error).into())),
        })
    }

    pub(super) const fn invalid(error: Error) -> Self {
        Self(Repr::Invalid(Kept(error)))
    }

    /// The JSON that `write` appends.
    pub(super) fn json(write: impl FnOnce(&mut Buffer) -> Result<(), Error>) -> Self {
        let mut buffer = Buffer::acquire();
        // Without the limit of the encoder that had the buffer before.
        buffer.begin_frame(usize::MAX);
        let written = write(&mut buffer);
        buffer.commit(buffer.len());
        let json = buffer.take_whole();
        Self(match written {
            Ok(()) => Repr::Json(json),
            Err(error) => Repr::Invalid(Kept(error)),
        })
    }
}

impl fmt::Debug for Owned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Comment(text) => debug_text(f, "Comment", text),
            Repr::Empty => f.write_str("Empty"),
            Repr::Invalid(Kept(error)) => f.debug_tuple("Invalid").field(error).finish(),
            Repr::Item(item) => item.fmt(f),
            Repr::Json(json) => f.debug_tuple("Json").field(json).finish(),
            Repr::Text(text) => debug_text(f, "Text", text),
        }
    }
}

fn debug_text(f: &mut fmt::Formatter<'_>, name: &str, text: &[u8]) -> fmt::Result {
    // Checked on construction.
    f.debug_tuple(name).field(&str::from_utf8(text).unwrap_or_default()).finish()
}

impl Data for Owned {}

impl Sealed for Owned {
    fn write(&self, head: &Head, frame: &mut Frame<'_, '_>) -> Result<(), Error> {
        frame.head(head)?;
        match &self.0 {
            Repr::Comment(text) => frame.comment(text),
            Repr::Empty => Ok(()),
            Repr::Invalid(Kept(error)) => Err(error.clone()),
            Repr::Item(item) => item.write(frame.data_line()),
            Repr::Json(json) => frame.shared_data_line(json),
            Repr::Text(text) => frame.shared_text(text),
        }
    }

    fn into_owned(self, head: Head) -> (Head, Self) {
        (head, self)
    }
}
