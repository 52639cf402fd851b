//! Who is still here, and who waits for the last one to go.

use std::{
    fmt,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{
    Shared,
    sync::{AtomicU64, AtomicUsize, Mutex, Ordering, lock},
    wake::wake_all,
};

#[derive(Default)]
pub(super) struct Exits {
    subscribers: AtomicUsize,
    /// The wakers of those who wait, each with a number of its own.
    waiting: Mutex<Vec<(u64, Waker)>>,
    next: AtomicU64,
}

impl Exits {
    pub(super) fn enter(&self) {
        self.subscribers.fetch_add(1, Ordering::AcqRel);
    }

    pub(super) fn leave(&self) {
        if self.subscribers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.wake();
        }
    }

    pub(super) fn subscribers(&self) -> usize {
        self.subscribers.load(Ordering::Acquire)
    }

    /// Lets all that wait look again.
    pub(super) fn wake(&self) {
        let waiting = mem::take(&mut *lock(&self.waiting));
        wake_all(&mut waiting.into_iter().map(|(_, waker)| waker).collect());
    }

    /// Leaves the waker, in the place of an older one, unless it is over.
    fn park(&self, number: u64, waker: Waker, is_over: impl Fn() -> bool) -> bool {
        let mut waiting = lock(&self.waiting);
        if is_over() {
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

/// One who waits.
struct Waiting {
    hub: Arc<Shared>,
    number: u64,
}

impl Waiting {
    fn new(hub: Arc<Shared>) -> Self {
        let number = hub.exits.next.fetch_add(1, Ordering::Relaxed);
        Self { hub, number }
    }

    fn poll_until(&self, is_over: impl Fn(&Shared) -> bool, cx: &Context<'_>) -> Poll<()> {
        let is_over = || is_over(&self.hub);
        let parked = !is_over() && self.hub.exits.park(self.number, cx.waker().clone(), is_over);
        if parked { Poll::Pending } else { Poll::Ready(()) }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.hub.exits.forget(self.number);
    }
}

/// Is ready once the hub is closed; from [`Hub::closed`](super::Hub::closed).
#[must_use = "futures do nothing unless polled"]
pub struct Closed(Waiting);

impl Closed {
    pub(super) fn new(hub: Arc<Shared>) -> Self {
        Self(Waiting::new(hub))
    }
}

impl Future for Closed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_until(Shared::is_closed, cx)
    }
}

impl fmt::Debug for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Closed").finish_non_exhaustive()
    }
}

/// Is ready once the hub is closed and its last subscriber has gone; from
/// [`Hub::drained`](super::Hub::drained).
#[must_use = "futures do nothing unless polled"]
pub struct Drained(Waiting);

impl Drained {
    pub(super) fn new(hub: Arc<Shared>) -> Self {
        Self(Waiting::new(hub))
    }
}

impl Future for Drained {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.poll_until(|hub| hub.is_closed() && hub.exits.subscribers() == 0, cx)
    }
}

impl fmt::Debug for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drained").finish_non_exhaustive()
    }
}
