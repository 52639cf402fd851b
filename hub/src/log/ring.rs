//! Entries in their order, up to a number and a size.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use sse_encoder::{Encoded, EventId};

use crate::{mutant, position::Position, topic::TopicId};

/// The least number of entries to allocate memory for.
const LEAST_ROOM: usize = 4;

/// A published event.
pub(super) struct Entry {
    /// The place in the order, counted from 1.
    pub(super) seq: u64,
    pub(super) position: Position,
    pub(super) topic: TopicId,
    /// When it was published, where there is a longest age.
    pub(super) at: Option<Instant>,
    /// The bytes of its topic, its key and its own id.
    pub(super) names: u32,
    /// `None` once a newer entry has the same key.
    pub(super) frame: Option<Encoded>,
    pub(super) extras: Option<Box<Extras>>,
}

/// Only some entries have these.
#[derive(Default)]
pub(super) struct Extras {
    pub(super) key: Option<Arc<str>>,
    pub(super) own_id: Option<EventId>,
}

impl Extras {
    pub(super) fn len(&self) -> usize {
        let id = self.own_id.as_ref().map_or(0, |id| id.as_str().len());
        self.key.as_ref().map_or(id, |key| id + key.len())
    }
}

impl Entry {
    fn key(&self) -> Option<(TopicId, Arc<str>)> {
        let key = self.extras.as_ref()?.key.clone()?;
        Some((self.topic, key))
    }
}

/// The entries, oldest first. Their sequence numbers ascend, with holes.
pub(super) struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    max_events: usize,
    max_bytes: usize,
    /// The newest entry of each key of each topic.
    keys: HashMap<(TopicId, Arc<str>), u64>,
    emptied: usize,
}

impl Ring {
    pub(super) fn new(max_events: usize, max_bytes: usize) -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            max_events: max_events.max(1),
            max_bytes,
            keys: HashMap::new(),
            emptied: 0,
        }
    }

    /// How many entries still have their frame.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.emptied
    }

    /// How many bytes they take: frames, topics, keys and ids.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether there are entries without a frame.
    pub(super) fn has_emptied(&self) -> bool {
        self.emptied > 0
    }

    /// Whether a bound is half reached.
    pub(super) fn is_half_full(&self) -> bool {
        self.entries.len() >= self.max_events.div_ceil(2) || self.bytes >= self.max_bytes / 2
    }

    /// Appends an entry; an older one with the same key loses its frame.
    pub(super) fn push(&mut self, entry: Entry) {
        if let Some(key) = entry.key()
            && let Some(older) = self.keys.insert(key, entry.seq)
        {
            self.empty(older);
        }
        self.bytes += entry.names as usize + entry.frame.as_ref().map_or(0, frame_len);
        self.make_room();
        self.entries.push_back(entry);
    }

    /// Doubles the capacity, but not beyond the retained entries and a new one.
    fn make_room(&mut self) {
        let len = self.entries.len();
        if len == self.entries.capacity() {
            let most = self.max_events.saturating_add(1);
            self.entries.reserve_exact(most.saturating_sub(len).min(len).max(LEAST_ROOM));
        }
    }

    fn empty(&mut self, seq: u64) {
        let frame = self.index_of(seq).and_then(|index| self.entries[index].frame.take());
        if let Some(frame) = frame {
            self.bytes -= frame_len(&frame);
            self.emptied += 1;
        }
    }

    /// Takes the oldest entry if there are too many, but never the newest one.
    pub(super) fn pop_excess(&mut self) -> Option<Entry> {
        let is_over = self.entries.len() > self.max_events || self.bytes > self.max_bytes;
        if is_over && self.entries.len() > 1 { self.pop() } else { None }
    }

    /// Takes the oldest entry if it is too old.
    pub(super) fn pop_expired(&mut self, now: Instant, age: Duration) -> Option<Entry> {
        let at = self.entries.front()?.at?;
        if now.saturating_duration_since(at) >= age { self.pop() } else { None }
    }

    /// Takes the oldest entry.
    pub(super) fn pop(&mut self) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.bytes -= entry.names as usize;
        match &entry.frame {
            Some(frame) => self.bytes -= frame_len(frame),
            None => self.emptied -= 1,
        }
        if let Some(key) = entry.key()
            && self.keys.get(&key) == Some(&entry.seq)
        {
            self.keys.remove(&key);
        }
        Some(entry)
    }

    pub(super) fn get(&self, seq: u64) -> Option<&Entry> {
        self.index_of(seq).map(|index| &self.entries[index])
    }

    /// The entries after this place, oldest first.
    pub(super) fn after(&self, seq: u64) -> impl Iterator<Item = &Entry> {
        self.entries.range(self.index_after(seq)..)
    }

    /// The newest entry up to this place.
    pub(super) fn up_to(&self, seq: u64) -> Option<&Entry> {
        self.index_after(seq).checked_sub(1).map(|index| &self.entries[index])
    }

    /// The newest entry whose numbers are lower than those of this position.
    pub(super) fn seq_before(&self, position: Position) -> Option<u64> {
        let is_lower = |entry: &Entry| entry.position.numbers() < position.numbers();
        let count = self.entries.partition_point(is_lower);
        count.checked_sub(1).map(|index| self.entries[index].seq)
    }

    /// The sequence number of the entry with this position.
    pub(super) fn seq_at(&self, position: Position) -> Option<u64> {
        if mutant::lacks(40) {
            let found = self
                .entries
                .binary_search_by_key(&position.numbers(), |entry| entry.position.numbers());
            return found.ok().map(|index| self.entries[index].seq);
        }
        let found = self.entries.binary_search_by_key(&position, |entry| entry.position);
        found.ok().map(|index| self.entries[index].seq)
    }

    fn index_of(&self, seq: u64) -> Option<usize> {
        // Without holes it is here.
        let guess = seq.checked_sub(self.entries.front()?.seq)? as usize;
        if self.entries.get(guess).is_some_and(|entry| entry.seq == seq) {
            return Some(guess);
        }
        self.entries.binary_search_by_key(&seq, |entry| entry.seq).ok()
    }

    fn index_after(&self, seq: u64) -> usize {
        match self.index_of(seq) {
            Some(index) => index + 1,
            None => self.entries.partition_point(|entry| entry.seq <= seq),
        }
    }
}

fn frame_len(frame: &Encoded) -> usize {
    frame.as_bytes().len()
}
