//! Between a log and its subscribers: each event is recorded here, in the order of the log, and
//! announced to the subscribers.

use std::{future::Future, mem, sync::Arc, task::Waker, time::Instant};

use sse_encoder::Encoded;

use crate::{
    error::Error,
    log::{Draft, Numbering, Outcome, Removed, Retained},
    position::Position,
    settings::Settings,
    sync::{
        AtomicBool, AtomicU64, Ordering, RwLock, RwLockReadGuard, RwLockWriteGuard, read, write,
    },
    topic::{EVERYTHING, TopicId, Topics},
    wait::{SubscriberCount, WaitList, WaitLists, WaiterId, wake_all},
};

pub(crate) struct Feed {
    pub(crate) settings: Settings,
    state: RwLock<State>,
    /// A client whose position is below this needs a checkpoint.
    renew: AtomicU64,
    published: AtomicU64,
    gaps: AtomicU64,
    is_closed: AtomicBool,
    subscribers: SubscriberCount,
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

impl Feed {
    pub(crate) fn new(settings: Settings, numbering: Numbering) -> Arc<Self> {
        let state = State {
            retained: Retained::new(numbering, &settings.bounds),
            lists: WaitLists::new(),
            topics: Topics::new(),
            is_closed: false,
        };
        Arc::new(Self {
            settings,
            state: RwLock::new(state),
            renew: AtomicU64::new(0),
            published: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            subscribers: SubscriberCount::new(),
        })
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, State> {
        read(&self.state)
    }

    pub(crate) fn write(&self) -> RwLockWriteGuard<'_, State> {
        write(&self.state)
    }

    /// Records the next event of the log, and wakes the subscribers that wait for it. `given` is
    /// its position in a remote log.
    ///
    /// # Errors
    ///
    /// The hub is closed, or the log [has no slot](Retained::slot) for the event.
    pub(crate) fn record(&self, draft: Draft<'_>, given: Option<Position>) -> Outcome {
        let Draft { topic: name, key, event } = draft;
        let mut wakers = Vec::new();
        let (id, seq, frame, announcements) = {
            let mut state = self.write_open()?;
            let now = state.retained.ages().then(Instant::now);
            state.trim(now);
            let slot = state.retained.slot(&event, given)?;
            let (id, seq) = (slot.id.clone(), slot.seq);
            let topic = state.topics.id(name);
            let frame = state.retained.append(slot, topic, (name, key), now, event);
            state.trim(None);
            let renew = state.retained.renew_below();
            self.renew.store(renew, Ordering::Relaxed);
            state.visit(renew, self.subscribers.get(), &mut wakers);
            (id, seq, frame, state.announcements(topic, seq))
        };
        self.published.fetch_add(1, Ordering::Relaxed);
        for (list, before) in announcements.into_iter().flatten() {
            list.announce(before, seq, &frame);
        }
        wake_all(&mut wakers);
        Ok(id)
    }

    /// Records that the log has lost events after the newest one here, and continues after this
    /// position. Every subscriber gets a gap, and so does every client that returns with an earlier
    /// position.
    ///
    /// # Errors
    ///
    /// The hub is closed.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
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

    /// Records that the next event of the log, one of this topic, cannot be taken here. The
    /// subscribers of the topic get a gap, and so do its clients that return with an earlier
    /// position.
    ///
    /// # Errors
    ///
    /// The hub is closed, or the position is not beyond the newest one.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
    pub(crate) fn record_loss(&self, topic: &str, position: Position) -> Result<(), Error> {
        let announcements = {
            let mut state = self.write_open()?;
            let topic = state.topics.id(topic);
            let seq = state.retained.record_loss(topic, position)?;
            let announcements = state.announcements(topic, seq);
            state.release(topic);
            announcements
        };
        announcements.into_iter().flatten().for_each(|(list, _)| list.wake_all());
        Ok(())
    }

    #[cfg(feature = "redis")]
    pub(crate) fn read_open(&self) -> Result<RwLockReadGuard<'_, State>, Error> {
        let state = self.read();
        if state.is_closed { Err(Error::closed()) } else { Ok(state) }
    }

    fn write_open(&self) -> Result<RwLockWriteGuard<'_, State>, Error> {
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
        true
    }

    pub(crate) fn closed(self: &Arc<Self>) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let feed = self.clone();
        self.subscribers.signal.until(move || feed.is_closed())
    }

    /// Ready once the hub is closed and its last subscriber is dropped.
    pub(crate) fn drained(self: &Arc<Self>) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let feed = self.clone();
        self.subscribers.signal.until(move || feed.is_closed() && feed.subscribers.get() == 0)
    }

    pub(crate) fn subscribers(&self) -> &SubscriberCount {
        &self.subscribers
    }

    /// Whether a client with this position needs a checkpoint.
    pub(crate) fn needs_checkpoint(&self, client: u64) -> bool {
        client < self.renew.load(Ordering::Relaxed)
    }

    /// Counts a gap that a client is told of.
    pub(crate) fn count_gap(&self) {
        self.gaps.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn gaps(&self) -> u64 {
        self.gaps.load(Ordering::Relaxed)
    }

    pub(crate) fn published(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }
}

impl State {
    /// Removes entries beyond the bounds, and expired ones.
    pub(crate) fn trim(&mut self, now: Option<Instant>) {
        while let Some(Removed { seq, topic }) = self.retained.trim(now) {
            // Its list must not hold the frame: all lists together could hold more than the bounds.
            if let Some(list) = self.lists.get(topic).filter(|list| list.last() == seq) {
                list.clear_newest();
            }
            self.release(topic);
        }
    }

    /// The id of this topic, valid until the topic is [released](Self::release).
    pub(crate) fn watch(&mut self, name: &str) -> TopicId {
        let topic = self.topics.id(name);
        self.retained.watch_topic(topic);
        topic
    }

    /// Adds a waiter to the list of this topic, created if needed.
    pub(crate) fn join(
        &mut self,
        topic: TopicId,
        cursor: u64,
    ) -> (Arc<WaitList<Encoded>>, WaiterId) {
        let list = match self.lists.get(topic) {
            Some(list) => list.clone(),
            None => {
                let last = self.retained.last(topic);
                self.lists.add(topic, last)
            }
        };
        let waiter = list.join(cursor);
        (list, waiter)
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

    fn announcements(&self, topic: TopicId, seq: u64) -> [Option<Announcement>; 2] {
        [topic, EVERYTHING].map(|topic| {
            let list = self.lists.get(topic)?;
            Some((list.clone(), list.set_last(seq)))
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_executor::block_on;
    use futures_util::{FutureExt, StreamExt};

    use sse_encoder::{Event, LastEventId};

    use super::*;
    use crate::{
        builder::HubBuilder,
        frame::encode,
        resumption::Resumption,
        subscriber::{Interest, Subscriber},
    };

    fn position(n: u64) -> Position {
        Position::new(1_795_333_614_958, n)
    }

    fn record(feed: &Feed, n: u64, text: &str) -> Outcome {
        let event = encode(&Event::text(text), feed.settings.rules())?;
        feed.record(Draft { topic: "", key: None, event }, Some(position(n)))
    }

    fn subscribe(feed: &Arc<Feed>, last: &LastEventId) -> Subscriber {
        Subscriber::new(feed.clone(), Interest::Topics([""].into_iter()), last)
    }

    fn last(n: u64) -> LastEventId {
        position(n).to_id().into()
    }

    fn next(subscriber: &mut Subscriber) -> Option<String> {
        let frame = subscriber.next().now_or_never()??;
        Some(String::from_utf8(frame.as_bytes().to_vec()).unwrap())
    }

    fn feed() -> Arc<Feed> {
        let settings = HubBuilder::default().retain_events(3).settings();
        let feed = Feed::new(settings, Numbering::Given);
        for n in [2, 3, 5, 8, 13] {
            record(&feed, n, &n.to_string()).unwrap();
        }
        feed
    }

    #[test]
    fn only_positions_of_retained_entries_are_known() {
        let feed = feed();
        for (n, missed) in [(3, 3), (5, 2), (8, 1), (13, 0)] {
            let exact = Resumption::Exact { missed };
            assert_eq!(subscribe(&feed, &last(n)).resumption(), exact, "{n}");
        }
        for n in [0, 1, 2, 4, 6, 12, 14, u64::MAX] {
            let resumption = subscribe(&feed, &last(n)).resumption();
            assert!(matches!(resumption, Resumption::Unknown { .. }), "{n}: {resumption:?}");
        }
        let mut subscriber = subscribe(&feed, &last(8));
        let checkpoint = next(&mut subscriber).unwrap();
        assert!(checkpoint.starts_with(&format!("id: {}\n", position(8))), "{checkpoint}");
        let frame = format!("id: {}\nevent: message\ndata: 13\n\n", position(13));
        assert_eq!(next(&mut subscriber), Some(frame));
        assert_eq!(next(&mut subscriber), None);
    }

    #[test]
    fn a_position_not_beyond_the_newest_is_refused() {
        let feed = feed();
        for n in [1, 8, 13] {
            assert!(record(&feed, n, "again").unwrap_err().is_stale_position(), "{n}");
        }
        assert!(record(&feed, 14, "new").is_ok());
    }

    /// Loses events for everybody: pushed out of what is retained, or lost by the log.
    const LOSSES: [fn(&Feed); 2] = [
        |feed| (20..30).for_each(|n| _ = record(feed, n, &n.to_string()).unwrap()),
        |feed| feed.record_gap(position(29)).unwrap(),
    ];

    #[test]
    fn no_position_is_told_after_a_loss_before_the_gap_that_tells_of_it() {
        for lose in LOSSES {
            for last in [LastEventId::none(), last(8)] {
                let feed = feed();
                let mut subscriber = subscribe(&feed, &last);
                lose(&feed);
                let checkpoint = next(&mut subscriber).unwrap();
                assert!(checkpoint.starts_with("event: checkpoint\n"), "{checkpoint}");
                let gap = next(&mut subscriber).unwrap();
                assert!(gap.starts_with("id: ") && gap.contains("\nevent: gap\n"), "{gap}");
            }
        }
    }

    #[test]
    fn a_state_has_no_position_if_events_were_lost_while_it_was_loaded() {
        for lose in LOSSES {
            for last in [LastEventId::none(), last(1)] {
                let feed = feed();
                let mut subscriber = subscribe(&feed, &last);
                lose(&feed);
                subscriber.begin_with(&Event::text("a state")).unwrap();
                for opening in ["event: checkpoint\n", "event: message\ndata: a state\n"] {
                    let frame = next(&mut subscriber).unwrap();
                    assert!(frame.starts_with(opening), "{frame}");
                }
                let gap = next(&mut subscriber).unwrap();
                assert!(gap.starts_with("id: ") && gap.contains("\nevent: gap\n"), "{gap}");
            }
        }
        let feed = feed();
        let mut subscriber = subscribe(&feed, &LastEventId::none());
        subscriber.begin_with(&Event::text("a state")).unwrap();
        record(&feed, 20, "20").unwrap();
        assert!(next(&mut subscriber).unwrap().starts_with("event: checkpoint\n"));
        let state = next(&mut subscriber).unwrap();
        assert!(state.starts_with(&format!("id: {}\n", position(13))), "{state}");
    }

    #[test]
    fn a_loss_in_other_topics_does_not_hide_a_position() {
        let feed = feed();
        let interest = || Interest::Topics(["quiet"].into_iter());
        let mut other = Subscriber::new(feed.clone(), interest(), &LastEventId::none());
        LOSSES[0](&feed);
        let checkpoint = next(&mut other).unwrap();
        assert!(checkpoint.starts_with("id: "), "{checkpoint}");
    }

    #[test]
    fn events_lost_by_the_log_are_a_gap_for_every_subscriber() {
        let feed = feed();
        let mut subscriber = subscribe(&feed, &LastEventId::none());
        assert!(next(&mut subscriber).is_some());
        assert_eq!(next(&mut subscriber), None);
        feed.record_gap(position(20)).unwrap();
        record(&feed, 21, "21").unwrap();
        assert_eq!(
            next(&mut subscriber).unwrap(),
            format!(
                "id: {0}\nevent: gap\ndata: {{\"requested\":null,\"resumed_after\":\"{0}\"}}\n\n",
                position(20)
            )
        );
        assert!(next(&mut subscriber).unwrap().ends_with("data: 21\n\n"));
        assert!(matches!(subscribe(&feed, &last(13)).resumption(), Resumption::Unknown { .. }));
        assert_eq!(subscribe(&feed, &last(20)).resumption(), Resumption::Exact { missed: 1 });
        feed.close();
        assert!(feed.record_gap(position(30)).unwrap_err().is_closed());
        drop(subscriber);
        block_on(feed.drained());
    }
}
