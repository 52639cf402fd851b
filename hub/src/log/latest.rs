//! The newest event of each key, also of one that is no longer retained: the state that a
//! subscription can begin with.
//!
//! In the order of the log it is a log of its own, without the replaced events: a client reads it
//! up to a position, and then goes on in the other one. It has bounds. A topic of which a value was
//! dropped has no state from then on: a part of it must not be taken for the whole.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use sse_encoder::Encoded;

use crate::{
    lines::event_type,
    topic::{EVERYTHING, TopicId},
};

/// The type of an event that removes its key.
pub(crate) const REMOVED: &str = "removed";

pub(super) struct Latest {
    /// The place of the newest event of each key of each topic.
    keys: HashMap<(TopicId, Arc<str>), u64>,
    /// These events, oldest first.
    values: BTreeMap<u64, Value>,
    /// Their places by topic.
    places: BTreeSet<(TopicId, u64)>,
    bytes: usize,
    max_keys: usize,
    max_bytes: usize,
    age: Option<Duration>,
    /// The topics that lack a value.
    lacking: HashSet<TopicId>,
    all: Knowledge,
    /// How often values were lost.
    losses: u64,
}

/// Whether the log was read from its beginning.
enum Knowledge {
    Whole,
    /// Only since then. Once that is longer ago than the longest age, all older values have
    /// expired.
    Since(Instant),
    /// Values may be unknown.
    Partial,
}

struct Value {
    key: Arc<str>,
    frame: Encoded,
    at: Option<Instant>,
    /// The topics of which it is the newest event with its key.
    topics: Vec<TopicId>,
}

impl Value {
    fn size(&self) -> usize {
        self.key.len() + self.frame.as_bytes().len()
    }
}

impl Latest {
    /// `is_whole`: whether there is nothing before the first event that is set.
    pub(super) fn new(
        max_keys: usize,
        max_bytes: usize,
        age: Option<Duration>,
        is_whole: bool,
    ) -> Self {
        Self {
            keys: HashMap::new(),
            values: BTreeMap::new(),
            places: BTreeSet::new(),
            bytes: 0,
            max_keys,
            max_bytes,
            age,
            lacking: HashSet::new(),
            all: if is_whole { Knowledge::Whole } else { Knowledge::Partial },
            losses: 0,
        }
    }

    /// Sets the newest event of this key in these topics, or removes it, if the event removes the
    /// key. [`trim`](Self::trim) then makes room.
    pub(super) fn set(
        &mut self,
        seq: u64,
        topics: &[TopicId],
        key: &Arc<str>,
        at: Option<Instant>,
        frame: &Encoded,
    ) {
        if matches!(self.all, Knowledge::Partial) {
            // No state can be given: nothing is kept.
            return;
        }
        let is_removal = event_type(frame.as_bytes()) == Some(REMOVED.as_bytes());
        for topic in topics {
            let place = (*topic, key.clone());
            let older =
                if is_removal { self.keys.remove(&place) } else { self.keys.insert(place, seq) };
            if let Some(older) = older {
                self.take(*topic, older);
            }
            if !is_removal {
                self.places.insert((*topic, seq));
            }
        }
        if !is_removal {
            let topics = topics.to_vec();
            let value = Value { key: key.clone(), frame: frame.clone(), at, topics };
            self.bytes += value.size();
            self.values.insert(seq, value);
        }
    }

    /// Removes a topic's value, as it has a newer event with this key, or the key is removed.
    fn take(&mut self, topic: TopicId, seq: u64) {
        self.places.remove(&(topic, seq));
        let Some(value) = self.values.get_mut(&seq) else { return };
        value.topics.retain(|other| *other != topic);
        if value.topics.is_empty() {
            self.bytes -= value.size();
            self.values.remove(&seq);
        }
    }

    /// Removes the oldest value if it has expired or is beyond the bounds. Gives the topics that it
    /// was kept for.
    pub(super) fn trim(&mut self, now: Option<Instant>) -> Option<Vec<TopicId>> {
        let oldest = self.values.first_entry()?;
        let age = oldest.get().at.zip(now).map(|(at, now)| now.saturating_duration_since(at));
        let is_expired = age.zip(self.age).is_some_and(|(age, longest)| age >= longest);
        let is_excess = self.keys.len() > self.max_keys || self.bytes > self.max_bytes;
        if !is_expired && !is_excess {
            return None;
        }
        let (seq, value) = oldest.remove_entry();
        self.bytes -= value.size();
        for topic in &value.topics {
            self.places.remove(&(*topic, seq));
            self.keys.remove(&(*topic, value.key.clone()));
        }
        if is_expired {
            return Some(value.topics);
        }
        self.losses += 1;
        self.lacking.extend(&value.topics);
        if self.lacking.len() <= self.max_keys {
            return Some(value.topics);
        }
        // Too many topics to remember each.
        let mut topics = mem::take(&mut self.lacking);
        topics.extend(self.places.iter().map(|(topic, _)| *topic));
        self.drop_all();
        self.all = Knowledge::Partial;
        Some(topics.into_iter().collect())
    }

    fn drop_all(&mut self) {
        (self.keys, self.values) = (HashMap::new(), BTreeMap::new());
        (self.places, self.lacking) = (BTreeSet::new(), HashSet::new());
        self.bytes = 0;
        self.losses += 1;
    }

    /// Records that an event of these topics is unknown. It may have been the newest of its key.
    pub(super) fn lack(&mut self, topics: &[TopicId]) {
        self.losses += 1;
        self.lacking.extend(topics);
    }

    /// Whether [`trim`](Self::trim) would remove a value by its age.
    pub(super) fn has_expired(&self, now: Instant, age: Duration) -> bool {
        let oldest = self.values.first_key_value().and_then(|(_, value)| value.at);
        oldest.is_some_and(|at| now.saturating_duration_since(at) >= age)
    }

    /// Drops all values, as events up to now may be unknown: for good, or with a longest age until
    /// those have expired.
    pub(super) fn clear(&mut self) {
        self.drop_all();
        self.all =
            if self.age.is_some() { Knowledge::Since(Instant::now()) } else { Knowledge::Partial };
    }

    /// Records that there is nothing before the first event that is set.
    pub(super) fn begin(&mut self) {
        self.all = Knowledge::Whole;
    }

    /// Whether the topic must be remembered.
    pub(super) fn has(&self, topic: TopicId) -> bool {
        self.next_in(topic, 0).is_some() || self.lacking.contains(&topic)
    }

    /// Whether the newest event of each key of these topics is here.
    pub(super) fn is_whole(&self, mut topics: impl Iterator<Item = TopicId>) -> bool {
        let is_known = match (&self.all, self.age) {
            (Knowledge::Whole, _) => true,
            (Knowledge::Since(start), Some(age)) => start.elapsed() >= age,
            _ => false,
        };
        is_known
            && (self.lacking.is_empty()
                || !topics.any(|topic| topic == EVERYTHING || self.lacking.contains(&topic)))
    }

    /// How often values were lost so far.
    pub(super) fn losses(&self) -> u64 {
        self.losses
    }

    /// The next value of these topics after this place.
    pub(super) fn next(
        &self,
        topics: impl Iterator<Item = TopicId>,
        after: u64,
    ) -> Option<(u64, &Encoded)> {
        let seq = topics.filter_map(|topic| self.next_in(topic, after)).min()?;
        Some((seq, &self.values.get(&seq)?.frame))
    }

    fn next_in(&self, topic: TopicId, after: u64) -> Option<u64> {
        if topic == EVERYTHING {
            return self.values.range(after + 1..).next().map(|(seq, _)| *seq);
        }
        let places = self.places.range((topic, after + 1)..=(topic, u64::MAX));
        places.map(|(_, seq)| *seq).next()
    }
}

#[cfg(test)]
mod tests {
    use sse_encoder::{Encoder, Event};

    use super::*;

    fn frame(event_type: &str, data: &str) -> Encoded {
        Encoder::bare().encode_once(&Event::text(data).event_type(event_type)).unwrap()
    }

    fn set(latest: &mut Latest, seq: u64, topics: &[TopicId], key: &str) {
        latest.set(seq, topics, &key.into(), None, &frame("price", &seq.to_string()));
    }

    fn all(latest: &Latest, topics: &[TopicId]) -> Vec<u64> {
        let next = |after: &u64| latest.next(topics.iter().copied(), *after).map(|(seq, _)| seq);
        std::iter::successors(next(&0), next).collect()
    }

    #[test]
    fn the_newest_event_of_each_key_of_each_topic_is_kept() {
        let mut latest = Latest::new(10, 1 << 20, None, true);
        set(&mut latest, 1, &[1], "a");
        set(&mut latest, 2, &[1, 2], "b");
        set(&mut latest, 3, &[1], "a");
        set(&mut latest, 4, &[2], "b");
        assert_eq!(all(&latest, &[1]), [2, 3]);
        assert_eq!(all(&latest, &[2]), [4]);
        assert_eq!(all(&latest, &[1, 2]), [2, 3, 4]);
        assert_eq!(all(&latest, &[EVERYTHING]), [2, 3, 4]);
        set(&mut latest, 5, &[1], "b");
        assert_eq!(all(&latest, &[EVERYTHING]), [3, 4, 5]);
        assert!(latest.is_whole([1, 2, EVERYTHING].into_iter()));
    }

    #[test]
    fn a_removed_key_leaves_nothing() {
        let mut latest = Latest::new(10, 1 << 20, None, true);
        set(&mut latest, 1, &[1, 2], "a");
        latest.set(2, &[1], &"a".into(), None, &frame("removed", "{}"));
        assert_eq!((all(&latest, &[1]), all(&latest, &[2])), (vec![], vec![1]));
        latest.set(3, &[2], &"a".into(), None, &frame("removed", "{}"));
        assert!(latest.keys.is_empty() && latest.values.is_empty() && latest.places.is_empty());
        assert_eq!(latest.bytes, 0);
        assert!(!latest.has(1) && !latest.has(2));
    }

    #[test]
    fn a_topic_that_lacks_a_value_is_not_whole() {
        let mut latest = Latest::new(2, 1 << 20, None, true);
        set(&mut latest, 1, &[1], "a");
        set(&mut latest, 2, &[2], "a");
        assert_eq!(latest.trim(None), None);
        set(&mut latest, 3, &[2], "b");
        assert_eq!(latest.trim(None), Some(vec![1]));
        assert_eq!(latest.trim(None), None);
        assert!(latest.is_whole([2].into_iter()));
        assert!(!latest.is_whole([1].into_iter()) && !latest.is_whole([EVERYTHING].into_iter()));
        assert!(latest.has(1), "or it would seem to be whole again");
        assert_eq!(latest.losses(), 1);
        // Too many of them to be told apart.
        for topic in 4..=6 {
            set(&mut latest, topic.into(), &[topic], "a");
        }
        assert_eq!([latest.trim(None), latest.trim(None)], [Some(vec![2]), Some(vec![2])]);
        let mut released = latest.trim(None).unwrap();
        released.sort_unstable();
        assert_eq!(released, [1, 2, 4, 5, 6]);
        assert!(!latest.is_whole([9].into_iter()) && !latest.has(6));
        // No state can be given: nothing is kept.
        set(&mut latest, 7, &[7], "a");
        assert!(latest.values.is_empty() && latest.keys.is_empty() && latest.places.is_empty());
    }

    #[test]
    fn bytes_are_bounded() {
        let mut latest = Latest::new(10, 60, None, true);
        for (seq, key) in [(1, "a"), (2, "b"), (3, "c")] {
            set(&mut latest, seq, &[1], key);
        }
        assert!(latest.trim(None).is_some());
        assert!(latest.bytes <= 60 && latest.trim(None).is_none());
        // The keys count, too.
        assert_eq!(latest.bytes, 2 * ("a".len() + frame("price", "1").as_bytes().len()));
        // As many bytes as the bound are kept.
        let mut latest = Latest::new(10, latest.bytes, None, true);
        (1..=2).for_each(|seq| set(&mut latest, seq, &[1], &seq.to_string()));
        assert_eq!(latest.trim(None), None);
    }

    #[test]
    fn an_event_that_may_have_been_the_newest_is_a_loss() {
        let mut latest = Latest::new(10, 1 << 20, None, true);
        set(&mut latest, 1, &[1, 2], "a");
        latest.lack(&[1]);
        assert!(!latest.is_whole([1].into_iter()) && latest.is_whole([2].into_iter()));
        assert_eq!(latest.losses(), 1, "or a state under way would seem to be whole");
        latest.clear();
        assert_eq!(latest.losses(), 2);
    }

    #[test]
    fn an_expired_value_is_no_loss_and_ages_a_gap() {
        let age = Duration::from_secs(60);
        let mut latest = Latest::new(10, 1 << 20, Some(age), true);
        let at = Instant::now();
        latest.set(1, &[1], &"a".into(), Some(at), &frame("price", "1"));
        assert!(!latest.has_expired(at, age) && latest.has_expired(at + age, age));
        assert_eq!(latest.trim(Some(at)), None);
        assert_eq!(latest.trim(Some(at + age)), Some(vec![1]));
        assert!(latest.is_whole([1].into_iter()));
        latest.clear();
        assert!(!latest.is_whole([1].into_iter()));
        latest.all = Knowledge::Since(at.checked_sub(age).unwrap_or(at));
        assert_eq!(latest.is_whole([1].into_iter()), at.checked_sub(age).is_some());
    }
}
