//! Reading the retained events, and finding where to begin.

use std::iter;

use sse_encoder::{Encoded, EventId};

use super::{
    client::{ClientPosition, Loss, PositionId, Resumed, ToldLoss},
    index::TopicPlaces,
    retained::{Numbering, Retained},
    ring::{Entry, Ring},
};
use crate::{
    mutant,
    position::{Check, Claim, Position},
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
            return Next::Lost(Loss { until, had: None });
        }
        // Ephemeral events from before the subscription are not replayed.
        let live = cursor.max(live_from);
        let kept =
            self.first_after(&self.kept, topics.clone(), cursor, |t, seq| t.kept.first_after(seq));
        let ephemeral =
            self.first_after(&self.ephemeral, topics, live, TopicPlaces::first_ephemeral_after);
        let first = kept.into_iter().chain(ephemeral).min_by_key(|entry| entry.seq);
        first.map_or(Next::Nothing(self.newest()), |entry| {
            Next::Entry(entry.seq, entry.frame.clone())
        })
    }

    /// The first entry of these topics in this ring after this place.
    fn first_after<'a>(
        &'a self,
        ring: &'a Ring,
        topics: impl Iterator<Item = TopicId>,
        seq: u64,
        in_topic: fn(&TopicPlaces, u64) -> Option<u64>,
    ) -> Option<&'a Entry> {
        let first = |topic| match topic {
            EVERYTHING => ring.first_after(seq).map(|entry| entry.seq),
            topic => in_topic(self.index.get(topic)?, seq),
        };
        ring.get(topics.filter_map(first).min()?)
    }

    /// Whether the newest event of each key of these topics is here, and if so how often such
    /// events were lost before.
    pub(crate) fn losses_of_whole(&self, topics: impl Iterator<Item = TopicId>) -> Option<u64> {
        self.latest.is_whole(topics).then(|| self.latest.losses())
    }

    /// The next of the newest events of each key of these topics, after `after` and up to `until`.
    ///
    /// # Errors
    ///
    /// One of them may be lost: the log has counted other losses than these.
    pub(crate) fn next_newest(
        &self,
        topics: impl Iterator<Item = TopicId>,
        after: u64,
        until: ClientPosition,
        losses: u64,
    ) -> Result<Option<(u64, Encoded)>, Loss> {
        if self.latest.losses() != losses {
            return Err(Loss { until: until.seq(), had: None });
        }
        let next = self.latest.next(topics, after).filter(|(seq, _)| *seq <= until.seq());
        Ok(next.map(|(seq, frame)| (seq, frame.clone())))
    }

    /// All events up to now as a loss.
    pub(crate) const fn all_as_loss(&self) -> Loss {
        Loss { until: self.tip.0, had: None }
    }

    /// The position of a client that asks for nothing before now.
    pub(crate) const fn newest(&self) -> ClientPosition {
        ClientPosition::new(self.tip.0)
    }

    /// The id of [`newest`](Self::newest), for a client that `had` a later position before a gap.
    pub(crate) fn newest_id(&self, had: Option<Position>) -> PositionId {
        PositionId::new(self.known_at(self.tip.0).1, had)
    }

    /// Where a subscriber of these topics with this last event ID continues.
    pub(crate) fn resume(
        &self,
        topics: impl Iterator<Item = TopicId> + Clone,
        id: Option<&EventId>,
    ) -> Resumed {
        let Some((place, had)) = id.and_then(|id| self.locate(id, topics.clone())) else {
            let place = self.place_of_unknown(id);
            let until = self.lost_after(topics, place).unwrap_or(place);
            return Resumed::Unknown(Loss { until, had: self.had_by(id) });
        };
        if let Some(until) = self.lost_after(topics.clone(), place) {
            return Resumed::Lost(Loss { until, had });
        }
        let position = ClientPosition::new(place);
        let Some(later) = had else { return Resumed::Exact(position) };
        // It may have had what is before the later one.
        let until = self.kept.seq_before(later).map_or(place, |seq| seq.max(place));
        if self.count_after(topics.clone(), place) > self.count_after(topics, until) {
            return Resumed::Unknown(Loss { until, had });
        }
        Resumed::Returned(position, later)
    }

    /// The newest position of the client with this last event ID, which is unknown: where servers
    /// share a log, another one may know it.
    fn had_by(&self, id: Option<&EventId>) -> Option<Position> {
        let claim = id?.as_str().parse::<Claim>().ok()?;
        let is_shared = matches!(self.numbering, Numbering::Given) && !mutant::lacks(50);
        is_shared.then(|| claim.had.unwrap_or(claim.at))
    }

    /// The place up to which a client whose last event ID is unknown or unreadable may have been
    /// given the retained events.
    fn place_of_unknown(&self, id: Option<&EventId>) -> u64 {
        let Some(id) = id else { return self.tip.0 };
        let Ok(Claim { at, had }) = id.as_str().parse() else { return self.evicted.0 };
        let position = had.map_or(at, |had| had.max(at));
        match self.numbering {
            // The positions of another hub.
            Numbering::Counted { .. } => self.evicted.0,
            Numbering::Given if mutant::lacks(43) => self.evicted.0,
            Numbering::Given | Numbering::Continued => {
                self.kept.seq_before(position).unwrap_or(self.evicted.0)
            }
        }
    }

    /// The position after this loss, or with `skips_rest` after everything else, too; the client
    /// has it once it has the gap with this id.
    pub(crate) fn tell(&self, Loss { until, had }: Loss, skips_rest: bool) -> ToldLoss {
        let seq = if skips_rest { self.tip.0 } else { until };
        let id = PositionId::new(self.known_at(seq).1, had);
        ToldLoss { position: ClientPosition::new(seq), id }
    }

    /// The id of the position of a subscriber of these topics. `None` if every known id lies beyond
    /// events that the client lacks, as it must be told of their loss first; or if the known id is
    /// older than the one that the client `has`. `had`: the later position that it had before a
    /// gap.
    pub(crate) fn id_of(
        &self,
        topics: impl Iterator<Item = TopicId>,
        position: ClientPosition,
        has: ClientPosition,
        had: Option<Position>,
    ) -> Option<PositionId> {
        let seq = position.seq();
        let is_honest =
            self.is_known(seq) || self.lost_after(topics, seq).is_none() || mutant::lacks(38);
        let (place, position) = self.known_at(seq);
        (is_honest && place >= has.seq()).then(|| PositionId::new(position, had))
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

    /// The newest event of this topic that is lost to those that have not read it; 0 if there is
    /// no such event.
    pub(crate) fn lost(&self, topic: TopicId) -> u64 {
        self.lost_after(iter::once(topic), 0).unwrap_or(0)
    }

    /// The place before the newest retained events of these topics, at most `limit`.
    pub(crate) fn place_of_newest(
        &self,
        topics: impl Iterator<Item = TopicId> + Clone,
        limit: usize,
    ) -> u64 {
        // Nothing is lost after the least place.
        let mut least = self.lost_after(topics.clone(), 0).unwrap_or(0);
        let mut most = self.tip.0;
        while least < most {
            let middle = least + (most - least) / 2;
            if self.count_after(topics.clone(), middle) <= limit {
                most = middle;
            } else {
                least = middle + 1;
            }
        }
        least
    }

    /// How many retained events of these topics, each given once, come after this place. An event
    /// in several of the topics costs a step, all others together a search.
    pub(crate) fn count_after(
        &self,
        topics: impl Iterator<Item = TopicId> + Clone,
        seq: u64,
    ) -> usize {
        let count = |topic| match topic {
            EVERYTHING => self.kept.count_after(seq),
            topic => self.index.get(topic).map_or(0, |places| places.kept.count_after(seq)),
        };
        let all: usize = topics.clone().map(count).sum();
        all - self.counted_again(topics, seq)
    }

    /// How many times too often a sum over these topics counts the events that are in several.
    fn counted_again(&self, topics: impl Iterator<Item = TopicId> + Clone, seq: u64) -> usize {
        let shared = |topic: &TopicId| self.index.get(*topic).map_or(0, TopicPlaces::count_shared);
        // An event counts for the first of its topics. The one with the most shared events comes
        // first, as its events need no look.
        if topics.clone().filter(|topic| shared(topic) > 0).nth(1).is_none() {
            return 0;
        }
        let Some(busiest) = topics.clone().max_by_key(shared) else { return 0 };
        let mut earlier = vec![busiest];
        let mut again = 0;
        for topic in topics.filter(|topic| *topic != busiest) {
            let Some(places) = self.index.get(topic) else { continue };
            let entries = places.shared_after(seq).filter_map(|seq| self.kept.get(seq));
            let entries = entries.filter(|entry| entry.is_in(topic));
            again += entries.filter(|e| earlier.iter().any(|other| e.is_in(*other))).count();
            earlier.push(topic);
        }
        again
    }

    /// The place of this id, if it belongs to this log, and to one of these topics if it is an
    /// event's own; and the later position that its client had before a gap, if this log lacks it.
    pub(crate) fn locate(
        &self,
        id: &EventId,
        topics: impl Iterator<Item = TopicId>,
    ) -> Option<(u64, Option<Position>)> {
        if let Some(seq) = self.own_ids.get(id, topics) {
            return Some((seq, None));
        }
        let Claim { at, had } = id.as_str().parse().ok()?;
        match (had, self.numbering) {
            (None, _) => self.place_of(at).map(|place| (place, None)),
            (Some(had), Numbering::Given) => match (self.place_of(had), self.place_of(at)) {
                // The client was given all up to there, and nothing since.
                (Some(later), place) => Some((later.max(place.unwrap_or(0)), None)),
                (None, place) => place.map(|place| (place, Some(had))),
            },
            // A log that belongs to one server gives only plain ids.
            (Some(_), Numbering::Counted { .. } | Numbering::Continued) => None,
        }
    }

    /// The place of a position of this log.
    fn place_of(&self, position: Position) -> Option<u64> {
        match self.numbering {
            Numbering::Counted { epoch } => {
                let is_here = position.epoch == epoch && position.n <= self.tip.0;
                (is_here && position.check == Check::NONE).then_some(position.n)
            }
            Numbering::Given if position == self.evicted.1 => Some(self.evicted.0),
            Numbering::Given if position == self.untaken.1 => Some(self.untaken.0),
            Numbering::Given => {
                self.kept.seq_at(position).or_else(|| self.seq_of_replaced(position))
            }
            Numbering::Continued => self.spans.1.contains(position).then(|| self.seq_of(position)),
        }
    }

    /// The place of a position of a [continued](Numbering::Continued) log.
    fn seq_of(&self, position: Position) -> u64 {
        if position < self.evicted.1 {
            // The events in between are no longer known, only the topics that have lost any.
            return self.spans.0;
        }
        let places = [self.evicted, self.untaken];
        let places = places.into_iter().filter(|(_, other)| *other <= position);
        let newest = places.map(|(seq, _)| seq).max().unwrap_or(0);
        self.kept.seq_up_to(position).map_or(newest, |kept| kept.max(newest))
    }

    fn seq_of_replaced(&self, position: Position) -> Option<u64> {
        let all = (position, TopicId::MIN)..=(position, TopicId::MAX);
        self.replaced.range(all).next().map(|(_, replaced)| replaced.seq)
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
        // An event's own id is not looked up: the time of the answer would tell a client of another
        // topic that there is one. Nor is one known whose client had a later position: only a read
        // of the log shows whether that one is lost.
        self.locate(id, iter::empty()).is_some_and(|(_, had)| had.is_none())
    }

    /// The newest position up to this place, or the oldest one that is still known, and its place.
    fn known_at(&self, seq: u64) -> (u64, Position) {
        match self.numbering {
            Numbering::Counted { epoch } => (seq, Position::new(epoch, seq)),
            // An ephemeral entry's position would not be found again.
            Numbering::Given | Numbering::Continued => {
                let kept = self.kept.last_up_to(seq).map(|entry| (entry.seq, entry.position));
                let kept = kept.unwrap_or(self.evicted);
                if self.untaken.0 <= seq { kept.max(self.untaken) } else { kept }
            }
        }
    }

    /// The id of this place, if it is still known. Evicted places are known only where the hub
    /// counts.
    pub(crate) fn past_id_at(&self, seq: u64) -> Option<EventId> {
        self.is_known(seq).then(|| self.known_at(seq).1.to_id())
    }

    fn is_known(&self, seq: u64) -> bool {
        seq >= self.evicted.0 || matches!(self.numbering, Numbering::Counted { .. })
    }
}
