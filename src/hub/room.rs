//! Who waits for a topic: the seats of its subscribers, and the newest frame for those who are
//! next.
//!
//! This is the kernel that `suites/loom` checks. A publisher first stores `last`, then locks a shard
//! and takes the wakers; a subscriber looks at `last` again under the same lock before it leaves
//! its waker. So either it sees what is new, or its waker is taken.

use std::{mem, sync::Arc, task::Waker};

use super::{
    sync::{AtomicU64, AtomicUsize, Mutex, Ordering, lock},
    wake::wake_all,
};

/// A topic's subscribers.
pub(super) struct Room<F> {
    pub(super) id: u32,
    pub(super) name: Arc<str>,
    /// The sequence number of the last entry of this topic, live or not.
    last: AtomicU64,
    shards: Box<[Mutex<Shard<F>>]>,
    /// How many seats are taken.
    seated: AtomicUsize,
    /// Spreads the subscribers over the shards, and lets each publish begin at another one.
    turn: AtomicUsize,
}

/// A part of a topic's subscribers, with a lock of its own.
struct Shard<F> {
    seats: Vec<Slot>,
    free: Vec<u32>,
    /// The seats whose subscribers wait. One can be here that no longer does, none is here twice.
    parked: Vec<u32>,
    newest: Option<Newest<F>>,
    /// The room for the wakers of the next publish.
    spare: Vec<Waker>,
    delivered: u64,
}

struct Slot {
    waker: Option<Waker>,
    /// The position that the subscriber's client has for sure.
    client: u64,
    /// The position that the subscriber has reached.
    cursor: u64,
    taken: bool,
    parked: bool,
}

/// The newest entry, which is the next one for all that have seen the one before it.
struct Newest<F> {
    before: u64,
    seq: u64,
    frame: F,
}

/// A subscriber's place in a room.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    shard: u32,
    slot: u32,
}

/// What a subscriber leaves when it waits.
pub(super) struct Report {
    pub(super) client: u64,
    pub(super) cursor: u64,
    /// How many events it has been given since the last report.
    pub(super) delivered: u64,
}

/// What a look at all seats of a room gives.
#[derive(Default)]
pub(super) struct Census {
    pub(super) delivered: u64,
    /// The least position of a subscriber that does not wait.
    pub(super) slowest: Option<u64>,
}

impl<F> Room<F> {
    pub(super) fn new(id: u32, name: Arc<str>, shards: usize, last: u64) -> Self {
        let shards = (0..shards.max(1)).map(|_| Mutex::new(Shard::new())).collect();
        let (last, seated, turn) = (AtomicU64::new(last), AtomicUsize::new(0), AtomicUsize::new(0));
        Self { id, name, last, shards, seated, turn }
    }

    /// The sequence number of the last entry of this topic.
    #[inline]
    pub(super) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// Sets what [`last`](Self::last) gives, and tells what it was. Only who holds the log may.
    pub(super) fn set_last(&self, seq: u64) -> u64 {
        let before = self.last.load(Ordering::Relaxed);
        self.last.store(seq, Ordering::Release);
        before
    }

    /// Takes a seat. Only who holds the log may: a publisher that finds the room empty then leaves
    /// it at that.
    pub(super) fn sit(&self, cursor: u64) -> Seat {
        self.seated.fetch_add(1, Ordering::AcqRel);
        let shard = self.turn.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        let slot = lock(&self.shards[shard]).sit(cursor);
        Seat { shard: shard as u32, slot }
    }

    /// Gives the seat back.
    pub(super) fn leave(&self, seat: Seat, delivered: u64) {
        // A waker's drop is a user's code: outside the lock.
        let waker = lock(&self.shards[seat.shard as usize]).leave(seat.slot, delivered);
        drop(waker);
        self.seated.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether nobody sits here.
    pub(super) fn is_empty(&self) -> bool {
        self.seated.load(Ordering::Acquire) == 0
    }

    /// Leaves the waker, unless there is news: what `is_news` says is asked under the lock.
    pub(super) fn park(
        &self,
        seat: Seat,
        report: &Report,
        waker: Waker,
        is_news: impl FnOnce() -> bool,
    ) -> bool {
        let mut shard = lock(&self.shards[seat.shard as usize]);
        if is_news() {
            drop(shard);
            return false;
        }
        let old = shard.park(seat.slot, report, waker);
        drop(shard);
        drop(old);
        true
    }

    /// Makes this the newest entry, and wakes all that wait.
    pub(super) fn announce(&self, before: u64, seq: u64, frame: &F)
    where
        F: Clone,
    {
        if !self.is_empty() {
            self.wake(|shard| shard.set_newest(before, seq, frame));
        }
    }

    /// Lets go of the newest entry.
    pub(super) fn clear_newest(&self) {
        for shard in &self.shards {
            lock(shard).newest = None;
        }
    }

    /// Wakes all that wait.
    pub(super) fn wake_all(&self) {
        self.wake(|_| {});
    }

    fn wake(&self, change: impl Fn(&mut Shard<F>)) {
        let turn = self.turn.fetch_add(1, Ordering::Relaxed);
        for n in 0..self.shards.len() {
            let shard = &self.shards[turn.wrapping_add(n) % self.shards.len()];
            let mut wakers = {
                let mut shard = lock(shard);
                change(&mut shard);
                if shard.parked.is_empty() {
                    continue;
                }
                shard.take_wakers()
            };
            wake_all(&mut wakers);
            lock(shard).keep_spare(wakers);
        }
    }

    /// The newest entry, if it is the very next one after the cursor.
    #[inline(always)]
    pub(super) fn newest_after(&self, seat: Seat, cursor: u64) -> Option<(u64, F)>
    where
        F: Clone,
    {
        let shard = lock(&self.shards[seat.shard as usize]);
        let newest = shard.newest.as_ref()?;
        let is_next = newest.before <= cursor && cursor < newest.seq;
        is_next.then(|| (newest.seq, newest.frame.clone()))
    }

    /// Looks at some seats, from this place on, and takes the wakers of those whose client's
    /// position is below `renew`. Gives the place where to go on, or `None` at the room's end.
    pub(super) fn visit(
        &self,
        from: (usize, usize),
        steps: &mut usize,
        renew: u64,
        wakers: &mut Vec<Waker>,
    ) -> Option<(usize, usize)> {
        let (mut shard, mut slot) = from;
        while let Some(mutex) = self.shards.get(shard) {
            let mut seats = lock(mutex);
            while let Some(seat) = seats.seats.get_mut(slot) {
                if *steps == 0 {
                    return Some((shard, slot));
                }
                *steps -= 1;
                if seat.client < renew {
                    wakers.extend(seat.waker.take());
                }
                slot += 1;
            }
            (shard, slot) = (shard + 1, 0);
        }
        None
    }

    /// Looks at all seats.
    pub(super) fn census(&self) -> Census {
        let mut census = Census::default();
        for shard in &self.shards {
            let shard = lock(shard);
            census.delivered += shard.delivered;
            let behind = shard.seats.iter().filter(|slot| slot.taken && slot.waker.is_none());
            let slowest = behind.map(|slot| slot.cursor).min();
            census.slowest = [census.slowest, slowest].into_iter().flatten().min();
        }
        census
    }
}

impl<F> Shard<F> {
    const fn new() -> Self {
        Self {
            seats: Vec::new(),
            free: Vec::new(),
            parked: Vec::new(),
            newest: None,
            spare: Vec::new(),
            delivered: 0,
        }
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.seats.len()
    }

    fn sit(&mut self, cursor: u64) -> u32 {
        let taken = Slot { waker: None, client: cursor, cursor, taken: true, parked: false };
        if let Some(slot) = self.free.pop() {
            let seat = &mut self.seats[slot as usize];
            // It may be in the list of those who wait, still.
            *seat = Slot { parked: seat.parked, ..taken };
            slot
        } else {
            if self.seats.is_empty() {
                // Most topics of many are one user's.
                self.seats.reserve_exact(1);
            }
            self.seats.push(taken);
            (self.seats.len() - 1) as u32
        }
    }

    fn leave(&mut self, slot: u32, delivered: u64) -> Option<Waker> {
        self.delivered += delivered;
        let seat = &mut self.seats[slot as usize];
        seat.taken = false;
        let waker = seat.waker.take();
        self.free.push(slot);
        if self.is_empty() {
            // After the last one the memory of all that there have been goes.
            self.seats = Vec::new();
            self.free = Vec::new();
            self.parked = Vec::new();
            self.spare = Vec::new();
            self.newest = None;
        }
        waker
    }

    fn park(&mut self, slot: u32, report: &Report, waker: Waker) -> Option<Waker> {
        self.delivered += report.delivered;
        let seat = &mut self.seats[slot as usize];
        seat.client = report.client;
        seat.cursor = report.cursor;
        if !mem::replace(&mut seat.parked, true) {
            self.parked.push(slot);
        }
        seat.waker.replace(waker)
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        let mut wakers = mem::take(&mut self.spare);
        for slot in self.parked.drain(..) {
            let seat = &mut self.seats[slot as usize];
            seat.parked = false;
            wakers.extend(seat.waker.take());
        }
        wakers
    }

    fn keep_spare(&mut self, wakers: Vec<Waker>) {
        if wakers.capacity() > self.spare.capacity() && !self.is_empty() {
            self.spare = wakers;
        }
    }

    /// Two publishers can come here in either order: the later entry stays.
    fn set_newest(&mut self, before: u64, seq: u64, frame: &F)
    where
        F: Clone,
    {
        if self.newest.as_ref().is_none_or(|newest| newest.seq < seq) {
            self.newest = Some(Newest { before, seq, frame: frame.clone() });
        }
    }
}
