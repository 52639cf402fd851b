//! How subscriptions began, and how publishing ended: counters for the hub's figures.

use crate::sync::{AtomicU64, Ordering};

/// A number that only grows.
pub(crate) struct Count(AtomicU64);

impl Count {
    fn new() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) struct Counts {
    pub(crate) fresh: Count,
    pub(crate) exact: Count,
    pub(crate) late: Count,
    pub(crate) unknown: Count,
    pub(crate) refused: Count,
    pub(crate) outcome_unknown: Count,
}

impl Counts {
    pub(crate) fn new() -> Self {
        Self {
            fresh: Count::new(),
            exact: Count::new(),
            late: Count::new(),
            unknown: Count::new(),
            refused: Count::new(),
            outcome_unknown: Count::new(),
        }
    }
}
