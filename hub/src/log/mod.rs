//! The log: what has been published, in one order, as far as it is retained. It knows no waiter.

mod append;
mod bounds;
mod index;
mod read;
mod retained;
mod ring;
#[cfg(test)]
mod tests;

pub(crate) use self::{
    append::{Append, BoxFuture, Draft, Log, Outcome},
    bounds::Bounds,
    read::Next,
    retained::{Numbering, Removed, Retained},
};
