//! A value that is not a serde enum, such as a `serde_json::Value`, but has the members of one:
//! `type`, `data` and `id`.

use serde::Serialize;

use super::tag::{Form, Tag};
use crate::{
    buffer::Buffer,
    data::item,
    error::{Error, Kind},
    json::{PartName, scan},
    merge::{self, Key, Keys, Part, Rule, Source, Typed},
};

fn members<T: Serialize>(value: &T) -> impl Source {
    Typed { value, part: Part { name: PartName::Data, rule: Rule::Tagged } }
}

/// The members of the head. Leaves `scratch` as it was, unless it fails.
pub(super) fn find<T: Serialize>(value: &T, scratch: &mut Buffer) -> Result<Tag, Error> {
    let start = scratch.len();
    let mut found = HeadMembers { id: None, event_type: None, other: None };
    merge::write_some(scratch, &members(value), &mut found)?;
    if let Some(name) = found.other {
        return Err(not_tagged(format!("it has a member `{name}`")));
    }
    let json = |at: usize| scan::first_value(&scratch.as_slice()[at..]);
    let id = found.id.map(|at| item::id_from_json(json(at))).transpose()?;
    let Some(event_type) = found.event_type else {
        return Err(not_tagged("it has no `type`"));
    };
    let event_type = item::event_type_from_json(json(event_type))?;
    scratch.truncate(start);
    Ok(Tag { form: Form::Named, event_type, id })
}

/// Appends the member `data`.
pub(super) fn write_content<T: Serialize>(buffer: &mut Buffer, value: &T) -> Result<(), Error> {
    let start = buffer.len();
    let mut content = Content(None);
    merge::write_some(buffer, &members(value), &mut content)?;
    match content.0 {
        Some(content) => {
            let len = buffer.len() - content;
            buffer.as_mut_slice().copy_within(content.., start);
            buffer.truncate(start + len);
        }
        None => buffer.put(b"null"),
    }
    Ok(())
}

/// Where the content begins: the last member `data`. Only these members are written.
struct Content(Option<usize>);

impl Keys for Content {
    #[inline(always)]
    fn skips(&mut self, text: &[u8]) -> bool {
        text != b"data"
    }

    #[inline(always)]
    fn written(&mut self, _: &mut Buffer, key: Key, _: &[u8]) -> bool {
        self.0 = Some(key.value());
        false
    }
}

/// Where the members of the event's head begin; only they are written.
struct HeadMembers {
    id: Option<usize>,
    event_type: Option<usize>,
    /// The name of a member other than `type`, `data` and `id`.
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

#[cold]
fn not_tagged(found: impl Into<String>) -> Error {
    Kind::NotTagged { found: found.into() }.into()
}
