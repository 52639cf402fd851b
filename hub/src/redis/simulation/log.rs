//! A log with everything that can happen to one: entries, a clock, memory of older states, and
//! connections whose answers come late, or not at all.

use std::{
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
    time::Duration,
};

use crate::{
    error::Error,
    position::{Check, Position},
    redis::source::{Connector, Entry, News, Source},
};

pub(super) type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// How many ends of streams are kept.
pub(super) const MOST_ENDS: usize = 6;

/// How an event has left the log.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Loss {
    /// With all that is older.
    Trimmed,
    /// Alone.
    Deleted,
    /// With all that is newer.
    RolledBack,
    /// With everything.
    Emptied,
}

/// An entry, and what it is.
#[derive(Clone)]
pub(super) struct Stored {
    pub(super) entry: Entry,
    pub(super) kind: Kind,
}

/// The kinds of entries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// The event with this number.
    Event(usize),
    /// The end of streams with this number.
    End(usize),
    /// A mark, or another program's.
    Other,
}

impl Stored {
    const fn event(&self) -> Option<usize> {
        if let Kind::Event(event) = self.kind { Some(event) } else { None }
    }

    const fn end(&self) -> Option<usize> {
        if let Kind::End(end) = self.kind { Some(end) } else { None }
    }
}

#[derive(Clone, Default)]
pub(super) struct Content {
    pub(super) entries: Vec<Stored>,
    /// The ends of streams: the newest ones are in a key of their own.
    ends: Vec<Stored>,
    newest: (u64, u64),
    added: usize,
}

#[derive(Default)]
pub(super) struct SimLog {
    pub(super) content: Content,
    /// Older contents, which can be restored.
    pub(super) snapshots: Vec<Content>,
    /// Of the log's machine, in milliseconds.
    pub(super) clock: u64,
    /// How many entries are kept at least.
    pub(super) max_len: usize,
    /// The largest answer in bytes.
    pub(super) max_answer: usize,
    pub(super) refuses_marks: bool,
    /// Numbers that are never given twice, for nonces and positions of an empty log.
    numbers: u64,
    was_emptied: bool,
    went_back: bool,
    /// One more than the newest event's number.
    events: usize,
    /// The events that were lost since this was read last.
    pub(super) lost: Vec<(usize, Loss)>,
    /// The ends of streams that were lost since this was read last.
    pub(super) lost_ends: Vec<usize>,
}

impl SimLog {
    pub(super) fn append(&mut self, fields: Fields, kind: Kind) -> (u64, u64) {
        let (ms, seq) = self.content.newest;
        self.content.newest = if self.clock > ms { (self.clock, 0) } else { (ms, seq + 1) };
        let entry = Entry::new(self.content.newest, fields);
        let stored = Stored { entry, kind };
        self.events = stored.event().map_or(self.events, |event| event + 1);
        if stored.event().is_some() && std::mem::take(&mut self.was_emptied) {
            // Where the clock goes back as well, nothing tells the older content from a newer one.
            self.snapshots.clear();
        }
        if stored.end().is_some() {
            self.content.ends.push(stored.clone());
        }
        self.content.entries.push(stored);
        self.content.added += 1;
        let excess = self.content.entries.len().saturating_sub(self.max_len);
        self.trim(excess);
        self.content.newest
    }

    pub(super) fn nonce(&mut self) -> Vec<u8> {
        self.numbers += 1;
        self.numbers.to_string().into_bytes()
    }

    pub(super) fn set_back(&mut self, time: u64) {
        self.clock = self.clock.saturating_sub(time);
        self.went_back |= time > 0;
    }

    /// A server starts. After the clock went back it may take an older content for a new one.
    pub(super) fn begin_server(&mut self) {
        if self.went_back {
            self.snapshots.clear();
        }
    }

    fn lose(&mut self, entries: impl IntoIterator<Item = Stored>, how: Loss) {
        let entries: Vec<_> = entries.into_iter().collect();
        let events: Vec<_> = entries.iter().filter_map(Stored::event).collect();
        if how != Loss::Trimmed {
            self.lost_ends.extend(entries.iter().filter_map(Stored::end));
            // What is lost does not come back.
            let has_lost = |content: &Content| {
                let mut all = content.entries.iter().filter_map(Stored::event);
                all.any(|event| events.contains(&event))
            };
            self.snapshots.retain(|content| !has_lost(content));
        }
        self.lost.extend(events.into_iter().map(|event| (event, how)));
    }

    pub(super) fn trim(&mut self, count: usize) {
        let count = count.min(self.content.entries.len());
        let gone: Vec<_> = self.content.entries.drain(..count).collect();
        self.lose(gone, Loss::Trimmed);
    }

    pub(super) fn delete(&mut self, index: usize) {
        let gone = self.content.entries.remove(index);
        self.lose([gone], Loss::Deleted);
    }

    /// The newest entries are lost, as after a crash; the server continues after the one before.
    pub(super) fn lose_tail(&mut self, count: usize) {
        let kept = self.content.entries.len() - count;
        let gone = self.content.entries.split_off(kept);
        self.content.newest =
            self.content.entries.last().map_or((0, 0), |stored| stored.entry.position.numbers());
        // Both were written in one transaction.
        self.content.ends.retain(|end| gone.iter().all(|stored| stored.end() != end.end()));
        self.lose(gone, Loss::RolledBack);
    }

    /// All is lost, or all but the key of the ends of streams.
    pub(super) fn empty(&mut self, keeps_ends: bool) {
        let Content { entries, ends, .. } = std::mem::take(&mut self.content);
        if keeps_ends {
            self.content.ends = ends;
        } else {
            self.lost_ends.extend(ends.iter().filter_map(Stored::end));
        }
        self.was_emptied = true;
        let events = entries.into_iter().filter(|stored| stored.event().is_some());
        self.lose(events, Loss::Emptied);
        self.lost.extend((0..self.events).map(|event| (event, Loss::Emptied)));
    }

    /// An older content comes back, with entries that were trimmed since.
    pub(super) fn restore(&mut self, content: Content) {
        let is_kept = |stored: &Stored| {
            content.entries.iter().any(|other| other.entry.position == stored.entry.position)
        };
        let (_, gone): (Vec<_>, Vec<_>) =
            self.content.entries.drain(..).partition(|stored| is_kept(stored));
        let ends = std::mem::take(&mut self.content.ends);
        let is_lost = |end: &Stored| content.ends.iter().all(|other| other.end() != end.end());
        self.lost_ends.extend(ends.iter().filter(|end| is_lost(end)).filter_map(Stored::end));
        self.lose(gone, Loss::RolledBack);
        // As if those that were trimmed since had never been there.
        let newest = content.entries.iter().filter_map(Stored::event).max();
        let later = newest.map_or(0, |newest| newest + 1)..self.events;
        self.lost.extend(later.map(|event| (event, Loss::RolledBack)));
        self.content = content;
    }

    fn answer(&mut self, request: &Request) -> Result<Answer, Error> {
        let entries = || self.content.entries.iter().map(|stored| &stored.entry);
        let found: Vec<Entry> = match *request {
            Request::Newest(before, count) => {
                let is_before = |entry: &&Entry| {
                    before.is_none_or(|at| entry.position.numbers() < at.numbers())
                };
                entries().rev().filter(is_before).take(count).cloned().collect()
            }
            Request::From(position, count) => {
                let is_from = |entry: &&Entry| entry.position.numbers() >= position.numbers();
                entries().filter(is_from).take(count).cloned().collect()
            }
            Request::Wait(after, count) => {
                let is_after =
                    |entry: &&Entry| after.is_none_or(|at| entry.position.numbers() > at.numbers());
                entries().filter(is_after).take(count).cloned().collect()
            }
            Request::Ends => {
                let ends = self.content.ends.iter().map(|stored| stored.entry.clone());
                ends.skip(self.content.ends.len().saturating_sub(MOST_ENDS)).collect()
            }
            Request::IsComplete => {
                return Ok(Answer::Yes(self.content.added == self.content.entries.len()));
            }
            Request::Mark => {
                if !self.refuses_marks {
                    let fields = vec![(b"mark".to_vec(), self.nonce())];
                    self.append(fields, Kind::Other);
                }
                return Ok(Answer::Yes(!self.refuses_marks));
            }
            Request::BeforeAll => {
                self.numbers += 1;
                let check = Check::of_gap(self.numbers << 30);
                let position = Position::new(self.clock.saturating_sub(1_000), self.numbers);
                return Ok(Answer::At(Position { check, ..position }));
            }
            Request::Pause => return Ok(Answer::Yes(true)),
        };
        let last = match *request {
            Request::Wait(Some(at), _) => {
                entries().find(|entry| entry.position.numbers() == at.numbers()).cloned()
            }
            _ => None,
        };
        if found.iter().map(Entry::size).sum::<usize>() > self.max_answer {
            return Err(Error::connection("the answer is too large"));
        }
        Ok(Answer::Entries(found, last))
    }
}

#[derive(Clone, Copy, Debug)]
enum Request {
    Newest(Option<Position>, usize),
    From(Position, usize),
    Wait(Option<Position>, usize),
    Ends,
    IsComplete,
    Mark,
    BeforeAll,
    Pause,
}

#[derive(Debug)]
enum Answer {
    Entries(Vec<Entry>, Option<Entry>),
    Yes(bool),
    At(Position),
}

#[derive(Default)]
struct Slot {
    request: Option<Request>,
    answer: Option<Result<Answer, Error>>,
    has_given_ends: bool,
}

/// A server's way to the log: one request at a time, which the scheduler answers.
#[derive(Clone)]
pub(super) struct Way {
    log: Arc<Mutex<SimLog>>,
    slot: Arc<Mutex<Slot>>,
}

impl Way {
    pub(super) fn new(log: Arc<Mutex<SimLog>>) -> Self {
        Self { log, slot: Arc::default() }
    }

    fn slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap()
    }

    async fn ask(&self, request: Request) -> Result<Answer, Error> {
        {
            let mut slot = self.slot();
            (slot.request, slot.answer) = (Some(request), None);
        }
        poll_fn(|_| match self.slot().answer.take() {
            Some(answer) => Poll::Ready(answer),
            None => Poll::Pending,
        })
        .await
    }

    async fn ask_for_entries(
        &self,
        request: Request,
    ) -> Result<(Vec<Entry>, Option<Entry>), Error> {
        match self.ask(request).await? {
            Answer::Entries(entries, last) => Ok((entries, last)),
            _ => unreachable!("an answer to another request"),
        }
    }

    async fn ask_whether(&self, request: Request) -> Result<bool, Error> {
        Ok(matches!(self.ask(request).await?, Answer::Yes(true)))
    }

    /// The log answers the request; the server gets the answer when it is polled next.
    pub(super) fn execute(&self) {
        let request = self.slot().request.take();
        if let Some(request) = request {
            let answer = self.log.lock().unwrap().answer(&request);
            self.slot().answer = Some(answer);
        }
    }

    /// Whether the server has read the ends of streams.
    pub(super) fn has_given_ends(&self) -> bool {
        self.slot().has_given_ends
    }

    /// The connection ends: a request, or its answer, is lost. `takes_effect`: only the answer.
    pub(super) fn cut(&self, takes_effect: bool) {
        if takes_effect {
            self.execute();
        }
        let mut slot = self.slot();
        if slot.request.take().is_some() || slot.answer.is_some() {
            slot.answer = Some(Err(Error::connection("cut")));
        }
    }
}

impl Connector for Way {
    type Source = Self;

    async fn open(&self, _: Duration) -> Result<Self, Error> {
        Ok(self.clone())
    }

    async fn pause(&self, _: Duration) {
        let _ = self.ask(Request::Pause).await;
    }
}

impl Source for Way {
    async fn newest(
        &mut self,
        before: Option<Position>,
        count: usize,
    ) -> Result<Vec<Entry>, Error> {
        Ok(self.ask_for_entries(Request::Newest(before, count)).await?.0)
    }

    async fn from(&mut self, position: Position, count: usize) -> Result<Vec<Entry>, Error> {
        Ok(self.ask_for_entries(Request::From(position, count)).await?.0)
    }

    async fn wait(&mut self, after: Option<Position>, count: usize) -> Result<News, Error> {
        let (entries, last) = self.ask_for_entries(Request::Wait(after, count)).await?;
        Ok(News { entries, last })
    }

    async fn is_complete(&mut self) -> Result<bool, Error> {
        self.ask_whether(Request::IsComplete).await
    }

    async fn mark(&mut self) -> Result<bool, Error> {
        self.ask_whether(Request::Mark).await
    }

    async fn endings(&mut self) -> Result<Result<Vec<Entry>, Error>, Error> {
        // Without any it takes no step: then a run is as if nothing could end.
        let is_empty = self.log.lock().unwrap().content.ends.is_empty();
        let ends = if is_empty { Vec::new() } else { self.ask_for_entries(Request::Ends).await?.0 };
        self.slot().has_given_ends = true;
        Ok(Ok(ends))
    }

    async fn before_all(&mut self) -> Result<Position, Error> {
        match self.ask(Request::BeforeAll).await? {
            Answer::At(position) => Ok(position),
            _ => unreachable!("an answer to another request"),
        }
    }
}
