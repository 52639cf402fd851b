//! The subscribers of one topic: their wakers, and the newest frame for those one event behind.
//!
//! This is the kernel that `suites/loom` checks. A publisher first stores `last`, then locks a
//! shard and takes the wakers; a subscriber looks at `last` again under the same lock before it
//! parks its waker. So either it sees the new entry, or its waker is taken.

use std::{mem, sync::Arc, task::Waker};

use super::{signal::Signal, wake::wake_all};
use crate::{
    sync::{AtomicU64, AtomicUsize, Mutex, Ordering, lock},
    topic::TopicId,
};

/// How many waiters are checked under one lock.
const LOOK: usize = 256;

/// The [wait](Slot::wait) of a subscriber that did not read during a whole wait: publishers do not
/// wait for it until it reads.
const IN_VAIN: u32 = u32::MAX;

/// A topic's subscribers.
pub(crate) struct WaitList<F> {
    pub(crate) topic: TopicId,
    /// The sequence number of the last entry of this topic, live or not.
    last: AtomicU64,
    shards: Box<[Mutex<Shard<F>>]>,
    /// How many waiters there are.
    len: AtomicUsize,
    /// Spreads the subscribers over the shards, and lets each publish begin at another one.
    turn: AtomicUsize,
    /// Notified when a subscriber that a publisher waits for has read on.
    progress: Arc<Signal>,
}

/// A part of a topic's subscribers, with a lock of its own.
struct Shard<F> {
    slots: Vec<Slot>,
    free: Vec<u32>,
    /// The slots with a waker. Some may have lost theirs, but no slot is here twice.
    parked: Vec<u32>,
    newest: Option<Newest<F>>,
    /// Memory for the wakers of the next publish.
    spare: Vec<Waker>,
}

struct Slot {
    waker: Option<Waker>,
    /// The newest sequence number whose id the client surely has; once the stream is ended, the
    /// caller's code for the reason.
    client: u64,
    /// The sequence number that the subscriber has reached.
    cursor: u64,
    ended: bool,
    taken: bool,
    parked: bool,
    /// The first publisher's wait that found it behind since it last read; or 0.
    wait: u32,
}

/// The newest entry: the next one for each subscriber that has seen the one before it.
struct Newest<F> {
    before: u64,
    seq: u64,
    frame: F,
}

/// A subscriber in a [`WaitList`].
#[derive(Clone, Copy)]
pub(crate) struct WaiterId {
    shard: u32,
    slot: u32,
}

/// The state of a subscriber when it begins to wait.
pub(crate) struct Report {
    /// The newest sequence number whose id the client surely has.
    pub(crate) client: u64,
    /// The sequence number that the subscriber has reached.
    pub(crate) cursor: u64,
}

/// The state for which a publisher waits.
#[derive(Clone, Copy)]
pub(crate) struct Reach {
    /// The sequence number that each subscriber is to reach.
    pub(crate) target: u64,
    /// The newest lost entry: subscribers before it are not waited for.
    pub(crate) lost: u64,
}

impl WaiterId {
    /// A number that not all waiters share.
    pub(crate) const fn spread(self) -> usize {
        (self.shard as usize).wrapping_add(self.slot as usize)
    }
}

impl<F> WaitList<F> {
    /// A list with this many locks, for a topic whose last entry has the number `last`.
    pub(crate) fn new(topic: TopicId, shards: usize, last: u64, progress: Arc<Signal>) -> Self {
        let shards = (0..shards.max(1)).map(|_| Mutex::new(Shard::new())).collect();
        let (last, len, turn) = (AtomicU64::new(last), AtomicUsize::new(0), AtomicUsize::new(0));
        Self { topic, last, shards, len, turn, progress }
    }

    /// The sequence number of the last entry of this topic.
    #[inline]
    pub(crate) fn last(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    /// Sets [`last`](Self::last), and gives the number before. Only under the lock of the log.
    pub(crate) fn set_last(&self, seq: u64) -> u64 {
        let before = self.last.load(Ordering::Relaxed);
        self.last.store(seq, Ordering::Release);
        before
    }

    /// Adds a waiter. Only under the lock of the log: a publisher that finds the list empty then
    /// need not look any further.
    pub(crate) fn join(&self, cursor: u64) -> WaiterId {
        self.len.fetch_add(1, Ordering::AcqRel);
        let shard = self.turn.fetch_add(1, Ordering::Relaxed) % self.shards.len();
        let slot = lock(&self.shards[shard]).join(cursor);
        WaiterId { shard: shard as u32, slot }
    }

    /// Removes a waiter.
    pub(crate) fn leave(&self, waiter: WaiterId) {
        // A waker's drop is user code: outside the lock.
        let (waker, wait) = lock(&self.shards[waiter.shard as usize]).leave(waiter.slot);
        drop(waker);
        self.len.fetch_sub(1, Ordering::AcqRel);
        self.tell_progress(wait);
    }

    /// How many waiters there are.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Whether there is no waiter.
    pub(crate) fn is_empty(&self) -> bool {
        self.len.load(Ordering::Acquire) == 0
    }

    /// Ends a waiter's stream, and takes its waker. `false` if it was ended before. The waiter must
    /// not leave meanwhile: another one could get its place.
    pub(crate) fn end(&self, waiter: WaiterId, code: u32, wakers: &mut Vec<Waker>) -> bool {
        let mut shard = lock(&self.shards[waiter.shard as usize]);
        shard.slots.get_mut(waiter.slot as usize).is_some_and(|slot| slot.end(code, wakers))
    }

    /// Ends the streams of all waiters, and takes their wakers. Gives how many were not ended yet.
    pub(crate) fn end_all(&self, code: u32, wakers: &mut Vec<Waker>) -> usize {
        let end_shard = |shard: &Mutex<Shard<F>>| {
            let mut shard = lock(shard);
            let taken = shard.slots.iter_mut().filter(|slot| slot.taken);
            taken.map(|slot| usize::from(slot.end(code, wakers))).sum::<usize>()
        };
        self.shards.iter().map(end_shard).sum()
    }

    /// Why the waiter's stream was ended, or 0.
    pub(crate) fn ended(&self, waiter: WaiterId) -> u32 {
        let shard = lock(&self.shards[waiter.shard as usize]);
        let slot = &shard.slots[waiter.slot as usize];
        if slot.ended { slot.client as u32 } else { 0 }
    }

    /// Parks the waker, unless `is_news`, evaluated under the lock, is `true`, or the stream was
    /// ended.
    pub(crate) fn park(
        &self,
        waiter: WaiterId,
        report: &Report,
        waker: Waker,
        is_news: impl FnOnce() -> bool,
    ) -> bool {
        let mut shard = lock(&self.shards[waiter.shard as usize]);
        if is_news() || shard.slots[waiter.slot as usize].ended {
            drop(shard);
            return false;
        }
        let (old, wait) = shard.park(waiter.slot, report, waker);
        drop(shard);
        drop(old);
        self.tell_progress(wait);
        true
    }

    /// The subscriber has reached this place, and reads on.
    pub(crate) fn note(&self, waiter: WaiterId, cursor: u64) {
        let wait = {
            let mut shard = lock(&self.shards[waiter.shard as usize]);
            let waiter = &mut shard.slots[waiter.slot as usize];
            waiter.cursor = cursor;
            mem::take(&mut waiter.wait)
        };
        self.tell_progress(wait);
    }

    /// Wakes the publishers that wait for a subscriber with this [wait](Slot::wait).
    #[inline]
    fn tell_progress(&self, wait: u32) {
        if wait != 0 && wait != IN_VAIN {
            self.progress.notify();
        }
    }

    /// Makes this the newest entry, and wakes all waiters.
    pub(crate) fn announce(&self, before: u64, seq: u64, frame: &F)
    where
        F: Clone,
    {
        if !self.is_empty() {
            self.wake(|shard| shard.set_newest(before, seq, frame));
        }
    }

    /// Makes this the newest entry, and takes the wakers of all waiters.
    pub(crate) fn announce_to(&self, before: u64, seq: u64, frame: &F, wakers: &mut Vec<Waker>)
    where
        F: Clone,
    {
        if self.is_empty() {
            return;
        }
        for shard in &self.shards {
            let mut shard = lock(shard);
            shard.set_newest(before, seq, frame);
            shard.take_wakers_into(wakers);
        }
    }

    /// Drops the newest entry.
    pub(crate) fn clear_newest(&self) {
        for shard in &self.shards {
            lock(shard).newest = None;
        }
    }

    /// Wakes all waiters.
    pub(crate) fn wake_all(&self) {
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
    pub(crate) fn newest_after(&self, waiter: WaiterId, cursor: u64) -> Option<(u64, F)>
    where
        F: Clone,
    {
        let shard = lock(&self.shards[waiter.shard as usize]);
        let newest = shard.newest.as_ref()?;
        let is_next = newest.before <= cursor && cursor < newest.seq;
        is_next.then(|| (newest.seq, newest.frame.clone()))
    }

    /// Checks some waiters, from this place on, and takes the wakers of those whose client is
    /// behind `renew`. Gives the place to continue at, or `None` at the end of the list.
    pub(crate) fn visit(
        &self,
        from: (usize, usize),
        steps: &mut usize,
        renew: u64,
        wakers: &mut Vec<Waker>,
    ) -> Option<(usize, usize)> {
        let (mut shard, mut slot) = from;
        while let Some(mutex) = self.shards.get(shard) {
            let mut waiters = lock(mutex);
            while let Some(waiter) = waiters.slots.get_mut(slot) {
                if *steps == 0 {
                    return Some((shard, slot));
                }
                *steps -= 1;
                if waiter.client < renew {
                    wakers.extend(waiter.waker.take());
                }
                slot += 1;
            }
            (shard, slot) = (shard + 1, 0);
        }
        None
    }

    /// The least cursor, from this one on, of a subscriber that lacks an entry and does not wait;
    /// `None` if there is none. No lock is held for all of them.
    pub(crate) fn slowest(&self, from_cursor: u64) -> Option<u64> {
        let mut slowest = None;
        for shard in &self.shards {
            let mut from = 0;
            loop {
                let shard = lock(shard);
                let some = shard.slots.iter().skip(from).take(LOOK);
                let behind = some.filter(|slot| slot.taken && !slot.ended && slot.waker.is_none());
                let cursors =
                    behind.map(|slot| slot.cursor).filter(|cursor| *cursor >= from_cursor);
                slowest = cursors.chain(slowest).min();
                from += LOOK;
                if from >= shard.slots.len() {
                    break;
                }
            }
        }
        // One that has reached the last entry is up to date.
        slowest.filter(|cursor| *cursor < self.last())
    }

    /// Notes this wait at each subscriber that is behind. Gives whether one is, and the least
    /// sequence number that the others have reached, if one of them lacks an entry.
    pub(crate) fn begin_wait(&self, reach: Reach, wait: u32) -> (bool, Option<u64>) {
        let (mut is_behind, mut least) = (false, None);
        self.find((0, 0), reach.lost, |noted, reached| {
            if *noted == IN_VAIN {
                return false;
            }
            if reached >= reach.target {
                least = least.into_iter().chain([reached]).min();
            } else {
                is_behind = true;
                if *noted == 0 {
                    *noted = wait;
                }
            }
            false
        });
        (is_behind, least)
    }

    /// The first subscriber that is behind, from this place on. Its progress is signalled from now
    /// on.
    pub(crate) fn first_behind(
        &self,
        from: (usize, usize),
        reach: Reach,
        wait: u32,
    ) -> Option<(usize, usize)> {
        self.find(from, reach.lost, |noted, reached| {
            let is_behind = reached < reach.target && *noted != IN_VAIN;
            if is_behind && *noted == 0 {
                *noted = wait;
            }
            is_behind
        })
    }

    /// The wait is over: subscribers that are still behind, and have not read since it began, are
    /// not waited for until they read. Gives whether there are any.
    pub(crate) fn end_wait(&self, reach: Reach, wait: u32) -> bool {
        let mut has_some = false;
        self.find((0, 0), reach.lost, |noted, reached| {
            if reached < reach.target && (1..=wait).contains(noted) {
                *noted = IN_VAIN;
                has_some = true;
            }
            false
        });
        has_some
    }

    /// The first subscriber from this place on for which `is_it` holds, of those that lack an entry
    /// but none that is lost. `is_it` gets its [wait](Slot::wait), and the sequence number before
    /// the first entry that it may lack. No lock is held for all of them.
    fn find(
        &self,
        from: (usize, usize),
        lost: u64,
        mut is_it: impl FnMut(&mut u32, u64) -> bool,
    ) -> Option<(usize, usize)> {
        let last = self.last();
        let (mut shard, mut slot) = from;
        while let Some(mutex) = self.shards.get(shard) {
            let Shard { slots, newest, .. } = &mut *lock(mutex);
            for waiter in slots.iter_mut().skip(slot).take(LOOK) {
                let reached =
                    waiter.reached(newest.as_ref(), last).filter(|_| waiter.cursor >= lost);
                if reached.is_some_and(|reached| is_it(&mut waiter.wait, reached)) {
                    return Some((shard, slot));
                }
                slot += 1;
            }
            if slot >= slots.len() {
                (shard, slot) = (shard + 1, 0);
            }
        }
        None
    }
}

impl Slot {
    /// `false` if it was ended before.
    fn end(&mut self, code: u32, wakers: &mut Vec<Waker>) -> bool {
        if mem::replace(&mut self.ended, true) {
            return false;
        }
        self.client = code.into();
        wakers.extend(self.waker.take());
        true
    }

    /// The sequence number before the first entry that it may lack, if it lacks one of those up to
    /// `last`.
    fn reached<F>(&self, newest: Option<&Newest<F>>, last: u64) -> Option<u64> {
        let waits = self.waker.is_some();
        if !self.taken || self.ended || waits || self.cursor >= last {
            return None;
        }
        // Of a quiet topic it may lack the newest entry alone, however long ago the one before was.
        let next = newest.filter(|newest| newest.before <= self.cursor);
        Some(next.map_or(self.cursor, |next| self.cursor.max(next.seq - 1)))
    }
}

impl<F> Shard<F> {
    const fn new() -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            parked: Vec::new(),
            newest: None,
            spare: Vec::new(),
        }
    }

    fn is_empty(&self) -> bool {
        self.free.len() == self.slots.len()
    }

    fn join(&mut self, cursor: u64) -> u32 {
        let (waker, client, ended, parked) = (None, cursor, false, false);
        let taken = Slot { waker, client, cursor, wait: 0, ended, taken: true, parked };
        if let Some(slot) = self.free.pop() {
            let waiter = &mut self.slots[slot as usize];
            // It may still be in `parked`.
            *waiter = Slot { parked: waiter.parked, ..taken };
            slot
        } else {
            if self.slots.is_empty() {
                // Of many topics, most have a single subscriber.
                self.slots.reserve_exact(1);
            }
            self.slots.push(taken);
            (self.slots.len() - 1) as u32
        }
    }

    fn leave(&mut self, slot: u32) -> (Option<Waker>, u32) {
        let waiter = &mut self.slots[slot as usize];
        waiter.taken = false;
        let left = (waiter.waker.take(), mem::take(&mut waiter.wait));
        self.free.push(slot);
        if self.is_empty() {
            // Free the slots with the last subscriber.
            self.slots = Vec::new();
            self.free = Vec::new();
            self.parked = Vec::new();
            self.spare = Vec::new();
            self.newest = None;
        }
        left
    }

    fn park(&mut self, slot: u32, report: &Report, waker: Waker) -> (Option<Waker>, u32) {
        let waiter = &mut self.slots[slot as usize];
        waiter.client = report.client;
        waiter.cursor = report.cursor;
        if !mem::replace(&mut waiter.parked, true) {
            self.parked.push(slot);
        }
        (waiter.waker.replace(waker), mem::take(&mut waiter.wait))
    }

    fn take_wakers(&mut self) -> Vec<Waker> {
        let mut wakers = mem::take(&mut self.spare);
        self.take_wakers_into(&mut wakers);
        wakers
    }

    fn take_wakers_into(&mut self, wakers: &mut Vec<Waker>) {
        for slot in self.parked.drain(..) {
            let waiter = &mut self.slots[slot as usize];
            waiter.parked = false;
            wakers.extend(waiter.waker.take());
        }
    }

    fn keep_spare(&mut self, wakers: Vec<Waker>) {
        if wakers.capacity() > self.spare.capacity() && !self.is_empty() {
            self.spare = wakers;
        }
    }

    /// Two publishers can get here in either order: the later entry stays.
    fn set_newest(&mut self, before: u64, seq: u64, frame: &F)
    where
        F: Clone,
    {
        if self.newest.as_ref().is_none_or(|newest| newest.seq < seq) {
            self.newest = Some(Newest { before, seq, frame: frame.clone() });
        }
    }
}
