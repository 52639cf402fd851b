//! What the data of an event is made of.
//!
//! An [`Event`](crate::Event) names its data's type as a parameter:
//! [`Event::json`](crate::Event::json) gives an `Event<Json<T>>`, and so on. You seldom need to
//! write these names down; a plain [`Event`](crate::Event), of [`Owned`] data, is any of them after
//! `.into()`.

mod item;
mod json;
mod merge;
mod owned;
mod tagged;
mod text;

pub(crate) use self::{item::Parts, owned::Repr};
pub use self::{json::Json, merge::Merge, owned::Owned, tagged::Tagged, text::Text};

/// What can be the data of an [`Event`](crate::Event). It is sealed: the types of this module are
/// all that there are.
pub trait Data: Sealed {}

pub(crate) mod sealed {
    use crate::{
        buffer::Buffer,
        data::Owned,
        error::Error,
        wire::{Frame, Head},
    };

    pub trait Sealed {
        /// The event's head, where the data itself says a part of it. What is written to `scratch`
        /// is taken off again.
        #[inline]
        fn complete(&self, _head: &Head, _scratch: &mut Buffer) -> Result<Option<Head>, Error> {
            Ok(None)
        }

        /// Appends the `data` frame.
        fn write(&self, frame: &mut Frame<'_, '_>) -> Result<(), Error>;

        /// Serializes what is not yet.
        fn into_owned(self) -> Owned;
    }
}

use sealed::Sealed;

#[cfg(test)]
mod tests {
    use crate::Event;

    #[test]
    fn debug_shows_the_data() {
        for (event, expected) in [
            (Event::new().into_owned(), "Empty"),
            (Event::text("a").into_owned(), r#"Text("a")"#),
            (Event::json(1).into_owned(), r#"Json(b"1")"#),
            (r#"{"data":1}"#.parse().unwrap(), r#"Item(b"{\"data\":1}")"#),
        ] {
            assert!(format!("{event:?}").contains(expected), "{event:?}");
        }
    }
}
