//! The log: the published events in one order, as far as they are retained. It knows no waiter.

mod append;
mod bounds;
mod client;
mod counted;
mod index;
mod latest;
mod own_ids;
mod read;
mod retained;
mod ring;
mod spans;
#[cfg(test)]
mod tests;
mod visits;

pub(crate) use self::{
    append::{Append, BoxFuture, Draft, Log, Names, Outcome, Outcomes},
    bounds::Bounds,
    client::{ClientPosition, Loss, PositionId, Resumed, ToldLoss},
    latest::REMOVED,
    read::Next,
    retained::{Numbering, Retained, Slot},
};
