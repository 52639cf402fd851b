//! The rules for all that clients hear, by the promises in the hub's pages:
//!
//! 1. An event comes once, over all connections and servers of a client, and in the log's order.
//! 2. Before an event nothing is missing, unless a gap told so, or the log lost it before the
//!    client's server had read any of what was lost.
//! 3. An event has one id, and an id is that of one event.
//! 4. An acknowledged event is in the log, or was lost there. A refused one is nowhere.
//! 5. A gap follows a loss that the client had not passed, and passes over nothing that came after
//!    the loss.
//!
//! The simulation in the hub's own tests has the same rules, for a log that it can look into at any
//! time. Here a [`Loss`] is known from the log after a fault.

use std::collections::{HashMap, HashSet};

use crate::{
    client::{Heard, Item, Record},
    load::Outcomes,
    server::Snapshot,
};

/// `ms-seq` as numbers; in a client's id the digest of the entry follows.
#[must_use]
pub fn position(id: &str) -> Option<(u64, u64)> {
    let mut parts = id.split('-');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// A fault in which the log may have lost entries.
#[derive(Debug)]
pub struct Loss {
    /// In milliseconds since 1970.
    pub began: u64,
    /// Entries that are older than this snapshot, and not in it, are lost.
    pub after: Snapshot,
}

/// The history of the log.
#[derive(Debug, Default)]
pub struct Truth {
    pub outcomes: Outcomes,
    /// In the order of time.
    pub losses: Vec<Loss>,
    /// At the end.
    pub log: Snapshot,
    /// Whether hubs or the log retain less than all events.
    pub is_trimmed: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums, reason = "nobody else depends on it")]
pub enum Rule {
    /// An event came twice.
    Once,
    /// An event came, or a position was told, after a later one.
    Order,
    /// An event is missing, and no gap told so.
    NoSilentLoss,
    /// An event has two ids, or an id two events.
    Identity,
    /// An acknowledged event is missing in the log, or another one is there.
    Outcome,
    /// A gap was told although nothing was lost since the client's position.
    NeededGap,
    /// A gap passed over an event that came after all losses, and is in the log.
    NarrowGap,
    /// An event of another topic came.
    Topic,
}

#[derive(Clone, Debug)]
pub struct Breach {
    pub rule: Rule,
    pub text: String,
}

/// The verdict on a client.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    pub received: usize,
    pub gaps: usize,
    /// Events that are missing, and a gap told so.
    pub lost_in_gaps: usize,
    /// Events that the log lost before the client's server had read any of what was lost.
    pub lost_unread: usize,
    /// Events of unknown outcome that came.
    pub unknown_received: usize,
    pub breaches: Vec<Breach>,
}

impl Verdict {
    #[must_use]
    pub fn count(&self, rules: &[Rule]) -> usize {
        self.breaches.iter().filter(|breach| rules.contains(&breach.rule)).count()
    }

    pub fn add(&mut self, other: Self) {
        self.received += other.received;
        self.gaps += other.gaps;
        self.lost_in_gaps += other.lost_in_gaps;
        self.lost_unread += other.lost_unread;
        self.unknown_received += other.unknown_received;
        self.breaches.extend(other.breaches);
    }

    fn breach(&mut self, rule: Rule, text: String) {
        self.breaches.push(Breach { rule, text });
    }
}

#[derive(Debug)]
/// An event that is known to have been in the log.
struct Event<'a> {
    data: &'a str,
    at: (u64, u64),
    /// The loss that took it from the log.
    lost: Option<usize>,
}

#[derive(Debug)]
/// Knows all events in the order of the log, and what each hub has read.
pub struct Oracle<'a> {
    truth: &'a Truth,
    events: Vec<Event<'a>>,
    /// The places in `events`, by data and by id.
    by_data: HashMap<&'a str, usize>,
    by_id: HashMap<&'a str, usize>,
    /// For each loss the hubs that had read some of what was lost.
    had_read: Vec<HashSet<usize>>,
    /// The breaches that concern no single client: those of ids and outcomes.
    pub verdict: Verdict,
}

impl<'a> Oracle<'a> {
    #[must_use]
    pub fn new(truth: &'a Truth, clients: &'a [Record]) -> Self {
        let mut verdict = Verdict::default();
        let ids = identities(truth, clients, &mut verdict);
        let kept = |loss: &'a Loss| loss.after.entries.iter().map(|(_, data)| data.as_str());
        let kept: Vec<HashSet<_>> = truth.losses.iter().map(|loss| kept(loss).collect()).collect();
        let event = |(&data, id): (&&'a str, &&str)| {
            let at = position(id)?;
            let mut losses = truth.losses.iter().zip(&kept);
            let lost = losses.position(|(loss, kept)| at.0 < loss.after.at && !kept.contains(data));
            Some(Event { data, at, lost })
        };
        let mut events: Vec<_> = ids.iter().filter_map(event).collect();
        // A log that was emptied may give the same numbers again, within a millisecond.
        let empties = |loss: usize| {
            let Loss { began, after } = &truth.losses[loss];
            after.entries.iter().all(|(id, _)| position(id).is_none_or(|(ms, _)| ms >= *began))
        };
        let empties: Vec<_> = (0..truth.losses.len()).map(empties).collect();
        events.sort_by_key(|Event { at: (ms, seq), lost, .. }| {
            (*ms, lost.filter(|loss| empties[*loss]).unwrap_or(usize::MAX), *seq)
        });
        let by_data: HashMap<_, _> =
            events.iter().enumerate().map(|(n, event)| (event.data, n)).collect();
        let by_id = ids.iter().filter_map(|(data, id)| Some((*id, *by_data.get(data)?))).collect();
        let mut had_read = vec![HashSet::new(); truth.losses.len()];
        for Item { hub, heard, .. } in clients.iter().flat_map(|client| &client.items) {
            if let Heard::Event { data, .. } = heard
                && let Some(loss) = by_data.get(data.as_str()).and_then(|n| events[*n].lost)
            {
                had_read[loss].insert(*hub);
            }
        }
        check_outcomes(truth, &events, &by_data, &mut verdict);
        Self { truth, events, by_data, by_id, had_read, verdict }
    }

    /// How many events there are up to the last one with numbers up to these.
    fn events_until(&self, until: (u64, u64)) -> usize {
        let events = self.events.iter().take_while(|event| event.at.0 <= until.0);
        let last = events.enumerate().filter(|(_, event)| event.at <= until).last();
        last.map_or(0, |(place, _)| place + 1)
    }

    /// Whether it is an event for a client of these topics; all have those without a topic.
    fn concerns(event: &Event<'_>, topics: &[&str]) -> bool {
        let topic = event.data.split_once('/').map_or("", |(topic, _)| topic);
        topic.is_empty() || topics.is_empty() || topics.contains(&topic)
    }

    /// Checks all that one client has heard.
    #[must_use]
    pub fn judge(&self, client: &Record) -> Verdict {
        let mut walk = Walk {
            oracle: self,
            topics: &client.topics,
            heard: vec![false; self.events.len()],
            verdict: Verdict::default(),
            passed: 0,
            told: 0,
            joined: 0,
            is_placed: false,
            held: 0,
        };
        for (n, item) in client.items.iter().enumerate() {
            let breaches = walk.verdict.breaches.len();
            walk.take(item);
            if let Some(breach) = walk.verdict.breaches.get_mut(breaches) {
                let last = &client.items[n.saturating_sub(4)..=n];
                last.iter().for_each(|item| breach.text.push_str(&format!("\n    {item:?}")));
            }
        }
        let Walk { heard, mut verdict, .. } = walk;
        let unknown = self.truth.outcomes.unknown.iter();
        let places = unknown.filter_map(|data| self.by_data.get(data.as_str()));
        verdict.unknown_received = places.filter(|place| heard[**place]).count();
        verdict
    }
}

/// The id of each event, by its data. One that nobody has heard may lack the digest.
fn identities<'a>(
    truth: &'a Truth,
    clients: &'a [Record],
    verdict: &mut Verdict,
) -> HashMap<&'a str, &'a str> {
    let heard = clients.iter().flat_map(|client| &client.items).filter_map(|item| {
        let Heard::Event { id, data } = &item.heard else { return None };
        Some((id.as_str(), data.as_str()))
    });
    let pair = |(id, data): &'a (String, String)| (id.as_str(), data.as_str());
    let (mut ids, mut names): (HashMap<_, _>, HashMap<_, _>) = Default::default();
    for (id, data) in truth.outcomes.acknowledged.iter().map(pair).chain(heard) {
        let (first_id, first_data) =
            (*ids.entry(data).or_insert(id), *names.entry(id).or_insert(data));
        if (first_id, first_data) != (id, data) {
            let text = format!("`{data}` has {id}, `{first_data}` too, and had {first_id}");
            verdict.breach(Rule::Identity, text);
        }
    }
    for (id, data) in truth.outcomes.foreign.iter().chain(&truth.log.entries).map(pair) {
        let known = *ids.entry(data).or_insert(id);
        if position(known) != position(id) {
            verdict.breach(Rule::Identity, format!("`{data}` is at {id}, and was at {known}"));
        }
    }
    ids
}

fn check_outcomes(
    truth: &Truth,
    events: &[Event<'_>],
    by_data: &HashMap<&str, usize>,
    verdict: &mut Verdict,
) {
    let log: HashSet<_> = truth.log.entries.iter().map(|(_, data)| data.as_str()).collect();
    let Outcomes { acknowledged, foreign, not_appended, .. } = &truth.outcomes;
    if log.len() < truth.log.entries.len() {
        verdict.breach(Rule::Outcome, "an event is twice in the log".into());
    }
    for (id, data) in acknowledged.iter().chain(foreign) {
        let is_lost = by_data.get(data.as_str()).is_some_and(|n| events[*n].lost.is_some());
        if !log.contains(data.as_str()) && !is_lost && !truth.is_trimmed {
            verdict.breach(Rule::Outcome, format!("`{data}`, {id}, is not in the log"));
        }
    }
    for data in not_appended.iter().filter(|data| by_data.contains_key(data.as_str())) {
        verdict.breach(Rule::Outcome, format!("`{data}` was refused, and is there"));
    }
}

/// The way of a client through the events.
struct Walk<'a> {
    oracle: &'a Oracle<'a>,
    topics: &'a [&'static str],
    /// Which events it has heard.
    heard: Vec<bool>,
    verdict: Verdict,
    /// How many events come before its position.
    passed: usize,
    /// How many losses had begun when it heard its last gap.
    told: usize,
    /// When it subscribed, without a position. Until it `is_placed`, older events are not for it.
    joined: u64,
    is_placed: bool,
    /// The time of the event after which it continues.
    held: u64,
}

impl Walk<'_> {
    fn take(&mut self, Item { hub, at, heard }: &Item) {
        match heard {
            Heard::Joined if self.is_placed => {}
            Heard::Joined => self.joined = *at,
            Heard::Checkpoint(id) => self.take_position(*hub, id),
            Heard::Gap(id) => self.take_gap(*at, id),
            Heard::Event { id, data } => self.take_event(*hub, id, data),
        }
    }

    fn take_event(&mut self, hub: usize, id: &str, data: &str) {
        self.verdict.received += 1;
        let Some(&place) = self.oracle.by_data.get(data) else {
            return self.verdict.breach(Rule::Identity, format!("`{data}` has the id `{id}`"));
        };
        let event = &self.oracle.events[place];
        if !Oracle::concerns(event, self.topics) {
            self.verdict.breach(Rule::Topic, format!("`{data}`, not of {:?}", self.topics));
        }
        if std::mem::replace(&mut self.heard[place], true) {
            return self.verdict.breach(Rule::Once, format!("`{data}`, {id}"));
        }
        if place < self.passed {
            return self.verdict.breach(Rule::Order, format!("`{data}`, {id}, after a later one"));
        }
        self.pass(place, hub, id);
        self.passed = place + 1;
        self.held = event.at.0;
    }

    fn take_position(&mut self, hub: usize, id: &str) {
        let Some(&place) = self.oracle.by_id.get(id) else {
            // A mark, or the place after a loss.
            let (ms, _) = position(id).unwrap_or_default();
            let older = self.oracle.events.partition_point(|event| event.at.0 < ms);
            return self.pass(older, hub, id);
        };
        if place + 1 < self.passed {
            return self
                .verdict
                .breach(Rule::Order, format!("the position {id}, after a later one"));
        }
        self.pass(place + 1, hub, id);
        self.held = self.oracle.events[place].at.0;
    }

    fn take_gap(&mut self, at: u64, id: &str) {
        self.verdict.gaps += 1;
        let Truth { losses, is_trimmed, .. } = self.oracle.truth;
        let is_needed =
            losses.iter().any(|loss| loss.began <= at && self.held <= loss.after.at) || *is_trimmed;
        if !is_needed {
            self.verdict.breach(Rule::NeededGap, format!("until {id}"));
        }
        self.told = losses.partition_point(|loss| loss.began <= at);
        let until = self.oracle.events_until(position(id).unwrap_or_default());
        for place in self.passed..until {
            if !self.lacks(place) {
                continue;
            }
            self.verdict.lost_in_gaps += 1;
            let Event { data, at, lost } = &self.oracle.events[place];
            // A client before several losses is told of all at once.
            let is_before = losses[..self.told].last().is_some_and(|loss| at.0 <= loss.after.at);
            if lost.is_none() && !is_before && !is_trimmed {
                self.verdict.breach(Rule::NarrowGap, format!("`{data}`, {at:?}, in that to {id}"));
            }
        }
        self.passed = self.passed.max(until);
        self.is_placed = true;
    }

    /// Whether the event is for this client, and has not come.
    fn lacks(&self, place: usize) -> bool {
        let event = &self.oracle.events[place];
        !self.heard[place]
            && Oracle::concerns(event, self.topics)
            && (self.is_placed || event.at.0 > self.joined)
    }

    /// The client's position is now after all events before this place.
    fn pass(&mut self, until: usize, hub: usize, id: &str) {
        for place in self.passed..until {
            if !self.lacks(place) {
                continue;
            }
            let Event { data, at, lost } = &self.oracle.events[place];
            match lost {
                Some(loss) if *loss < self.told => self.verdict.lost_in_gaps += 1,
                Some(loss) if !self.oracle.had_read[*loss].contains(&hub) => {
                    self.verdict.lost_unread += 1;
                }
                _ => {
                    let text = format!("`{data}`, {at:?}, {lost:?}, before {id} of hub {hub}");
                    self.verdict.breach(Rule::NoSilentLoss, text);
                }
            }
        }
        self.passed = self.passed.max(until);
        self.is_placed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(numbers: impl IntoIterator<Item = u64>) -> Vec<(String, String)> {
        numbers.into_iter().map(|n| (format!("{n}-0-x"), format!("a/{n}"))).collect()
    }

    /// An event `n` was appended at the millisecond `n`, up to 9. At 6 the log lost those of
    /// `lost`.
    fn truth(lost: &[u64]) -> Truth {
        let acknowledged = named(1..10);
        let kept = |until| named((1..until).filter(|n| !lost.contains(n)));
        let after = |until, at| Snapshot { at, entries: kept(until) };
        let losses = match lost {
            [] => Vec::new(),
            _ => vec![Loss { began: 5, after: after(6, 6) }],
        };
        let not_appended = vec!["a/20".into()];
        let outcomes = Outcomes { acknowledged, not_appended, ..Outcomes::default() };
        Truth { outcomes, losses, log: after(10, 10), is_trimmed: false }
    }

    /// A client of `a` from the first event on. `e` is an event, `g` a gap, `p` a checkpoint, each
    /// with its number; `j` subscribes, `@` names another hub.
    fn record(script: &str) -> Record {
        let mut record = Record { topics: vec!["a"], items: Vec::new() };
        let mut hub = 0;
        let mut add = |hub, at, heard| record.items.push(Item { hub, at, heard });
        add(hub, 0, Heard::Joined);
        for word in script.split(' ') {
            let (kind, number) = word.split_at(1);
            let number: u64 = number.parse().unwrap();
            let (id, data) = named([number]).remove(0);
            match kind {
                "e" => add(hub, number, Heard::Event { id, data }),
                "j" => add(hub, number, Heard::Joined),
                "p" => add(hub, number, Heard::Checkpoint(id)),
                // It is heard later than its position.
                "g" => add(hub, number + 3, Heard::Gap(format!("{number}-1-y"))),
                "@" => hub = number as usize,
                _ => unreachable!(),
            }
        }
        record
    }

    /// The rules that are broken, and how many events were lost in gaps, and unread.
    fn verdict(truth: &Truth, records: &[Record]) -> (Vec<Rule>, usize, usize) {
        let oracle = Oracle::new(truth, records);
        let mut all = oracle.verdict.clone();
        all.add(oracle.judge(&records[0]));
        let rules = all.breaches.iter().map(|breach| breach.rule).collect();
        (rules, all.lost_in_gaps, all.lost_unread)
    }

    /// The lost events, the scripts of a client and of another one, the broken rules, and how many
    /// events were lost in gaps, and unread.
    type Row = (&'static [u64], &'static str, &'static str, &'static [Rule], usize, usize);

    #[test]
    fn each_rule_is_found_to_be_broken() {
        use Rule::{NarrowGap, NeededGap, NoSilentLoss, Once, Order};
        let whole = "e1 e2 e3 e4 e5 e6 e7 e8 e9";
        let rows: [Row; 21] = [
            (&[], whole, whole, &[], 0, 0),
            (&[], "e1 e2 e3 p3 @1 e4 e5 e6 e7 p7 @0 e8 e9", whole, &[], 0, 0),
            // Once, and in order.
            (&[], "e1 e2 e3 @1 e3 e4 e5 e6 e7 e8 e9", whole, &[Once], 0, 0),
            (&[4, 5], "e1 e2 e3 e4 e5 g3 @1 e4 e6 e7 e8 e9", whole, &[Once], 0, 0),
            (&[], "e1 e2 e4 e3 e5 e6 e7 e8 e9", whole, &[NoSilentLoss, Order], 0, 0),
            (&[], "e1 e2 e3 e4 p2 e5 e6 e7 e8 e9", whole, &[Order], 0, 0),
            // Missing.
            (&[], "e1 e2 e4 e5 e6 e7 e8 e9", whole, &[NoSilentLoss], 0, 0),
            (&[], "e1 e2 p3 e4 e5 e6 e7 e8 e9", whole, &[NoSilentLoss], 0, 0),
            (&[], "e2 e3 e4 e5 e6 e7 e8 e9", whole, &[NoSilentLoss], 0, 0),
            // It joins anew as long as it has no position.
            (&[], "j2 e3 e4 e5 e6 e7 e8 e9", whole, &[], 0, 0),
            (&[], "e1 e2 j4 e5 e6 e7 e8 e9", whole, &[NoSilentLoss, NoSilentLoss], 0, 0),
            (&[4, 5], "e1 e2 e3 g3 e6 e7 e8 e9", "@0 e1 e2 e3 e4 e5 e6 e7 e8 e9", &[], 2, 0),
            (&[4, 5], "e1 e2 e3 g3 e7 e8 e9", whole, &[NoSilentLoss], 2, 0),
            // Lost, and no gap: the client's hub had read none of it, another one, or half of it.
            (&[4, 5], "e1 e2 e3 e6 e7 e8 e9", "e1 e2 e3 e6 e7 e8 e9", &[], 0, 2),
            (&[4, 5], "e1 e2 e3 e6 e7 e8 e9", "@1 e1 e2 e3 e4 e5 e6 e7 e8 e9", &[], 0, 2),
            (
                &[4, 5],
                "e1 e2 e3 e6 e7 e8 e9",
                "e1 e2 e3 e4 e5",
                &[NoSilentLoss, NoSilentLoss],
                0,
                0,
            ),
            (&[4, 5], "e1 e2 e3 e4 e6 e7 e8 e9", whole, &[NoSilentLoss], 0, 0),
            (&[4, 5], "e1 e2 e3 @1 p6 @0 e7 e8 e9", "@1 e6", &[NoSilentLoss], 0, 2),
            // Gaps.
            (&[], "e1 e2 g2 e3 e4 e5 e6 e7 e8 e9", whole, &[NeededGap], 0, 0),
            (&[4, 5], "e1 e2 e3 g3 e6 e7 g7 e8 e9", whole, &[NeededGap], 2, 0),
            (&[4, 5], "e1 e2 e3 g7 e8 e9", whole, &[NarrowGap], 4, 0),
        ];
        for (lost, client, other, rules, in_gaps, unread) in rows {
            let records = [record(client), record(other)];
            let found = verdict(&truth(lost), &records);
            assert_eq!(found, (rules.to_vec(), in_gaps, unread), "{lost:?}: {client}; {other}");
        }
    }

    /// Within a millisecond an emptied log gives the same numbers again. A client whose position is
    /// gone then continues after a lower one, and the gap says which.
    #[test]
    fn numbers_that_are_given_again_are_those_of_later_events() {
        let pair = |id: &str, data: &str| (id.to_owned(), data.to_owned());
        let (old, new) = (pair("5-1-x", "a/old"), [pair("5-0-y", "a/0"), pair("5-1-y", "a/1")]);
        let acknowledged = [&[old][..], &new].concat();
        let outcomes = Outcomes { acknowledged, ..Outcomes::default() };
        let log = |at| Snapshot { at, entries: new.to_vec() };
        let losses = vec![Loss { began: 5, after: log(6) }];
        let truth = Truth { outcomes, losses, log: log(9), is_trimmed: false };
        // `o` is the old event, `g` a gap before the new ones, `r` one after the first of them.
        let rules = |script: &str| {
            let heard = |kind| match kind {
                'g' => Heard::Gap("4-9-z".into()),
                'r' => Heard::Gap("5-0-y~5-1-x".into()),
                kind => {
                    let (id, data) = truth.outcomes.acknowledged["o01".find(kind).unwrap()].clone();
                    Heard::Event { id, data }
                }
            };
            let item = |kind| Item { hub: 0, at: 7, heard: heard(kind) };
            let items = script.chars().map(item).collect();
            verdict(&truth, &[Record { topics: vec!["a"], items }])
        };
        assert_eq!(rules("og01"), (vec![], 0, 0));
        assert_eq!(rules("or1"), (vec![], 1, 0));
        assert_eq!(rules("og1"), (vec![Rule::NoSilentLoss], 0, 0));
        assert_eq!(rules("o1"), (vec![Rule::NoSilentLoss], 0, 0));
        assert_eq!(rules("01o"), (vec![Rule::NoSilentLoss, Rule::Order], 0, 0));
    }

    #[test]
    fn ids_topics_and_outcomes_are_checked_for_all() {
        let whole = || [record("e1 e2 e3 e4 e5 e6 e7 e8 e9")];
        let rules = |truth: &Truth, records: &[Record]| verdict(truth, records).0;
        let mut one = truth(&[]);
        assert_eq!(rules(&one, &whole()), []);
        one.outcomes.not_appended.push("a/3".into());
        assert_eq!(rules(&one, &whole()), [Rule::Outcome]);

        let mut one = truth(&[]);
        let missing = one.log.entries.remove(4);
        assert_eq!(rules(&one, &whole()), [Rule::Outcome]);
        one.log.entries.extend([missing.clone(), missing]);
        assert_eq!(rules(&one, &whole()), [Rule::Outcome]);

        let mut one = truth(&[]);
        // The log gives a position without the digest.
        one.log.entries[2].0 = "3-0".into();
        assert_eq!(rules(&one, &whole()), []);
        one.log.entries[2].0 = "3-1".into();
        assert_eq!(rules(&one, &whole()), [Rule::Identity]);

        let heard = |id: &str, data: &str| {
            let [mut one] = whole();
            let heard = Heard::Event { id: id.into(), data: data.into() };
            one.items.push(Item { hub: 0, at: 9, heard });
            one
        };
        let one = truth(&[]);
        assert_eq!(rules(&one, &[heard("10-0-x", "b/10")]), [Rule::Topic]);
        assert_eq!(rules(&one, &[heard("9-0-x", "a/10")])[0], Rule::Identity);
        assert_eq!(rules(&one, &[heard("10-0-x", "a/9")]), [Rule::Identity, Rule::Once]);
        assert_eq!(rules(&one, &[heard("", "a/10")]), [Rule::Identity]);
    }
}
