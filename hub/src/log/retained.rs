//! The newest part of the log, in memory: entries in one order, as far as the bounds allow.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sse_encoder::{Encoded, EventId};

use super::{
    bounds::Bounds,
    index::Index,
    latest::Latest,
    own_ids::OwnIds,
    ring::{Entry, Ring},
    spans::Spans,
};
use crate::{
    error::Error,
    position::{Claim, Position},
    topic::{TopicId, UNTITLED},
};

/// Ephemeral events may take a further fraction of the bounds: one divided by this.
const EPHEMERAL_SHARE: usize = 4;

/// The records of replaced events may take a fraction of the bytes, one divided by this share, at
/// this size each.
const REPLACED_SHARE: usize = 8;
const REPLACED_SIZE: usize = 64;

/// Where the entries' positions come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numbering {
    /// The hub counts: every number up to the newest one is a position.
    Counted { epoch: u64 },
    /// A remote log: only the positions of retained entries are known.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
    Given,
    /// A log of the hub's own that outlives the process: in each epoch, every number from its first
    /// to its last one is a position. Ephemeral events have none.
    #[cfg_attr(not(feature = "disk"), allow(dead_code, reason = "for a log on disk"))]
    Continued,
}

pub(crate) struct Retained {
    pub(super) numbering: Numbering,
    age: Option<Duration>,
    /// The newest entry: its sequence number and its position.
    pub(super) tip: (u64, Position),
    pub(super) kept: Ring,
    pub(super) ephemeral: Ring,
    pub(super) own_ids: OwnIds,
    /// The events that a newer one with the same key has replaced in a topic: a client can resume
    /// after them. Only those whose place is not known otherwise.
    pub(super) replaced: BTreeMap<(Position, TopicId), Replaced>,
    max_replaced: usize,
    /// The positions of a [continued](Numbering::Continued) log, and the place of the first one.
    pub(super) spans: (u64, Spans),
    pub(super) index: Index,
    /// Whether the bound of the events or of the bytes was reached since the last gap.
    is_full: bool,
    /// The newest event that is no longer retained.
    pub(super) evicted: (u64, Position),
    /// The newest event of each key.
    pub(super) latest: Latest,
    /// The newest event that could not be taken: its subscribers have lost it.
    pub(super) untaken: (u64, Position),
}

/// The place of the next entry, and its id on the wire: `None` for an ephemeral one.
pub(crate) struct Slot {
    pub(crate) seq: u64,
    position: Position,
    pub(crate) own_id: Option<EventId>,
    pub(crate) id: Option<EventId>,
}

/// A replaced event.
pub(super) struct Replaced {
    pub(super) seq: u64,
    own_id: Option<EventId>,
}

/// An entry that was removed, or the newest event of a key.
pub(crate) struct Removed {
    seq: Option<u64>,
    entry: Option<Entry>,
    topics_of_value: Vec<TopicId>,
}

impl Removed {
    fn entry(entry: Entry) -> Self {
        Self { seq: Some(entry.seq), entry: Some(entry), topics_of_value: Vec::new() }
    }

    const fn value(topics_of_value: Vec<TopicId>) -> Self {
        Self { seq: None, entry: None, topics_of_value }
    }

    /// The place of an entry.
    pub(crate) const fn seq(&self) -> Option<u64> {
        self.seq
    }

    pub(crate) fn topics(&self) -> impl Iterator<Item = TopicId> {
        let of_entry = self.entry.iter().flat_map(Entry::topics);
        of_entry.chain(self.topics_of_value.iter().copied())
    }
}

impl Retained {
    pub(crate) fn new(numbering: Numbering, bounds: &Bounds) -> Self {
        let Bounds { events, bytes, keys, age } = *bounds;
        let start = match numbering {
            Numbering::Counted { epoch } => Position::new(epoch, 0),
            Numbering::Given | Numbering::Continued => Position::START,
        };
        // A hub that counts has no earlier events.
        let is_counted = matches!(numbering, Numbering::Counted { .. });
        let mut index = Index::default();
        index.add(UNTITLED);
        Self {
            numbering,
            age,
            tip: (0, start),
            kept: Ring::new(events, bytes),
            ephemeral: Ring::new(events / EPHEMERAL_SHARE, bytes / EPHEMERAL_SHARE),
            own_ids: OwnIds::default(),
            replaced: BTreeMap::new(),
            max_replaced: events.max(bytes / REPLACED_SHARE / REPLACED_SIZE),
            spans: (0, Spans::default()),
            index,
            is_full: false,
            evicted: (0, start),
            latest: Latest::new(keys.unwrap_or(events), bytes, age, is_counted),
            untaken: (0, start),
        }
    }

    /// The place that an event would get, with the position `given` by a remote log. Its own id, if
    /// it has one, is [checked](Self::check_id) before.
    ///
    /// # Errors
    ///
    /// The position is not beyond the newest one.
    pub(crate) fn slot(&self, event: &Encoded, given: Option<Position>) -> Result<Slot, Error> {
        let seq = self.tip.0 + 1;
        let position = match (self.numbering, given) {
            (Numbering::Counted { epoch }, _) => Position::new(epoch, seq),
            (_, Some(position)) if position > self.tip.1 => position,
            // An ephemeral event is not in the log, and has the position of the one before it.
            (Numbering::Continued, None) if !event.has_id() && !event.lacks_id() => self.tip.1,
            (Numbering::Given | Numbering::Continued, _) => return Err(Error::stale_position()),
        };
        let own_id = event.id();
        let automatic = || event.lacks_id().then(|| position.to_id());
        Ok(Slot { seq, position, id: own_id.clone().or_else(automatic), own_id })
    }

    /// Fails if an event with this id of its own would be refused in one of these topics.
    pub(crate) fn check_id(
        &self,
        id: &EventId,
        mut topics: impl Iterator<Item = TopicId>,
    ) -> Result<(), Error> {
        if *id == EventId::EMPTY {
            Err(Error::empty_id())
        } else if topics.any(|topic| self.own_ids.contains(id, topic)) {
            Err(Error::duplicate_id())
        } else if self.is_reserved(id) {
            Err(Error::reserved_id())
        } else {
            Ok(())
        }
    }

    /// Whether the id could be that of a position in this log.
    fn is_reserved(&self, id: &EventId) -> bool {
        let Ok(claim) = id.as_str().parse::<Claim>() else { return false };
        match self.numbering {
            Numbering::Counted { epoch } => claim.at.epoch == epoch,
            Numbering::Given | Numbering::Continued => true,
        }
    }

    /// Appends an event in its slot; [`trim`](Self::trim) then makes room. Gives the frame with its
    /// id, as subscribers get it.
    ///
    /// An ephemeral event without a listener only takes its place in the order.
    pub(crate) fn append(
        &mut self,
        slot: Slot,
        (topics, names_len): (&[TopicId], usize),
        key: Option<&str>,
        now: Option<Instant>,
        event: Encoded,
        is_heard: bool,
    ) -> Encoded {
        let Slot { seq, position, own_id, id } = slot;
        let frame = match &id {
            Some(id) if own_id.is_none() => event.with_id(id).unwrap_or(event),
            _ => event,
        };
        self.tip = (seq, position);
        self.note(position);
        let is_ephemeral = id.is_none();
        if is_ephemeral && !is_heard {
            return frame;
        }
        let (has_key, is_shared) = (key.is_some(), topics.len() > 1);
        for topic in topics {
            let places = self.index.add(*topic);
            if is_ephemeral {
                places.push_ephemeral(seq, has_key);
                continue;
            }
            places.kept.push(seq, has_key);
            if is_shared {
                places.share(seq, has_key);
            }
            if let Some(id) = &own_id {
                self.own_ids.insert(id, *topic, seq);
            }
        }
        let key = key.map(Arc::<str>::from);
        if let Some(key) = &key {
            topics.iter().for_each(|topic| self.replace(*topic, key, seq, is_ephemeral));
            if !is_ephemeral {
                self.latest.set(seq, topics, key, now, &frame);
            }
        }
        let place = (seq, position);
        let entry = Entry::new(place, (topics, names_len), key, own_id, frame.clone());
        let ring = if is_ephemeral { &mut self.ephemeral } else { &mut self.kept };
        ring.push(entry, now);
        frame
    }

    /// Takes the older event with this key out of the topic.
    fn replace(&mut self, topic: TopicId, key: &Arc<str>, seq: u64, is_ephemeral: bool) {
        let ring = if is_ephemeral { &mut self.ephemeral } else { &mut self.kept };
        let older = ring.set_newest(topic, key, seq).and_then(|older| ring.get(older));
        let Some(older) = older else { return };
        let (place, own_id) = ((older.seq, older.position), older.own_id().cloned());
        ring.replace(topic, place);
        let Some(places) = self.index.get_mut(topic) else { return };
        if is_ephemeral {
            places.remove_ephemeral(place.0, true);
            return;
        }
        places.replace(place.0);
        // A counted position needs no record.
        if own_id.is_some() || matches!(self.numbering, Numbering::Given) {
            self.replaced.insert((place.1, topic), Replaced { seq: place.0, own_id });
            if self.replaced.len() > self.max_replaced {
                self.forget_replaced();
            }
        }
    }

    fn forget_replaced(&mut self) {
        if let Some(((_, topic), Replaced { own_id: Some(id), .. })) = self.replaced.pop_first() {
            self.own_ids.remove(&id, topic);
        }
    }

    /// Removes one entry that is too old or beyond the bounds, if there is one, or the newest event
    /// of a key.
    pub(crate) fn trim(&mut self, now: Option<Instant>) -> Option<Removed> {
        let expired = |ring: &mut Ring| ring.pop_expired(now?, self.age?);
        let excess = self.kept.pop_excess();
        self.is_full |= excess.is_some();
        if let Some(entry) = excess.or_else(|| expired(&mut self.kept)) {
            self.forget(&entry);
            return Some(Removed::entry(entry));
        }
        if let Some(topics) = self.latest.trim(now) {
            return Some(Removed::value(topics));
        }
        let entry = self.ephemeral.pop_excess().or_else(|| expired(&mut self.ephemeral))?;
        for topic in entry.topics() {
            if let Some(places) = self.index.get_mut(topic) {
                places.remove_ephemeral(entry.seq, entry.key().is_some());
            }
        }
        Some(Removed::entry(entry))
    }

    /// Whether [`trim`](Self::trim) would remove an entry.
    pub(crate) fn has_expired(&self, now: Instant) -> bool {
        let Some(age) = self.age else { return false };
        self.kept.has_expired(now, age)
            || self.ephemeral.has_expired(now, age)
            || self.latest.has_expired(now, age)
    }

    pub(super) fn forget(&mut self, entry: &Entry) {
        let seq = entry.seq;
        for topic in entry.topics() {
            if let Some(id) = entry.own_id() {
                self.own_ids.remove(id, topic);
            }
            if let Some(places) = self.index.get_mut(topic) {
                places.evict(seq, entry.key().is_some());
            }
        }
        self.evicted = (seq, entry.position);
        // A client at an older place may have lost this event.
        while self.replaced.first_key_value().is_some_and(|(_, replaced)| replaced.seq < seq) {
            self.forget_replaced();
        }
    }

    /// Records that an unknown number of events is missing between the newest entry and the next
    /// one, which follows this position. Removes all entries. Gives the gap's sequence number.
    pub(crate) fn record_gap(&mut self, resumed_after: Position) -> u64 {
        let seq = self.tip.0 + 1;
        self.tip = (seq, resumed_after);
        self.evicted = self.tip;
        self.is_full = false;
        while self.kept.pop().is_some() {}
        while self.ephemeral.pop().is_some() {}
        self.own_ids.clear();
        self.replaced.clear();
        self.latest.clear();
        self.index.clear(seq);
        self.spans.0 = seq;
        self.spans.1.reset(resumed_after);
        seq
    }

    /// Notes that this is a position of a [continued](Numbering::Continued) log.
    pub(crate) fn note(&mut self, position: Position) {
        if matches!(self.numbering, Numbering::Continued) {
            self.spans.1.add(position);
        }
    }

    /// Records that nothing is before the entries that are here: with them, the newest event of
    /// each key is known.
    #[cfg_attr(
        not(any(feature = "disk", feature = "redis")),
        allow(dead_code, reason = "for a log elsewhere")
    )]
    pub(crate) fn record_beginning(&mut self) {
        self.latest.begin();
    }

    /// Records that the next event, one of these topics at this position of a remote log, cannot be
    /// taken. Gives its sequence number.
    ///
    /// # Errors
    ///
    /// The position is not beyond the newest one.
    pub(crate) fn record_loss(
        &mut self,
        topics: &[TopicId],
        position: Position,
    ) -> Result<u64, Error> {
        if position <= self.tip.1 {
            return Err(Error::stale_position());
        }
        self.tip = (self.tip.0 + 1, position);
        self.untaken = self.tip;
        self.note(position);
        topics.iter().for_each(|topic| self.index.add(*topic).evicted = self.tip.0);
        self.latest.lack(topics);
        Ok(self.tip.0)
    }

    /// Keeps track of this topic, even without entries, until it is
    /// [forgotten](Self::forget_topic): so events lost in other topics cause no gap in this one.
    pub(crate) fn watch_topic(&mut self, topic: TopicId) {
        self.index.add(topic);
    }

    /// The newest entry of this topic.
    pub(crate) fn last(&self, topic: TopicId) -> u64 {
        self.index.last(topic)
    }

    /// Forgets a topic without entries and without subscribers.
    pub(crate) fn forget_topic(&mut self, topic: TopicId) {
        self.index.remove(topic);
    }

    pub(crate) fn has_entries(&self, topic: TopicId) -> bool {
        self.index.get(topic).is_some_and(|places| !places.is_empty()) || self.latest.has(topic)
    }

    /// A client whose position is before this needs a newer one: the middle of the log once that is
    /// half full; 0 until then, so that no client does.
    pub(crate) fn renew_below(&self) -> u64 {
        if self.kept.is_half_full() { self.tip.0 - (self.tip.0 - self.evicted.0) / 2 } else { 0 }
    }

    /// How many entries a remote log must keep for the retained ones: all from the oldest one on,
    /// ephemeral and replaced ones included. Where the bytes bound the retained events, these can
    /// be fewer than the greatest number of events.
    #[cfg(feature = "redis")]
    pub(crate) fn span(&self) -> u64 {
        let span = self.tip.0 - self.evicted.0;
        if self.is_full { span + 1 } else { span.max(self.kept.max_events() as u64) }
    }

    pub(crate) fn ages(&self) -> bool {
        self.age.is_some()
    }

    pub(crate) fn tip(&self) -> u64 {
        self.tip.0
    }

    /// Whether the event at this position is retained.
    #[cfg(feature = "disk")]
    pub(crate) fn keeps(&self, position: Position) -> bool {
        self.kept.seq_at(position).is_some()
    }

    /// The position of the newest event that is no longer retained, other than by being replaced.
    #[cfg(feature = "disk")]
    pub(crate) fn evicted_position(&self) -> Position {
        self.evicted.1
    }

    /// The newest event that is no longer retained.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted.0
    }

    /// How many events are retained, and how many bytes they take: frames, topics, keys and ids.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.kept.len(), self.kept.bytes())
    }

    /// How many entries, replaced ones and own ids there are.
    #[cfg(test)]
    pub(crate) fn places(&self) -> (usize, usize, usize) {
        (self.kept.len(), self.replaced.len(), self.own_ids.len())
    }

    #[cfg(test)]
    pub(crate) fn ephemeral_len(&self) -> usize {
        self.ephemeral.len()
    }
}
