//! The HTTP side: headers, the last event ID, soft refusals.

pub mod header;
mod last_event_id;
mod refusal;

pub use self::{last_event_id::LastEventId, refusal::StopReconnecting};
