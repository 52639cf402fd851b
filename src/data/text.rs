use std::fmt;

use bytes::Bytes;

use super::{Data, Owned, owned::Repr, sealed::Sealed};
use crate::{
    error::{Error, Kind},
    field::Fields,
};

/// Plain text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text<T>(pub(crate) T);

impl<T: AsRef<str>> Data for Text<T> {}

impl<T: AsRef<str>> Sealed for Text<T> {
    #[inline]
    fn write(&self, fields: &mut Fields<'_>) -> Result<(), Error> {
        fields.text(self.0.as_ref().as_bytes())
    }

    fn into_owned(self) -> Owned {
        Owned(Repr::Text(self.0.as_ref().to_owned().into()))
    }
}

/// Text that many events can share: cloning increments a counter, and a long single line is sent
/// without a copy.
///
/// ```
/// use sse_encoder::{Event, data::SharedText};
///
/// let page = SharedText::from("<p>one</p>".repeat(100_000));
/// let event = Event::shared_text(page.clone());
/// # let _ = event;
/// ```
#[derive(Clone, Default)]
pub struct SharedText(pub(crate) Bytes);

impl SharedText {
    /// The text.
    pub fn as_str(&self) -> &str {
        // Checked on construction.
        str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The text's bytes.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Debug for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_str().fmt(f)
    }
}

impl From<String> for SharedText {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&'static str> for SharedText {
    fn from(text: &'static str) -> Self {
        Self(text.into())
    }
}

impl From<Box<str>> for SharedText {
    fn from(text: Box<str>) -> Self {
        Self(text.into_boxed_bytes().into())
    }
}

impl TryFrom<Bytes> for SharedText {
    type Error = Error;

    /// # Errors
    ///
    /// Refuses bytes that are not UTF-8; the error names the position.
    fn try_from(text: Bytes) -> Result<Self, Error> {
        match str::from_utf8(&text) {
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(Kind::Utf8(error).into()),
        }
    }
}

impl Data for SharedText {}

impl Sealed for SharedText {
    fn write(&self, fields: &mut Fields<'_>) -> Result<(), Error> {
        fields.shared_text(&self.0)
    }

    fn into_owned(self) -> Owned {
        Owned(Repr::Text(self))
    }
}
