//! The number of subscribers, and the signal that the last one is dropped.

use std::sync::Arc;

use super::signal::Signal;
use crate::sync::{AtomicUsize, Ordering};

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
