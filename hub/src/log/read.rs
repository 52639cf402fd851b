//! Reading the retained events, and finding where to begin.

use std::collections::VecDeque;

use sse_encoder::{Encoded, EventId};

use super::{
    client::{ClientPosition, Loss, PositionId, Resumed, ToldLoss},
    index::Places,
    retained::{Numbering, Retained},
    ring::{Entry, Ring},
};
use crate::{
    mutant,
    position::{Check, Position},
    topic::{EVERYTHING, TopicId},
};

/// The answer to a reader: it has everything up to a position.
pub(crate) enum Next {
    /// The next entry, and its sequence number.
    Entry(u64, Encoded),
    /// Some of its next events are no longer retained.
    Lost(Loss),
    /// There is no other entry up to the tip.
    Nothing(ClientPosition),
}

impl Retained {
    /// The next entry of these topics after `cursor`.
    pub(crate) fn next(
        &self,
        topics: impl Iterator<Item = TopicId> + Clone,
        cursor: u64,
        live_from: u64,
    ) -> Next {
        if let Some(until) = self.lost_after(topics.clone(), cursor) {
            return Next::Lost(Loss { until });
        }
        // Ephemeral events from before the subscription are not replayed.
        let live = cursor.max(live_from);
        let kept = topics
            .clone()
            .filter_map(|topic| self.next_in(&self.kept, topic, cursor, |places| &places.kept));
        let ephemeral = topics.filter_map(|topic| {
            self.next_in(&self.ephemeral, topic, live, |places| &places.ephemeral)
        });
        match kept.chain(ephemeral).min_by_key(|(seq, _)| *seq) {
            Some((seq, frame)) => Next::Entry(seq, frame.clone()),
            None => Next::Nothing(self.newest()),
        }
    }

    /// The position of a client that asks for nothing before now.
    pub(crate) const fn newest(&self) -> ClientPosition {
        ClientPosition::new(self.tip.0)
    }

    /// The id of [`newest`](Self::newest).
    pub(crate) fn newest_id(&self) -> PositionId {
        PositionId::new(self.id_at(self.tip.0))
    }

    /// Where a subscriber of these topics with this last event ID continues.
    pub(crate) fn resume(
        &self,
        topics: impl Iterator<Item = TopicId>,
        id: Option<&EventId>,
    ) -> Resumed {
        let Some(place) = id.and_then(|id| self.locate(id)) else {
            let place = self.place_of_unknown(id);
            let until = self.lost_after(topics, place).unwrap_or(place);
            return Resumed::Unknown(Loss { until });
        };
        match self.lost_after(topics, place) {
            Some(until) => Resumed::Lost(Loss { until }),
            None => Resumed::Exact(ClientPosition::new(place)),
        }
    }

    /// The place up to which a client may have been given what is retained, though its last event ID
    /// is unknown, or unreadable.
    fn place_of_unknown(&self, id: Option<&EventId>) -> u64 {
        let Some(id) = id else { return self.tip.0 };
        let Ok(position) = id.as_str().parse::<Position>() else { return self.evicted.0 };
        match self.numbering {
            // The positions of another hub.
            Numbering::Counted { .. } => self.evicted.0,
            Numbering::Given if mutant::lacks(43) => self.evicted.0,
            Numbering::Given => self.kept.seq_before(position).unwrap_or(self.evicted.0),
        }
    }

    /// The position after this loss, or with `skips_rest` after everything else, too; the client
    /// has it once it has the gap with this id.
    pub(crate) fn tell(&self, Loss { until }: Loss, skips_rest: bool) -> ToldLoss {
        let seq = if skips_rest { self.tip.0 } else { until };
        ToldLoss { position: ClientPosition::new(seq), id: PositionId::new(self.id_at(seq)) }
    }

    /// The id of the position of a subscriber of these topics. `None` where no id is known that is
    /// not beyond events that the client lacks: it is to be told of their loss first.
    pub(crate) fn id_of(
        &self,
        topics: impl Iterator<Item = TopicId>,
        position: ClientPosition,
    ) -> Option<PositionId> {
        let seq = position.seq();
        let is_honest =
            self.is_known(seq) || self.lost_after(topics, seq).is_none() || mutant::lacks(38);
        is_honest.then(|| PositionId::new(self.id_at(seq)))
    }

    /// The newest event of these topics that a reader at this place has lost.
    pub(crate) fn lost_after(
        &self,
        mut topics: impl Iterator<Item = TopicId>,
        seq: u64,
    ) -> Option<u64> {
        let newest = self.evicted.0.max(self.untaken.0);
        if seq >= newest {
            return None;
        }
        let lost = |topic| match topic {
            EVERYTHING => newest,
            topic => self.index.evicted(topic),
        };
        let first = topics.next().map_or(0, lost);
        let newest = topics.map(lost).fold(first, u64::max);
        (newest > seq).then_some(newest)
    }

    fn next_in<'a>(
        &'a self,
        ring: &'a Ring,
        topic: TopicId,
        after: u64,
        of_topic: fn(&Places) -> &VecDeque<u64>,
    ) -> Option<(u64, &'a Encoded)> {
        if topic == EVERYTHING {
            return ring.after(after).find_map(frame);
        }
        let places = of_topic(self.index.get(topic)?);
        let first = places.partition_point(|place| *place <= after);
        places.range(first..).find_map(|place| ring.get(*place).and_then(frame))
    }

    /// How many retained events of these topics come after this place.
    pub(crate) fn count_after(&self, topics: impl Iterator<Item = TopicId>, seq: u64) -> usize {
        let has_frame = |place: &&u64| self.kept.get(**place).is_some_and(|e| e.frame.is_some());
        topics
            .map(|topic| {
                if topic == EVERYTHING {
                    return self.kept.after(seq).filter_map(frame).count();
                }
                let Some(places) = self.index.get(topic) else { return 0 };
                let first = places.kept.partition_point(|place| *place <= seq);
                if self.kept.has_emptied() {
                    places.kept.range(first..).filter(has_frame).count()
                } else {
                    places.kept.len() - first
                }
            })
            .sum()
    }

    /// The place of this id, if it belongs to this log.
    pub(crate) fn locate(&self, id: &EventId) -> Option<u64> {
        if let Some(seq) = self.own_ids.get(id) {
            return Some(*seq);
        }
        let position = id.as_str().parse::<Position>().ok()?;
        match self.numbering {
            Numbering::Counted { epoch } => {
                let is_here = position.epoch == epoch && position.n <= self.tip.0;
                (is_here && position.check == Check::NONE).then_some(position.n)
            }
            Numbering::Given if position == self.evicted.1 => Some(self.evicted.0),
            Numbering::Given if position == self.untaken.1 => Some(self.untaken.0),
            Numbering::Given => self.kept.seq_at(position),
        }
    }

    /// Whether a remote log has been read.
    #[cfg(feature = "redis")]
    pub(crate) fn has_begun(&self) -> bool {
        self.tip.0 > 0
    }

    /// The newest position, below which nothing can be appended.
    #[cfg(feature = "redis")]
    pub(crate) fn tip_position(&self) -> Position {
        self.tip.1
    }

    /// Whether this id belongs to this log, as far as it is here.
    #[cfg(feature = "redis")]
    pub(crate) fn knows(&self, id: &EventId) -> bool {
        self.locate(id).is_some()
    }

    /// The id of this place, or of the oldest place that is still known.
    fn id_at(&self, seq: u64) -> EventId {
        let position = match self.numbering {
            Numbering::Counted { epoch } => Position::new(epoch, seq),
            // An ephemeral entry's position would not be found again.
            Numbering::Given => {
                let kept = self.kept.up_to(seq).map(|entry| (entry.seq, entry.position));
                let (kept, untaken) = (kept.unwrap_or(self.evicted), self.untaken);
                if untaken.0 <= seq { kept.max(untaken).1 } else { kept.1 }
            }
        };
        position.to_id()
    }

    /// The id of this place, if it is still known; of evicted places only counted ones are.
    pub(crate) fn past_id_at(&self, seq: u64) -> Option<EventId> {
        self.is_known(seq).then(|| self.id_at(seq))
    }

    fn is_known(&self, seq: u64) -> bool {
        seq >= self.evicted.0 || matches!(self.numbering, Numbering::Counted { .. })
    }
}

/// An entry's place and frame, if it still has one.
fn frame(entry: &Entry) -> Option<(u64, &Encoded)> {
    Some((entry.seq, entry.frame.as_ref()?))
}
