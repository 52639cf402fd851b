//! The queue of events on their way to the driver. Each gets exactly one answer.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
};

use sse_encoder::EventId;
use tokio::sync::{mpsc, oneshot};

use super::{record::Field, source::check};
use crate::{
    error::Error,
    log::{Outcome, Outcomes},
    position::Position,
};

/// How many events the queue holds; further publishers wait for a place.
const CAPACITY: usize = 1_024;
/// How many events, and about how many bytes, are sent in one go.
const BATCH_EVENTS: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// One event to be appended, or several as one.
pub(super) struct Command {
    pub(super) work: Work,
    /// How often a server has named another one.
    pub(super) redirections: usize,
}

pub(super) enum Work {
    One(NewEntry, oneshot::Sender<Outcome>),
    /// All of them, without others between them, or none.
    All(Vec<NewEntry>, oneshot::Sender<Outcomes>),
    /// The end of some streams, in the stream and in the key of the endings, or in neither.
    End(NewEntry, oneshot::Sender<Result<(), Error>>),
}

/// An entry to be appended.
pub(super) struct NewEntry {
    pub(super) fields: Vec<Field>,
    /// The event's id on the wire.
    pub(super) id: EntryId,
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
    pub(super) fn one(entry: NewEntry) -> (Self, oneshot::Receiver<Outcome>) {
        let (answer, outcome) = oneshot::channel();
        (Self { work: Work::One(entry, answer), redirections: 0 }, outcome)
    }

    /// The same for several entries.
    pub(super) fn all(entries: Vec<NewEntry>) -> (Self, oneshot::Receiver<Outcomes>) {
        let (answer, outcomes) = oneshot::channel();
        (Self { work: Work::All(entries, answer), redirections: 0 }, outcomes)
    }

    /// The same for the end of some streams.
    pub(super) fn end(entry: NewEntry) -> (Self, oneshot::Receiver<Result<(), Error>>) {
        let (answer, outcome) = oneshot::channel();
        (Self { work: Work::End(entry, answer), redirections: 0 }, outcome)
    }

    pub(super) fn entries(&self) -> &[NewEntry] {
        match &self.work {
            Work::One(entry, _) | Work::End(entry, _) => std::slice::from_ref(entry),
            Work::All(entries, _) => entries,
        }
    }

    /// The log gave the entries these numbers, of which there must be as many.
    pub(super) fn appended(self, numbers: &[(u64, u64)]) {
        match (self.work, numbers) {
            (Work::One(entry, answer), [at]) => send(answer, Ok(entry.id_at(*at))),
            (Work::All(entries, answer), numbers) if entries.len() == numbers.len() => {
                let ids = entries.into_iter().zip(numbers);
                send(answer, Ok(ids.map(|(entry, at)| entry.id_at(*at)).collect()));
            }
            (Work::End(_, answer), [_, _]) => send(answer, Ok(())),
            (work, _) => work.failed(Error::outcome_unknown("the answer is not the entries' ids")),
        }
    }

    pub(super) fn failed(self, error: Error) {
        self.work.failed(error);
    }

    fn size(&self) -> usize {
        let fields = self.entries().iter().flat_map(|entry| &entry.fields);
        fields.map(|(name, value)| name.len() + value.len()).sum()
    }
}

impl Work {
    fn failed(self, error: Error) {
        match self {
            Self::One(_, answer) => send(answer, Err(error)),
            Self::All(_, answer) => send(answer, Err(error)),
            Self::End(_, answer) => send(answer, Err(error)),
        }
    }
}

/// Answers a publisher, which may have been dropped. Its waker is user code: if it panics, the
/// driver goes on.
fn send<T>(answer: oneshot::Sender<T>, outcome: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| answer.send(outcome)));
}

impl NewEntry {
    /// The event's id, once the log has given the entry these numbers.
    fn id_at(self, (epoch, n): (u64, u64)) -> Option<EventId> {
        let fields = || self.fields.iter().map(|(name, value)| (name.as_bytes(), &value[..]));
        match self.id {
            EntryId::Automatic => Some(Position { epoch, n, check: check(fields()) }.to_id()),
            EntryId::Own(id) => id,
        }
    }
}

pub(super) struct Queue {
    commands: mpsc::Receiver<Command>,
    /// Events refused by a server that named another one, or taken too early, in order.
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
    /// Dropping the future loses no event. Events to be appended as one come alone.
    pub(super) async fn batch(&mut self) -> Option<Vec<Command>> {
        let first = self.next().await?;
        let mut bytes = first.size();
        let is_one = |command: &Command| matches!(command.work, Work::One(..));
        let is_alone = !is_one(&first);
        let mut batch = vec![first];
        while !is_alone && batch.len() < BATCH_EVENTS && bytes < BATCH_BYTES {
            let waiting = self.returned.pop_front().or_else(|| self.commands.try_recv().ok());
            let Some(command) = waiting else { break };
            if !is_one(&command) {
                self.returned.push_front(command);
                break;
            }
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

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        task::{Context, Wake, Waker},
    };

    use futures_util::FutureExt;

    use super::*;

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("as asked");
        }
    }

    #[test]
    fn a_publisher_whose_waker_panics_does_not_end_the_driver() {
        let waker = Waker::from(Arc::new(Panics));
        for is_appended in [true, false] {
            let entry = NewEntry { fields: Vec::new(), id: EntryId::Automatic };
            let (command, mut outcome) = Command::one(entry);
            assert!(outcome.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
            if is_appended {
                command.appended(&[(1, 1)]);
            } else {
                command.failed(Error::not_appended("full"));
            }
            let outcome = outcome.now_or_never().unwrap().unwrap();
            assert_eq!(outcome.is_ok(), is_appended);
        }
    }
}
