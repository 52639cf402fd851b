//! The entries of each topic.

use std::{collections::VecDeque, iter};

use super::{counted::Counted, visits};
use crate::topic::TopicId;

/// The sequence numbers of entries.
#[derive(Default)]
pub(super) struct Places {
    /// Those without a key: only the oldest one can be removed.
    plain: VecDeque<u64>,
    /// Those with a key, which a newer one replaces.
    keyed: Option<Box<Counted<u64, ()>>>,
}

impl Places {
    pub(super) fn push(&mut self, seq: u64, has_key: bool) {
        if has_key {
            self.keyed.get_or_insert_with(|| Box::new(Counted::new())).push(seq, ());
        } else {
            self.plain.push_back(seq);
        }
    }

    /// Removes this entry; of those without a key only the oldest one.
    pub(super) fn remove(&mut self, seq: u64, has_key: bool) {
        if !has_key {
            self.plain.pop_front();
        } else if let Some(keyed) = &mut self.keyed {
            keyed.remove(&seq);
            if keyed.len() == 0 {
                self.keyed = None;
            }
        }
    }

    /// Removes the entries up to this place.
    fn remove_up_to(&mut self, seq: u64) {
        while self.plain.front().is_some_and(|first| *first <= seq) {
            self.plain.pop_front();
        }
        let first = |keyed: &Counted<_, _>| keyed.first().map(|(first, ())| first);
        while let Some(first) = self.keyed.as_deref().and_then(first).filter(|first| *first <= seq)
        {
            self.remove(first, true);
        }
    }

    fn is_empty(&self) -> bool {
        self.plain.is_empty() && self.keyed.is_none()
    }

    fn last(&self) -> u64 {
        let keyed = self.keyed.as_ref().and_then(|keyed| keyed.last());
        let plain = self.plain.back().copied().unwrap_or(0);
        keyed.map_or(plain, |(seq, ())| seq.max(plain))
    }

    /// The first entry after this place.
    pub(super) fn first_after(&self, seq: u64) -> Option<u64> {
        let keyed = self.keyed.as_ref().and_then(|keyed| keyed.first_after(|place| *place <= seq));
        let plain = self.plain.get(self.plain_up_to(seq)).copied();
        plain.into_iter().chain(keyed.map(|(seq, ())| seq)).min()
    }

    pub(super) fn count_after(&self, seq: u64) -> usize {
        let keyed = self.keyed.as_ref().map_or(0, |keyed| keyed.count_after(|place| *place <= seq));
        keyed + self.plain.len() - self.plain_up_to(seq)
    }

    fn plain_up_to(&self, seq: u64) -> usize {
        self.plain.partition_point(|place| {
            visits::count();
            *place <= seq
        })
    }
}

/// The entries of one topic.
#[derive(Default)]
pub(super) struct TopicPlaces {
    pub(super) kept: Places,
    others: Option<Box<Others>>,
    /// Its newest event that is no longer retained: a reader behind it has missed an event.
    pub(super) evicted: u64,
}

/// Only some topics have these.
#[derive(Default)]
struct Others {
    ephemeral: Places,
    /// The retained entries that were published to other topics, too.
    shared: Places,
}

impl TopicPlaces {
    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty() && self.others.as_ref().is_none_or(|o| o.ephemeral.is_empty())
    }

    /// Records that a retained entry is in other topics, too.
    pub(super) fn share(&mut self, seq: u64, has_key: bool) {
        self.others.get_or_insert_default().shared.push(seq, has_key);
    }

    pub(super) fn push_ephemeral(&mut self, seq: u64, has_key: bool) {
        self.others.get_or_insert_default().ephemeral.push(seq, has_key);
    }

    pub(super) fn remove_ephemeral(&mut self, seq: u64, has_key: bool) {
        self.with_others(|others| others.ephemeral.remove(seq, has_key));
    }

    pub(super) fn first_ephemeral_after(&self, seq: u64) -> Option<u64> {
        self.others.as_ref()?.ephemeral.first_after(seq)
    }

    /// Removes a replaced entry.
    pub(super) fn replace(&mut self, seq: u64) {
        self.kept.remove(seq, true);
        self.with_others(|others| others.shared.remove(seq, true));
    }

    /// Removes the oldest retained entry.
    pub(super) fn evict(&mut self, seq: u64, has_key: bool) {
        self.kept.remove(seq, has_key);
        self.evicted = self.evicted.max(seq);
        self.with_others(|others| others.shared.remove_up_to(seq));
    }

    fn with_others(&mut self, change: impl FnOnce(&mut Others)) {
        let Some(others) = &mut self.others else { return };
        change(others);
        self.others.take_if(|others| others.ephemeral.is_empty() && others.shared.is_empty());
    }

    /// The retained entries after this place that were published to other topics, too.
    pub(super) fn shared_after(&self, seq: u64) -> impl Iterator<Item = u64> {
        let next = |seq: u64| self.others.as_ref()?.shared.first_after(seq);
        iter::successors(next(seq), move |seq| next(*seq))
    }

    /// The number of all [shared](Self::shared_after) entries.
    pub(super) fn count_shared(&self) -> usize {
        self.others.as_ref().map_or(0, |others| others.shared.count_after(0))
    }

    fn last(&self) -> u64 {
        let ephemeral = self.others.as_ref().map_or(0, |others| others.ephemeral.last());
        self.kept.last().max(ephemeral).max(self.evicted)
    }
}

/// The entries by topic.
#[derive(Default)]
pub(super) struct Index {
    topics: Vec<Option<TopicPlaces>>,
    /// The same as `evicted`, for all topics that are forgotten.
    forgotten: u64,
}

impl Index {
    pub(super) fn get(&self, topic: TopicId) -> Option<&TopicPlaces> {
        self.topics.get(topic as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, topic: TopicId) -> Option<&mut TopicPlaces> {
        self.topics.get_mut(topic as usize)?.as_mut()
    }

    /// The places of this topic, added without entries if it is new.
    pub(super) fn add(&mut self, topic: TopicId) -> &mut TopicPlaces {
        let index = topic as usize;
        if self.topics.len() <= index {
            self.topics.resize_with(index + 1, || None);
        }
        let evicted = self.forgotten;
        self.topics[index].get_or_insert_with(|| TopicPlaces { evicted, ..TopicPlaces::default() })
    }

    /// The newest event of this topic that is no longer retained.
    pub(super) fn evicted(&self, topic: TopicId) -> u64 {
        self.get(topic).map_or(0, |places| places.evicted)
    }

    /// The newest entry of this topic, as far as it is known.
    pub(super) fn last(&self, topic: TopicId) -> u64 {
        self.get(topic).map_or(0, TopicPlaces::last)
    }

    /// Forgets a topic without entries.
    pub(super) fn remove(&mut self, topic: TopicId) {
        let places = self.topics.get_mut(topic as usize).and_then(Option::take);
        self.forgotten = self.forgotten.max(places.map_or(0, |places| places.evicted));
    }

    /// Removes all entries: every topic has lost events up to here.
    pub(super) fn clear(&mut self, lost: u64) {
        self.forgotten = lost;
        for places in self.topics.iter_mut().flatten() {
            *places = TopicPlaces { evicted: lost, ..TopicPlaces::default() };
        }
    }
}
