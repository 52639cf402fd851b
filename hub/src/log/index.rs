//! The entries of each topic.

use std::collections::VecDeque;

use crate::topic::TopicId;

/// The entries of one topic.
#[derive(Clone)]
pub(super) struct Places {
    /// The sequence numbers of its retained events.
    pub(super) kept: VecDeque<u64>,
    /// Those of its ephemeral ones.
    pub(super) ephemeral: VecDeque<u64>,
    /// Its newest event that is no longer retained: a reader behind it has missed an event.
    pub(super) evicted: u64,
}

/// The entries by topic.
#[derive(Default)]
pub(super) struct Index {
    topics: Vec<Option<Places>>,
    /// The same as `evicted`, for all topics that are forgotten.
    forgotten: u64,
}

impl Index {
    pub(super) fn get(&self, topic: TopicId) -> Option<&Places> {
        self.topics.get(topic as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, topic: TopicId) -> Option<&mut Places> {
        self.topics.get_mut(topic as usize)?.as_mut()
    }

    /// The places of this topic, added without entries if it is new.
    pub(super) fn add(&mut self, topic: TopicId) -> &mut Places {
        let index = topic as usize;
        if self.topics.len() <= index {
            self.topics.resize(index + 1, None);
        }
        let evicted = self.forgotten;
        let new = || Places { kept: VecDeque::new(), ephemeral: VecDeque::new(), evicted };
        self.topics[index].get_or_insert_with(new)
    }

    /// The newest event of this topic that is no longer retained.
    pub(super) fn evicted(&self, topic: TopicId) -> u64 {
        self.get(topic).map_or(0, |places| places.evicted)
    }

    /// The newest entry of this topic, as far as it is known.
    pub(super) fn last(&self, topic: TopicId) -> u64 {
        let Some(places) = self.get(topic) else { return 0 };
        let newest = [places.kept.back(), places.ephemeral.back()].into_iter().flatten().max();
        newest.copied().unwrap_or(0).max(places.evicted)
    }

    /// Forgets a topic without entries.
    pub(super) fn remove(&mut self, topic: TopicId) {
        let places = self.topics.get_mut(topic as usize).and_then(Option::take);
        self.forgotten = self.forgotten.max(places.map_or(0, |places| places.evicted));
    }

    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
    /// Removes all entries: every topic has lost events up to here.
    pub(super) fn clear(&mut self, lost: u64) {
        self.forgotten = lost;
        for places in self.topics.iter_mut().flatten() {
            places.kept.clear();
            places.ephemeral.clear();
            places.evicted = lost;
        }
    }
}
