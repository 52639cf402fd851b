//! The kinds of event data.
//!
//! An [`Event`](crate::Event) has its data's type as a parameter:
//! [`Event::json`](crate::Event::json) gives an `Event<Json<T>>`, and so on. You seldom need these
//! names: `.into()` turns any of them into a plain [`Event`](crate::Event), with [`Owned`] data.

mod item;
mod json;
mod merge;
mod owned;
mod tagged;
mod text;

pub(crate) use self::{item::Parts, owned::Repr};
pub use self::{
    json::Json,
    merge::Merge,
    owned::{Data, Owned},
    tagged::Tagged,
    text::Text,
};

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
