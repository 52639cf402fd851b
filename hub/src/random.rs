//! Numbers that need not be secret, only different each time.

use std::{
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
};

/// Any number: the standard library's hash keys are random.
pub(crate) fn number() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// One of the numbers from `low` to `high`, both included.
pub(crate) fn between(low: u64, high: u64) -> u64 {
    match high.saturating_sub(low).checked_add(1) {
        Some(count) => low + number() % count,
        None => number(),
    }
}
