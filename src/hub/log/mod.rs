//! The log: what has been published, in one order, as far as it is retained.

mod read;
mod retain;
#[cfg(test)]
mod tests;

pub(super) use self::read::Next;

use std::{
    collections::HashMap,
    sync::Arc,
    task::Waker,
    time::{Duration, Instant},
};

use super::{
    Delivery,
    position::Position,
    ring::{Entry, Rare, Ring},
    room::Room,
    rooms::Rooms,
    settings::Settings,
};
use crate::{
    encoder::Encoded,
    error::{Error, Kind, Refusal},
    value::EventId,
};

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

impl Log {
    pub(super) fn new(numbering: Numbering, settings: &Settings) -> Self {
        let Settings { events, bytes, age, .. } = *settings;
        let start = match numbering {
            Numbering::Counted { epoch } => Position { epoch, n: 0 },
            Numbering::Given => Position::START,
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
        published: Encoded,
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
        let own_id = published.id();
        let lacks_id = published.lacks_id();
        let id = self.check_id(own_id.as_ref(), lacks_id, position)?;
        let is_ephemeral = id.is_none();
        let frame = match &id {
            Some(id) if lacks_id => published.with_id(id).unwrap_or(published),
            _ => published,
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
        let names = u32::try_from(names).unwrap_or(u32::MAX);
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

    /// Fails where an item with this id would be refused.
    #[cfg(feature = "redis")]
    pub(super) fn check(&self, published: &Encoded) -> Result<(), Error> {
        if self.is_closed {
            return Err(Kind::Refused(Refusal::Closed).into());
        }
        self.check_id(published.id().as_ref(), published.lacks_id(), self.tip.1).map(drop)
    }

    /// The id on the wire.
    fn check_id(
        &self,
        own: Option<&EventId>,
        lacks_id: bool,
        position: Position,
    ) -> Result<Option<EventId>, Error> {
        let refusal = match own {
            None => return Ok(lacks_id.then(|| position.to_id())),
            Some(id) if *id == EventId::EMPTY => Refusal::EmptyId,
            Some(id) if self.own_ids.contains_key(id) => Refusal::DuplicateId,
            Some(id) if self.is_reserved(id) => Refusal::ReservedId,
            Some(id) => return Ok(Some(id.clone())),
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
