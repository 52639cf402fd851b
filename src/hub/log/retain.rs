//! What goes, and who has to hear of it before that.

use std::{task::Waker, time::Instant};

use super::{
    super::{position::Position, ring::Entry},
    Log,
};

impl Log {
    /// The number of subscribers that are looked at is such that the round is done twice before a
    /// position that was just good enough is lost.
    pub(super) fn visit(&mut self, renew: u64, subscribers: usize, wakers: &mut Vec<Waker>) {
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
    pub(super) fn renew_below(&self) -> u64 {
        if self.kept.is_half_full() { self.tip.0 - (self.tip.0 - self.evicted.0) / 2 } else { 0 }
    }

    /// Lets go of what is too old.
    pub(in crate::hub) fn expire(&mut self, now: Instant) {
        let Some(age) = self.age else { return };
        while let Some(entry) = self.kept.pop_expired(now, age) {
            self.forget(entry);
        }
        while let Some(entry) = self.passing.pop_expired(now, age) {
            self.forget_ephemeral(&entry);
        }
    }

    pub(super) fn forget(&mut self, entry: Entry) {
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

    pub(super) fn forget_ephemeral(&mut self, entry: &Entry) {
        if let Some(topic) = self.rooms.get_mut(entry.room) {
            topic.passing.pop_front();
            topic.clear_newest(entry.seq);
        }
        self.rooms.remove_if_unused(entry.room);
    }

    /// Something has been lost that never came here, between the newest entry and what comes next.
    pub(in crate::hub) fn lose_all(&mut self, resumed_after: Position) {
        let seq = self.tip.0 + 1;
        self.tip = (seq, resumed_after);
        self.evicted = self.tip;
        while self.kept.pop().is_some() {}
        while self.passing.pop().is_some() {}
        self.own_ids.clear();
        self.rooms.lose_all(seq);
    }
}
