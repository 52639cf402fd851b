//! The log: what has been published, in one order, as far as it is retained.

use std::{
    collections::HashMap,
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};

use super::{
    Delivery,
    notice::with_automatic_id,
    position::Position,
    ring::{Entry, Rare, Ring},
    room::Room,
    rooms::{EVERYTHING, Rooms},
    settings::Settings,
};
use crate::{
    encoder::{Encoded, Published, PublishedId},
    error::{Error, Kind, Refusal},
    value::EventId,
};

/// An id that is longer belongs to no event: it does not come through in a request's header.
const MAX_ID: usize = 4096;

/// What the retained events may take, divided by this, is what ephemeral ones may take besides.
const EPHEMERAL_SHARE: usize = 4;

/// Who gives the entries their positions.
#[derive(Clone, Copy, Debug)]
pub(super) enum Numbering {
    /// The hub itself: every number up to the newest one is a position.
    Counted { epoch: u64 },
    /// A log elsewhere: only what is here is known.
    Given,
}

/// Where an item goes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Address<'a> {
    pub(super) topic: &'a str,
    pub(super) key: Option<&'a str>,
}

pub(super) struct Log {
    numbering: Numbering,
    age: Option<Duration>,
    /// The newest entry: its sequence number and its position.
    tip: (u64, Position),
    kept: Ring,
    passing: Ring,
    own_ids: HashMap<EventId, u64>,
    pub(super) rooms: Rooms,
    /// The newest event that is no longer retained, and its position.
    evicted: (u64, Position),
    pub(super) is_closed: bool,
}

/// What is to be told to those who wait, once the log is free again.
pub(super) struct News {
    /// The id that the event has on the wire; `None` for an ephemeral one.
    pub(super) id: Option<EventId>,
    pub(super) seq: u64,
    pub(super) renew: u64,
    delivery: Delivery,
    room: (Arc<Room<Delivery>>, u64),
    everything: (Arc<Room<Delivery>>, u64),
}

impl News {
    pub(super) fn announce(self) {
        for (room, before) in [self.room, self.everything] {
            room.announce(before, self.seq, &self.delivery);
        }
    }
}

/// What comes after a subscriber's position.
pub(super) enum Next {
    Entry(u64, Delivery),
    /// Something that it should have had, up to here, is no longer retained.
    Lost(u64),
    /// Nothing, up to the tip.
    Nothing(u64),
}

impl Log {
    pub(super) fn new(numbering: Numbering, settings: &Settings) -> Self {
        let Settings { events, bytes, age, .. } = *settings;
        let start = match numbering {
            Numbering::Counted { epoch } => Position { epoch, n: 0 },
            Numbering::Given => Position { epoch: 0, n: 0 },
        };
        Self {
            numbering,
            age,
            tip: (0, start),
            kept: Ring::new(events, bytes),
            passing: Ring::new(events / EPHEMERAL_SHARE, bytes / EPHEMERAL_SHARE),
            own_ids: HashMap::new(),
            rooms: Rooms::new(),
            evicted: (0, start),
            is_closed: false,
        }
    }

    /// Appends an item. `given` is its position where the log does not count by itself.
    ///
    /// `wakers` gets those subscribers that need a checkpoint, of `subscribers` in all.
    pub(super) fn append(
        &mut self,
        address: Address<'_>,
        published: Published,
        given: Option<Position>,
        subscribers: usize,
        wakers: &mut Vec<Waker>,
    ) -> Result<News, Error> {
        if self.is_closed {
            return Err(Kind::Refused(Refusal::Closed).into());
        }
        let seq = self.tip.0 + 1;
        let position = match (self.numbering, given) {
            (Numbering::Counted { epoch }, _) => Position { epoch, n: seq },
            (Numbering::Given, Some(position)) if position > self.tip.1 => position,
            (Numbering::Given, _) => return Err(Kind::Refused(Refusal::DuplicateId).into()),
        };
        let at = self.age.map(|_| Instant::now());
        at.inspect(|now| self.expire(*now));
        let id = self.check_id(&published.id, position)?;
        let own_id = if let PublishedId::Own(id) = &published.id { Some(id.clone()) } else { None };
        let is_ephemeral = id.is_none();
        let frame = match &id {
            Some(id) => with_automatic_id(published, id),
            None => published.frame,
        };

        let room = self.rooms.room(address.topic);
        if let Some(id) = &own_id {
            self.own_ids.insert(id.clone(), seq);
        }
        let key = address.key.map(Arc::from);
        let rare = (key.is_some() || own_id.is_some()).then(|| Box::new(Rare { key, own_id }));
        let names = address.topic.len() + rare.as_ref().map_or(0, |rare| rare.len());
        let delivery = Delivery { frame: frame.clone(), is_ephemeral };
        let frame = Some(frame);
        let entry = Entry { seq, position, room: room.id, at, names, frame, rare };
        if let Some(topic) = self.rooms.get_mut(room.id) {
            let places = if is_ephemeral { &mut topic.passing } else { &mut topic.kept };
            places.push_back(seq);
        }
        let ring = if is_ephemeral { &mut self.passing } else { &mut self.kept };
        ring.push(entry);
        while let Some(entry) = self.kept.pop_excess() {
            self.forget(entry);
        }
        while let Some(entry) = self.passing.pop_excess() {
            self.forget_ephemeral(&entry);
        }

        self.tip = (seq, position);
        let everything = self.rooms.everything.clone();
        let before = (room.set_last(seq), everything.set_last(seq));
        let renew = self.renew_below();
        self.visit(renew, subscribers, wakers);
        Ok(News {
            id,
            seq,
            renew,
            delivery,
            room: (room, before.0),
            everything: (everything, before.1),
        })
    }

    /// The id on the wire.
    fn check_id(&self, id: &PublishedId, position: Position) -> Result<Option<EventId>, Error> {
        let refusal = match id {
            PublishedId::None => return Ok(None),
            PublishedId::Automatic => return Ok(Some(position.to_id())),
            PublishedId::Own(id) if *id == EventId::EMPTY => Refusal::EmptyId,
            PublishedId::Own(id) if self.own_ids.contains_key(id) => Refusal::DuplicateId,
            PublishedId::Own(id) if self.is_reserved(id) => Refusal::ReservedId,
            PublishedId::Own(id) => return Ok(Some(id.clone())),
        };
        Err(Kind::Refused(refusal).into())
    }

    /// Whether the id could be that of a position in this log.
    fn is_reserved(&self, id: &EventId) -> bool {
        let Ok(position) = id.as_str().parse::<Position>() else { return false };
        match self.numbering {
            Numbering::Counted { epoch } => position.epoch == epoch,
            Numbering::Given => true,
        }
    }

    /// The number of subscribers that are looked at is such that the round is done twice before a
    /// position that was just good enough is lost.
    fn visit(&mut self, renew: u64, subscribers: usize, wakers: &mut Vec<Waker>) {
        if renew == 0 {
            return;
        }
        let window = usize::try_from(self.tip.0 - self.evicted.0).unwrap_or(usize::MAX).max(1);
        let seats = subscribers.saturating_add(self.rooms.len());
        let steps = 1 + seats.saturating_mul(4) / window;
        self.rooms.visit(steps, renew, wakers);
    }

    /// A client whose position is below this needs a newer one: the older half of what is retained,
    /// as soon as something will have to go. 0 is nobody.
    fn renew_below(&self) -> u64 {
        if self.kept.is_half_full() { self.tip.0 - (self.tip.0 - self.evicted.0) / 2 } else { 0 }
    }

    /// Lets go of what is too old.
    pub(super) fn expire(&mut self, now: Instant) {
        let Some(age) = self.age else { return };
        while let Some(entry) = self.kept.pop_expired(now, age) {
            self.forget(entry);
        }
        while let Some(entry) = self.passing.pop_expired(now, age) {
            self.forget_ephemeral(&entry);
        }
    }

    fn forget(&mut self, entry: Entry) {
        if let Some(id) = entry.rare.and_then(|rare| rare.own_id) {
            self.own_ids.remove(&id);
        }
        if let Some(topic) = self.rooms.get_mut(entry.room) {
            topic.kept.pop_front();
            topic.clear_newest(entry.seq);
            // In the place of one that is empty there is, or was, a newer one.
            if entry.frame.is_some() {
                topic.evicted = entry.seq;
                self.evicted = (entry.seq, entry.position);
            }
        }
        self.rooms.remove_if_unused(entry.room);
    }

    fn forget_ephemeral(&mut self, entry: &Entry) {
        if let Some(topic) = self.rooms.get_mut(entry.room) {
            topic.passing.pop_front();
            topic.clear_newest(entry.seq);
        }
        self.rooms.remove_if_unused(entry.room);
    }

    /// Something has been lost that never came here, between the newest entry and what comes next.
    pub(super) fn lose_all(&mut self, resumed_after: Position) {
        let seq = self.tip.0 + 1;
        self.tip = (seq, resumed_after);
        self.evicted = self.tip;
        while self.kept.pop().is_some() {}
        while self.passing.pop().is_some() {}
        self.own_ids.clear();
        self.rooms.lose_all(seq);
    }

    /// What a subscriber of these rooms gets next.
    pub(super) fn next(
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
    pub(super) fn lost_after(&self, mut rooms: impl Iterator<Item = u32>, seq: u64) -> Option<u64> {
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
    pub(super) fn count_after(&self, rooms: impl Iterator<Item = u32>, seq: u64) -> usize {
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
    pub(super) fn locate(&self, id: &EventId) -> Option<u64> {
        if id.as_str().len() > MAX_ID {
            return None;
        }
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

    /// The id that says this place.
    pub(super) fn id_at(&self, seq: u64) -> EventId {
        let position = match self.numbering {
            Numbering::Counted { epoch } => Position { epoch, n: seq },
            // An ephemeral entry's position would not be found again.
            Numbering::Given => self.kept.up_to(seq).map_or(self.evicted.1, |entry| entry.position),
        };
        position.to_id()
    }

    /// The id that says this place, if it can be told still: one that is no longer retained is
    /// known only to who counts.
    pub(super) fn past_id_at(&self, seq: u64) -> Option<EventId> {
        let is_known = seq >= self.evicted.0 || matches!(self.numbering, Numbering::Counted { .. });
        is_known.then(|| self.id_at(seq))
    }

    pub(super) fn tip(&self) -> u64 {
        self.tip.0
    }

    /// The newest event that is no longer retained.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.0
    }

    /// How many events are retained, and how many bytes their frames take.
    pub(super) fn retained(&self) -> (usize, usize) {
        (self.kept.len(), self.kept.bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::settings::HubBuilder, *};
    use crate::{encoder::encode_published, event::Event, hub::notice::NO_ID_YET};

    fn log(builder: HubBuilder) -> Log {
        Log::new(Numbering::Counted { epoch: 7 }, &builder.settings())
    }

    fn append(log: &mut Log, address: Address<'_>, event: &Event) -> Result<News, Error> {
        let published = encode_published(event, &NO_ID_YET, usize::MAX)?;
        log.append(address, published, None, 0, &mut Vec::new())
    }

    #[test]
    fn events_go_at_their_age_and_not_before() {
        let age = Duration::from_secs(60);
        let mut log = log(HubBuilder::new().retain_for(age));
        let before = Instant::now();
        for _ in 0..3 {
            append(&mut log, Address::default(), &Event::text("kept").into()).unwrap();
            append(&mut log, Address::default(), &Event::text("live").no_id().into()).unwrap();
        }
        let after = Instant::now();
        log.expire(before + age - Duration::from_nanos(1));
        assert_eq!((log.retained().0, log.passing.len(), log.evicted()), (3, 3, 0));
        log.expire(after + age);
        assert_eq!((log.retained(), log.passing.len(), log.evicted()), ((0, 0), 0, 5));
        // Who had all of them has lost nothing.
        assert_eq!(log.lost_after([0].into_iter(), 5), None);
        assert_eq!(log.lost_after([0].into_iter(), 4), Some(5));
    }

    #[test]
    fn a_log_that_is_empty_again_holds_no_topics_keys_and_ids() {
        let mut log = log(HubBuilder::new().retain_events(2));
        for n in 0..100 {
            let topic = n.to_string();
            let address = Address { topic: &topic, key: Some(&topic) };
            let event = Event::text("a").id(EventId::new(format!("row {n}")).unwrap());
            append(&mut log, address, &event.into()).unwrap();
            assert!(log.own_ids.len() <= 2);
            assert!(log.rooms.len() <= 4, "{}", log.rooms.len());
        }
        let (retained, bytes) = log.retained();
        assert!(retained == 2 && bytes > 0);
        while let Some(entry) = log.kept.pop() {
            log.forget(entry);
        }
        assert_eq!((log.retained(), log.own_ids.len()), ((0, 0), 0));
    }
}
