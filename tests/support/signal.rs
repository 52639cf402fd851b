use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll},
};

/// A future that is ready once the test says so.
#[derive(Clone, Default)]
pub struct Signal(Arc<AtomicBool>);

impl Signal {
    pub fn send(&self) {
        self.0.store(true, Relaxed);
    }
}

impl Future for Signal {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
    }
}
