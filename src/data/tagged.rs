use serde::Serialize;

use super::{Data, Owned, item, sealed::Sealed};
use crate::{
    buffer::Buffer,
    error::{Error, Kind},
    json::PartName,
    merge::{Key, Part, Rule, Source, Typed, Value, Visitor},
    wire::{EventTypeField, Frame, Head, IdField},
};

/// An adjacently tagged value: the tag is the event's type, the content its data.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tagged<T>(pub(crate) T);

impl<T: Serialize> Tagged<T> {
    fn members(&self) -> impl Source {
        Typed { value: &self.0, part: Part { name: PartName::Data, rule: Rule::Tagged } }
    }

    fn write_content(&self, buffer: &mut Buffer) -> Result<(), Error> {
        let mut content = WriteContent { buffer, written: false };
        self.members().visit(&mut content)?;
        if !content.written {
            // A unit variant has no content.
            content.buffer.put(b"null");
        }
        Ok(())
    }
}

impl<T: Serialize> Data for Tagged<T> {}

impl<T: Serialize> Sealed for Tagged<T> {
    fn complete(&self, head: &Head, scratch: &mut Buffer) -> Result<Option<Head>, Error> {
        let mut read = ReadHead { scratch, id: None, event_type: None };
        self.members().visit(&mut read)?;
        let ReadHead { id, event_type, .. } = read;
        let Some(event_type) = event_type else { return Err(not_tagged("it has no `type`")) };
        let mut head = head.clone();
        // The builder's settings take precedence.
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

/// Reads the members of the event's head, and rejects unknown members.
struct ReadHead<'a> {
    scratch: &'a mut Buffer,
    id: Option<IdField>,
    event_type: Option<EventTypeField>,
}

impl ReadHead<'_> {
    /// Passes the value's JSON to `read`.
    fn json<R>(
        &mut self,
        value: &impl Value,
        read: impl FnOnce(&[u8]) -> Result<R, Error>,
    ) -> Result<Option<R>, Error> {
        let start = self.scratch.len();
        value.write(self.scratch)?;
        let result = read(&self.scratch.as_slice()[start..]);
        self.scratch.truncate(start);
        result.map(Some)
    }
}

impl Visitor for ReadHead<'_> {
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        match &*key.text() {
            b"data" => {}
            b"id" => self.id = self.json(value, item::id_from_json)?,
            b"type" => self.event_type = self.json(value, item::event_type_from_json)?,
            other => {
                let name = String::from_utf8_lossy(other);
                return Err(not_tagged(format!("it has a member `{name}`")));
            }
        }
        Ok(())
    }
}

/// Writes the content.
struct WriteContent<'a> {
    buffer: &'a mut Buffer,
    written: bool,
}

impl Visitor for WriteContent<'_> {
    fn member(&mut self, key: Key<'_>, value: &impl Value) -> Result<(), Error> {
        if *key.text() == *b"data" && !self.written {
            self.written = true;
            value.write(self.buffer)?;
        }
        Ok(())
    }
}
