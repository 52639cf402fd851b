//! Futures that wait for a condition, which is checked again at each signal.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::wake::wake_all;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// Wakes the futures that [wait](Self::until) for a condition, to check it again.
pub(crate) struct Signal {
    /// Each waiting future's number and waker.
    waiting: Mutex<Vec<(u64, Waker)>>,
    next: AtomicU64,
}

impl Signal {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::new(Vec::new()), next: AtomicU64::new(0) })
    }

    /// Call it after a change that a condition depends on.
    pub(crate) fn notify(&self) {
        let waiting = mem::take(&mut *lock(&self.waiting));
        wake_all(&mut waiting.into_iter().map(|(_, waker)| waker).collect());
    }

    /// A future that is ready once the condition holds.
    pub(crate) fn until<C: Fn() -> bool + Unpin>(self: &Arc<Self>, condition: C) -> Until<C> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        Until { signal: self.clone(), number, condition }
    }

    /// Keeps the waker, in place of an older one, unless the condition holds by now.
    fn park(&self, number: u64, waker: Waker, condition: impl Fn() -> bool) -> bool {
        let mut waiting = lock(&self.waiting);
        if condition() {
            drop(waiting);
            return false;
        }
        let old = match waiting.iter_mut().find(|(other, _)| *other == number) {
            Some((_, old)) => Some(mem::replace(old, waker)),
            None => {
                waiting.push((number, waker));
                None
            }
        };
        drop(waiting);
        drop(old);
        true
    }

    fn forget(&self, number: u64) {
        let mut waiting = lock(&self.waiting);
        let index = waiting.iter().position(|(other, _)| *other == number);
        let old = index.map(|index| waiting.swap_remove(index));
        drop(waiting);
        drop(old);
    }
}

/// The future of [`Signal::until`].
pub(crate) struct Until<C> {
    signal: Arc<Signal>,
    number: u64,
    condition: C,
}

impl<C: Fn() -> bool + Unpin> Future for Until<C> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { signal, number, condition } = &*self;
        let parked = !condition() && signal.park(*number, cx.waker().clone(), condition);
        if parked { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl<C> Drop for Until<C> {
    fn drop(&mut self) {
        self.signal.forget(self.number);
    }
}

// The suites of loom and shuttle have no futures_util.
#[cfg(all(test, not(any(loom, shuttle))))]
mod tests {
    use std::{
        sync::atomic::{AtomicBool, AtomicUsize},
        task::Wake,
    };

    use futures_util::FutureExt;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_signal_wakes_each_future_once_however_often_it_was_polled() {
        let (signal, is_true) = (Signal::new(), AtomicBool::new(false));
        let condition = || is_true.load(Ordering::Relaxed);
        let mut all: Vec<_> =
            (0..3).map(|_| (signal.until(condition), Arc::new(Wakes::default()))).collect();
        for _ in 0..2 {
            for (future, wakes) in &mut all {
                let waker = Waker::from(wakes.clone());
                assert!(future.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
            }
            assert_eq!(lock(&signal.waiting).len(), 3);
        }
        // One that is dropped holds no waker.
        let (gone, wakes) = all.remove(1);
        drop(gone);
        assert_eq!((Arc::strong_count(&wakes), lock(&signal.waiting).len()), (1, 2));
        is_true.store(true, Ordering::Relaxed);
        signal.notify();
        for (future, wakes) in &mut all {
            assert_eq!(wakes.0.load(Ordering::Relaxed), 1);
            let waker = Waker::from(wakes.clone());
            assert!(future.poll_unpin(&mut Context::from_waker(&waker)).is_ready());
        }
    }
}
