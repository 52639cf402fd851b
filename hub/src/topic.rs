//! The names of topics, and the short ids that stand for them.

use std::{collections::HashMap, sync::Arc};

/// Stands for a topic while it has entries or subscribers, and may be reused afterwards.
pub(crate) type TopicId = u32;

/// The topic `""`: that of every item published without one.
pub(crate) const UNTITLED: TopicId = 0;
/// All topics together.
pub(crate) const EVERYTHING: TopicId = TopicId::MAX;
/// No topic at all: the subscription to an empty list.
pub(crate) const NOTHING: TopicId = TopicId::MAX - 1;

/// Whether the id is never given to another topic.
pub(crate) const fn is_fixed(id: TopicId) -> bool {
    matches!(id, UNTITLED | EVERYTHING | NOTHING)
}

/// All topics that have an entry or a subscriber.
pub(crate) struct Topics {
    ids: HashMap<Arc<str>, TopicId>,
    names: Vec<Option<Arc<str>>>,
    free: Vec<TopicId>,
}

impl Topics {
    pub(crate) fn new() -> Self {
        let mut topics = Self { ids: HashMap::new(), names: Vec::new(), free: Vec::new() };
        // The first one, so it is `UNTITLED`.
        topics.id("");
        topics
    }

    /// The id of this topic, if it is known.
    pub(crate) fn get(&self, name: &str) -> Option<TopicId> {
        self.ids.get(name).copied()
    }

    /// The id of this topic, created if needed.
    pub(crate) fn id(&mut self, name: &str) -> TopicId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let name = Arc::<str>::from(name);
        let id = match self.free.pop() {
            Some(id) => {
                self.names[id as usize] = Some(name.clone());
                id
            }
            None => {
                self.names.push(Some(name.clone()));
                (self.names.len() - 1) as TopicId
            }
        };
        self.ids.insert(name, id);
        id
    }

    /// One more than the greatest id.
    pub(crate) fn len(&self) -> TopicId {
        self.names.len() as TopicId
    }

    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn name(&self, id: TopicId) -> Option<&Arc<str>> {
        self.names.get(id as usize)?.as_ref()
    }

    /// Forgets the topic, whose id may be reused.
    pub(crate) fn remove(&mut self, id: TopicId) {
        let Some(name) = self.names.get_mut(id as usize).and_then(Option::take) else { return };
        self.ids.remove(&name);
        self.free.push(id);
    }
}
