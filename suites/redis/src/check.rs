//! The rules for the sequences of events that clients have seen.

use std::collections::{HashMap, HashSet};

use crate::{client::Seen, load::Outcomes};

/// `ms-seq` as numbers; in a client's id the digest of the entry follows.
#[must_use]
pub fn position(id: &str) -> Option<(u64, u64)> {
    let mut parts = id.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// The verdict on one client's sequence.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Verdict {
    pub received: usize,
    pub gaps: usize,
    /// Acknowledged events that are missing, with a gap in their place.
    pub lost_in_gaps: usize,
    /// Acknowledged events that are missing without a gap.
    pub lost_silently: usize,
    /// Events that came twice without a gap between.
    pub repeated: usize,
    /// Events that came out of the order of their ids.
    pub out_of_order: usize,
    /// Events of unknown outcome that came.
    pub unknown_received: usize,
    /// Events that came although they were reported as not appended.
    pub refused_received: usize,
}

impl Verdict {
    #[must_use]
    pub fn is_good(&self) -> bool {
        let Self { lost_silently, repeated, out_of_order, refused_received, .. } = *self;
        [lost_silently, repeated, out_of_order, refused_received] == [0; 4]
    }

    pub fn add(&mut self, other: Self) {
        self.received += other.received;
        self.gaps += other.gaps;
        self.lost_in_gaps += other.lost_in_gaps;
        self.lost_silently += other.lost_silently;
        self.repeated += other.repeated;
        self.out_of_order += other.out_of_order;
        self.unknown_received += other.unknown_received;
        self.refused_received += other.refused_received;
    }
}

/// Checks the events that one client has seen since the log was `start`.
#[must_use]
pub fn judge(seen: &[Seen], outcomes: &Outcomes) -> Verdict {
    let mut verdict = Verdict::default();
    let (mut newest, mut held) = (None, None);
    let mut since_gap = HashSet::new();
    let mut gaps: Vec<Hole> = Vec::new();
    let mut received = HashSet::new();
    for item in seen {
        match item {
            Seen::Gap { resumed_after } => {
                verdict.gaps += 1;
                let to = position(resumed_after);
                gaps.push(Hole { from: held, to, next: None });
                (newest, held) = (None, to);
                since_gap.clear();
            }
            Seen::Event { id, data, .. } => {
                let at = position(id);
                verdict.received += 1;
                verdict.out_of_order += usize::from(newest.is_some() && at <= newest);
                (newest, held) = (at, at);
                verdict.repeated += usize::from(!since_gap.insert(data.as_str()));
                if let Some(Hole { next: next @ None, .. }) = gaps.last_mut() {
                    *next = at;
                }
                received.insert(data.as_str());
            }
        }
    }
    for (id, data) in &outcomes.acknowledged {
        if received.contains(data.as_str()) {
            continue;
        }
        let at = position(id);
        let is_told = gaps.iter().any(|gap| gap.covers(at));
        verdict.lost_in_gaps += usize::from(is_told);
        verdict.lost_silently += usize::from(!is_told);
    }
    let count = |of: &[String]| of.iter().filter(|data| received.contains(data.as_str())).count();
    verdict.unknown_received = count(&outcomes.unknown);
    verdict.refused_received = count(&outcomes.not_appended);
    verdict
}

/// A gap: the client's position before it, the position after it, and the events that followed.
struct Hole {
    from: Option<(u64, u64)>,
    to: Option<(u64, u64)>,
    next: Option<(u64, u64)>,
}

impl Hole {
    fn covers(&self, at: Option<(u64, u64)>) -> bool {
        // After a return of an older log, the client continues before its old position.
        let is_rolled_back = self.to < self.from && (self.next.is_none() || at < self.next);
        // An emptied log may give the ids of the same millisecond again.
        let millisecond = |position: Option<(u64, u64)>| position.map(|(ms, _)| ms);
        let is_given_again = [self.to, self.next].map(millisecond).contains(&millisecond(at));
        self.from < at && (at <= self.to || is_rolled_back || is_given_again)
    }
}

/// Whether both clients have seen their common events in the same order.
#[must_use]
pub fn agree(one: &[Seen], other: &[Seen]) -> bool {
    let places: HashMap<&str, usize> = events(one).zip(0..).collect();
    let mut common = events(other).filter_map(|data| places.get(data));
    let mut last = None;
    common.all(|place| last.replace(place).is_none_or(|last| last < place))
}

fn events(seen: &[Seen]) -> impl Iterator<Item = &str> {
    seen.iter().filter_map(|seen| match seen {
        Seen::Event { data, .. } => Some(data.as_str()),
        Seen::Gap { .. } => None,
    })
}
