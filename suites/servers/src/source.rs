//! A source that the test observes from outside the server.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::Stream;
use tokio::sync::watch;

use crate::{
    server::{Item, Items},
    soon,
};

/// The sources that were made here.
#[derive(Clone, Default)]
pub(crate) struct Watched(Arc<State>);

#[derive(Default)]
struct State {
    taken: AtomicUsize,
    open: watch::Sender<usize>,
}

struct Source<F> {
    next: F,
    watched: Watched,
}

impl Watched {
    /// A source that answers each poll by the closure, which is given the number of items taken
    /// before.
    pub(crate) fn source(
        &self,
        next: impl FnMut(usize) -> Poll<Option<Item>> + Send + Unpin + 'static,
    ) -> Items {
        self.0.open.send_modify(|open| *open += 1);
        Box::pin(Source { next, watched: self.clone() })
    }

    /// The number of items taken.
    pub(crate) fn taken(&self) -> usize {
        self.0.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn is_open(&self) -> bool {
        *self.0.open.borrow() > 0
    }

    /// Waits until all sources are dropped.
    pub(crate) async fn dropped(&self) {
        let mut open = self.0.open.subscribe();
        soon("the source is dropped", open.wait_for(|open| *open == 0)).await.unwrap();
    }
}

impl<F> Drop for Source<F> {
    fn drop(&mut self) {
        self.watched.0.open.send_modify(|open| *open -= 1);
    }
}

impl<F: FnMut(usize) -> Poll<Option<Item>> + Unpin> Stream for Source<F> {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Item>> {
        let taken = self.watched.taken();
        let next = (self.next)(taken);
        if let Poll::Ready(Some(_)) = next {
            self.watched.0.taken.fetch_add(1, Ordering::Relaxed);
        }
        next
    }
}
