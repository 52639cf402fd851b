//! What subscribers read, and where they begin.

use super::{
    super::{
        Delivery,
        position::Position,
        ring::{Entry, Ring},
        rooms::EVERYTHING,
    },
    Log, Numbering,
};
use crate::{encoder::Encoded, value::EventId};

/// What comes after a subscriber's position.
pub(in crate::hub) enum Next {
    Entry(u64, Delivery),
    /// Something that it should have had, up to here, is no longer retained.
    Lost(u64),
    /// Nothing, up to the tip.
    Nothing(u64),
}

impl Log {
    /// What a subscriber of these rooms gets next.
    pub(in crate::hub) fn next(
        &self,
        rooms: impl Iterator<Item = u32> + Clone,
        cursor: u64,
        live_from: u64,
    ) -> Next {
        if let Some(lost) = self.lost_after(rooms.clone(), cursor) {
            return Next::Lost(lost);
        }
        // What was ephemeral before the subscription is not replayed.
        let live = cursor.max(live_from);
        let kept = rooms.clone().filter_map(|room| self.next_of(room, cursor, &self.kept, false));
        let passing = rooms.filter_map(|room| self.next_of(room, live, &self.passing, true));
        let next = kept.map(|next| (next, false)).chain(passing.map(|next| (next, true)));
        match next.min_by_key(|((seq, _), _)| *seq) {
            Some(((seq, frame), is_ephemeral)) => {
                Next::Entry(seq, Delivery { frame: frame.clone(), is_ephemeral })
            }
            None => Next::Nothing(self.tip.0),
        }
    }

    /// The newest event of these rooms that is lost to who has this position.
    pub(in crate::hub) fn lost_after(
        &self,
        mut rooms: impl Iterator<Item = u32>,
        seq: u64,
    ) -> Option<u64> {
        if seq >= self.evicted.0 {
            return None;
        }
        let lost = |room| match room {
            EVERYTHING => self.evicted.0,
            room => self.rooms.get(room).map_or(0, |topic| topic.evicted),
        };
        let first = rooms.next().map_or(0, lost);
        let newest = rooms.map(lost).fold(first, u64::max);
        (newest > seq).then_some(newest)
    }

    fn next_of<'a>(
        &'a self,
        room: u32,
        after: u64,
        ring: &'a Ring,
        is_ephemeral: bool,
    ) -> Option<(u64, &'a Encoded)> {
        let frame_of = |entry: &'a Entry| Some((entry.seq, entry.frame.as_ref()?));
        if room == EVERYTHING {
            return ring.after(after).find_map(frame_of);
        }
        let topic = self.rooms.get(room)?;
        let places = if is_ephemeral { &topic.passing } else { &topic.kept };
        let first = places.partition_point(|place| *place <= after);
        places.range(first..).find_map(|place| ring.get(*place).and_then(frame_of))
    }

    /// How many retained events of these rooms come after this place.
    pub(in crate::hub) fn count_after(&self, rooms: impl Iterator<Item = u32>, seq: u64) -> usize {
        let has_frame = |place: &&u64| self.kept.get(**place).is_some_and(|e| e.frame.is_some());
        rooms
            .map(|room| {
                if room == EVERYTHING {
                    return self.kept.after(seq).filter(|entry| entry.frame.is_some()).count();
                }
                let Some(topic) = self.rooms.get(room) else { return 0 };
                let first = topic.kept.partition_point(|place| *place <= seq);
                if self.kept.has_emptied() {
                    topic.kept.range(first..).filter(has_frame).count()
                } else {
                    topic.kept.len() - first
                }
            })
            .sum()
    }

    /// The place that this id says, if it is one of this log's.
    pub(in crate::hub) fn locate(&self, id: &EventId) -> Option<u64> {
        if let Some(seq) = self.own_ids.get(id) {
            return Some(*seq);
        }
        let position = id.as_str().parse::<Position>().ok()?;
        match self.numbering {
            Numbering::Counted { epoch } => {
                (position.epoch == epoch && position.n <= self.tip.0).then_some(position.n)
            }
            Numbering::Given if position == self.evicted.1 => Some(self.evicted.0),
            Numbering::Given => self.kept.seq_at(position),
        }
    }

    /// Whether a log elsewhere has been read.
    #[cfg(feature = "redis")]
    pub(in crate::hub) fn has_begun(&self) -> bool {
        self.tip.0 > 0
    }

    /// The newest position, below which nothing can be appended.
    #[cfg(feature = "redis")]
    pub(in crate::hub) fn tip_position(&self) -> Position {
        self.tip.1
    }

    /// Whether it makes no sense to wait for an event with this id: it is here, or has been passed.
    #[cfg(feature = "redis")]
    pub(in crate::hub) fn has_reached(&self, id: &EventId) -> bool {
        let is_passed = |position: Position| position <= self.tip.1;
        self.locate(id).is_some() || id.as_str().parse().is_ok_and(is_passed)
    }

    /// The id that says this place.
    pub(in crate::hub) fn id_at(&self, seq: u64) -> EventId {
        let position = match self.numbering {
            Numbering::Counted { epoch } => Position { epoch, n: seq },
            // An ephemeral entry's position would not be found again.
            Numbering::Given => self.kept.up_to(seq).map_or(self.evicted.1, |entry| entry.position),
        };
        position.to_id()
    }

    /// The id that says this place, if it can be told still: one that is no longer retained is
    /// known only to who counts.
    pub(in crate::hub) fn past_id_at(&self, seq: u64) -> Option<EventId> {
        let is_known = seq >= self.evicted.0 || matches!(self.numbering, Numbering::Counted { .. });
        is_known.then(|| self.id_at(seq))
    }
}
