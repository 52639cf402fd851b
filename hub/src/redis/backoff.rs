//! How long to wait before the next attempt to connect.

use std::time::Duration;

use crate::random;

const FIRST: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_secs(2);

/// Waits that double, with a random part: many servers must not reconnect in the same instant.
pub(super) struct Backoff(Duration);

impl Backoff {
    pub(super) const fn new() -> Self {
        Self(FIRST)
    }

    pub(super) fn next(&mut self) -> Duration {
        let longest = self.0.as_millis() as u64;
        self.0 = (self.0 * 2).min(LONGEST);
        Duration::from_millis(random::between(longest / 2, longest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound_and_differ() {
        let mut backoff = Backoff::new();
        let waits: Vec<_> = (0..20).map(|_| backoff.next()).collect();
        assert!(waits[0] <= FIRST && waits[0] >= FIRST / 2);
        assert!(waits[10..].iter().all(|wait| (LONGEST / 2..=LONGEST).contains(wait)));
        assert!(waits[10..].iter().any(|wait| *wait != waits[10]));
    }
}
