//! The topics: which entries each has, and who listens.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    task::Waker,
};

use super::{Delivery, room::Room};

/// The room of the topic `""`, which is that of all that is published without one.
pub(super) const UNTITLED: u32 = 0;
/// The room of those who hear everything; it has no entries of its own.
pub(super) const EVERYTHING: u32 = u32::MAX;
/// The room of those who hear nothing.
pub(super) const NOTHING: u32 = u32::MAX - 1;

/// How many locks the subscribers of a room with many of them share.
const SHARDS: usize = 8;

/// What the log knows of a topic.
pub(super) struct Topic {
    pub(super) room: Arc<Room<Delivery>>,
    /// The sequence numbers of its entries that are retained.
    pub(super) kept: VecDeque<u64>,
    /// Those of its ephemeral ones.
    pub(super) passing: VecDeque<u64>,
    /// The newest of its events that are no longer retained: who is behind it has lost something.
    pub(super) evicted: u64,
}

impl Topic {
    /// Lets go of the newest frame, which this entry had: the rooms together would hold more than
    /// is retained.
    pub(super) fn clear_newest(&self, seq: u64) {
        if self.room.last() == seq {
            self.room.clear_newest();
        }
    }
}

/// All topics that have an entry or a subscriber.
pub(super) struct Rooms {
    names: HashMap<Arc<str>, u32>,
    topics: Vec<Option<Topic>>,
    free: Vec<u32>,
    /// The same as `evicted`, for all topics that are not known any more.
    forgotten: u64,
    pub(super) everything: Arc<Room<Delivery>>,
    pub(super) nothing: Arc<Room<Delivery>>,
    /// Events that were delivered to rooms which are gone.
    delivered_before: u64,
    /// Where the visit to those who may need a checkpoint goes on: topic, shard, seat.
    hand: (usize, (usize, usize)),
}

impl Rooms {
    pub(super) fn new() -> Self {
        let name = Arc::<str>::from("");
        let mut rooms = Self {
            names: HashMap::new(),
            topics: Vec::new(),
            free: Vec::new(),
            forgotten: 0,
            everything: Arc::new(Room::new(EVERYTHING, name.clone(), SHARDS, 0)),
            nothing: Arc::new(Room::new(NOTHING, name, 1, 0)),
            delivered_before: 0,
            hand: (0, (0, 0)),
        };
        // The first one, so it is `UNTITLED`.
        rooms.room("");
        rooms
    }

    /// The room of this topic, which is made if there is none.
    pub(super) fn room(&mut self, name: &str) -> Arc<Room<Delivery>> {
        if let Some(topic) = self.names.get(name).and_then(|id| self.get(*id)) {
            return topic.room.clone();
        }
        let id = self.free.pop().unwrap_or(self.topics.len() as u32);
        let shards = if name.is_empty() { SHARDS } else { 1 };
        let name = Arc::<str>::from(name);
        let room = Arc::new(Room::new(id, name.clone(), shards, 0));
        self.names.insert(name, id);
        let topic = Topic {
            room: room.clone(),
            kept: VecDeque::new(),
            passing: VecDeque::new(),
            evicted: self.forgotten,
        };
        match self.topics.get_mut(id as usize) {
            Some(place) => *place = Some(topic),
            None => self.topics.push(Some(topic)),
        }
        room
    }

    pub(super) fn get(&self, id: u32) -> Option<&Topic> {
        self.topics.get(id as usize)?.as_ref()
    }

    pub(super) fn get_mut(&mut self, id: u32) -> Option<&mut Topic> {
        self.topics.get_mut(id as usize)?.as_mut()
    }

    /// Forgets the topic, if it has neither entries nor subscribers.
    pub(super) fn remove_if_unused(&mut self, id: u32) {
        let Some(topic) = self.get(id) else { return };
        let has_entries = !topic.kept.is_empty() || !topic.passing.is_empty();
        if id == UNTITLED || has_entries || !topic.room.is_empty() {
            return;
        }
        let Some(topic) = self.topics[id as usize].take() else { return };
        self.forgotten = self.forgotten.max(topic.evicted);
        self.delivered_before += topic.room.census().delivered;
        self.names.remove(&topic.room.name);
        self.free.push(id);
    }

    /// Something of every topic is lost, up to here.
    pub(super) fn lose_all(&mut self, seq: u64) {
        self.forgotten = seq;
        self.everything.set_last(seq);
        for topic in self.topics.iter_mut().flatten() {
            topic.kept.clear();
            topic.passing.clear();
            topic.evicted = seq;
            topic.room.set_last(seq);
        }
    }

    /// Every room there is.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Room<Delivery>>> {
        let topics = self.topics.iter().flatten().map(|topic| &topic.room);
        topics.chain([&self.everything, &self.nothing])
    }

    pub(super) fn delivered_before(&self) -> u64 {
        self.delivered_before
    }

    /// Goes on with the round over all seats, for these many steps: whose client's position is
    /// below `renew` is woken to give it a checkpoint.
    pub(super) fn visit(&mut self, steps: usize, renew: u64, wakers: &mut Vec<Waker>) {
        let mut steps = steps;
        while steps > 0 {
            let (index, from) = self.hand;
            let Some(topic) = self.topics.get(index) else {
                // The round ends here: not more than once for each publish.
                self.hand = (0, (0, 0));
                return;
            };
            // Whoever listens to a topic with a new event has a new position.
            let quiet = topic.as_ref().filter(|topic| topic.room.last() < renew);
            let place = quiet.and_then(|topic| topic.room.visit(from, &mut steps, renew, wakers));
            self.hand = place.map_or((index + 1, (0, 0)), |place| (index, place));
            // The topic itself costs a step, too.
            steps = steps.saturating_sub(1);
        }
    }

    /// How many topics there are, or have been at the same time.
    pub(super) fn len(&self) -> usize {
        self.topics.len()
    }
}
