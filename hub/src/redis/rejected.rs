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
    /// The entry's id in the log: without the digest that an event's id has.
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

/// A kind of rejected entry: the field, and the reason.
type Kind = (Option<&'static str>, Option<&'static str>, u8);

/// The hooks of the driver.
#[derive(Default)]
pub(super) struct Reporter {
    pub(super) on_rejected_entry: Option<Hook<RejectedEntry>>,
    pub(super) on_error: Option<Hook<Error>>,
    /// The kinds that have been reported.
    reported: HashSet<Kind>,
}

impl Reporter {
    pub(super) fn rejected_entry(&mut self, position: Position, error: Error) {
        // The fields and reasons are a few constants, the rest a few bits: it stays small.
        let is_new = self.reported.insert(kind(&error));
        if let Some(hook) = self.on_rejected_entry.as_mut().filter(|_| is_new) {
            let (epoch, n) = position.numbers();
            hook(RejectedEntry { id: Position::new(epoch, n).to_id(), error });
        }
    }

    pub(super) fn error(&mut self, error: Error) {
        if let Some(hook) = &mut self.on_error {
            hook(error);
        }
    }
}

fn kind(error: &Error) -> Kind {
    let encode =
        |question: fn(&sse_encoder::Error) -> bool| error.encode_error().is_some_and(question);
    let questions = [
        encode(sse_encoder::Error::is_forbidden_byte),
        encode(sse_encoder::Error::is_too_large) || error.is_name_too_long(),
        error.is_duplicate_id(),
        error.is_empty_id(),
        error.is_reserved_id(),
        error.is_reserved_type(),
        error.is_not_single_frame(),
        error.is_stale_position(),
    ];
    let bits = questions.into_iter().fold(0, |bits, yes| bits << 1 | u8::from(yes));
    (error.field(), error.reason(), bits)
}
