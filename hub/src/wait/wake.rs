//! Waking, while no lock is held.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    ptr,
    task::Waker,
};

/// Wakes all of them, and keeps the vector's capacity.
///
/// A waker that panics harms nobody else: all others are woken, and the publisher, whose event is
/// in the log, goes on. The panic hook has reported the panic by then.
pub(crate) fn wake_all(wakers: &mut Vec<Waker>) {
    let mut wakers = wakers.drain(..);
    // Usually once, for all of them.
    while catch_unwind(AssertUnwindSafe(|| wakers.by_ref().for_each(Waker::wake))).is_err() {}
}

/// Wakes a task like [`wake_all`].
#[cfg(feature = "disk")]
pub(crate) fn wake_one(waker: Waker) {
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}

/// Wakes them like [`wake_all`], but each task only once.
pub(crate) fn wake_each_once(wakers: &mut Vec<Waker>) {
    wakers.sort_unstable_by_key(Waker::data);
    let mut wakers = wakers.drain(..);
    let mut last = None;
    let mut wake = |waker: Waker| {
        let task = (waker.data(), ptr::from_ref(waker.vtable()));
        if last.replace(task) != Some(task) {
            waker.wake();
        }
    };
    while catch_unwind(AssertUnwindSafe(|| wakers.by_ref().for_each(&mut wake))).is_err() {}
}
