//! Entries that cannot be events, and failures of the connection: reported to the hooks.

use std::{collections::HashSet, fmt};

use sse_encoder::EventId;

use crate::{error::Error, position::Position};

/// An entry of the log that reaches no subscriber, as it cannot be an event; from
/// [`Driver::on_rejected_entry`](super::Driver::on_rejected_entry).
///
/// ```
/// # async fn driver(hub: sse_hub::HubBuilder) -> Result<(), sse_hub::Error> {
/// let (hub, driver) = hub.redis("redis://127.0.0.1/", "orders")?;
/// let driver = driver.on_rejected_entry(|entry| eprintln!("{}: {}", entry.id(), entry.error()));
/// # drop((hub, driver));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RejectedEntry {
    id: EventId,
    error: Error,
}

impl RejectedEntry {
    /// The entry's id in the log.
    ///
    /// ```
    /// # fn id(entry: &sse_hub::RejectedEntry) {
    /// println!("XRANGE orders {0} {0}", entry.id());
    /// # }
    /// ```
    pub const fn id(&self) -> &EventId {
        &self.id
    }

    /// Why it cannot be an event.
    ///
    /// ```
    /// # fn error(entry: &sse_hub::RejectedEntry) {
    /// if entry.error().is_invalid_entry() {
    ///     println!("not an item: {}", entry.error());
    /// }
    /// # }
    /// ```
    pub const fn error(&self) -> &Error {
        &self.error
    }
}

impl fmt::Display for RejectedEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the entry {} is rejected: {:#}", self.id, self.error)
    }
}

type Hook<T> = Box<dyn FnMut(T) + Send>;

/// The hooks of the driver.
#[derive(Default)]
pub(super) struct Reporter {
    pub(super) on_rejected_entry: Option<Hook<RejectedEntry>>,
    pub(super) on_error: Option<Hook<Error>>,
    /// The kinds that have been reported.
    reported: HashSet<(Option<&'static str>, u8)>,
}

impl Reporter {
    pub(super) fn rejected_entry(&mut self, position: Position, error: Error) {
        // The fields are a few names, the kinds a few bits: it stays small.
        let is_new = self.reported.insert((error.field(), kind(&error)));
        if let Some(hook) = self.on_rejected_entry.as_mut().filter(|_| is_new) {
            hook(RejectedEntry { id: position.to_id(), error });
        }
    }

    pub(super) fn error(&mut self, error: Error) {
        if let Some(hook) = &mut self.on_error {
            hook(error);
        }
    }
}

fn kind(error: &Error) -> u8 {
    let encode = error.encode_error();
    let questions = [
        encode.is_some_and(|error| error.is_forbidden_byte()),
        encode.is_some_and(|error| error.is_too_large()) || error.is_name_too_long(),
        error.is_duplicate_id(),
        error.is_stale_position(),
    ];
    questions.into_iter().fold(0, |kind, yes| kind << 1 | u8::from(yes))
}
