//! Counts, in a test, the places that searches look at.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
}

/// A search looks at a place.
#[cfg(test)]
pub(super) fn count() {
    COUNT.set(COUNT.get() + 1);
}

/// A search looks at a place.
#[cfg(not(test))]
#[inline(always)]
pub(super) const fn count() {}

/// How many places the searches of this call look at.
#[cfg(test)]
pub(super) fn during(call: impl FnOnce()) -> usize {
    let before = COUNT.get();
    call();
    COUNT.get() - before
}
