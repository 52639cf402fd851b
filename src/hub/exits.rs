//! Who is still here, and who waits for the last one to go.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use super::{
    Shared,
    sync::{AtomicUsize, Mutex, Ordering, lock},
    wake::wake_all,
};

#[derive(Default)]
pub(super) struct Exits {
    subscribers: AtomicUsize,
    waiting: Mutex<Vec<Option<Waker>>>,
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
        let mut wakers = lock(&self.waiting).iter_mut().filter_map(Option::take).collect();
        wake_all(&mut wakers);
    }

    /// Leaves the waker at this place, or at a new one, unless it is over.
    fn park(&self, place: &mut Option<usize>, waker: Waker, is_over: impl Fn() -> bool) -> bool {
        let mut waiting = lock(&self.waiting);
        if is_over() {
            return false;
        }
        let index = place.unwrap_or_else(|| {
            waiting.push(None);
            waiting.len() - 1
        });
        *place = Some(index);
        let old = waiting[index].replace(waker);
        drop(waiting);
        drop(old);
        true
    }
}

/// Is ready once the hub is closed and its last subscriber has gone; from
/// [`Hub::drained`](super::Hub::drained).
#[must_use = "futures do nothing unless polled"]
pub struct Drained {
    hub: Arc<Shared>,
    place: Option<usize>,
}

impl Drained {
    pub(super) fn new(hub: Arc<Shared>) -> Self {
        Self { hub, place: None }
    }
}

impl std::fmt::Debug for Drained {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Drained").finish_non_exhaustive()
    }
}

impl Future for Drained {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { hub, place } = self.get_mut();
        let is_over = || hub.is_closed() && hub.exits.subscribers() == 0;
        let parked = !is_over() && hub.exits.park(place, cx.waker().clone(), is_over);
        if parked { Poll::Pending } else { Poll::Ready(()) }
    }
}
