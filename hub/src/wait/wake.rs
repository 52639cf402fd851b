//! Waking, while no lock is held.

use std::task::Waker;

/// Wakes all of them, and keeps the vector's capacity. A panic of one does not stop the others.
pub(crate) fn wake_all(wakers: &mut Vec<Waker>) {
    struct Rest<'a>(std::vec::Drain<'a, Waker>);

    impl Drop for Rest<'_> {
        fn drop(&mut self) {
            self.0.by_ref().for_each(Waker::wake);
        }
    }

    let mut rest = Rest(wakers.drain(..));
    rest.0.by_ref().for_each(Waker::wake);
}
