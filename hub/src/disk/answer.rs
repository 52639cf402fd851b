//! The answer to a publisher: exactly one.

use std::{
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use crate::{
    error::Error,
    log::Outcome,
    sync::{Mutex, lock},
    wait::wake_one,
};

enum State {
    Waiting(Option<Waker>),
    Answered(Outcome),
    Taken,
}

/// The promise of an answer. Dropped without one, the outcome is unknown.
pub(crate) struct Promise(Option<Arc<Mutex<State>>>);

/// Waits for the answer.
pub(crate) struct Answer(Arc<Mutex<State>>);

pub(crate) fn answer() -> (Promise, Answer) {
    let state = Arc::new(Mutex::new(State::Waiting(None)));
    (Promise(Some(state.clone())), Answer(state))
}

impl Promise {
    pub(super) fn resolve(mut self, outcome: Outcome) {
        self.set(outcome);
    }

    fn set(&mut self, outcome: Outcome) {
        let Some(state) = self.0.take() else { return };
        let before = mem::replace(&mut *lock(&state), State::Answered(outcome));
        // Not under the lock: it is user code.
        if let State::Waiting(Some(waker)) = before {
            wake_one(waker);
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if self.0.is_some() {
            self.set(Err(Error::outcome_unknown("the log has ended")));
        }
    }
}

impl Future for Answer {
    type Output = Outcome;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let waker = cx.waker().clone();
        let mut state = lock(&self.0);
        match mem::replace(&mut *state, State::Taken) {
            State::Answered(outcome) => Poll::Ready(outcome),
            State::Taken => Poll::Pending,
            State::Waiting(old) => {
                *state = State::Waiting(Some(waker));
                drop(state);
                drop(old);
                Poll::Pending
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Wake;

    use futures_util::FutureExt;

    use super::*;

    struct Panics;

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("as asked");
        }
    }

    #[test]
    fn a_publisher_whose_waker_panics_does_not_end_the_log() {
        let (promise, mut answer) = answer();
        let waker = Waker::from(Arc::new(Panics));
        assert!(answer.poll_unpin(&mut Context::from_waker(&waker)).is_pending());
        promise.resolve(Ok(None));
        assert!(answer.now_or_never().is_some());
    }
}
