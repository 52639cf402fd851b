use serde::Serialize;

use super::{
    item,
    owned::{Data, Owned, sealed::Sealed},
};
use crate::{
    buffer::Buffer,
    error::{Error, Kind},
    json::{PartName, scan},
    merge::{self, Key, Keys, Part, Rule, Source, Typed},
    wire::{EventTypeField, Frame, Head, IdField},
};

/// An adjacently tagged value: its tag is the event's type, its content the event's data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tagged<T>(pub(crate) T);

impl<T: Serialize> Tagged<T> {
    fn members(&self) -> impl Source {
        Typed { value: &self.0, part: Part { name: PartName::Data, rule: Rule::Tagged } }
    }

    fn write_content(&self, buffer: &mut Buffer) -> Result<(), Error> {
        let start = buffer.len();
        let mut content = Content(None);
        merge::write_some(buffer, &self.members(), &mut content)?;
        match content.0 {
            Some(content) => {
                let len = buffer.len() - content;
                buffer.as_mut_slice().copy_within(content.., start);
                buffer.truncate(start + len);
            }
            // A unit variant has none.
            None => buffer.put(b"null"),
        }
        Ok(())
    }
}

/// Where the content begins, which alone is written.
struct Content(Option<usize>);

impl Keys for Content {
    #[inline(always)]
    fn skips(&mut self, text: &[u8]) -> bool {
        text != b"data" || self.0.is_some()
    }

    #[inline(always)]
    fn written(&mut self, _: &mut Buffer, key: Key, _: &[u8]) -> bool {
        self.0 = Some(key.value());
        false
    }
}

/// Where the members begin that belong into the event's head, which alone are written.
struct HeadMembers {
    id: Option<usize>,
    event_type: Option<usize>,
    /// The name of one that has no meaning.
    other: Option<String>,
}

impl Keys for HeadMembers {
    #[inline(always)]
    fn skips(&mut self, text: &[u8]) -> bool {
        if !matches!(text, b"data" | b"id" | b"type") {
            self.other.get_or_insert_with(|| String::from_utf8_lossy(text).into_owned());
        }
        !matches!(text, b"id" | b"type")
    }

    #[inline(always)]
    fn written(&mut self, _: &mut Buffer, key: Key, text: &[u8]) -> bool {
        let member = if text == b"id" { &mut self.id } else { &mut self.event_type };
        *member = Some(key.value());
        false
    }
}

impl<T: Serialize> Data for Tagged<T> {}

impl<T: Serialize> Sealed for Tagged<T> {
    fn complete(&self, head: &Head, scratch: &mut Buffer) -> Result<Option<Head>, Error> {
        let start = scratch.len();
        let mut members = HeadMembers { id: None, event_type: None, other: None };
        merge::write_some(scratch, &self.members(), &mut members)?;
        if let Some(name) = members.other {
            return Err(not_tagged(format!("it has a member `{name}`")));
        }
        let json = |at: usize| scan::first_value(&scratch.as_slice()[at..]);
        let id = members.id.map(|at| item::id_from_json(json(at))).transpose()?;
        let Some(event_type) = members.event_type else {
            return Err(not_tagged("it has no `type`"));
        };
        let event_type = item::event_type_from_json(json(event_type))?;
        scratch.truncate(start);
        let mut head = head.clone();
        // What the builder was given counts.
        if let (IdField::Automatic, Some(id)) = (&head.id, id) {
            head.id = id;
        }
        if matches!(head.event_type, EventTypeField::Default) {
            head.event_type = event_type;
        }
        Ok(Some(head))
    }

    fn write(&self, frame: &mut Frame<'_, '_>) -> Result<(), Error> {
        self.write_content(frame.data_line())
    }

    fn into_owned(self) -> Owned {
        Owned::json(|buffer| self.write_content(buffer))
    }
}

#[cold]
fn not_tagged(found: impl Into<String>) -> Error {
    Kind::NotTagged { found: found.into() }.into()
}
