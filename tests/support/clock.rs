use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

/// A clock whose intervals elapse when the test says so.
#[derive(Clone, Default)]
pub struct Clock(Rc<State>);

#[derive(Default)]
struct State {
    elapsed: Cell<bool>,
    begun: Cell<usize>,
    polls: Cell<usize>,
}

impl Clock {
    /// A timer for `keep_alive` or `linger`: each call begins an interval.
    pub fn timer(&self) -> impl FnMut() -> Interval + use<> {
        let state = self.0.clone();
        move || {
            state.begun.set(state.begun.get() + 1);
            Interval(state.clone())
        }
    }

    /// Lets the current interval elapse; without one, the next.
    pub fn elapse(&self) {
        self.0.elapsed.set(true);
    }

    /// The intervals so far.
    pub fn begun(&self) -> usize {
        self.0.begun.get()
    }

    /// The polls of all intervals.
    pub fn polls(&self) -> usize {
        self.0.polls.get()
    }
}

pub struct Interval(Rc<State>);

impl Future for Interval {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.0.polls.set(self.0.polls.get() + 1);
        if self.0.elapsed.get() { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Interval {
    /// The next interval has not elapsed yet.
    fn drop(&mut self) {
        self.0.elapsed.set(false);
    }
}
