use serde::Serialize;

use super::owned::{Data, Owned, sealed::Sealed};
use crate::{
    buffer::Buffer,
    error::Error,
    json::PartName,
    merge::{self, Part, Rule, Typed},
    wire::{Frame, Head},
};

/// Two values as one JSON object.
///
/// ```
/// use sse_encoder::{Event, data::Merge};
/// use serde_json::{Value, json};
///
/// fn event(row: &Value) -> Event<Merge<&Value, Value>> {
///     Event::merge(row, json!({"from": "cache"}))
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Merge<D, O> {
    pub(crate) data: D,
    pub(crate) other: O,
    pub(crate) spread: bool,
}

impl<D: Serialize, O: Serialize> Merge<D, O> {
    #[inline]
    fn write_object(&self, buffer: &mut Buffer) -> Result<(), Error> {
        let rule = if self.spread { Rule::Spread } else { Rule::Object };
        let data = Typed { value: &self.data, part: Part { name: PartName::Data, rule } };
        let part = Part { name: PartName::Other, rule: Rule::Object };
        merge::write(buffer, &data, &Typed { value: &self.other, part })
    }
}

impl<D: Serialize, O: Serialize> Data for Merge<D, O> {}

impl<D: Serialize, O: Serialize> Sealed for Merge<D, O> {
    #[inline]
    fn write(&self, head: &Head, frame: &mut Frame<'_, '_>) -> Result<(), Error> {
        self.write_object(frame.head_and_data_line(head)?)
    }

    fn into_owned(self, head: Head) -> (Head, Owned) {
        let data = Owned::json(|buffer| self.write_object(buffer));
        (head, data)
    }
}
