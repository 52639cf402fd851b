//! A publisher waits until the subscribers have read.

use std::{future::Future, mem, sync::Arc};

use sse_encoder::Encoded;

use super::Feed;
use crate::{
    sync::{AtomicU64, Mutex, Ordering, lock},
    wait::{Reach, Signal, WaitList},
};

/// The progress of the readers, as far as publishers know it.
pub(crate) struct Readers {
    progress: Arc<Signal>,
    /// The number of the next wait.
    next: AtomicU64,
    /// The sequence number that all had reached when they were last looked at.
    reached: AtomicU64,
}

impl Readers {
    pub(super) fn new(progress: Arc<Signal>) -> Self {
        Self { progress, next: AtomicU64::new(0), reached: AtomicU64::new(0) }
    }

    /// Makes the publishers that wait check again.
    pub(super) fn notify(&self) {
        self.progress.notify();
    }

    /// A number for a wait, from 1 on. The greatest `u32` has a meaning of its own.
    fn next(&self) -> u32 {
        (self.next.fetch_add(1, Ordering::Relaxed) % u64::from(u32::MAX - 1)) as u32 + 1
    }
}

impl Feed {
    /// Ready once the subscribers that read are at most so many entries behind the entry that is
    /// the newest one at the first poll, or once the hub is closed.
    pub(crate) fn caught_up(
        self: &Arc<Self>,
        max_lag: u64,
    ) -> impl Future<Output = ()> + Send + Unpin + use<> {
        let waiting = Waiting { feed: self.clone(), max_lag, stage: Mutex::new(Stage::New) };
        self.readers.progress.until(move || waiting.is_over())
    }
}

/// A publisher that waits.
struct Waiting {
    feed: Arc<Feed>,
    max_lag: u64,
    stage: Mutex<Stage>,
}

enum Stage {
    /// No subscriber has been checked.
    New,
    Behind(Behind),
    Over,
}

/// The lists with subscribers that were behind when the wait began.
struct Behind {
    wait: u32,
    target: u64,
    lists: Vec<Arc<WaitList<Encoded>>>,
    /// The first subscriber of the last list that may still be behind.
    place: (usize, usize),
}

impl Waiting {
    fn is_over(&self) -> bool {
        let mut stage = lock(&self.stage);
        if matches!(*stage, Stage::New) {
            *stage = self.begin();
        }
        let is_over = self.feed.is_closed()
            || match &mut *stage {
                Stage::Behind(behind) => !behind.look(&self.feed),
                Stage::New | Stage::Over => true,
            };
        if is_over {
            *stage = Stage::Over;
        }
        is_over
    }

    /// Checks all subscribers, unless it is known that none is behind.
    fn begin(&self) -> Stage {
        let Feed { readers, .. } = &*self.feed;
        let tip = self.feed.read().retained.tip();
        let target = tip.saturating_sub(self.max_lag);
        if target <= readers.reached.load(Ordering::Relaxed) {
            return Stage::Over;
        }
        let wait = readers.next();
        let (mut reached, mut behind, mut from) = (tip, Vec::new(), 0);
        while let Some(lists) = self.feed.some_lists(&mut from) {
            for (list, lost) in lists {
                let (is_behind, least) = list.begin_wait(Reach { target, lost }, wait);
                reached = reached.min(least.unwrap_or(tip));
                if is_behind {
                    behind.push(list);
                }
            }
        }
        if behind.is_empty() {
            readers.reached.store(reached, Ordering::Relaxed);
            return Stage::Over;
        }
        Stage::Behind(Behind { wait, target, lists: behind, place: (0, 0) })
    }
}

impl Behind {
    /// Whether a subscriber is still behind. Those before `place` have caught up.
    fn look(&mut self, feed: &Feed) -> bool {
        while let Some(list) = self.lists.last() {
            let reach = self.reach(feed, list);
            // A newer wait, as it has read since this one began: it is not given up at the end.
            if let Some(place) = list.first_behind(self.place, reach, feed.readers.next()) {
                self.place = place;
                return true;
            }
            self.lists.pop();
            self.place = (0, 0);
        }
        false
    }

    fn reach(&self, feed: &Feed, list: &WaitList<Encoded>) -> Reach {
        Reach { target: self.target, lost: feed.read().retained.lost(list.topic) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let Self { feed, stage, .. } = self;
        if let Stage::Behind(behind) = mem::replace(&mut *lock(stage), Stage::Over) {
            let end =
                |list: &&Arc<WaitList<_>>| list.end_wait(behind.reach(feed, list), behind.wait);
            if behind.lists.iter().filter(end).count() > 0 {
                // Others wait for them, too.
                feed.readers.notify();
            }
        }
    }
}
