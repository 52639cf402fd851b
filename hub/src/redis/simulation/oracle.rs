//! What must hold of all that the clients hear, by the nine rules of the promise:
//!
//! 1. Each event comes once, and in order.
//! 2. Between two events nothing is missing without a gap or a state between them.
//! 3. Each position that is told is honest: going on after it keeps rule 2. (Streams are cut
//!    everywhere.)
//! 4. An id is that of one event, for ever.
//! 5. What was appended is heard, in the order of the log; what was refused is not.
//! 6. Once the faults are over, everybody gets what follows.
//! 7. Without a fault that loses something there is no gap.
//! 8. A stream that was ended gives nothing more: on the server that ends it at once, on others
//!    from the end's place in the log on.
//! 9. Other streams do not end.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::log::{Loss, MOST_ENDS};
use crate::ending::{Ending, Kind, Time};

/// An event as it was appended, or refused.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) topic: usize,
    pub(super) key: Option<u32>,
    pub(super) is_ephemeral: bool,
    /// Whether it is in the log.
    pub(super) is_appended: bool,
    /// Whether its publisher does not know: it may be heard or not.
    pub(super) is_unknown: bool,
    /// The number of the log's contents: another one once it was emptied.
    pub(super) content: usize,
    pub(super) lost: Option<Loss>,
    /// The numbers that the log gave it.
    pub(super) at: (u64, u64),
}

/// The end of some streams.
pub(super) struct End {
    pub(super) ending: Ending,
    /// The number of the first event after it in the log.
    pub(super) before: usize,
    /// Whether it is in the log, and in the key of the ends.
    pub(super) is_kept: bool,
}

/// The stream of a client, as its server knows it.
pub(super) struct Claims<'a> {
    pub(super) owners: &'a [&'a str],
    /// Those that it names.
    pub(super) topics: Vec<&'a str>,
    /// Without an owner since it began.
    pub(super) authorized: Time,
}

impl Claims<'_> {
    /// Whether the end is one of this owner, or of one of these topics.
    fn are_ended_by(&self, Ending { kind, name, .. }: &Ending) -> bool {
        match kind {
            Kind::Owner => self.owners.contains(&&**name),
            Kind::Topic => self.topics.contains(&&**name),
        }
    }
}

/// All events, in the order of the log.
#[derive(Default)]
pub(super) struct Truth {
    pub(super) events: Vec<Event>,
    pub(super) ends: Vec<End>,
    /// No server may write a mark: one that has read all of a log does not notice that it was
    /// emptied and written again, as the page on Redis says.
    pub(super) marks_are_refused: bool,
    /// The event of each id.
    ids: HashMap<String, usize>,
}

/// What a server has read of the log.
#[derive(Default)]
pub(super) struct Read {
    pub(super) events: BTreeSet<usize>,
    /// The contents of the log of which it has read anything.
    pub(super) contents: HashSet<usize>,
    /// Up to where it has read.
    pub(super) tip: (u64, u64),
    /// The ends of streams that it knows.
    pub(super) ends: BTreeSet<usize>,
    /// When it has read or made one of them last.
    pub(super) last_end: Option<Time>,
}

impl Read {
    pub(super) fn newest(&self) -> Option<usize> {
        self.events.last().copied()
    }
}

/// What a client has heard, over all its connections.
#[derive(Default)]
pub(super) struct History {
    events: HashSet<usize>,
    at: At,
    /// Whether it was told of a gap after its last event: the order begins anew.
    is_after_gap: bool,
    /// What was lost before the client asked for anything.
    excused: HashSet<usize>,
    /// A state that it has for this connection.
    state: Option<Origin>,
    pub(super) gaps: usize,
}

/// Where a subscription without a past begins: now.
#[derive(Clone)]
pub(super) struct Origin {
    at: At,
    excused: HashSet<usize>,
}

impl Origin {
    pub(super) fn new(truth: &Truth, read: &Read) -> Self {
        let is_before = |event: &Event| event.lost.is_some() || event.at <= read.tip;
        let before = truth.events.iter().enumerate().filter(|(_, event)| is_before(event));
        let excused = before.map(|(n, _)| n).collect();
        Self { at: read.newest().map_or(At::Start, At::After), excused }
    }
}

/// Up to where a client has everything, or was told that it has not.
#[derive(Clone, Copy, Debug, Default)]
enum At {
    /// Before all events.
    #[default]
    Start,
    /// This event.
    After(usize),
    /// Somewhere: before the next event that it hears.
    Anywhere,
}

pub(super) type Verdict = Result<(), String>;

impl Truth {
    pub(super) fn lose(&mut self, lost: impl IntoIterator<Item = (usize, Loss)>) {
        for (event, how) in lost {
            let lost = &mut self.events[event].lost;
            if matches!(lost, None | Some(Loss::Trimmed)) || how == Loss::RolledBack {
                *lost = Some(how);
            }
        }
    }

    pub(super) fn lose_ends(&mut self, lost: impl IntoIterator<Item = usize>) {
        lost.into_iter().for_each(|end| self.ends[end].is_kept = false);
    }

    /// Rule 8, when a server gives a stream something: an event, perhaps.
    pub(super) fn may_give(
        &self,
        read: &Read,
        claims: &Claims<'_>,
        event: Option<usize>,
    ) -> Verdict {
        for (n, End { ending, before, is_kept }) in self.ends.iter().enumerate() {
            let is_known = read.ends.contains(&n);
            let is_after = *is_kept && event.is_some_and(|event| event >= *before);
            let is_ended = claims.authorized <= ending.at && claims.are_ended_by(ending);
            if is_ended && (is_known || is_after) {
                return Err(format!("rule 8: event {event:?} after {ending:?}, known {is_known}"));
            }
        }
        Ok(())
    }

    /// Rule 9, when a stream ends.
    pub(super) fn may_end(&self, read: &Read, claims: &Claims<'_>) -> Verdict {
        // A server that has forgotten an end takes no authorization from before it.
        let is_its = |ending| claims.are_ended_by(ending) || self.ends.len() >= MOST_ENDS;
        let is_ended = self.ends.iter().any(|end| {
            let is_since = Some(claims.authorized) <= read.last_end.max(Some(end.ending.at));
            is_since && is_its(&end.ending)
        });
        if is_ended { Ok(()) } else { Err("rule 9: a stream ends".into()) }
    }

    fn is_replaced(&self, event: usize) -> bool {
        let Event { topic, key, .. } = self.events[event];
        let is_newer = |newer: &Event| {
            (newer.is_appended || newer.is_unknown) && newer.topic == topic && newer.key == key
        };
        key.is_some() && self.events[event + 1..].iter().any(is_newer)
    }

    /// Whether the client may be without this event though it was told of nothing: it was replaced,
    /// or it was lost before the server could have known of it.
    fn may_be_missing(&self, event: usize, read: &Read) -> bool {
        let Event { is_ephemeral, is_appended, is_unknown, content, lost, .. } = self.events[event];
        if is_ephemeral || !is_appended || is_unknown || self.is_replaced(event) {
            return true;
        }
        match lost {
            // The server's own place was before it.
            None | Some(Loss::Trimmed) => false,
            Some(Loss::Deleted | Loss::RolledBack) => !read.events.contains(&event),
            Some(Loss::Emptied) => {
                !read.contents.contains(&content)
                    || (self.marks_are_refused && !read.events.contains(&event))
            }
        }
    }
}

impl History {
    /// From here on the client expects all events.
    pub(super) fn begin(&mut self, Origin { at, excused }: Origin) {
        (self.at, self.excused) = (at, excused);
        self.is_after_gap = true;
    }

    /// A state, which replaces what was before it. Without an id it does so for this connection.
    pub(super) fn hear_state(&mut self, origin: Origin, has_id: bool) {
        if has_id { self.begin(origin) } else { self.state = Some(origin) }
    }

    /// The connection is cut.
    pub(super) fn cut(&mut self) {
        self.state = None;
    }

    /// A position, up to which the server has not read some events: they were lost before.
    pub(super) fn hear_checkpoint(&mut self, truth: &Truth, read: &Read, until: (u64, u64)) {
        let is_excused = |n: usize, event: &Event| {
            event.at <= until && event.lost.is_some() && truth.may_be_missing(n, read)
        };
        let all = truth.events.iter().enumerate();
        self.excused.extend(all.filter(|(n, event)| is_excused(*n, event)).map(|(n, _)| n));
    }

    pub(super) fn hear(
        &mut self,
        truth: &mut Truth,
        read: &Read,
        topics: &[usize],
        event: usize,
        id: Option<&str>,
    ) -> Verdict {
        if !truth.events[event].is_appended && !truth.events[event].is_unknown {
            return Err(format!("rule 5: event {event} was refused, and is heard"));
        }
        if let Some(origin) = self.state.take_if(|_| id.is_some()) {
            self.begin(origin);
        }
        if let Some(id) = id {
            let named = *truth.ids.entry(id.to_owned()).or_insert(event);
            if named != event {
                return Err(format!("rule 4: `{id}` is the id of {named} and of {event}"));
            }
        }
        if !topics.contains(&truth.events[event].topic) {
            return Err(format!("event {event} is of another topic"));
        }
        // An ephemeral one moves no position: it can come again from a server that lags.
        if !self.events.insert(event) && id.is_some() {
            return Err(format!("rule 1: event {event} is heard twice"));
        }
        // Without an id the event comes after the state of this connection, if there is one.
        let (at, excused) = match &self.state {
            Some(Origin { at, excused }) => (*at, excused),
            None => (self.at, &self.excused),
        };
        let first = match at {
            At::Start => 0,
            At::After(at) => at + 1,
            At::Anywhere => event,
        };
        if event < first && !self.is_after_gap && id.is_some() {
            return Err(format!("rule 1: event {event} is heard after {:?}", self.at));
        }
        let missing = (first..event).find(|other| {
            topics.contains(&truth.events[*other].topic)
                && !self.events.contains(other)
                && !excused.contains(other)
                && !truth.may_be_missing(*other, read)
        });
        if let Some(missing) = missing {
            return Err(format!(
                "rule 2: event {missing} is missing before {event}, after {at:?}: {:?}",
                truth.events[missing],
            ));
        }
        if id.is_some() {
            self.at = At::After(event);
            self.is_after_gap = false;
        }
        Ok(())
    }

    /// A gap: what is lost by now is told, and the stream goes on with this event, if that is
    /// known.
    pub(super) fn hear_gap(
        &mut self,
        truth: &Truth,
        next: Option<usize>,
        may_lose: bool,
    ) -> Verdict {
        self.gaps += 1;
        if let Some(origin) = self.state.take() {
            self.begin(origin);
        }
        let lost = truth.events.iter().enumerate().filter(|(_, event)| event.lost.is_some());
        self.excused.extend(lost.map(|(n, _)| n));
        self.is_after_gap = true;
        self.at = match next {
            Some(0) => At::Start,
            Some(next) => At::After(next - 1),
            None => At::Anywhere,
        };
        if may_lose { Ok(()) } else { Err("rule 7: a gap, though nothing was lost".into()) }
    }

    pub(super) fn has(&self, event: usize) -> bool {
        self.events.contains(&event)
    }
}
