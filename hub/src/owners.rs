//! The streams of each owner, and the owners and topics whose streams were ended.
//!
//! One lock for both: a stream that joins its owner either is there when the owner's streams are
//! ended, or learns that they were.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
    task::Waker,
    time::Duration,
};

use sse_encoder::Encoded;

use crate::{
    ending::{Ending, Kind, Reconnect, Time},
    mutant,
    sync::{AtomicU64, Mutex, Ordering, lock},
    wait::{WaitList, WaiterId},
};

pub(crate) struct Owners {
    state: Mutex<State>,
    /// How often streams were ended: a subscriber that has seen all of them need not look.
    endings: AtomicU64,
    /// How many endings are kept.
    most: usize,
    /// How long an authorization lives at most, in microseconds.
    age: u64,
}

struct State {
    streams: BTreeMap<(Arc<str>, u64), Stream>,
    next: u64,
    ended: HashMap<Arc<str>, [Option<Ended>; 2]>,
    by_time: BTreeSet<(Time, Arc<str>, Kind)>,
    /// Endings up to this time may be forgotten: authorizations up to it are invalid.
    forgotten: Time,
    /// Endings recorded up to this time are not new: one was kept until its age.
    expired: Time,
    /// Whether the endings of the log are known.
    is_known: bool,
}

/// A stream of an owner.
struct Stream {
    list: Arc<WaitList<Encoded>>,
    waiter: WaiterId,
    authorized: Time,
}

/// The newest ending of an owner or a topic.
#[derive(Clone, Copy)]
struct Ended {
    at: Time,
    /// Its time in the log: the clock there may be another one.
    recorded: Time,
    reconnect: Reconnect,
}

/// When an ending has happened.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum When {
    /// Just now: it concerns all streams that are there.
    Now,
    /// Earlier, at its time: it was read from the log.
    #[cfg_attr(
        not(any(feature = "disk", feature = "redis")),
        allow(dead_code, reason = "for a log elsewhere")
    )]
    Before,
}

/// The effect of an ending.
pub(crate) struct Change {
    /// How many streams of an owner it has ended.
    pub(crate) streams: usize,
    /// `false` if the ending is known already.
    pub(crate) is_new: bool,
}

/// The name of a stream among those of its owner.
pub(crate) type Membership = (Arc<str>, u64);

impl Owners {
    pub(crate) fn new(most: usize, age: Duration, is_known: bool) -> Self {
        let state = State {
            streams: BTreeMap::new(),
            next: 0,
            ended: HashMap::new(),
            by_time: BTreeSet::new(),
            forgotten: Time::NEVER,
            expired: Time::NEVER,
            is_known,
        };
        let age = u64::try_from(age.as_micros()).unwrap_or(u64::MAX);
        Self { state: Mutex::new(state), endings: AtomicU64::new(0), most, age }
    }

    /// A number that changes with each ending.
    #[inline]
    pub(crate) fn endings(&self) -> u32 {
        // It may wrap around: it is only compared for equality.
        self.endings.load(Ordering::Acquire) as u32
    }

    /// Call it after the streams were marked.
    pub(crate) fn count_ending(&self) {
        self.endings.fetch_add(1, Ordering::Release);
    }

    /// The endings of the log are known from now on.
    #[cfg(feature = "redis")]
    pub(crate) fn set_known(&self) {
        lock(&self.state).is_known = true;
    }

    /// Adds a stream to those of an owner. If these, or those of one of the topics, were ended
    /// since the authorization, gives how the client comes back.
    pub(crate) fn join<'a>(
        &self,
        owner: &Arc<str>,
        topics: impl Iterator<Item = &'a Arc<str>>,
        authorized: Time,
        (list, waiter): (Arc<WaitList<Encoded>>, WaiterId),
    ) -> (Membership, Option<Reconnect>) {
        let now = Time::now();
        // Not in the future: the authorization would outlive each ending.
        let authorized = authorized.min(now);
        let mut state = lock(&self.state);
        let of_owner = state.ended(Kind::Owner, owner, authorized);
        let of_topics = topics.map(|topic| state.ended(Kind::Topic, topic, authorized));
        let mut ended = of_topics.chain([of_owner]).max().unwrap_or(0);
        let is_too_old = now.0.saturating_sub(authorized.0) > self.age;
        if is_too_old || !state.is_known || authorized <= state.forgotten {
            ended = ended.max(Reconnect::Soon.code());
        }
        let membership = (owner.clone(), state.next);
        state.next += 1;
        state.streams.insert(membership.clone(), Stream { list, waiter, authorized });
        (membership, Reconnect::from_code(ended))
    }

    /// Removes the stream from those of its owner; call it before its waiter leaves its list.
    pub(crate) fn leave(&self, membership: &Membership) {
        let left = lock(&self.state).streams.remove(membership);
        drop(left);
    }

    /// Marks the streams that are ended, and takes their wakers; keeps the ending for streams that
    /// begin later.
    pub(crate) fn end(&self, ending: &Ending, when: When, wakers: &mut Vec<Waker>) -> Change {
        let Ending { kind, name, at: recorded, reconnect } = ending;
        let (kind, recorded, reconnect) = (*kind, *recorded, *reconnect);
        let mut state = lock(&self.state);
        if when == When::Before && recorded <= state.expired {
            return Change { streams: 0, is_new: false };
        }
        let now = Time::now();
        let known = state.ended.get(name).and_then(|kinds| kinds[kind as usize]);
        let of_owner = || (name.clone(), 0)..=(name.clone(), u64::MAX);
        let mut at = match when {
            // By the clock of this server, as the authorizations here.
            When::Now => now.max(recorded.min(Time(now.0.saturating_add(1)))),
            When::Before => recorded.min(now),
        };
        if let Some(known) = known {
            if known.recorded == recorded || (when == When::Before && at < known.at) {
                return Change { streams: 0, is_new: false };
            }
            // A clock can be set back.
            at = at.max(known.at);
        }
        let mut streams = 0;
        if kind == Kind::Owner {
            for (_, stream) in state.streams.range(of_owner()) {
                if when == When::Now {
                    at = at.max(stream.authorized);
                }
                if stream.authorized <= at {
                    let code = reconnect.code();
                    streams += usize::from(stream.list.end(stream.waiter, code, wakers));
                }
            }
        }
        state.keep(kind, name, Ended { at, recorded, reconnect });
        state.forget(Time(now.0.saturating_sub(self.age)), self.most);
        Change { streams, is_new: true }
    }

    /// Makes authorizations up to this time invalid, as endings from before it are lost. Marks the
    /// streams that have one, and takes their wakers.
    #[cfg_attr(
        not(any(feature = "disk", feature = "redis")),
        allow(dead_code, reason = "for a log elsewhere")
    )]
    pub(crate) fn forget_until(&self, time: Time, wakers: &mut Vec<Waker>) {
        let mut state = lock(&self.state);
        state.forgotten = state.forgotten.max(time);
        let is_from_before = |stream: &&Stream| stream.authorized <= time && !mutant::lacks(53);
        for stream in state.streams.values().filter(is_from_before) {
            stream.list.end(stream.waiter, Reconnect::Soon.code(), wakers);
        }
    }

    /// How many endings are kept.
    #[cfg(feature = "redis")]
    pub(crate) fn len(&self) -> usize {
        lock(&self.state).by_time.len()
    }

    /// How many endings are kept at most.
    #[cfg(feature = "redis")]
    pub(crate) const fn most(&self) -> usize {
        self.most
    }

    /// All endings that are kept, oldest first, and the time up to which they may be forgotten.
    #[cfg(feature = "disk")]
    pub(crate) fn kept(&self) -> (Vec<Ending>, Time) {
        let mut state = lock(&self.state);
        state.forget(Time(Time::now().0.saturating_sub(self.age)), self.most);
        let ending = |(_, name, kind): &(Time, Arc<str>, Kind)| {
            let Ended { recorded, reconnect, .. } = state.ended.get(name)?[*kind as usize]?;
            Some(Ending { kind: *kind, name: name.clone(), at: recorded, reconnect })
        };
        (state.by_time.iter().filter_map(ending).collect(), state.forgotten)
    }
}

impl State {
    /// The code of an ending since this time, or 0.
    fn ended(&self, kind: Kind, name: &Arc<str>, authorized: Time) -> u32 {
        let ended = self.ended.get(name).and_then(|kinds| kinds[kind as usize]);
        ended.filter(|ended| authorized <= ended.at).map_or(0, |ended| ended.reconnect.code())
    }

    fn keep(&mut self, kind: Kind, name: &Arc<str>, ended: Ended) {
        let before = self.ended.entry(name.clone()).or_default()[kind as usize].replace(ended);
        if let Some(Ended { at, .. }) = before {
            self.by_time.remove(&(at, name.clone(), kind));
        }
        self.by_time.insert((ended.at, name.clone(), kind));
    }

    /// Forgets endings that are older than any valid authorization, and the oldest ones beyond a
    /// bound.
    fn forget(&mut self, expired: Time, most: usize) {
        while let Some((at, _, _)) = self.by_time.first()
            && (*at < expired || self.by_time.len() > most)
        {
            let Some((at, name, kind)) = self.by_time.pop_first() else { return };
            let Some(kinds) = self.ended.get_mut(&name) else { continue };
            let ended = kinds[kind as usize].take();
            if kinds.iter().all(Option::is_none) {
                self.ended.remove(&name);
            }
            if at >= expired {
                self.forgotten = self.forgotten.max(at);
            } else if let Some(Ended { recorded, .. }) = ended {
                self.expired = self.expired.max(recorded);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wait::Signal;

    const HOUR: Duration = Duration::from_secs(3_600);

    fn ending(name: &str, at: u64) -> Ending {
        let (kind, reconnect) = (Kind::Owner, Reconnect::Never);
        Ending { kind, name: name.into(), at: Time(at), reconnect }
    }

    fn join(owners: &Owners, name: &str, authorized: u64) -> Option<Reconnect> {
        let list = Arc::new(WaitList::new(0, 1, 0, Signal::new()));
        let waiter = list.join(0);
        let authorized = Time(authorized);
        let (membership, ended) =
            owners.join(&name.into(), [].into_iter(), authorized, (list, waiter));
        owners.leave(&membership);
        ended
    }

    fn end(owners: &Owners, ending: &Ending, when: When) -> bool {
        owners.end(ending, when, &mut Vec::new()).is_new
    }

    #[test]
    fn an_authorization_from_before_an_ending_is_not_good() {
        let owners = Owners::new(8, HOUR, true);
        let now = Time::now().0;
        let at = now - 1_000_000;
        assert!(end(&owners, &ending("a", at), When::Before));
        for (name, authorized, expected) in [
            ("a", at - 1, Some(Reconnect::Never)),
            ("a", at, Some(Reconnect::Never)),
            ("a", at + 1, None),
            ("b", at, None),
            // Older than any authorization may be.
            ("b", 0, Some(Reconnect::Soon)),
        ] {
            assert_eq!(join(&owners, name, authorized), expected, "{name} {authorized}");
        }
        // In the future: it is taken for one of now.
        assert_eq!(join(&owners, "a", u64::MAX), None);
        assert!(end(&owners, &ending("a", now), When::Now));
        assert_eq!(join(&owners, "a", now), Some(Reconnect::Never));
    }

    #[test]
    fn an_ending_that_is_read_again_changes_nothing() {
        let owners = Owners::new(8, HOUR, true);
        let now = Time::now().0;
        let (old, new) = (ending("a", now - 9), ending("a", now - 5));
        assert!(end(&owners, &new, When::Before));
        assert!(!end(&owners, &new, When::Now) && !end(&owners, &old, When::Before));
        assert_eq!(join(&owners, "a", now - 4), None);
        // By another clock, which is behind.
        assert!(end(&owners, &old, When::Now));
        assert_eq!(join(&owners, "a", now - 4), Some(Reconnect::Never));
    }

    #[test]
    fn beyond_the_bound_no_authorization_from_before_is_good() {
        let owners = Owners::new(4, HOUR, true);
        let start = Time::now().0 - 1_000;
        for n in 0..6 {
            end(&owners, &ending(&n.to_string(), start + 10 * n), When::Before);
        }
        assert_eq!(lock(&owners.state).ended.len(), 4);
        assert_eq!(join(&owners, "0", start), Some(Reconnect::Soon));
        assert_eq!(join(&owners, "another one", start + 10), Some(Reconnect::Soon));
        assert_eq!(join(&owners, "another one", start + 11), None);
        assert_eq!(join(&owners, "2", start + 20), Some(Reconnect::Never));
    }

    #[test]
    fn endings_are_kept_as_long_as_authorizations_live() {
        let owners = Owners::new(4, Duration::from_secs(1), true);
        let now = Time::now().0;
        end(&owners, &ending("old", now - 2_000_000), When::Before);
        end(&owners, &ending("new", now), When::Now);
        let state = lock(&owners.state);
        assert_eq!((state.ended.len(), state.by_time.len()), (1, 1));
        assert_eq!(state.forgotten, Time::NEVER);
        drop(state);
        assert_eq!(join(&owners, "old", now - 1_900_000), Some(Reconnect::Soon));
        assert_eq!(join(&owners, "old", now), None);
    }

    #[test]
    fn an_ending_that_is_read_again_after_its_age_is_not_new() {
        let owners = Owners::new(4, Duration::from_secs(1), true);
        let start = Time::now().0 - 3_000_000;
        let [first, second] = [("a", 0), ("b", 1)].map(|(name, n)| ending(name, start + n));
        for is_new in [true, false] {
            for ending in [&first, &second] {
                assert_eq!(end(&owners, ending, When::Before), is_new);
            }
        }
        assert!(end(&owners, &first, When::Now), "a call ends streams anew");
    }

    #[test]
    fn the_same_owner_again_and_again_takes_one_place() {
        let owners = Owners::new(4, HOUR, true);
        let start = Time::now().0 - 1_000;
        for n in 0..100 {
            end(&owners, &ending("a", start + n), When::Before);
        }
        let state = lock(&owners.state);
        assert_eq!((state.ended.len(), state.by_time.len()), (1, 1));
        assert_eq!((state.forgotten, state.streams.len()), (Time::NEVER, 0));
    }

    #[test]
    fn without_the_endings_of_the_log_no_authorization_is_good() {
        let owners = Owners::new(4, HOUR, false);
        assert_eq!(join(&owners, "a", Time::now().0), Some(Reconnect::Soon));
    }
}
