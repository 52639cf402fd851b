//! The number of subscribers, a signal that the last one is dropped, and a sum for many threads.

use std::sync::Arc;

use super::signal::Signal;
use crate::sync::{AtomicU64, AtomicUsize, Ordering};

pub(crate) struct SubscriberCount {
    count: AtomicUsize,
    /// Notified when the last subscriber is dropped.
    pub(crate) signal: Arc<Signal>,
}

impl SubscriberCount {
    pub(crate) fn new() -> Self {
        Self { count: AtomicUsize::new(0), signal: Signal::new() }
    }

    pub(crate) fn add(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }

    pub(crate) fn remove(&self) {
        if self.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.signal.notify();
        }
    }

    pub(crate) fn get(&self) -> usize {
        self.count.load(Ordering::Acquire)
    }
}

/// A sum to which many threads add, mostly each to a part of its own.
pub(crate) struct Sum([Part; 8]);

/// Alone on its cache line.
#[repr(align(64))]
struct Part(AtomicU64);

impl Sum {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Part(AtomicU64::new(0))))
    }

    pub(crate) fn add(&self, part: usize, number: u64) {
        self.0[part % self.0.len()].0.fetch_add(number, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.iter().map(|part| part.0.load(Ordering::Relaxed)).sum()
    }
}
