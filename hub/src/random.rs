//! Numbers that need not be secret, only different each time.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    // No order of threads depends on it, so a model checker need not see it.
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

/// Any number: the standard library's hash keys are random.
pub(crate) fn number() -> u64 {
    #[cfg(test)]
    if let Some(number) = seeded::number() {
        return number;
    }
    RandomState::new().build_hasher().finish()
}

/// One of the numbers from `low` to `high`, both included.
pub(crate) fn between(low: u64, high: u64) -> u64 {
    match high.saturating_sub(low).checked_add(1) {
        Some(count) => low + number() % count,
        None => number(),
    }
}

/// The next one of the numbers below `count`, in turn from a random one.
pub(crate) fn in_turn(count: u64) -> u64 {
    static NEXT: OnceLock<AtomicU64> = OnceLock::new();

    #[cfg(test)]
    if let Some(number) = seeded::number() {
        return number % count;
    }
    let next = NEXT.get_or_init(|| AtomicU64::new(number()));
    next.fetch_add(1, Ordering::Relaxed) % count
}

/// Numbers that are the same in each run of a test.
#[cfg(test)]
pub(crate) mod seeded {
    use std::cell::Cell;

    thread_local! {
        static STATE: Cell<Option<u64>> = const { Cell::new(None) };
    }

    /// Makes the numbers of this thread depend on a seed alone.
    #[cfg(all(feature = "disk", feature = "redis"))]
    pub(crate) fn begin(seed: u64) {
        STATE.set(Some(seed));
    }

    pub(super) fn number() -> Option<u64> {
        let state = STATE.get()?.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        STATE.set(Some(state));
        Some(state ^ state >> 31)
    }
}
