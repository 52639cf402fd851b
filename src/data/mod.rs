//! What the data of an event is made of.
//!
//! An [`Event`](crate::Event) names its data's type as a parameter: [`Event::json`](crate::Event::json)
//! gives an `Event<Json<T>>`, and so on. You seldom need to write these names down.

mod item;
pub(crate) mod members;
mod merge;
pub(crate) mod raw;

use std::fmt;

use bytes::Bytes;
use serde::Serialize;

pub(crate) use self::item::{Item, Parts};
use self::members::{Rule, Typed};
use crate::{
    error::{Error, Kind},
    frames::Frames,
    json,
    output::Output,
};

/// What can be the data of an [`Event`](crate::Event). It is sealed: the types of this module are
/// all that there are.
pub trait Data: Sealed {}

pub(crate) mod sealed {
    use super::{Dynamic, Error, Frames};

    pub trait Sealed {
        /// Appends the `data` fields.
        fn put(&self, frames: &mut Frames<'_>) -> Result<(), Error>;

        /// Serializes what is not yet.
        fn into_dynamic(self) -> Result<Dynamic, Error>;
    }
}

use sealed::Sealed;

/// No data: nothing is dispatched to the client's listeners.
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty;

/// A value as JSON, as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Json<T>(pub(crate) T);

/// Plain text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text<T>(pub(crate) T);

/// Two values as one JSON object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Merge<D, O> {
    pub(crate) data: D,
    pub(crate) other: O,
    pub(crate) spread: bool,
}

/// Data of any kind, which it owns: that of an event that came as JSON, or the outcome of
/// [`Event::into_owned`](crate::Event::into_owned).
#[derive(Clone, Default)]
pub struct Dynamic(pub(crate) Repr);

#[derive(Clone, Default)]
pub(crate) enum Repr {
    #[default]
    Empty,
    Item(Item),
    Json(Bytes),
    Text(SharedText),
}

/// Text that many events can share: a clone is a counter's increment, and a long single line goes
/// out without being copied.
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
    /// The text's bytes.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Debug for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        String::from_utf8_lossy(&self.0).fmt(f)
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
    /// Refuses bytes that are not UTF-8; the error says where.
    fn try_from(text: Bytes) -> Result<Self, Error> {
        match str::from_utf8(&text) {
            Ok(_) => Ok(Self(text)),
            Err(error) => Err(Kind::Utf8(error).into()),
        }
    }
}

impl fmt::Debug for Dynamic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Empty => f.write_str("Empty"),
            Repr::Item(item) => item.fmt(f),
            Repr::Json(json) => f.debug_tuple("Json").field(json).finish(),
            Repr::Text(text) => f.debug_tuple("Text").field(text).finish(),
        }
    }
}

/// Writes JSON into a buffer of its own.
fn owned_json(put: impl FnOnce(&mut Output) -> Result<(), Error>) -> Result<Dynamic, Error> {
    let mut output = Output::default();
    output.begin_frame(usize::MAX);
    put(&mut output)?;
    output.end_frame();
    Ok(Dynamic(Repr::Json(output.into_bytes().freeze())))
}

impl Data for Empty {}

impl Sealed for Empty {
    fn put(&self, _: &mut Frames<'_>) -> Result<(), Error> {
        Ok(())
    }

    fn into_dynamic(self) -> Result<Dynamic, Error> {
        Ok(Dynamic(Repr::Empty))
    }
}

impl<T: Serialize> Data for Json<T> {}

impl<T: Serialize> Sealed for Json<T> {
    #[inline]
    fn put(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        frames.put_data_line(|output| json::put(output, &self.0))
    }

    fn into_dynamic(self) -> Result<Dynamic, Error> {
        owned_json(|output| json::put(output, &self.0))
    }
}

impl<T: AsRef<str>> Data for Text<T> {}

impl<T: AsRef<str>> Sealed for Text<T> {
    fn put(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        frames.put_text(self.0.as_ref().as_bytes())
    }

    fn into_dynamic(self) -> Result<Dynamic, Error> {
        Ok(Dynamic(Repr::Text(self.0.as_ref().to_owned().into())))
    }
}

impl Data for SharedText {}

impl Sealed for SharedText {
    fn put(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        frames.put_shared_text(&self.0)
    }

    fn into_dynamic(self) -> Result<Dynamic, Error> {
        Ok(Dynamic(Repr::Text(self)))
    }
}

impl<D: Serialize, O: Serialize> Merge<D, O> {
    fn put_object(&self, output: &mut Output) -> Result<(), Error> {
        let rule = if self.spread { Rule::Spread } else { Rule::Object { part: "data" } };
        let data = Typed { value: &self.data, rule };
        let other = Typed { value: &self.other, rule: Rule::Object { part: "other" } };
        merge::put(output, &data, &other)
    }
}

impl<D: Serialize, O: Serialize> Data for Merge<D, O> {}

impl<D: Serialize, O: Serialize> Sealed for Merge<D, O> {
    fn put(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        frames.put_data_line(|output| self.put_object(output))
    }

    fn into_dynamic(self) -> Result<Dynamic, Error> {
        owned_json(|output| self.put_object(output))
    }
}

impl Data for Dynamic {}

impl Sealed for Dynamic {
    fn put(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        match &self.0 {
            Repr::Empty => Ok(()),
            Repr::Item(item) => frames.put_data_line(|output| item.put(output)),
            Repr::Json(json) => frames.put_shared_data_line(json),
            Repr::Text(text) => frames.put_shared_text(&text.0),
        }
    }

    fn into_dynamic(self) -> Result<Dynamic, Error> {
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    #[test]
    fn debug_shows_the_data() {
        assert_eq!(format!("{:?}", SharedText::from("a\n")), r#""a\n""#);
        for (event, expected) in [
            (Event::new().into_owned(), "Empty"),
            (Event::text("a").into_owned(), r#"Text("a")"#),
            (Event::json(1).into_owned(), r#"Json(b"1")"#),
            (r#"{"data":1}"#.parse(), r#"Item(b"{\"data\":1}")"#),
        ] {
            assert!(format!("{event:?}").contains(expected), "{event:?}");
        }
    }
}
