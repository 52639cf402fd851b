//! Entries in their order, up to a number and a size.

use std::{
    collections::{HashMap, VecDeque},
    iter,
    sync::Arc,
    time::{Duration, Instant},
};

use sse_encoder::{Encoded, EventId};

use super::{counted::Counted, visits};
use crate::{mutant, position::Position, topic::TopicId};

/// The least number of entries to allocate memory for.
const LEAST_ROOM: usize = 4;

/// A published event.
pub(super) struct Entry {
    /// The place in the order, counted from 1.
    pub(super) seq: u64,
    pub(super) position: Position,
    /// The first one of its topics.
    topic: TopicId,
    /// When it was published, where there is a longest age: in nanoseconds of the ring's clock.
    at: u64,
    /// The bytes of its topics, its key and its own id.
    names: u32,
    pub(super) frame: Encoded,
    extras: Option<Box<Extras>>,
}

/// Only some entries have these.
struct Extras {
    key: Option<Arc<str>>,
    own_id: Option<EventId>,
    /// The other topics.
    more: Vec<TopicId>,
}

impl Entry {
    /// An entry in these topics, of which there is at least one. `names_len` is their length.
    pub(super) fn new(
        (seq, position): Place,
        (topics, names_len): (&[TopicId], usize),
        key: Option<Arc<str>>,
        own_id: Option<EventId>,
        frame: Encoded,
    ) -> Self {
        let (topic, more) = topics.split_first().unwrap_or((&crate::topic::UNTITLED, &[]));
        let mut names = names_len + key.as_ref().map_or(0, |key| key.len());
        names += own_id.as_ref().map_or(0, |id| id.as_str().len());
        let has_extras = key.is_some() || own_id.is_some() || !more.is_empty();
        let extras = has_extras.then(|| Box::new(Extras { key, own_id, more: more.to_vec() }));
        let names = u32::try_from(names).unwrap_or(u32::MAX);
        Self { seq, position, topic: *topic, at: 0, names, frame, extras }
    }

    /// The topics that it still belongs to.
    pub(super) fn topics(&self) -> impl Iterator<Item = TopicId> {
        let more = self.extras.as_ref().map_or(&[][..], |extras| &extras.more);
        iter::once(self.topic).chain(more.iter().copied())
    }

    pub(super) fn is_in(&self, topic: TopicId) -> bool {
        self.topics().any(|other| other == topic)
    }

    pub(super) fn key(&self) -> Option<&Arc<str>> {
        self.extras.as_ref()?.key.as_ref()
    }

    pub(super) fn own_id(&self) -> Option<&EventId> {
        self.extras.as_ref()?.own_id.as_ref()
    }

    /// Removes it from this topic; `false` if that is its last one.
    fn leave(&mut self, topic: TopicId) -> bool {
        let Some(more) = self.extras.as_mut().map(|extras| &mut extras.more) else { return false };
        if self.topic == topic {
            let Some(other) = more.pop() else { return false };
            self.topic = other;
        } else {
            more.retain(|other| *other != topic);
        }
        true
    }

    fn size(&self) -> usize {
        self.names as usize + self.frame.as_bytes().len()
    }
}

/// The place of an entry in the order: its sequence number and its position.
pub(super) type Place = (u64, Position);

/// The entries, oldest first. Their sequence numbers ascend, with holes.
pub(super) struct Ring {
    /// The entries without a key.
    plain: VecDeque<Entry>,
    /// The entries with a key, of which any can be replaced.
    keyed: Counted<Place, Entry>,
    /// The newest entry of each key of each topic.
    keys: HashMap<(TopicId, Arc<str>), u64>,
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
    /// When the first entry was published, where there is a longest age.
    start: Option<Instant>,
}

impl Ring {
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self {
            plain: VecDeque::new(),
            keyed: Counted::new(),
            keys: HashMap::new(),
            bytes: 0,
            max_events: max_events.max(1),
            max_bytes,
            start: None,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.plain.len() + self.keyed.len()
    }

    #[cfg(feature = "redis")]
    pub(super) fn max_events(&self) -> usize {
        self.max_events
    }

    /// How many bytes they take: frames, topics, keys and ids.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether a bound is half reached.
    pub(super) fn is_half_full(&self) -> bool {
        self.len() >= self.max_events.div_ceil(2) || self.bytes >= self.max_bytes / 2
    }

    /// Appends an entry, which is published now.
    pub(super) fn push(&mut self, mut entry: Entry, now: Option<Instant>) {
        entry.at = now.map_or(0, |now| nanos(now, *self.start.get_or_insert(now)));
        self.bytes += entry.size();
        if entry.key().is_some() {
            self.keyed.push((entry.seq, entry.position), entry);
        } else {
            self.make_room();
            self.plain.push_back(entry);
        }
    }

    /// Doubles the capacity, but not beyond the retained entries and a new one.
    fn make_room(&mut self) {
        let len = self.plain.len();
        if len == self.plain.capacity() {
            let most = self.max_events.saturating_add(1);
            self.plain.reserve_exact(most.saturating_sub(len).min(len).max(LEAST_ROOM));
        }
    }

    /// Makes this entry the newest one of a key of a topic. Gives the older one.
    pub(super) fn set_newest(&mut self, topic: TopicId, key: &Arc<str>, seq: u64) -> Option<u64> {
        self.keys.insert((topic, key.clone()), seq)
    }

    /// Removes an entry with a key from a topic, and from the ring if that was its last topic.
    pub(super) fn replace(&mut self, topic: TopicId, place: Place) {
        if self.keyed.get_mut(&place).is_none_or(|entry| entry.leave(topic)) {
            return;
        }
        if let Some(entry) = self.keyed.remove(&place) {
            self.bytes -= entry.size();
        }
    }

    /// Takes the oldest entry if there are too many, but never the newest one.
    pub(super) fn pop_excess(&mut self) -> Option<Entry> {
        let is_over = self.len() > self.max_events || self.bytes > self.max_bytes;
        if is_over && self.len() > 1 { self.pop() } else { None }
    }

    /// Takes the oldest entry if it is too old.
    pub(super) fn pop_expired(&mut self, now: Instant, age: Duration) -> Option<Entry> {
        if self.has_expired(now, age) { self.pop() } else { None }
    }

    /// Whether the oldest entry is too old.
    pub(super) fn has_expired(&self, now: Instant, age: Duration) -> bool {
        let (Some(start), Some(first)) = (self.start, self.first()) else { return false };
        Duration::from_nanos(nanos(now, start).saturating_sub(first.at)) >= age
    }

    /// Takes the oldest entry.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let Entry { seq, position, .. } = *self.first()?;
        // It is the first of those with a key, or of those without.
        let entry = match self.keyed.remove(&(seq, position)) {
            Some(entry) => entry,
            None => self.plain.pop_front()?,
        };
        self.bytes -= entry.size();
        if let Some(key) = entry.key() {
            for topic in entry.topics() {
                self.keys.remove(&(topic, key.clone()));
            }
        }
        Some(entry)
    }

    fn first(&self) -> Option<&Entry> {
        self.plain.front().into_iter().chain(self.first_keyed()).min_by_key(|entry| entry.seq)
    }

    fn first_keyed(&self) -> Option<&Entry> {
        self.keyed.first().map(|(_, entry)| entry)
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Entry> {
        self.index_of(seq).map(|index| &self.plain[index]).or_else(|| {
            let (_, entry) = self.keyed.last_up_to(|(place, _)| *place <= seq)?;
            Some(entry).filter(|entry| entry.seq == seq)
        })
    }

    /// The first entry after this place.
    pub(super) fn first_after(&self, seq: u64) -> Option<&Entry> {
        let keyed = self.keyed.first_after(|(place, _)| *place <= seq).map(|(_, entry)| entry);
        let plain = self.plain.get(self.index_after(seq));
        plain.into_iter().chain(keyed).min_by_key(|entry| entry.seq)
    }

    pub(super) fn count_after(&self, seq: u64) -> usize {
        let keyed = self.keyed.count_after(|(place, _)| *place <= seq);
        keyed + self.plain.len() - self.index_after(seq)
    }

    /// The newest entry up to this place.
    pub(super) fn last_up_to(&self, seq: u64) -> Option<&Entry> {
        let keyed = self.keyed.last_up_to(|(place, _)| *place <= seq).map(|(_, entry)| entry);
        let plain = self.index_after(seq).checked_sub(1).map(|index| &self.plain[index]);
        plain.into_iter().chain(keyed).max_by_key(|entry| entry.seq)
    }

    /// The sequence number of the newest entry before this position. The entry with the numbers of
    /// a position that has no entry may be before or after it: it counts as before.
    pub(super) fn seq_before(&self, position: Position) -> Option<u64> {
        let is_inclusive = position.check.is_gap() && !mutant::lacks(54);
        let before = self.up_to_numbers(|numbers| {
            numbers < position.numbers() || is_inclusive && numbers == position.numbers()
        });
        before.map(|entry| entry.seq).max()
    }

    /// The sequence number of the newest entry up to this position.
    pub(super) fn seq_up_to(&self, position: Position) -> Option<u64> {
        let entries = self.up_to_numbers(|numbers| numbers <= position.numbers());
        entries.map(|entry| entry.seq).max()
    }

    /// The newest entry up to some numbers without a key, and the newest one with a key.
    fn up_to_numbers(&self, is_up_to: impl Fn((u64, u64)) -> bool) -> impl Iterator<Item = &Entry> {
        let keyed = self.keyed.last_up_to(|(_, position)| is_up_to(position.numbers()));
        let count = self.plain.partition_point(|entry| is_up_to(entry.position.numbers()));
        let plain = count.checked_sub(1).map(|index| &self.plain[index]);
        plain.into_iter().chain(keyed.map(|(_, entry)| entry))
    }

    /// The sequence number of the entry with this position.
    pub(super) fn seq_at(&self, position: Position) -> Option<u64> {
        let is_same = |entry: &&Entry| {
            let is_exact = entry.position == position || mutant::lacks(40);
            is_exact && entry.position.numbers() == position.numbers()
        };
        self.up_to_numbers(|numbers| numbers <= position.numbers()).find(is_same).map(|e| e.seq)
    }

    fn index_of(&self, seq: u64) -> Option<usize> {
        let index = self.index_after(seq).checked_sub(1)?;
        (self.plain[index].seq == seq).then_some(index)
    }

    /// The number of entries without a key up to this place: a search that begins where the place
    /// would be if the holes were spread evenly. Without holes it is there.
    fn index_after(&self, seq: u64) -> usize {
        let (Some(first), Some(last)) = (self.plain.front(), self.plain.back()) else { return 0 };
        let len = self.plain.len();
        if seq < first.seq || seq >= last.seq {
            return if seq < first.seq { 0 } else { len };
        }
        let is_after = |index: usize| {
            visits::count();
            self.plain[index].seq > seq
        };
        let part = (seq - first.seq) as f64 / (last.seq - first.seq) as f64;
        let guess = ((part * (len - 1) as f64) as usize).min(len - 1);
        // The one at `low` is up to the place, the one at `high` after it.
        let (mut low, mut high, mut step) = (guess, guess, 1);
        if is_after(guess) {
            while high > step && is_after(high - step) {
                high -= step;
                step *= 2;
            }
            low = high.saturating_sub(step);
        } else {
            while low + step < len - 1 && !is_after(low + step) {
                low += step;
                step *= 2;
            }
            high = (len - 1).min(low + step);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if is_after(middle) { high = middle } else { low = middle }
        }
        high
    }
}

/// Enough for centuries.
fn nanos(now: Instant, start: Instant) -> u64 {
    u64::try_from(now.saturating_duration_since(start).as_nanos()).unwrap_or(u64::MAX)
}
