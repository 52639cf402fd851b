//! Between a log and its subscribers: each event is recorded here, in the order of the log, and
//! announced to the subscribers.

mod batch;
mod caught_up;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    mem,
    ops::{Deref, DerefMut},
    sync::Arc,
    task::Waker,
    time::Instant,
};

use sse_encoder::{Encoded, EventId};

use self::caught_up::Readers;
use crate::{
    counts::Counts,
    ending::{Ending, Kind, Reconnect, Time},
    error::Error,
    listeners::Changes,
    log::{Draft, Names, Numbering, Outcome, Retained, Slot},
    owners::{Change, Owners, When},
    position::Position,
    settings::Settings,
    sync::{
        AtomicBool, AtomicU64, AtomicUsize, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard,
        read, write,
    },
    topic::{EVERYTHING, NOTHING, TopicId, Topics, is_fixed},
    wait::{SubscriberCount, Sum, WaitList, WaitLists, WaiterId, wake_all, wake_each_once},
};

pub(crate) struct Feed {
    pub(crate) settings: Settings,
    state: RwLock<State>,
    /// A client whose position is below this needs a checkpoint.
    renew: AtomicU64,
    published: AtomicU64,
    delivered: Sum,
    pub(crate) counts: Counts,
    changes: Changes,
    pub(crate) owners: Owners,
    gaps: AtomicU64,
    /// How many events are retained, and how many bytes they take.
    retained: (AtomicUsize, AtomicUsize),
    is_closed: AtomicBool,
    /// Whether the log still appends events that were published before the hub was closed.
    is_appending: AtomicBool,
    subscribers: SubscriberCount,
    readers: Readers,
}

/// One lock for both: a subscriber joins its lists and takes its position in one step.
pub(crate) struct State {
    pub(crate) retained: Retained,
    pub(crate) lists: WaitLists<Encoded>,
    pub(crate) topics: Topics,
    is_closed: bool,
}

/// A list to announce an event on, and the list's last entry before it.
type Announcement = (Arc<WaitList<Encoded>>, u64);

/// How many lists are fetched under one lock of the log.
const LISTS: usize = 64;

/// The state, locked for reading or exclusively.
pub(crate) enum Locked<'a> {
    Shared(RwLockReadGuard<'a, State>),
    Exclusive(Exclusive<'a>),
}

/// The state, locked exclusively. When it is unlocked, the figures of the retained events are
/// updated.
pub(crate) struct Exclusive<'a> {
    feed: &'a Feed,
    state: RwLockWriteGuard<'a, State>,
}

impl Deref for Exclusive<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Exclusive<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Exclusive<'_> {
    fn drop(&mut self) {
        let (events, bytes) = self.state.retained.size();
        self.feed.retained.0.store(events, Ordering::Relaxed);
        self.feed.retained.1.store(bytes, Ordering::Relaxed);
    }
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        match self {
            Self::Shared(state) => state,
            Self::Exclusive(state) => state,
        }
    }
}

fn each_once(mut topics: Vec<TopicId>) -> Vec<TopicId> {
    topics.sort_unstable();
    topics.dedup();
    topics
}

impl Feed {
    pub(crate) fn new(settings: Settings, numbering: Numbering) -> Arc<Self> {
        // A log elsewhere is still to be read.
        let is_known = !matches!(numbering, Numbering::Given);
        let owners = Owners::new(settings.retain_endings, settings.authorization_age, is_known);
        let state = State {
            retained: Retained::new(numbering, &settings.bounds),
            lists: WaitLists::new(),
            topics: Topics::new(),
            is_closed: false,
        };
        let readers = Readers::new(state.lists.progress.clone());
        Arc::new(Self {
            settings,
            state: RwLock::new(state),
            renew: AtomicU64::new(0),
            published: AtomicU64::new(0),
            delivered: Sum::new(),
            counts: Counts::new(),
            changes: Changes::new(),
            owners,
            retained: (AtomicUsize::new(0), AtomicUsize::new(0)),
            gaps: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            is_appending: AtomicBool::new(false),
            subscribers: SubscriberCount::new(),
            readers,
        })
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        read(&self.state)
    }

    pub(crate) fn write(&self) -> Exclusive<'_> {
        Exclusive { feed: self, state: write(&self.state) }
    }

    /// Records the next event of the log, and wakes the subscribers that wait for it. `given` is
    /// its position in a remote log.
    ///
    /// # Errors
    ///
    /// The hub is closed, or the log [has no slot](Retained::slot) for the event.
    pub(crate) fn record(&self, draft: Draft<'_>, given: Option<Position>) -> Outcome {
        self.record_at(draft, given, Instant::now)
    }

    /// [Records](Self::record) an event of this time, which counts only where there is a longest
    /// age.
    pub(crate) fn record_at(
        &self,
        draft: Draft<'_>,
        given: Option<Position>,
        time: impl FnOnce() -> Instant,
    ) -> Outcome {
        let names = draft.topics;
        let mut wakers = Vec::new();
        let (id, seq, frame, announcements, more) = {
            let mut state = self.write_open()?;
            let now = state.retained.ages().then(time);
            state.trim(now);
            let slot = state.retained.slot(&draft.event, given)?;
            if let Some(id) = &slot.own_id {
                state.check_id(id, names)?;
            }
            let (id, seq) = (slot.id.clone(), slot.seq);
            let (one, several);
            let topics = match names {
                Names::One(name) => {
                    one = [state.topics.id(name)];
                    &one[..]
                }
                Names::Several(_) => {
                    several = state.ids(names);
                    &several[..]
                }
            };
            let frame = state.append(slot, topics, now, draft);
            self.renew(&mut state, &mut wakers);
            let announcements = [topics[0], EVERYTHING].map(|topic| state.announce(topic, seq));
            let more: Vec<_> =
                topics[1..].iter().filter_map(|topic| state.announce(*topic, seq)).collect();
            (id, seq, frame, announcements, more)
        };
        self.published.fetch_add(1, Ordering::Relaxed);
        let announcements = announcements.into_iter().flatten();
        if more.is_empty() {
            announcements.for_each(|(list, before)| list.announce(before, seq, &frame));
            wake_all(&mut wakers);
        } else {
            // A subscriber of several of the topics waits in several of the lists.
            for (list, before) in announcements.chain(more) {
                list.announce_to(before, seq, &frame, &mut wakers);
            }
            wake_each_once(&mut wakers);
        }
        Ok(id)
    }

    /// Wakes some of the clients that soon need a newer position.
    fn renew(&self, state: &mut State, wakers: &mut Vec<Waker>) {
        let renew = state.retained.renew_below();
        self.renew.store(renew, Ordering::Relaxed);
        state.visit(renew, self.subscribers.get(), wakers);
    }

    /// Records that the log has lost events after the newest one here, and continues after this
    /// position. Every subscriber gets a gap, and so does every client that returns with an earlier
    /// position.
    ///
    /// # Errors
    ///
    /// The hub is closed.
    #[cfg_attr(
        not(any(feature = "disk", feature = "redis")),
        allow(dead_code, reason = "for a log elsewhere")
    )]
    pub(crate) fn record_gap(&self, resumed_after: Position) -> Result<(), Error> {
        let lists: Vec<_> = {
            let mut state = self.write_open()?;
            let seq = state.retained.record_gap(resumed_after);
            state.release_unused();
            let lists = state.lists.all().cloned();
            lists.inspect(|list| _ = list.set_last(seq)).collect()
        };
        lists.iter().for_each(|list| list.wake_all());
        Ok(())
    }

    /// Records that nothing is before the next event: see [`Retained::record_beginning`].
    #[cfg(any(feature = "disk", feature = "redis"))]
    pub(crate) fn record_beginning(&self) {
        self.write().retained.record_beginning();
    }

    /// The state, with a list for each of these topics, or for all together if there are no names.
    /// The topics stay known as long as the state is locked. It is locked exclusively only if a
    /// topic is new, or if entries have expired.
    pub(crate) fn watch<'a>(
        &self,
        names: Option<impl Iterator<Item = &'a str> + Clone>,
    ) -> (Locked<'_>, Vec<TopicId>) {
        let Some(names) = names else { return (self.current(), vec![EVERYTHING]) };
        let state = self.current();
        if let Some(topics) = names.clone().map(|name| state.watched(name)).collect() {
            return (state, each_once(topics));
        }
        drop(state);
        let mut state = self.write();
        let topics = names.map(|name| state.watch(name)).collect();
        (Locked::Exclusive(state), each_once(topics))
    }

    /// The state without expired entries.
    pub(crate) fn current(&self) -> Locked<'_> {
        let state = self.read();
        let now = state.retained.ages().then(Instant::now);
        if !now.is_some_and(|now| state.retained.has_expired(now)) {
            return Locked::Shared(state);
        }
        drop(state);
        let mut state = self.write();
        state.trim(now);
        Locked::Exclusive(state)
    }

    /// Forgets the topic of a list, if it has neither entries nor subscribers.
    pub(crate) fn release(&self, topic: TopicId) {
        let is_unused = !is_fixed(topic) && self.read().is_unused(topic);
        if is_unused {
            self.write().release(topic);
        }
    }

    /// Records that the next event of the log, one of these topics, cannot be taken here. The
    /// subscribers of the topics get a gap, and so do their clients that return with an earlier
    /// position.
    ///
    /// # Errors
    ///
    /// The hub is closed, or the position is not beyond the newest one.
    #[cfg_attr(
        not(any(feature = "disk", feature = "redis")),
        allow(dead_code, reason = "for a log elsewhere")
    )]
    pub(crate) fn record_loss(&self, names: Names<'_>, position: Position) -> Result<(), Error> {
        let lists: Vec<_> = {
            let mut state = self.write_open()?;
            let topics = state.ids(names);
            let lists = state.retained.record_loss(&topics, position).map(|seq| {
                let all = topics.iter().copied().chain([EVERYTHING]);
                all.filter_map(|topic| state.announce(topic, seq)).collect()
            });
            topics.iter().for_each(|topic| state.release(*topic));
            lists?
        };
        lists.iter().for_each(|(list, _)| list.wake_all());
        Ok(())
    }

    #[cfg(feature = "redis")]
    pub(crate) fn read_open(&self) -> Result<RwLockReadGuard<'_, State>, Error> {
        let state = self.read();
        if state.is_closed { Err(Error::closed()) } else { Ok(state) }
    }

    fn write_open(&self) -> Result<Exclusive<'_>, Error> {
        let state = self.write();
        if state.is_closed { Err(Error::closed()) } else { Ok(state) }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Closes the hub; `false` if it was closed already.
    pub(crate) fn close(&self) -> bool {
        let lists: Vec<_> = {
            let mut state = self.write();
            if mem::replace(&mut state.is_closed, true) {
                return false;
            }
            self.is_closed.store(true, Ordering::Release);
            state.lists.all().cloned().collect()
        };
        lists.iter().for_each(|list| list.wake_all());
        self.subscribers.signal.notify();
        self.readers.notify();
        true
    }

    /// Ends streams, and gives how many. It takes time in proportion to these.
    pub(crate) fn end(&self, ending: &Ending, when: When) -> usize {
        let mut wakers = Vec::new();
        let Change { mut streams, is_new } = self.owners.end(ending, when, &mut wakers);
        if is_new && ending.kind == Kind::Topic {
            let list = {
                let state = self.read();
                let topic = state.topics.get(&ending.name);
                topic.and_then(|topic| state.lists.get(topic)).cloned()
            };
            let code = ending.reconnect.code();
            streams = list.map_or(0, |list| list.end_all(code, &mut wakers));
        }
        self.owners.count_ending();
        wake_all(&mut wakers);
        // Publishers no longer wait for them.
        self.readers.notify();
        streams
    }

    /// Ends the streams that may have been ended up to this time, as it is no longer known which
    /// ones were. The clients come back.
    #[cfg_attr(
        not(any(feature = "disk", feature = "redis")),
        allow(dead_code, reason = "for a log elsewhere")
    )]
    pub(crate) fn forget_endings(&self, until: Time) {
        let mut wakers = Vec::new();
        self.owners.forget_until(until, &mut wakers);
        let lists: Vec<_> = self.read().lists.all().cloned().collect();
        // Since when a stream without an owner is authorized is unknown.
        for list in lists.iter().filter(|list| !matches!(list.topic, EVERYTHING | NOTHING)) {
            list.end_all(Reconnect::Soon.code(), &mut wakers);
        }
        self.owners.count_ending();
        wake_all(&mut wakers);
        self.readers.notify();
    }

    pub(crate) fn closed(self: &Arc<Self>) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let feed = self.clone();
        self.subscribers.signal.until(move || feed.is_closed())
    }

    /// Ready once the hub is closed, its last subscriber is dropped, and its log has ended.
    pub(crate) fn drained(self: &Arc<Self>) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let feed = self.clone();
        self.subscribers.signal.until(move || {
            let is_appending = feed.is_appending.load(Ordering::Acquire);
            feed.is_closed() && !is_appending && feed.subscribers.get() == 0
        })
    }

    /// Sets whether the log still has to append events that were published before the hub was
    /// closed.
    #[cfg(feature = "disk")]
    pub(crate) fn set_appending(&self, yes: bool) {
        self.is_appending.store(yes, Ordering::Release);
        self.subscribers.signal.notify();
    }

    pub(crate) fn subscribers(&self) -> &SubscriberCount {
        &self.subscribers
    }

    /// Whether a client with this position needs a checkpoint.
    pub(crate) fn needs_checkpoint(&self, client: u64) -> bool {
        client < self.renew.load(Ordering::Relaxed)
    }

    /// How many subscribers have named the topic.
    pub(crate) fn listeners(&self, topic: &str) -> usize {
        let state = self.read();
        let list = state.topics.get(topic).and_then(|topic| state.lists.get(topic));
        list.map_or(0, |list| list.len())
    }

    /// Tells the hook that topics have got or lost listeners: `names` gives these, if there is a
    /// hook.
    pub(crate) fn tell_listeners(&self, names: Option<Vec<Arc<str>>>) {
        if let Some((hook, names)) = self.settings.on_listeners.as_ref().zip(names) {
            self.changes.tell(hook, names, |topic| self.listeners(topic));
        }
    }

    /// The names of these topics, if there is a hook to be told of them.
    pub(crate) fn names_to_tell(
        &self,
        topics: impl Iterator<Item = TopicId>,
    ) -> Option<Vec<Arc<str>>> {
        self.settings.on_listeners.as_ref()?;
        let state = self.read();
        Some(topics.filter_map(|topic| state.topics.name(topic).cloned()).collect())
    }

    /// Counts a gap that a client is told of.
    pub(crate) fn count_gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::Relaxed)
    }

    pub(crate) fn count_delivered(&self, to: WaiterId, number: u64) {
        self.delivered.add(to.spread(), number);
    }

    pub(crate) fn delivered(&self) -> u64 {
        self.delivered.get()
    }

    /// How many events are retained, and how many bytes they take.
    pub(crate) fn retained(&self) -> (usize, usize) {
        (self.retained.0.load(Ordering::Relaxed), self.retained.1.load(Ordering::Relaxed))
    }

    /// How many entries the slowest subscriber is behind the newest one; with `is_retained`, the
    /// slowest of those whose missing entries are all retained. It looks at every subscriber, but
    /// never holds a lock for all of them.
    pub(crate) fn lag(&self, is_retained: bool) -> u64 {
        let (tip, evicted) = {
            let retained = &self.read().retained;
            (retained.tip(), retained.evicted())
        };
        let least = if is_retained { evicted } else { 0 };
        let (mut slowest, mut from) = (None, 0);
        while let Some(lists) = self.some_lists(&mut from) {
            let cursors = lists.iter().filter_map(|(list, _)| list.slowest(least));
            slowest = cursors.chain(slowest).min();
        }
        slowest.map_or(0, |cursor| tip.saturating_sub(cursor))
    }

    /// The next lists, from this topic on, each with its topic's newest lost entry; the list of
    /// [`EVERYTHING`] comes with the last ones. `None` at the end.
    fn some_lists(&self, from: &mut usize) -> Option<Vec<(Arc<WaitList<Encoded>>, u64)>> {
        let state = self.read();
        let len = state.lists.len();
        if *from >= len {
            return None;
        }
        let mut lists = state.lists.some(*from as TopicId, LISTS);
        *from += LISTS;
        if *from >= len {
            lists.extend(state.lists.get(EVERYTHING).cloned());
        }
        let with_lost = |list: Arc<WaitList<_>>| {
            let lost = state.retained.lost(list.topic);
            (list, lost)
        };
        Some(lists.into_iter().map(with_lost).collect())
    }

    pub(crate) fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }
}

impl State {
    /// Fails if an event with this id of its own would be refused in one of these topics.
    pub(crate) fn check_id(&self, id: &EventId, names: Names<'_>) -> Result<(), Error> {
        self.retained.check_id(id, names.iter().filter_map(|name| self.topics.get(name)))
    }

    /// Appends an event in its slot, and makes room. An event without a listener, after
    /// which no client can resume, takes no room.
    #[inline]
    fn append(
        &mut self,
        slot: Slot,
        topics: &[TopicId],
        now: Option<Instant>,
        Draft { topics: names, key, event }: Draft<'_>,
    ) -> Encoded {
        let names_len = names.iter().map(str::len).sum();
        let is_heard = slot.id.is_some() || self.is_heard(topics);
        let frame = self.retained.append(slot, (topics, names_len), key, now, event, is_heard);
        if is_heard {
            self.trim(None);
        } else {
            topics.iter().for_each(|topic| self.release(*topic));
        }
        frame
    }

    /// Removes entries beyond the bounds, and expired ones.
    pub(crate) fn trim(&mut self, now: Option<Instant>) {
        while let Some(removed) = self.retained.trim(now) {
            for topic in removed.topics() {
                // Its list must not hold the frame: all lists together could hold more than the
                // bounds.
                let list = self.lists.get(topic).filter(|list| Some(list.last()) == removed.seq());
                if let Some(list) = list {
                    list.clear_newest();
                }
                self.release(topic);
            }
        }
    }

    /// The ids of these topics, created if needed, each once.
    fn ids(&mut self, names: Names<'_>) -> Vec<TopicId> {
        each_once(names.iter().map(|name| self.topics.id(name)).collect())
    }

    /// The id of this topic, with a list of its own, until it is [released](Self::release).
    fn watch(&mut self, name: &str) -> TopicId {
        let topic = self.topics.id(name);
        self.retained.watch_topic(topic);
        if self.lists.get(topic).is_none() {
            let last = self.retained.last(topic);
            self.lists.add(topic, last);
        }
        topic
    }

    /// The id of a topic that has a list.
    fn watched(&self, name: &str) -> Option<TopicId> {
        // As long as it has, the log keeps track of it.
        self.topics.get(name).filter(|topic| self.lists.get(*topic).is_some())
    }

    /// Adds a waiter to the list of a [watched](Feed::watch) topic.
    pub(crate) fn join(&self, topic: TopicId, cursor: u64) -> (Arc<WaitList<Encoded>>, WaiterId) {
        let list = self.lists.get_or_nothing(topic).clone();
        let waiter = list.join(cursor);
        (list, waiter)
    }

    /// Whether somebody waits for the events of one of these topics.
    fn is_heard(&self, topics: &[TopicId]) -> bool {
        let has_waiters = |topic| self.lists.get(topic).is_some_and(|list| !list.is_empty());
        has_waiters(EVERYTHING) || topics.iter().any(|topic| has_waiters(*topic))
    }

    /// Whether the topic can be forgotten.
    fn is_unused(&self, topic: TopicId) -> bool {
        !self.retained.has_entries(topic)
            && self.lists.get(topic).is_none_or(|list| list.is_empty())
    }

    /// Forgets the topic, if it has neither entries nor subscribers.
    pub(crate) fn release(&mut self, topic: TopicId) {
        if !self.retained.has_entries(topic) && self.lists.remove_if_empty(topic) {
            self.retained.forget_topic(topic);
            self.topics.remove(topic);
        }
    }

    fn release_unused(&mut self) {
        (0..self.topics.len()).for_each(|topic| self.release(topic));
    }

    /// Checks so many subscribers at each publish that each is checked twice before its position is
    /// lost.
    fn visit(&mut self, renew: u64, subscribers: usize, wakers: &mut Vec<Waker>) {
        if renew == 0 {
            return;
        }
        let window = self.retained.tip() - self.retained.evicted();
        let window = usize::try_from(window).unwrap_or(usize::MAX).max(1);
        let waiters = subscribers.saturating_add(self.lists.len());
        let steps = 1 + waiters.saturating_mul(4) / window;
        self.lists.visit(steps, renew, wakers);
    }

    /// Makes this the last entry of the topic's list, if there is one.
    fn announce(&self, topic: TopicId, seq: u64) -> Option<Announcement> {
        let list = self.lists.get(topic)?;
        Some((list.clone(), list.set_last(seq)))
    }
}
