use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

/// A clock whose intervals elapse when the test says so.
#[derive(Clone, Default)]
pub struct Clock(Arc<State>);

#[derive(Default)]
struct State {
    elapsed: AtomicBool,
    begun: AtomicUsize,
    polls: AtomicUsize,
}

impl Clock {
    /// A timer for `keep_alive` or `linger`: each call begins an interval.
    pub fn timer(&self) -> impl FnMut() -> Interval + Send + use<> {
        let state = self.0.clone();
        move || {
            state.begun.fetch_add(1, Relaxed);
            Interval(state.clone())
        }
    }

    /// Lets the current interval elapse; without one, the next.
    pub fn elapse(&self) {
        self.0.elapsed.store(true, Relaxed);
    }

    /// The intervals so far.
    pub fn begun(&self) -> usize {
        self.0.begun.load(Relaxed)
    }

    /// The polls of all intervals.
    pub fn polls(&self) -> usize {
        self.0.polls.load(Relaxed)
    }
}

pub struct Interval(Arc<State>);

impl Future for Interval {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0.polls.fetch_add(1, Relaxed);
        if self.0.elapsed.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Interval {
    /// The next interval has not elapsed yet.
    fn drop(&mut self) {
        self.0.elapsed.store(false, Relaxed);
    }
}
