//! The syntax of an event stream.

mod encoded;
mod frame;
mod head;
mod line;

pub use self::{encoded::Encoded, frame::Frames};
pub(crate) use self::{
    encoded::Shape,
    frame::{Frame, Settings, count_events},
    head::{Defaults, EventTypeField, Head, IdField},
};
