use std::{
    cell::Cell,
    collections::VecDeque,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

use futures_core::Stream;

/// The answer of a source to one poll.
pub enum Step<T> {
    Pending,
    Item(T),
}

/// A source that plays a script, then ends, and must not be polled after that.
pub struct Script<T> {
    steps: VecDeque<Step<T>>,
    ended: bool,
    pub polls: Rc<Cell<usize>>,
    /// Its count falls when the source is dropped.
    pub alive: Rc<()>,
}

impl<T> Script<T> {
    pub fn new(steps: impl IntoIterator<Item = Step<T>>) -> Self {
        let steps = steps.into_iter().collect();
        Self { steps, ended: false, polls: Rc::default(), alive: Rc::default() }
    }
}

impl<T: Unpin> Stream for Script<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        assert!(!self.ended, "polled after the end");
        self.polls.set(self.polls.get() + 1);
        match self.steps.pop_front() {
            Some(Step::Item(item)) => Poll::Ready(Some(item)),
            Some(Step::Pending) => Poll::Pending,
            None => {
                self.ended = true;
                Poll::Ready(None)
            }
        }
    }
}
