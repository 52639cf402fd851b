//! A serde enum: its variant's name is the event's type, its content the data.
//!
//! The calls that serde makes tell the representations apart:
//!
//! | representation | calls |
//! |---|---|
//! | external | a variant |
//! | adjacent | a struct of one or two fields; the first is a unit variant of an enum of the struct's name |
//! | internal | a struct or a map; its first value is a `str` itself, not a field that holds one |
//!
//! In a map an `id` may stand first, that of a struct which flattens the enum. Any other value must
//! have the members `type`, `data` and `id`.

mod by_name;
mod content;
mod tag;

use serde::Serialize;

use self::tag::{Form, Tag};
use super::owned::{Data, Owned, sealed::Sealed};
use crate::{
    buffer::Buffer,
    error::Error,
    wire::{EventTypeField, Frame, Head, IdField},
};

/// A serde enum: see [`Event::tagged`](crate::Event::tagged).
///
/// ```
/// use sse_encoder::{Event, data::Tagged};
///
/// #[derive(serde::Serialize)]
/// enum Update { Price(u64), Note(String) }
///
/// fn event(update: Update) -> Event<Tagged<Update>> {
///     Event::tagged(update)
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tagged<T>(pub(crate) T);

impl<T: Serialize> Tagged<T> {
    /// Finds the tag. Leaves `scratch` as it was, unless it fails.
    #[inline]
    fn tag(&self, scratch: &mut Buffer) -> Result<Tag, Error> {
        match tag::find(&self.0, scratch)? {
            Some(tag) => Ok(tag),
            None => by_name::find(&self.0, scratch),
        }
    }

    #[inline]
    fn write_content(&self, buffer: &mut Buffer, tag: &Tag) -> Result<(), Error> {
        match tag.form {
            Form::Named => by_name::write_content(buffer, &self.0),
            _ => content::write(buffer, &self.0, tag),
        }
    }
}

/// The fields of the head: those set on the builder count.
fn complete<'a>(head: &'a Head, tag: &'a Tag) -> (&'a IdField, &'a EventTypeField) {
    let id = match (&head.id, &tag.id) {
        (IdField::Automatic, Some(id)) => id,
        (id, _) => id,
    };
    let event_type = match &head.event_type {
        EventTypeField::Default => &tag.event_type,
        event_type => event_type,
    };
    (id, event_type)
}

impl<T: Serialize> Data for Tagged<T> {}

impl<T: Serialize> Sealed for Tagged<T> {
    fn write(&self, head: &Head, frame: &mut Frame<'_, '_>) -> Result<(), Error> {
        let tag = self.tag(frame.scratch())?;
        let (id, event_type) = complete(head, &tag);
        self.write_content(frame.fields_and_data_line(id, event_type, &head.retry)?, &tag)
    }

    fn into_owned(self, head: Head) -> (Head, Owned) {
        let tag = match self.tag(&mut Buffer::default()) {
            Ok(tag) => tag,
            Err(error) => return (head, Owned::invalid(error)),
        };
        let data = Owned::json(|buffer| self.write_content(buffer, &tag));
        let (id, event_type) = complete(&head, &tag);
        let (id, event_type) = (id.clone(), event_type.clone());
        (Head { id, event_type, retry: head.retry }, data)
    }
}
