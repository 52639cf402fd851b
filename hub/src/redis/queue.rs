//! The queue of events on their way to the driver. Each gets exactly one answer.

use std::collections::VecDeque;

use sse_encoder::EventId;
use tokio::sync::{mpsc, oneshot};

use super::{record::Field, source::check};
use crate::{error::Error, log::Outcome, position::Position};

/// How many events the queue holds; further publishers wait for a place.
const CAPACITY: usize = 1_024;
/// How many events, and about how many bytes, are sent in one go.
const BATCH_EVENTS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// An event to be appended.
pub(super) struct Command {
    pub(super) fields: Vec<Field>,
    /// Its id on the wire.
    pub(super) id: EntryId,
    /// How often a server has named another one.
    pub(super) redirections: usize,
    answer: oneshot::Sender<Outcome>,
}

/// The id of an event on the wire.
pub(super) enum EntryId {
    /// The entry's id.
    Automatic,
    /// An id of its own, or no id.
    Own(Option<EventId>),
}

impl Command {
    /// A command, and the receiver of its answer. If the driver drops the command, the outcome is
    /// unknown.
    pub(super) fn new(fields: Vec<Field>, id: EntryId) -> (Self, oneshot::Receiver<Outcome>) {
        let (answer, outcome) = oneshot::channel();
        (Self { fields, id, redirections: 0, answer }, outcome)
    }

    /// The log gave the entry these numbers.
    pub(super) fn appended(self, (epoch, n): (u64, u64)) {
        let fields = || self.fields.iter().map(|(name, value)| (name.as_bytes(), &value[..]));
        let id = match self.id {
            EntryId::Automatic => Some(Position { epoch, n, check: check(fields()) }.to_id()),
            EntryId::Own(id) => id,
        };
        // The publisher may have been dropped.
        let _ = self.answer.send(Ok(id));
    }

    pub(super) fn failed(self, error: Error) {
        let _ = self.answer.send(Err(error));
    }

    fn size(&self) -> usize {
        self.fields.iter().map(|(name, value)| name.len() + value.len()).sum()
    }
}

pub(super) struct Queue {
    commands: mpsc::Receiver<Command>,
    /// Events refused by a server that named another one, in order.
    returned: VecDeque<Command>,
}

impl Queue {
    pub(super) fn new() -> (mpsc::Sender<Command>, Self) {
        let (sender, commands) = mpsc::channel(CAPACITY);
        (sender, Self { commands, returned: VecDeque::new() })
    }

    /// The next event; `None` at the end of the hub.
    async fn next(&mut self) -> Option<Command> {
        match self.returned.pop_front() {
            Some(command) => Some(command),
            None => self.commands.recv().await,
        }
    }

    /// All waiting events, up to a bound; waits for the first one. `None` at the end of the hub.
    /// Dropping the future loses no event.
    pub(super) async fn batch(&mut self) -> Option<Vec<Command>> {
        let first = self.next().await?;
        let mut bytes = first.size();
        let mut batch = vec![first];
        while batch.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
            let waiting = self.returned.pop_front().or_else(|| self.commands.try_recv().ok());
            let Some(command) = waiting else { break };
            bytes += command.size();
            batch.push(command);
        }
        Some(batch)
    }

    /// Puts these back in front, in the same order.
    pub(super) fn give_back(&mut self, commands: Vec<Command>) {
        commands.into_iter().rev().for_each(|command| self.returned.push_front(command));
    }

    /// Refuses every event until the end of the hub.
    pub(super) async fn refuse(&mut self, reason: &str) {
        while let Some(command) = self.next().await {
            command.failed(Error::not_appended(reason));
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.commands.close();
        let unsent =
            self.returned.drain(..).chain(std::iter::from_fn(|| self.commands.try_recv().ok()));
        unsent.for_each(|command| command.failed(Error::not_appended("the driver has ended")));
    }
}
