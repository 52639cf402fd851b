//! The wait lists of all topics.

use std::{sync::Arc, task::Waker};

use super::{list::WaitList, signal::Signal};
use crate::topic::{EVERYTHING, NOTHING, TopicId, UNTITLED, is_fixed};

/// How many locks a list of many subscribers has.
const SHARDS: usize = 8;

/// The list of each topic that has subscribers, and the permanent lists.
pub(crate) struct WaitLists<F> {
    topics: Vec<Option<Arc<WaitList<F>>>>,
    everything: Arc<WaitList<F>>,
    nothing: Arc<WaitList<F>>,
    /// Where the search for clients that need a checkpoint continues: topic, shard, slot.
    hand: (usize, (usize, usize)),
    /// Notified when a subscriber that a publisher waits for has read on.
    pub(crate) progress: Arc<Signal>,
}

impl<F> WaitLists<F> {
    pub(crate) fn new() -> Self {
        let progress = Signal::new();
        let list = |topic, shards| Arc::new(WaitList::new(topic, shards, 0, progress.clone()));
        Self {
            topics: vec![Some(list(UNTITLED, SHARDS))],
            everything: list(EVERYTHING, SHARDS),
            nothing: list(NOTHING, 1),
            hand: (0, (0, 0)),
            progress,
        }
    }

    /// The list of this topic, if there is one.
    pub(crate) fn get(&self, topic: TopicId) -> Option<&Arc<WaitList<F>>> {
        match topic {
            EVERYTHING => Some(&self.everything),
            NOTHING => Some(&self.nothing),
            topic => self.topics.get(topic as usize)?.as_ref(),
        }
    }

    /// The list of this topic; without one, that on which nothing is announced.
    pub(crate) fn get_or_nothing(&self, topic: TopicId) -> &Arc<WaitList<F>> {
        self.get(topic).unwrap_or(&self.nothing)
    }

    /// A new list for this topic, whose last entry has the number `last`.
    pub(crate) fn add(&mut self, topic: TopicId, last: u64) {
        let place = topic as usize;
        if self.topics.len() <= place {
            self.topics.resize_with(place + 1, || None);
        }
        let list = WaitList::new(topic, 1, last, self.progress.clone());
        self.topics[place] = Some(Arc::new(list));
    }

    /// Removes the list of this topic if it is empty; `true` if there is no list now.
    pub(crate) fn remove_if_empty(&mut self, topic: TopicId) -> bool {
        if is_fixed(topic) {
            return false;
        }
        let Some(place) = self.topics.get_mut(topic as usize) else { return true };
        place.take_if(|list| list.is_empty());
        place.is_none()
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<WaitList<F>>> {
        self.topics.iter().flatten().chain([&self.everything, &self.nothing])
    }

    /// Some of the lists of topics, from this topic on.
    pub(crate) fn some(&self, from: TopicId, count: usize) -> Vec<Arc<WaitList<F>>> {
        let some = self.topics.iter().skip(from as usize).take(count);
        some.flatten().cloned().collect()
    }

    /// The greatest number of topics so far.
    pub(crate) fn len(&self) -> usize {
        self.topics.len()
    }

    /// Continues the round over all waiters for this many steps: takes the wakers of those whose
    /// client is behind `renew`, to give it a checkpoint.
    pub(crate) fn visit(&mut self, steps: usize, renew: u64, wakers: &mut Vec<Waker>) {
        let mut steps = steps;
        while steps > 0 {
            let (index, from) = self.hand;
            let Some(list) = self.topics.get(index) else {
                // The round ends here: not more than once for each publish.
                self.hand = (0, (0, 0));
                return;
            };
            // The subscribers of a topic with a new event have a new position.
            let quiet = list.as_ref().filter(|list| list.last() < renew);
            let place = quiet.and_then(|list| list.visit(from, &mut steps, renew, wakers));
            self.hand = place.map_or((index + 1, (0, 0)), |place| (index, place));
            // The list itself costs a step, too.
            steps = steps.saturating_sub(1);
        }
    }
}
