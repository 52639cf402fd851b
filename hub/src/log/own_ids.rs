//! The ids of their own that events have.

use std::collections::{BTreeMap, HashMap, hash_map::Entry};

use sse_encoder::EventId;

use crate::topic::{EVERYTHING, TopicId};

/// The events with an id of their own. An id belongs to a topic: the same one in two topics is that
/// of two events.
#[derive(Default)]
pub(super) struct OwnIds(HashMap<EventId, Events>);

/// The sequence numbers of the events with the same id.
enum Events {
    One(TopicId, u64),
    Several(BTreeMap<TopicId, u64>),
}

impl Events {
    fn get(&self, topic: TopicId) -> Option<u64> {
        match self {
            Self::One(other, seq) => (*other == topic).then_some(*seq),
            Self::Several(all) => all.get(&topic).copied(),
        }
    }
}

impl OwnIds {
    /// The event with this id in one of these topics; `None` if there is none, or more than one.
    pub(super) fn get(
        &self,
        id: &EventId,
        mut topics: impl Iterator<Item = TopicId>,
    ) -> Option<u64> {
        let events = self.0.get(id)?;
        let mut found = None;
        let mut is_only = |seq| *found.get_or_insert(seq) == seq;
        let is_one = topics.all(|topic| match (topic, events) {
            (EVERYTHING, Events::One(_, seq)) => is_only(*seq),
            (EVERYTHING, Events::Several(all)) => all.values().all(|seq| is_only(*seq)),
            (topic, events) => events.get(topic).is_none_or(&mut is_only),
        });
        found.filter(|_| is_one)
    }

    pub(super) fn contains(&self, id: &EventId, topic: TopicId) -> bool {
        self.0.get(id).is_some_and(|events| events.get(topic).is_some())
    }

    pub(super) fn insert(&mut self, id: &EventId, topic: TopicId, seq: u64) {
        match self.0.entry(id.clone()) {
            Entry::Vacant(vacant) => {
                vacant.insert(Events::One(topic, seq));
            }
            Entry::Occupied(mut occupied) => match occupied.get_mut() {
                Events::One(other, other_seq) => {
                    let all = BTreeMap::from([(*other, *other_seq), (topic, seq)]);
                    occupied.insert(Events::Several(all));
                }
                Events::Several(all) => {
                    all.insert(topic, seq);
                }
            },
        }
    }

    pub(super) fn remove(&mut self, id: &EventId, topic: TopicId) {
        let is_empty = match self.0.get_mut(id) {
            Some(Events::One(other, _)) => *other == topic,
            Some(Events::Several(all)) => {
                all.remove(&topic);
                all.is_empty()
            }
            None => return,
        };
        if is_empty {
            self.0.remove(id);
        }
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}
