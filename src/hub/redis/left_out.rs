//! Entries that others wrote and that cannot be frames, and failures of the connection: told to
//! whom wants to hear of them.

use std::{collections::HashSet, fmt};

use crate::{error::Error, hub::position::Position, value::EventId};

/// An entry of the log that reaches no subscriber, as it cannot be an event; from
/// [`Driver::on_left_out`](super::Driver::on_left_out).
///
/// ```
/// # async fn driver(hub: sse_encoder::HubBuilder) -> Result<(), sse_encoder::Error> {
/// let (hub, driver) = hub.redis("redis://127.0.0.1/", "orders")?;
/// let driver = driver.on_left_out(|entry| eprintln!("{}: {}", entry.id(), entry.error()));
/// # drop((hub, driver));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct LeftOut {
    id: EventId,
    error: Error,
}

impl LeftOut {
    /// The entry's id in the log.
    pub const fn id(&self) -> &EventId {
        &self.id
    }

    /// Why it cannot be an event.
    pub const fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for LeftOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the entry {} is left out: {}", self.id, self.error)
    }
}

type Hook<T> = Box<dyn FnMut(T) + Send>;

/// The hooks of whoever runs the driver.
#[derive(Default)]
pub(super) struct Reporter {
    pub(super) on_left_out: Option<Hook<LeftOut>>,
    pub(super) on_error: Option<Hook<Error>>,
    /// The kinds that have been reported.
    reported: HashSet<(Option<&'static str>, u8)>,
}

impl Reporter {
    pub(super) fn left_out(&mut self, position: Position, error: Error) {
        // The fields are a few names, the kinds a few bits: it stays small.
        let is_new = self.reported.insert((error.field(), kind(&error)));
        if let Some(hook) = self.on_left_out.as_mut().filter(|_| is_new) {
            hook(LeftOut { id: position.to_id(), error });
        }
    }

    pub(super) fn error(&mut self, error: Error) {
        if let Some(hook) = &mut self.on_error {
            hook(error);
        }
    }
}

fn kind(error: &Error) -> u8 {
    let questions = [error.is_forbidden_byte(), error.is_too_large(), error.is_duplicate_id()];
    questions.into_iter().fold(0, |kind, yes| kind << 1 | u8::from(yes))
}
