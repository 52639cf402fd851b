use std::{
    cell::Cell,
    future::Future,
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
};

/// A future that is ready once the test says so.
#[derive(Clone, Default)]
pub struct Signal(Rc<Cell<bool>>);

impl Signal {
    pub fn send(&self) {
        self.0.set(true);
    }
}

impl Future for Signal {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.get() { Poll::Ready(()) } else { Poll::Pending }
    }
}
