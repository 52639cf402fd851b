//! The newest part of the log, in memory: entries in one order, as far as the bounds allow.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use sse_encoder::{Encoded, EventId};

use super::{
    bounds::Bounds,
    index::Index,
    ring::{Entry, Extras, Ring},
};
use crate::{
    error::Error,
    position::Position,
    topic::{TopicId, UNTITLED},
};

/// Ephemeral events may take another such fraction of the bounds.
const EPHEMERAL_SHARE: usize = 4;

/// Where the entries' positions come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Numbering {
    /// The hub counts: every number up to the newest one is a position.
    Counted { epoch: u64 },
    /// A remote log: only the positions of retained entries are known.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
    Given,
}

pub(crate) struct Retained {
    pub(super) numbering: Numbering,
    age: Option<Duration>,
    /// The newest entry: its sequence number and its position.
    pub(super) tip: (u64, Position),
    pub(super) kept: Ring,
    pub(super) ephemeral: Ring,
    pub(super) own_ids: HashMap<EventId, u64>,
    pub(super) index: Index,
    /// The newest event that is no longer retained.
    pub(super) evicted: (u64, Position),
    /// The newest event that could not be taken: its subscribers have lost it.
    pub(super) untaken: (u64, Position),
}

/// The place of the next entry, and its id on the wire: `None` for an ephemeral one.
pub(crate) struct Slot {
    pub(crate) seq: u64,
    position: Position,
    own_id: Option<EventId>,
    pub(crate) id: Option<EventId>,
}

/// An entry that was removed.
pub(crate) struct Removed {
    pub(crate) seq: u64,
    pub(crate) topic: TopicId,
}

impl Retained {
    pub(crate) fn new(numbering: Numbering, bounds: &Bounds) -> Self {
        let Bounds { events, bytes, age } = *bounds;
        let start = match numbering {
            Numbering::Counted { epoch } => Position::new(epoch, 0),
            Numbering::Given => Position::START,
        };
        let mut index = Index::default();
        index.add(UNTITLED);
        Self {
            numbering,
            age,
            tip: (0, start),
            kept: Ring::new(events, bytes),
            ephemeral: Ring::new(events / EPHEMERAL_SHARE, bytes / EPHEMERAL_SHARE),
            own_ids: HashMap::new(),
            index,
            evicted: (0, start),
            untaken: (0, start),
        }
    }

    /// The place that an event would get, with the position `given` by a remote log.
    ///
    /// # Errors
    ///
    /// The position is not beyond the newest one, or the event's own id cannot be accepted.
    pub(crate) fn slot(&self, event: &Encoded, given: Option<Position>) -> Result<Slot, Error> {
        let seq = self.tip.0 + 1;
        let position = match (self.numbering, given) {
            (Numbering::Counted { epoch }, _) => Position::new(epoch, seq),
            (Numbering::Given, Some(position)) if position > self.tip.1 => position,
            (Numbering::Given, _) => return Err(Error::stale_position()),
        };
        let own_id = event.id();
        self.check_id(own_id.as_ref())?;
        let automatic = || event.lacks_id().then(|| position.to_id());
        Ok(Slot { seq, position, id: own_id.clone().or_else(automatic), own_id })
    }

    /// Fails if an event with this id of its own would be refused.
    pub(crate) fn check_id(&self, own: Option<&EventId>) -> Result<(), Error> {
        match own {
            Some(id) if *id == EventId::EMPTY => Err(Error::empty_id()),
            Some(id) if self.own_ids.contains_key(id) => Err(Error::duplicate_id()),
            Some(id) if self.is_reserved(id) => Err(Error::reserved_id()),
            _ => Ok(()),
        }
    }

    /// Whether the id could be that of a position in this log.
    fn is_reserved(&self, id: &EventId) -> bool {
        let Ok(position) = id.as_str().parse::<Position>() else { return false };
        match self.numbering {
            Numbering::Counted { epoch } => position.epoch == epoch,
            Numbering::Given => true,
        }
    }

    /// Appends an event in its slot; [`trim`](Self::trim) then makes room. Gives the frame with its
    /// id, as subscribers get it.
    pub(crate) fn append(
        &mut self,
        slot: Slot,
        topic: TopicId,
        (name, key): (&str, Option<&str>),
        now: Option<Instant>,
        event: Encoded,
    ) -> Encoded {
        let Slot { seq, position, own_id, id } = slot;
        let frame = match &id {
            Some(id) if own_id.is_none() => event.with_id(id).unwrap_or(event),
            _ => event,
        };
        if let Some(id) = &own_id {
            self.own_ids.insert(id.clone(), seq);
        }
        let key = key.map(Arc::from);
        let extras = (key.is_some() || own_id.is_some()).then(|| Box::new(Extras { key, own_id }));
        let names = name.len() + extras.as_ref().map_or(0, |extras| extras.len());
        let names = u32::try_from(names).unwrap_or(u32::MAX);
        let kept = Some(frame.clone());
        let entry = Entry { seq, position, topic, at: now, names, frame: kept, extras };
        let places = self.index.add(topic);
        if id.is_some() {
            places.kept.push_back(seq);
            self.kept.push(entry);
        } else {
            places.ephemeral.push_back(seq);
            self.ephemeral.push(entry);
        }
        self.tip = (seq, position);
        frame
    }

    /// Removes one entry that is too old or beyond the bounds, if there is one.
    pub(crate) fn trim(&mut self, now: Option<Instant>) -> Option<Removed> {
        let expired = |ring: &mut Ring| ring.pop_expired(now?, self.age?);
        if let Some(entry) = self.kept.pop_excess().or_else(|| expired(&mut self.kept)) {
            return Some(self.forget(entry));
        }
        let entry = self.ephemeral.pop_excess().or_else(|| expired(&mut self.ephemeral))?;
        if let Some(places) = self.index.get_mut(entry.topic) {
            places.ephemeral.pop_front();
        }
        Some(Removed { seq: entry.seq, topic: entry.topic })
    }

    pub(super) fn forget(&mut self, entry: Entry) -> Removed {
        let Entry { seq, position, topic, .. } = entry;
        if let Some(id) = entry.extras.and_then(|extras| extras.own_id) {
            self.own_ids.remove(&id);
        }
        if let Some(places) = self.index.get_mut(topic) {
            places.kept.pop_front();
            // An entry without a frame was replaced by a newer one with the same key: no loss.
            if entry.frame.is_some() {
                places.evicted = places.evicted.max(seq);
                self.evicted = (seq, position);
            }
        }
        Removed { seq, topic }
    }

    /// Records that an unknown number of events is missing between the newest entry and the next
    /// one, which follows this position. Removes all entries. Gives the gap's sequence number.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
    pub(crate) fn record_gap(&mut self, resumed_after: Position) -> u64 {
        let seq = self.tip.0 + 1;
        self.tip = (seq, resumed_after);
        self.evicted = self.tip;
        while self.kept.pop().is_some() {}
        while self.ephemeral.pop().is_some() {}
        self.own_ids.clear();
        self.index.clear(seq);
        seq
    }

    /// Records that the next event, one of this topic at this position of a remote log, cannot be
    /// taken. Gives its sequence number.
    ///
    /// # Errors
    ///
    /// The position is not beyond the newest one.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
    pub(crate) fn record_loss(&mut self, topic: TopicId, position: Position) -> Result<u64, Error> {
        if position <= self.tip.1 {
            return Err(Error::stale_position());
        }
        self.tip = (self.tip.0 + 1, position);
        self.untaken = self.tip;
        self.index.add(topic).evicted = self.tip.0;
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
        let places = self.index.get(topic);
        places.is_some_and(|places| !places.kept.is_empty() || !places.ephemeral.is_empty())
    }

    /// A client whose position is before this needs a newer one: the middle of the log once that is
    /// half full, and 0, no client, until then.
    pub(crate) fn renew_below(&self) -> u64 {
        if self.kept.is_half_full() { self.tip.0 - (self.tip.0 - self.evicted.0) / 2 } else { 0 }
    }

    pub(crate) fn ages(&self) -> bool {
        self.age.is_some()
    }

    pub(crate) fn tip(&self) -> u64 {
        self.tip.0
    }

    /// The newest event that is no longer retained.
    pub(crate) fn evicted(&self) -> u64 {
        self.evicted.0
    }

    /// How many events are retained, and how many bytes their frames take.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.kept.len(), self.kept.bytes())
    }
}
