//! The numbers that a log has given without holes, by epoch.

use crate::position::{Check, Position};

/// The numbers of one epoch: from the first to the last one, both included.
struct Span {
    epoch: u64,
    first: u64,
    last: u64,
}

#[derive(Default)]
pub(super) struct Spans(Vec<Span>);

impl Spans {
    /// Forgets all positions but this one.
    pub(super) fn reset(&mut self, to: Position) {
        self.0.clear();
        self.add(to);
    }

    /// Adds the next position, or one that is known already.
    pub(super) fn add(&mut self, position: Position) {
        let Position { epoch, n, .. } = position;
        match self.0.last_mut() {
            Some(newest) if newest.epoch == epoch => newest.last = newest.last.max(n),
            _ => self.0.push(Span { epoch, first: n, last: n }),
        }
    }

    pub(super) fn contains(&self, position: Position) -> bool {
        let Position { epoch, n, check } = position;
        // There is a span for each start that followed a crash.
        let index = self.0.partition_point(|span| span.epoch < epoch);
        let found = self.0.get(index).filter(|span| span.epoch == epoch);
        check == Check::NONE && found.is_some_and(|span| (span.first..=span.last).contains(&n))
    }
}
