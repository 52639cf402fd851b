//! The log on Redis, for the hub's handles.

use std::sync::Arc;

use sse_encoder::LastEventId;
use tokio::{
    sync::{mpsc, oneshot},
    task::coop::consume_budget,
};

use super::{
    link::Link,
    queue::{Command, EntryId, NewEntry},
    record,
};
use crate::{
    ending::Ending,
    error::Error,
    feed::Feed,
    log::{Append, BoxFuture, Draft, Log, Outcomes},
    random,
    status::Status,
    sync::{AtomicU64, Mutex, Ordering, lock},
};

pub(super) struct RedisLog {
    feed: Arc<Feed>,
    link: Arc<Link>,
    /// `None` once the hub is closed.
    queue: Mutex<Option<mpsc::Sender<Command>>>,
    /// The number of the next event's nonce; the first one is random.
    nonce: AtomicU64,
}

impl RedisLog {
    pub(super) fn new(feed: Arc<Feed>, link: Arc<Link>, queue: mpsc::Sender<Command>) -> Self {
        let nonce = AtomicU64::new(random::number());
        Self { feed, link, queue: Mutex::new(Some(queue)), nonce }
    }

    /// The event as an entry.
    fn entry(&self, draft: &Draft<'_>) -> Result<NewEntry, Error> {
        let own_id = draft.event.id();
        if let Some(id) = &own_id {
            self.feed.read_open()?.check_id(id, draft.topics)?;
        } else {
            drop(self.feed.read_open()?);
        }
        let id = if draft.event.lacks_id() { EntryId::Automatic } else { EntryId::Own(own_id) };
        let mut fields = record::fields(draft)?;
        fields.push(record::nonce(self.nonce.fetch_add(1, Ordering::Relaxed)));
        Ok(NewEntry { fields, id })
    }

    /// Hands the command to the driver, and awaits its answer.
    fn hand_over<T: Send + 'static>(
        &self,
        (command, outcome): (Command, oneshot::Receiver<Result<T, Error>>),
    ) -> Result<Append<Result<T, Error>>, Error> {
        if let Some(refusal) = self.link.refusal() {
            return Ok(Append::Pending(Box::pin(async move {
                // A loop that publishes until it succeeds must let the driver run.
                consume_budget().await;
                Err(refusal)
            })));
        }
        let queue = lock(&self.queue).clone().ok_or_else(Error::closed)?;
        Ok(Append::Pending(Box::pin(async move {
            if queue.send(command).await.is_err() {
                return Err(Error::not_appended("the driver has ended"));
            }
            drop(queue);
            let unknown = || Error::outcome_unknown("the driver has ended");
            outcome.await.unwrap_or_else(|_| Err(unknown()))
        })))
    }
}

impl Log for RedisLog {
    fn append(&self, draft: Draft<'_>) -> Append {
        let entry = self.entry(&draft);
        let append = entry.and_then(|entry| self.hand_over(Command::one(entry)));
        append.unwrap_or_else(|error| Append::Done(Some(Err(error))))
    }

    fn append_all(&self, drafts: Vec<Draft<'_>>) -> Append<Outcomes> {
        if drafts.is_empty() {
            return Append::Done(Some(Ok(Vec::new())));
        }
        let entries: Result<Vec<_>, _> = drafts.iter().map(|draft| self.entry(draft)).collect();
        let append = entries.and_then(|entries| self.hand_over(Command::all(entries)));
        append.unwrap_or_else(|error| Append::Done(Some(Err(error))))
    }

    fn end(&self, ending: Ending) -> Append<Result<(), Error>> {
        let open = self.feed.read_open().map(drop);
        let mut fields = record::ending_fields(&ending);
        fields.push(record::nonce(self.nonce.fetch_add(1, Ordering::Relaxed)));
        let entry = NewEntry { fields, id: EntryId::Automatic };
        let append = open.and_then(|()| self.hand_over(Command::end(entry)));
        append.unwrap_or_else(|error| Append::Done(Some(Err(error))))
    }

    fn is_in_memory(&self) -> bool {
        false
    }

    fn status(&self) -> Status {
        self.link.status()
    }

    fn live(&self) -> BoxFuture<Status> {
        Box::pin(self.link.clone().live())
    }

    fn wait_for(&self, last: &LastEventId) -> BoxFuture<bool> {
        Box::pin(self.link.clone().wait_for(self.feed.clone(), last.clone()))
    }

    fn rejected(&self) -> u64 {
        self.link.rejected.load(Ordering::Relaxed)
    }

    fn reconnects(&self) -> u64 {
        self.link.reconnects.load(Ordering::Relaxed)
    }

    fn close(&self) {
        lock(&self.queue).take();
        if !self.link.is_running() {
            // There is no driver that would end.
            self.link.end();
        }
    }
}
