//! Repairs that a test can take out, to show that the simulation of the log on Redis notices. Each
//! has a number; `redis/simulation/mutants.rs` names the rule that fails without it.

#[cfg(test)]
use std::cell::Cell;

#[cfg(test)]
thread_local! {
    static TAKEN_OUT: Cell<Option<u32>> = const { Cell::new(None) };
}

/// Whether the repair is taken out: only in a test.
#[cfg(test)]
pub(crate) fn lacks(row: u32) -> bool {
    TAKEN_OUT.get() == Some(row)
}

/// Whether the repair is taken out: only in a test.
#[cfg(not(test))]
#[inline(always)]
pub(crate) const fn lacks(_: u32) -> bool {
    false
}

/// Takes a repair out on this thread, or puts all back.
#[cfg(all(test, feature = "disk", feature = "redis"))]
pub(crate) fn take_out(row: Option<u32>) {
    TAKEN_OUT.set(row);
}
