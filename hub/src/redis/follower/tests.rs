use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::SystemTime,
};

use futures_executor::block_on;
use futures_util::{FutureExt, StreamExt};

use sse_encoder::{Event, LastEventId};

use super::*;
use crate::{
    Hub, HubBuilder, Reconnect, Resumption, Subscriber,
    ending::{Ending, Kind},
    frame::encode,
    handle::Handle,
    log::{Draft, Names, Numbering},
    position::Claim,
    random,
    redis::{log::RedisLog, queue::Queue},
};

/// A log in memory that several hubs can read, and to which anything can happen.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    entries: Vec<(u64, String)>,
    added: usize,
    /// Where a mark would be appended; `None` where that is refused.
    mark: Option<u64>,
    /// Entries besides, at any positions.
    raw: Vec<Entry>,
    /// What happens between two reads.
    between: Vec<fn(&mut Self)>,
    fails: bool,
    /// Those that are kept beside the log; `None` without the right to read them.
    endings: Option<Vec<Entry>>,
    endings_fail: bool,
}

impl State {
    fn all(&self) -> Vec<Entry> {
        let mut all: Vec<_> = self.entries.iter().cloned().map(entry).collect();
        all.extend(self.raw.iter().cloned());
        all.sort_by_key(|entry| entry.position);
        all
    }

    fn add(&mut self, n: u64) {
        self.entries.push((n, format!("event {n}")));
        self.added += 1;
    }
}

impl Log {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    fn add(&self, numbers: impl IntoIterator<Item = u64>) {
        let mut state = self.state();
        numbers.into_iter().for_each(|n| state.add(n));
    }

    fn read(&self, pick: impl FnOnce(&[Entry]) -> Vec<Entry>) -> Result<Vec<Entry>, Error> {
        let mut state = self.state();
        if state.fails {
            return Err(Error::connection("down"));
        }
        let picked = pick(&state.all());
        if let Some(between) = state.between.pop() {
            between(&mut state);
        }
        Ok(picked)
    }
}

const MARK: &str = "a mark";

fn entry((n, text): (u64, String)) -> Entry {
    let fields = match text.as_str() {
        MARK => vec![(b"mark".to_vec(), b"1".to_vec())],
        _ => vec![(b"data".to_vec(), text.into_bytes())],
    };
    Entry::new(numbers(n), fields)
}

fn numbers(n: u64) -> (u64, u64) {
    (1_000 + n / 10, n % 10)
}

/// The position of `event n`.
fn at(n: u64) -> Position {
    entry((n, format!("event {n}"))).position
}

impl Source for Log {
    async fn newest(
        &mut self,
        before: Option<Position>,
        count: usize,
    ) -> Result<Vec<Entry>, Error> {
        let is_before = |entry: &&Entry| before.is_none_or(|before| entry.position < before);
        self.read(|all| all.iter().rev().filter(is_before).take(count).cloned().collect())
    }

    async fn from(&mut self, position: Position, count: usize) -> Result<Vec<Entry>, Error> {
        let is_from = |entry: &&Entry| entry.position >= position;
        self.read(|all| all.iter().filter(is_from).take(count).cloned().collect())
    }

    async fn wait(&mut self, after: Option<Position>, count: usize) -> Result<News, Error> {
        let is_after = |entry: &&Entry| after.is_none_or(|after| entry.position > after);
        let entries =
            self.read(|all| all.iter().filter(is_after).take(count).cloned().collect())?;
        let last = self.state().all().into_iter().find(|entry| Some(entry.position) == after);
        Ok(News { entries, last })
    }

    async fn is_complete(&mut self) -> Result<bool, Error> {
        let state = self.state();
        Ok(state.added == state.entries.len() + state.raw.len())
    }

    async fn mark(&mut self) -> Result<bool, Error> {
        let mut state = self.state();
        let mark = state.mark;
        state.entries.extend(mark.map(|n| (n, MARK.to_owned())));
        state.added += usize::from(mark.is_some());
        Ok(mark.is_some())
    }

    async fn endings(&mut self) -> Result<Result<Vec<Entry>, Error>, Error> {
        let state = self.state();
        if state.endings_fail {
            return Err(Error::connection("down"));
        }
        Ok(state.endings.clone().ok_or_else(|| Error::connection("no right")))
    }

    async fn before_all(&mut self) -> Result<Position, Error> {
        Ok(Position { check: Check::of_gap(1), ..Position::new(999, random::number()) })
    }
}

struct Node {
    hub: Hub,
    follower: Follower,
    log: Log,
}

impl Node {
    fn new(log: &Log) -> Self {
        Self::with(log, Hub::builder())
    }

    fn with(log: &Log, builder: HubBuilder) -> Self {
        Self::reporting(log, builder, Reporter::default())
    }

    fn reporting(log: &Log, builder: HubBuilder, reporter: Reporter) -> Self {
        let mut node = Self::unread(log, builder, reporter);
        node.catch_up();
        node
    }

    fn unread(log: &Log, builder: HubBuilder, reporter: Reporter) -> Self {
        let feed = Feed::new(builder.settings(), Numbering::Given);
        let (link, (queue, _)) = (Link::new(), Queue::new());
        let redis = RedisLog::new(feed.clone(), link.clone(), queue);
        let follower = Follower::new(feed.clone(), link, reporter);
        let hub = Hub::on(Handle::new(feed, redis));
        Self { hub, follower, log: log.clone() }
    }

    fn catch_up(&mut self) {
        block_on(self.follower.catch_up(&mut self.log)).unwrap();
    }

    fn follow(&mut self) {
        block_on(self.follower.follow(&mut self.log)).unwrap();
    }

    fn resumption(&self, n: u64) -> Resumption {
        self.hub.subscribe(&at(n).to_id().into()).resumption()
    }
}

/// The numbers that are ready; 0 is a gap.
fn ready(subscriber: &mut Subscriber) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some(Some(frame)) = subscriber.next().now_or_never() {
        let text = String::from_utf8(frame.as_bytes().to_vec()).unwrap();
        if text.contains("event: gap\n") {
            numbers.push(0);
        } else if let Some((_, n)) = text.trim_end().rsplit_once("data: event ") {
            numbers.push(n.parse().unwrap());
        }
    }
    numbers
}

fn fresh(node: &Node) -> Subscriber {
    let mut subscriber = node.hub.subscribe(&LastEventId::none());
    assert!(ready(&mut subscriber).is_empty());
    subscriber
}

#[test]
fn a_server_that_starts_late_reads_the_log_so_far() {
    let log = Log::default();
    log.add(1..=700);
    let node = Node::new(&log);
    for n in [1, 2, 300, 699, 700] {
        let missed = 700 - n as usize;
        assert_eq!(node.resumption(n), Resumption::Exact { missed }, "{n}");
    }
    assert!(matches!(node.resumption(701), Resumption::Unknown { .. }));
}

#[test]
fn a_server_that_retains_less_than_the_log_resumes_after_the_entry_before_the_first_retained_one() {
    let log = Log::default();
    log.add(1..=700);
    let node = Node::with(&log, Hub::builder().retain_events(300));
    assert_eq!(node.resumption(400), Resumption::Exact { missed: 300 });
    assert!(matches!(node.resumption(399), Resumption::Unknown { .. }));
}

#[test]
fn entries_are_followed_without_a_gap_from_the_first_one_on() {
    let log = Log::default();
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    node.follow();
    log.add(1..=600);
    for _ in 0..3 {
        node.follow();
    }
    assert_eq!(ready(&mut subscriber), (1..=600).collect::<Vec<_>>());
}

#[test]
fn entries_trimmed_before_they_are_read_cause_a_gap() {
    let log = Log::default();
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    // Before the first one that is read.
    log.add(1..=5);
    log.state().entries.drain(..2);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 3, 4, 5]);
    // Later on.
    log.add(6..=9);
    log.state().entries.retain(|(n, _)| *n > 7);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 8, 9]);
    // Up to the newest one that was read: a needless gap, which cannot be recognized.
    log.add(10..=11);
    log.state().entries.retain(|(n, _)| *n > 9);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 10, 11]);
    assert!(matches!(node.resumption(9), Resumption::Unknown { .. }));
}

#[test]
fn reading_continues_after_a_lost_connection() {
    let log = Log::default();
    log.add([1]);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    log.state().fails = true;
    assert!(block_on(node.follower.follow(&mut node.log)).is_err());
    log.add(2..=900);
    log.state().fails = false;
    let was_read = node.follower.link.read_since();
    node.catch_up();
    assert!(was_read(&node.follower.link));
    assert_eq!(ready(&mut subscriber), (2..=900).collect::<Vec<_>>());
}

#[test]
fn entries_trimmed_during_an_outage_cause_a_gap() {
    let log = Log::default();
    log.add([1]);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    log.add(2..=900);
    log.state().entries.drain(..400);
    node.catch_up();
    node.follow();
    node.follow();
    let expected: Vec<_> = [0].into_iter().chain(401..=900).collect();
    assert_eq!(ready(&mut subscriber), expected);
}

#[test]
fn entries_trimmed_between_two_pages_cause_a_gap() {
    let log = Log::default();
    log.add([1]);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    log.add(2..=900);
    log.state().between.push(|state| drop(state.entries.drain(..600)));
    node.catch_up();
    node.follow();
    node.follow();
    // The entries not read yet are lost in the gap.
    let expected: Vec<_> = [0].into_iter().chain(601..=900).collect();
    assert_eq!(ready(&mut subscriber), expected);
}

#[test]
fn a_log_that_changes_at_every_read_is_read_a_bounded_number_of_times() {
    let log = Log::default();
    log.add([1]);
    let mut node = Node::new(&log);
    fn change(state: &mut State) {
        state.entries.clear();
        state.add(10 + state.added as u64);
    }
    let mut state = log.state();
    change(&mut state);
    state.between = vec![change; 100];
    drop(state);
    node.catch_up();
    assert!(log.state().between.len() > 50);
    // Once the log stays as it is, it is followed again.
    log.state().between.clear();
    let mut subscriber = fresh(&node);
    node.follow();
    node.follow();
    ready(&mut subscriber);
    log.add([1_000]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [1_000]);
}

#[test]
fn an_emptied_log_causes_a_gap() {
    let log = Log::default();
    log.add(1..=3);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    *log.state() = State::default();
    node.follow();
    assert_eq!(ready(&mut subscriber), [0]);
    log.add(4..=5);
    node.follow();
    assert_eq!(ready(&mut subscriber), [4, 5]);
    // With the next entry, where it was emptied and filled between two reads.
    *log.state() = State::default();
    node.follow();
    assert_eq!(ready(&mut subscriber), [0]);
    log.add(6..=8);
    log.state().entries.remove(0);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 7, 8]);
    // And so it is when it was empty both times, but not in between.
    let log = Log::default();
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    node.catch_up();
    log.add([1]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 1]);
}

#[test]
fn an_older_log_causes_a_gap_and_its_new_entries_are_read_even_with_lower_ids() {
    let log = Log::default();
    log.add(1..=9);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    log.state().entries.truncate(4);
    node.catch_up();
    assert_eq!(ready(&mut subscriber), [0]);
    // Ids between the older log's newest and those that were lost.
    log.add([6, 7]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [6, 7]);
    assert!(matches!(node.resumption(8), Resumption::Unknown { .. }));
    assert_eq!(node.resumption(6), Resumption::Exact { missed: 1 });
}

#[test]
fn an_older_log_that_has_grown_since_causes_a_gap() {
    let log = Log::default();
    log.add(1..=5);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    log.state().entries.truncate(3);
    log.add([8, 9]);
    node.catch_up();
    assert_eq!(ready(&mut subscriber), [0, 8, 9]);
}

/// A log with other entries at these places: as numbers, a hundred more than those that were there.
fn others(places: impl IntoIterator<Item = u64>) -> State {
    let entries = places.into_iter().map(|n| (n, format!("event {}", 100 + n))).collect();
    State { entries, ..State::default() }
}

#[test]
fn another_log_with_the_same_ids_causes_a_gap_and_is_read_whole() {
    for others in [others(1..=5), others(1..=3), others(1..=2), others([2, 3, 7]), others([9])] {
        let log = Log::default();
        log.add(1..=3);
        for reconnects in [false, true] {
            let mut node = Node::new(&log);
            let mut subscriber = fresh(&node);
            let numbers: Vec<_> = others.entries.iter().map(|(n, _)| 100 + n).collect();
            let mine = mem::replace(
                &mut *log.state(),
                State { entries: others.entries.clone(), ..State::default() },
            );
            if reconnects {
                node.catch_up()
            } else {
                node.follow()
            }
            node.follow();
            assert_eq!(ready(&mut subscriber), [&[0], &numbers[..]].concat(), "{reconnects}");
            *log.state() = mine;
        }
    }
}

#[test]
fn a_deleted_entry_causes_a_gap_and_no_event_is_delivered_twice() {
    let log = Log::default();
    log.add(1..=700);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    log.state().entries.pop();
    node.follow();
    log.add([701]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 701]);
}

#[test]
fn a_log_older_than_everything_retained_is_not_read_again() {
    let log = Log::default();
    log.add(1..=700);
    let mut node = Node::with(&log, Hub::builder().retain_events(3));
    let mut subscriber = fresh(&node);
    log.state().entries.truncate(10);
    node.catch_up();
    assert_eq!(ready(&mut subscriber), [0]);
    log.add([701]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [701]);
}

#[test]
fn entries_from_before_a_rollback_are_not_read_again() {
    // A replica takes over that lacks the last entries, and has others in their place.
    for (lost, others, page) in [(400, 0, PAGE), (10, 2_000, PAGE), (10, 5, 1)] {
        let log = Log::default();
        log.add(1..=2_000);
        let mut node = Node::with(&log, Hub::builder().retain_events(5_000));
        let mut subscriber = fresh(&node);
        node.follower.page = page;
        let kept = 2_000 - lost;
        log.state().entries.truncate(kept);
        // Their positions are below the newest one that was read.
        let between = |n: usize| {
            let (epoch, first) = numbers(kept as u64);
            Entry::new((epoch, first + 1 + n as u64), entry((0, text(n))).fields)
        };
        fn text(n: usize) -> String {
            format!("event {}", 10_000 + n)
        }
        log.state().raw = (0..others).map(between).collect();
        node.catch_up();
        for _ in 0..20 {
            node.follow();
        }
        let expected: Vec<_> =
            [0].into_iter().chain((0..others as u64).map(|n| 10_000 + n)).collect();
        assert_eq!(ready(&mut subscriber), expected, "{lost}, {others}, {page}");
    }
}

#[test]
fn without_a_mark_the_first_entries_may_have_low_ids() {
    let log = Log::default();
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    let early = Entry::new((1, 0), entry((0, "event 7".into())).fields);
    log.state().raw = vec![early];
    log.state().added = 1;
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 7]);
    assert_eq!(node.hub.stats().rejected, 0);
}

#[test]
fn a_slow_connection_reads_smaller_pages() {
    let mut node = Node::new(&Log::default());
    let follower = &mut node.follower;
    assert_eq!((follower.page, follower.patience()), (PAGE, ANSWER));
    for _ in 0..8 {
        follower.shrink_page(true);
    }
    assert_eq!((follower.page, follower.patience()), (1, ANSWER));
    for _ in 0..8 {
        follower.shrink_page(true);
    }
    assert_eq!((follower.page, follower.patience()), (1, MOST_PATIENCE));
    node.follow();
    assert_eq!((node.follower.page, node.follower.patience()), (2, ANSWER));
}

#[test]
fn without_a_mark_only_the_server_that_gave_the_position_of_an_empty_log_knows_it() {
    let log = Log::default();
    let mut one = Node::new(&log);
    let mut two = Node::new(&log);
    let last = opening(&one);
    log.add(1..=2);
    one.follow();
    two.follow();
    assert_eq!(one.hub.subscribe(&last).resumption(), Resumption::Exact { missed: 2 });
    let elsewhere = two.hub.subscribe(&last).resumption();
    assert!(matches!(elsewhere, Resumption::Unknown { .. }), "{elsewhere:?}");
}

/// The id that a new client gets before there is an event.
fn opening(node: &Node) -> LastEventId {
    let opening = node.hub.subscribe(&LastEventId::none()).next().now_or_never().unwrap().unwrap();
    let opening = String::from_utf8(opening.as_bytes().to_vec()).unwrap();
    let id = opening.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    LastEventId::from_headers([id.as_bytes()])
}

#[test]
fn all_servers_know_the_position_of_an_empty_logs_mark() {
    let log = Log::default();
    log.state().mark = Some(3);
    let mut nodes = [0; 2].map(|_| Node::new(&log));
    assert_eq!(log.state().entries.len(), 1, "one is enough");
    let last = nodes.each_ref().map(opening);
    let mut subscribers = nodes.each_ref().map(fresh);
    log.add(4..=5);
    let late = Node::new(&log);
    for (node, subscriber) in nodes.iter_mut().zip(&mut subscribers) {
        node.follow();
        assert_eq!(ready(subscriber), [4, 5]);
    }
    for node in nodes.iter().chain([&late]) {
        for last in &last {
            assert_eq!(node.hub.subscribe(last).resumption(), Resumption::Exact { missed: 2 });
        }
        assert_eq!(node.hub.stats().published, 2);
    }
}

#[test]
fn an_emptied_log_gets_a_mark_and_causes_a_gap_at_once() {
    let log = Log::default();
    log.add(1..=3);
    let mut nodes = [0; 2].map(|_| Node::new(&log));
    let mut subscribers = nodes.each_ref().map(fresh);
    *log.state() = State { mark: Some(7), ..State::default() };
    for (node, subscriber) in nodes.iter_mut().zip(&mut subscribers) {
        node.follow();
        assert_eq!(ready(subscriber), [0]);
    }
    let last = opening(&nodes[0]);
    log.add([8]);
    for (node, subscriber) in nodes.iter_mut().zip(&mut subscribers) {
        node.follow();
        assert_eq!(ready(subscriber), [8]);
        assert_eq!(node.hub.subscribe(&last).resumption(), Resumption::Exact { missed: 1 });
        assert!(matches!(node.resumption(3), Resumption::Unknown { .. }));
    }
}

#[test]
fn a_second_mark_causes_no_gap() {
    let log = Log::default();
    log.state().entries = [1, 2].map(|n| (n, MARK.to_owned())).into();
    let mut node = Node::new(&log);
    let last = opening(&node);
    let mut subscriber = fresh(&node);
    log.add([3]);
    log.state().entries.push((4, MARK.to_owned()));
    log.add([5]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [3, 5]);
    assert_eq!(node.hub.stats().rejected, 0);
    let late = Node::new(&log);
    assert_eq!(late.hub.subscribe(&last).resumption(), Resumption::Exact { missed: 2 });
    // The first mark is known as long as it is there.
    log.state().entries.remove(0);
    let later = Node::new(&log);
    assert!(matches!(later.hub.subscribe(&last).resumption(), Resumption::Unknown { .. }));
}

#[test]
fn a_closed_hub_records_nothing() {
    let log = Log::default();
    let mut node = Node::new(&log);
    node.hub.close();
    log.add([1]);
    assert!(block_on(node.follower.follow(&mut node.log)).unwrap_err().is_closed());
}

#[test]
fn no_position_lies_between_one_and_the_one_just_before() {
    for (of, expected) in [((5, 7), (5, 6)), ((5, 0), (4, u64::MAX)), ((0, 0), (0, 0))] {
        assert_eq!(just_before(of), expected);
    }
}

/// A log that has these entries, and a server that had also read the entries up to `seen`.
fn rolled_back(kept: u64, seen: u64) -> (Log, Node) {
    let log = Log::default();
    log.add(1..=seen);
    let mut node = Node::new(&log);
    log.state().entries.truncate(kept as usize);
    node.catch_up();
    (log, node)
}

#[test]
fn the_last_position_before_a_rollback_is_before_a_loss_where_the_loss_was_seen() {
    let (log, mut node) = rolled_back(3, 5);
    let mut late = Node::new(&log);
    log.add([6]);
    node.follow();
    late.follow();
    let mut client = node.hub.subscribe(&at(3).to_id().into());
    assert!(matches!(client.resumption(), Resumption::Unknown { .. }));
    assert_eq!(ready(&mut client), [0, 6]);
    // A server that has seen nothing of it does not know.
    assert_eq!(late.resumption(3), Resumption::Exact { missed: 1 });
}

#[test]
fn a_client_that_was_told_of_a_rollback_goes_on_where_the_same_was_seen() {
    let (log, mut node) = rolled_back(3, 5);
    let mut client = node.hub.subscribe(&at(5).to_id().into());
    let gap = (0..2).filter_map(|_| client.next().now_or_never().unwrap()).last().unwrap();
    let told = LastEventId::from(gap.id().unwrap());
    log.add([6]);
    node.follow();
    let (other_log, mut other) = rolled_back(3, 5);
    other_log.add([6]);
    other.follow();
    for node in [&node, &other] {
        assert_eq!(node.hub.subscribe(&told).resumption(), Resumption::Exact { missed: 1 });
    }
}

#[test]
fn an_id_that_the_log_gives_again_is_another_one() {
    let log = Log::default();
    log.add(1..=5);
    let mut node = Node::new(&log);
    let last = LastEventId::from(at(4).to_id());
    assert_eq!(node.hub.subscribe(&last).resumption(), Resumption::Exact { missed: 1 });
    // The clock goes back while the log is lost: the same numbers, other events.
    *log.state() = others(1..=5);
    node.catch_up();
    node.follow();
    for node in [&node, &Node::new(&log)] {
        let mut client = node.hub.subscribe(&last);
        assert!(matches!(client.resumption(), Resumption::Unknown { .. }));
        // It may have had what comes before its own numbers.
        assert_eq!(ready(&mut client), [0, 104, 105]);
        let ids = [104, 105].map(|n| at(n).to_id());
        assert!(ids.iter().all(|id| {
            !log.0.lock().unwrap().entries.iter().any(|(n, _)| *id == at(*n).to_id())
        }));
    }
}

#[test]
fn a_client_from_beyond_gets_nothing_twice() {
    // A server that has never seen e4, which is lost.
    let log = Log::default();
    log.add(1..=3);
    let mut node = Node::new(&log);
    let mut client = node.hub.subscribe(&at(4).to_id().into());
    assert_eq!(ready(&mut client), [0]);
    log.add([6]);
    node.follow();
    assert_eq!(ready(&mut client), [6]);
    // In the middle, and before all.
    log.state().entries.remove(1);
    let node = Node::new(&log);
    for (n, expected) in [(2, &[0, 3, 6][..]), (0, &[0, 1, 3, 6]), (9, &[0])] {
        let mut client = node.hub.subscribe(&at(n).to_id().into());
        assert!(matches!(client.resumption(), Resumption::Unknown { .. }));
        assert_eq!(ready(&mut client), expected, "{n}");
    }
}

#[test]
fn a_client_that_was_told_of_a_loss_gets_nothing_twice_where_it_is_not_noticed() {
    let log = Log::default();
    log.add(1..=3);
    let behind = Node::new(&log);
    log.add([4]);
    let stale = Node::new(&log);
    // The log loses e3 and e4, which the client has.
    log.state().entries.truncate(2);
    let mut node = Node::new(&log);
    let Resumption::Unknown { resumed_after, .. } =
        node.hub.subscribe(&at(4).to_id().into()).resumption()
    else {
        panic!("e4 is known")
    };
    assert_eq!(resumed_after, Claim { at: at(2), had: Some(at(4)) }.to_id());
    let last = LastEventId::from(resumed_after);
    // Where e4 still is, the client continues after it.
    let mut client = stale.hub.subscribe(&last);
    assert_eq!(client.resumption(), Resumption::Exact { missed: 0 });
    assert!(ready(&mut client).is_empty());
    // Where only e3 is, it hears of a loss once more.
    let mut client = behind.hub.subscribe(&last);
    assert!(matches!(client.resumption(), Resumption::Unknown { .. }));
    assert_eq!(ready(&mut client), [0]);
    // Where neither is, it is told nothing else: its position says both, until the next event.
    let history = node.hub.history([""], &last, 9);
    assert_eq!(history.position().as_str(), last.as_str().unwrap());
    let mut client = node.hub.subscribe(&last);
    assert_eq!(client.resumption(), Resumption::Exact { missed: 0 });
    let checkpoint = client.next().now_or_never().unwrap().unwrap();
    let id = format!("id: {}\n", last.as_str().unwrap());
    assert!(checkpoint.as_bytes().starts_with(id.as_bytes()));
    log.add([6]);
    node.follow();
    assert_eq!(ready(&mut client), [6]);
    assert_eq!(node.hub.history([""], &last, 9).position(), &at(6).to_id());
}

#[test]
fn an_event_that_is_too_large_for_a_server_is_a_gap_in_its_topic_there() {
    let log = Log::default();
    log.add([0]);
    let mut node = Node::with(&log, Hub::builder().max_frame(100));
    let mut subscribers = ["", "other"].map(|topic| {
        let mut subscriber = node.hub.subscribe_to([topic], &LastEventId::none());
        assert!(ready(&mut subscriber).is_empty());
        subscriber
    });
    let mut everything = node.hub.subscribe_all(&LastEventId::none());
    assert!(ready(&mut everything).is_empty());
    log.add([1]);
    node.follow();
    let [plain, other] = &mut subscribers;
    assert_eq!((ready(plain), ready(&mut everything)), (vec![1], vec![1]));
    let large = |n| Entry::new(numbers(n), entry((n, "event 7".repeat(20))).fields);
    log.state().raw = vec![large(2)];
    log.add([3]);
    node.follow();
    assert_eq!((ready(plain), ready(&mut everything)), (vec![0, 3], vec![0, 3]));
    assert!(ready(other).is_empty());
    assert_eq!(node.hub.stats().rejected, 1);
    // So it is for a client that returns; one that was told of it has lost nothing more.
    let mut client = node.hub.subscribe(&at(1).to_id().into());
    assert!(matches!(client.resumption(), Resumption::Gap { .. }));
    assert_eq!(ready(&mut client), [0, 3]);
    let told = large(2).position.to_id().into();
    assert_eq!(node.hub.subscribe(&told).resumption(), Resumption::Exact { missed: 1 });
    assert_eq!(node.resumption(3), Resumption::Exact { missed: 0 });
    // An ephemeral one is no loss.
    let mut ephemeral = large(4);
    ephemeral.fields.push((b"ephemeral".to_vec(), b"1".to_vec()));
    log.state().raw.push(ephemeral);
    node.follow();
    assert!(ready(plain).is_empty());
}

#[test]
fn a_read_that_fails_in_any_way_makes_the_next_page_smaller() {
    let mut node = Node::new(&Log::default());
    for page in [128, 64, 32, 16, 8, 4, 2, 1, 1] {
        node.follower.shrink_page(false);
        assert_eq!((node.follower.page, node.follower.patience()), (page, ANSWER));
    }
    // It grows while the log is read.
    node.log.add(1..=2);
    node.follow();
    node.log.add(3..=20);
    node.follower.page = 1;
    node.catch_up();
    assert!(node.follower.page >= 16);
}

#[test]
fn each_kind_of_rejected_entry_is_reported_once() {
    let log = Log::default();
    let mut node = Node::new(&log);
    let reports = Arc::<Mutex<Vec<String>>>::default();
    let hook = reports.clone();
    node.follower.reporter().on_rejected_entry =
        Some(Box::new(move |entry| hook.lock().unwrap().push(entry.to_string())));
    let kinds: [&[(&str, &[u8])]; 9] = [
        &[("other", b"1")],
        &[("data", b"\xFF")],
        &[("data", b"a"), ("type", b"\xFF")],
        &[("data", b"a"), ("type", b"two\nlines")],
        &[("data", b"a"), ("type", b"gap")],
        &[("data", b"a"), ("retry", b"soon")],
        &[("data", b"a"), ("retry", b"0")],
        &[("data", b"a"), ("id", b"1-1")],
        &[("data", &[b'a'; 100_000])],
    ];
    for n in 0..18 {
        let fields =
            kinds[n % 9].iter().map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
        log.state().raw.push(Entry::new(numbers(n as u64), fields.collect()));
    }
    node.follow();
    let reports = reports.lock().unwrap();
    assert_eq!(reports.len(), 9, "{reports:#?}");
    assert_eq!(reports[0], "the entry 1000-0 is rejected: `data` is missing");
    assert_eq!(node.hub.stats().rejected, 18);
}

#[test]
fn the_second_event_with_one_id_of_its_own_in_a_topic_reaches_nobody_and_counts_as_rejected() {
    let log = Log::default();
    log.add([0]);
    let mut node = Node::new(&log);
    let mut subscriber = node.hub.subscribe_all(&LastEventId::none());
    assert!(ready(&mut subscriber).is_empty());
    let own = |n, data, topic| raw(n, &[("data", data), ("id", "row 7"), ("topic", topic)]);
    // Two servers published it at once: neither had read the other's.
    log.state().raw = vec![
        own(1, "event 1", "orders"),
        own(2, "event 2", "orders"),
        own(3, "event 3", "users"),
        raw(4, &[("data", "event 4")]),
    ];
    node.follow();
    assert_eq!(ready(&mut subscriber), [1, 3, 4]);
    assert_eq!(node.hub.stats().rejected, 1);
}

#[test]
fn the_hubs_own_words_are_no_entries() {
    let log = Log::default();
    log.add([0]);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    let word = |n, name: &str| {
        let fields = [("data", "{}"), ("type", name)];
        let fields = fields.map(|(name, text)| (name.into(), text.into()));
        Entry::new(numbers(n), fields.into())
    };
    log.state().raw = vec![word(1, "gap"), word(2, "checkpoint")];
    log.add([3]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [3]);
    assert_eq!(node.hub.stats().rejected, 2);
}

#[test]
fn an_older_log_that_is_restored_after_it_was_emptied_is_not_read_again() {
    let log = Log::default();
    log.add(1..=3);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    *log.state() = State::default();
    node.follow();
    assert_eq!(ready(&mut subscriber), [0]);
    log.add(1..=2);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0]);
    log.add([4]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [4]);
    // Entry 3 is lost, and this server has seen it.
    assert!(matches!(node.resumption(2), Resumption::Unknown { .. }));
    assert_eq!(node.resumption(4), Resumption::Exact { missed: 0 });
}

#[test]
fn an_entry_that_was_missed_is_no_new_one_when_a_restored_log_has_it() {
    // Trimmed before they were read, or gone with the whole log.
    for is_emptied in [false, true] {
        let log = Log::default();
        log.add(1..=2);
        let mut node = Node::new(&log);
        let mut subscriber = fresh(&node);
        *log.state() = State::default();
        if is_emptied {
            node.follow();
        }
        log.add([6]);
        node.follow();
        assert_eq!(ready(&mut subscriber), [0, 6]);
        *log.state() = State::default();
        log.add(1..=4);
        node.follow();
        log.add([7]);
        node.follow();
        assert_eq!(ready(&mut subscriber), [0, 7]);
        // Entry 6 is lost, and this server has seen it: a client of another server has not.
        for n in 1..=4 {
            assert!(matches!(node.resumption(n), Resumption::Unknown { .. }), "{n}");
        }
        assert_eq!(node.resumption(7), Resumption::Exact { missed: 0 });
    }
}

#[test]
fn an_older_log_that_comes_back_between_two_reads_is_no_new_one() {
    let log = Log::default();
    log.add(2..=4);
    let mut node = Node::new(&log);
    let mut subscriber = fresh(&node);
    log.state().entries.clear();
    log.add([6]);
    let restore: fn(&mut State) = |state| {
        *state = State::default();
        state.add(1);
    };
    // The server waits, looks for what it knows, and then for the first entry.
    log.state().between = vec![restore, |_| ()];
    node.follow();
    log.add([7]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 7]);
    assert!(matches!(node.resumption(1), Resumption::Unknown { .. }));
}

#[test]
fn a_server_that_starts_does_not_mix_two_logs() {
    let log = Log::default();
    log.add(10..=400);
    // Between the first page and the older one, while the clock goes back, too.
    log.state().between = vec![|state| {
        *state = State::default();
        state.add(1);
    }];
    let node = Node::new(&log);
    assert_eq!(node.resumption(1), Resumption::Exact { missed: 0 });
    assert!(matches!(node.resumption(400), Resumption::Unknown { .. }));
}

#[test]
fn a_read_that_leaves_newer_entries_answers_no_client() {
    let log = Log::default();
    log.add([1]);
    let mut node = Node::new(&log);
    let was_read = node.follower.link.read_since();
    log.add(2..=PAGE as u64 + 2);
    node.follow();
    assert!(!was_read(&node.follower.link));
    node.follow();
    assert!(was_read(&node.follower.link));
    // So after a loss.
    log.state().entries.clear();
    let was_read = node.follower.link.read_since();
    log.add(1_000..1_001 + PAGE as u64);
    node.follow();
    assert!(!was_read(&node.follower.link));
    node.follow();
    assert!(was_read(&node.follower.link));
    // Also where the last entry is gone, and the one before it is still there.
    for (count, is_all) in [(PAGE as u64 + 1, false), (1, true)] {
        let mut state = log.state();
        let lost = state.entries.pop().unwrap().0;
        drop(state);
        let was_read = node.follower.link.read_since();
        log.add(lost + 1..=lost + count);
        node.follow();
        assert_eq!(was_read(&node.follower.link), is_all);
        node.follow();
        assert!(was_read(&node.follower.link));
    }
}

#[test]
fn an_event_with_a_key_is_found_after_the_clock_went_back() {
    let log = Log::default();
    let keyed = |n: u64| {
        let fields = [("data", format!("event {n}")), ("key", "k".into())];
        Entry::new(numbers(n), fields.map(|(name, text)| (name.into(), text.into())).into())
    };
    log.state().raw = vec![keyed(91), keyed(92)];
    let mut node = Node::new(&log);
    log.state().raw = vec![keyed(1)];
    node.catch_up();
    log.state().raw.push(keyed(2));
    node.follow();
    let last = keyed(2).position.to_id().into();
    assert_eq!(node.hub.subscribe(&last).resumption(), Resumption::Exact { missed: 0 });
}

#[test]
fn a_checkpoint_does_not_move_a_client_back() {
    let log = Log::default();
    let keyed = |n: u64| {
        let fields = [("data", format!("event {n}")), ("key", "k".into())];
        Entry::new(numbers(n), fields.map(|(name, text)| (name.into(), text.into())).into())
    };
    log.add([1]);
    log.state().raw = vec![keyed(2)];
    let mut node = Node::new(&log);
    let mut client = node.hub.subscribe(&keyed(2).position.to_id().into());
    let mut new = node.hub.subscribe(&LastEventId::none());
    log.state().raw.push(keyed(3));
    node.follow();
    // Its own event is replaced by now, and the one before would come again elsewhere.
    let checkpoint = client.next().now_or_never().unwrap().unwrap();
    assert_eq!(checkpoint.id(), None);
    assert_eq!(ready(&mut client), [3]);
    let checkpoint = new.next().now_or_never().unwrap().unwrap();
    assert_eq!(checkpoint.id(), Some(at(1).to_id()));
    assert_eq!(ready(&mut new), [3]);
}

fn raw(n: u64, fields: &[(&str, &str)]) -> Entry {
    let owned = |text: &str| text.as_bytes().to_vec();
    let fields = fields.iter().map(|(name, value)| (owned(name), owned(value)));
    Entry::new(numbers(n), fields.collect())
}

#[test]
fn ephemeral_and_replaced_entries_push_nothing_out_of_a_server_that_starts() {
    let log = Log::default();
    log.add(1..=20);
    for n in 21..=600 {
        let data = ("data", "an update");
        let kind = if n % 2 == 0 { ("ephemeral", "1") } else { ("key", "k") };
        log.state().raw.push(raw(n, &[data, kind]));
    }
    let node = Node::with(&log, Hub::builder().retain_events(21));
    for n in 1..=20 {
        // The plain ones after it, and the newest one with the key.
        let missed = 21 - n as usize;
        assert_eq!(node.resumption(n), Resumption::Exact { missed }, "{n}");
    }
    // What the stream has to keep for that.
    assert!(node.follower.feed.read().retained.span() >= 599);
}

#[test]
fn pages_of_large_entries_are_small() {
    let log = Log::default();
    let large = "x".repeat(1 << 20);
    log.state().raw.extend((1..=8).map(|n| raw(n, &[("data", &large)])));
    let mut node = Node::new(&log);
    assert_eq!(node.follower.page, 3);
    // And grow with smaller ones.
    for n in 1..=7 {
        log.add([100 + n]);
        node.follow();
    }
    assert_eq!(node.follower.page, PAGE);
}

#[test]
fn what_the_stream_keeps_is_bounded_in_bytes() {
    let log = Log::default();
    let node = Node::with(&log, Hub::builder().retain_events(10_000).retain_bytes(100_000));
    let span = || node.follower.feed.read().retained.span();
    assert_eq!(span(), 10_000);
    let event = Event::text("x".repeat(1_000));
    for n in 1..=1_000 {
        let event = encode(&event, node.follower.feed.settings.rules()).unwrap();
        let draft = Draft { topics: Names::One(""), key: None, event };
        node.follower.feed.record(draft, Some(Position::new(5_000, n))).unwrap();
    }
    assert!((90..100).contains(&span()), "{}", span());
}

/// The end of the streams of an owner, at this place.
fn ending(n: u64, owner: &str) -> Entry {
    ending_of(Kind::Owner, n, owner)
}

fn ending_of(kind: Kind, n: u64, name: &str) -> Entry {
    let ending = Ending::new(kind, name, Reconnect::Never).unwrap();
    let fields = record::ending_fields(&ending).into_iter();
    let fields = fields.map(|(name, value)| (name.as_bytes().to_vec(), value.to_vec()));
    Entry::new(numbers(n), fields.collect())
}

/// A time after all endings that there are: in the same microsecond it would count as earlier.
fn later() -> SystemTime {
    let end = SystemTime::now() + Duration::from_micros(2);
    while SystemTime::now() < end {}
    SystemTime::now()
}

/// A log whose endings can be read.
fn log_with_endings() -> Log {
    let log = Log::default();
    log.state().endings = Some(Vec::new());
    log
}

fn ended(node: &Node, owner: &str, authorized_at: SystemTime) -> Option<Reconnect> {
    node.hub.subscribe(&LastEventId::none()).owner(owner, authorized_at).ended()
}

#[test]
fn an_ending_in_the_log_is_no_event_and_moves_no_position() {
    let log = log_with_endings();
    log.add(1..=2);
    let mut node = Node::new(&log);
    let authorized_at = SystemTime::now();
    let mut owned = fresh(&node).owner("user:7", authorized_at);
    let mut other = fresh(&node).owner("user:8", authorized_at);
    log.add([3, 5]);
    log.state().raw.push(ending(4, "user:7"));
    node.follow();
    assert_eq!(owned.ended(), Some(Reconnect::Never));
    assert!(ready(&mut owned).is_empty());
    assert_eq!(ready(&mut other), [3, 5]);
    assert_eq!(node.resumption(2), Resumption::Exact { missed: 2 });
    // As the newest entry, and as one that a server starts with.
    log.state().raw.push(ending(6, "user:9"));
    node.follow();
    log.add([7]);
    node.follow();
    assert_eq!(ready(&mut other), [7]);
    for node in [node, Node::new(&log)] {
        assert_eq!(node.resumption(2), Resumption::Exact { missed: 3 });
        assert_eq!(ended(&node, "user:9", authorized_at), Some(Reconnect::Never));
        assert_eq!(ended(&node, "user:9", SystemTime::now()), None);
        assert_eq!(node.hub.stats().rejected, 0);
    }
}

#[test]
fn endings_that_are_lost_with_a_hole_are_read_before_the_events_after_it() {
    let log = log_with_endings();
    log.add(1..=5);
    let mut node = Node::new(&log);
    let authorized_at = SystemTime::now();
    let mut owned = fresh(&node).owner("user:7", authorized_at);
    let mut other = fresh(&node).owner("user:8", authorized_at);
    let mut state = log.state();
    state.endings = Some(vec![ending(9, "user:7")]);
    state.entries.clear();
    drop(state);
    log.add(20..=21);
    node.follow();
    assert_eq!(owned.ended(), Some(Reconnect::Never));
    assert!(ready(&mut owned).is_empty());
    assert_eq!(ready(&mut other), [0, 20, 21]);
}

#[test]
fn an_old_ending_of_a_topic_ends_no_stream_that_began_after_it() {
    let log = log_with_endings();
    log.add(1..=5);
    log.state().endings = Some(vec![ending_of(Kind::Topic, 9, "")]);
    // Longer than authorizations live: it is not remembered.
    std::thread::sleep(Duration::from_millis(2));
    let builder = Hub::builder().authorization_age(Duration::from_millis(1));
    let mut node = Node::with(&log, builder);
    let mut subscriber = fresh(&node);
    log.state().entries.clear();
    log.add(20..=21);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 20, 21]);
}

#[test]
fn a_server_that_could_not_read_the_endings_has_not_begun_to_read_the_log() {
    for entries in [0, 2] {
        let log = log_with_endings();
        log.add(1..=entries);
        log.state().endings_fail = true;
        let mut node = Node::unread(&log, Hub::builder(), Reporter::default());
        assert!(block_on(node.follower.catch_up(&mut node.log)).is_err());
        assert!(!node.follower.feed.read().retained.has_begun());
        log.state().endings_fail = false;
        node.catch_up();
        let mut subscriber = fresh(&node);
        log.add([3]);
        node.follow();
        assert_eq!(ready(&mut subscriber), [3]);
    }
}

#[test]
fn a_server_that_has_missed_more_endings_than_are_kept_ends_the_streams_that_they_may_concern() {
    for has_missed_some in [false, true] {
        let log = log_with_endings();
        log.add(1..=5);
        let mut node = Node::with(&log, Hub::builder().retain_endings(2));
        let subscribe = || node.hub.subscribe_all(&LastEventId::none());
        let owned = subscribe().owner("user:7", SystemTime::now());
        let topic = node.hub.subscribe_to(["a"], &LastEventId::none());
        let mut all = subscribe();
        assert!(ready(&mut all).is_empty());
        let [older, newer] = [(9, "user:8"), (10, "user:9")].map(|(n, owner)| ending(n, owner));
        let new = subscribe().owner("user:7", later());
        if !has_missed_some {
            log.state().raw.push(older.clone());
            node.follow();
        }
        let mut state = log.state();
        (state.endings, state.raw) = (Some(vec![older, newer]), Vec::new());
        state.entries.clear();
        drop(state);
        log.add(20..=21);
        node.follow();
        let ended = has_missed_some.then_some(Reconnect::Soon);
        assert_eq!((owned.ended(), topic.ended()), (ended, ended));
        assert_eq!((new.ended(), all.ended()), (None, None));
        assert_eq!(ready(&mut all), [0, 20, 21]);
    }
}

#[test]
fn a_server_that_starts_late_knows_the_endings_and_how_far_they_go_back() {
    let log = log_with_endings();
    let [long_before, before] = [60, 0].map(|s| SystemTime::now() - Duration::from_secs(s));
    log.state().endings = Some(vec![ending(1, "user:7"), ending(2, "user:8")]);
    let after = later();
    for (most, unknown) in [(3, None), (2, Some(Reconnect::Soon))] {
        let node = Node::with(&log, Hub::builder().retain_endings(most));
        assert_eq!(ended(&node, "user:7", long_before), Some(Reconnect::Never));
        assert_eq!(ended(&node, "user:8", before), Some(Reconnect::Never));
        assert_eq!(ended(&node, "user:9", long_before), unknown, "{most}");
        assert_eq!(ended(&node, "user:8", after), None);
    }
}

#[test]
fn without_the_endings_no_stream_with_an_owner_begins_and_all_others_go_on() {
    let log = Log::default();
    log.add(1..=2);
    let told = Arc::new(Mutex::new(Vec::new()));
    let telling = told.clone();
    let hook = move |error: Error| telling.lock().unwrap().push(error.to_string());
    let mut reporter = Reporter::default();
    reporter.on_error = Some(Box::new(hook));
    let mut node = Node::reporting(&log, Hub::builder(), reporter);
    assert_eq!(told.lock().unwrap().len(), 1);
    assert_eq!(ended(&node, "user:7", SystemTime::now()), Some(Reconnect::Soon));
    let mut subscriber = fresh(&node);
    log.add([3]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [3]);
    // It is told once, even after a loss.
    log.state().entries.clear();
    log.add([20]);
    node.follow();
    assert_eq!(ready(&mut subscriber), [0, 20]);
    let told = told.lock().unwrap();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("the endings of streams cannot be read"), "{told:?}");
    // A hub that has read nothing yet knows no endings either.
    let (hub, _driver) = Hub::builder().redis("redis://127.0.0.1:1/", "orders").unwrap();
    let subscriber = hub.subscribe(&LastEventId::none()).owner("user:7", SystemTime::now());
    assert_eq!(subscriber.ended(), Some(Reconnect::Soon));
}

#[test]
fn gaps_beside_other_entries_are_other_positions() {
    let at = |n, hash: u64| Position { check: Check::of_entry(hash << 29), ..Position::new(1, n) };
    let checks = [&[][..], &[at(1, 1)], &[at(1, 2)], &[at(2, 1)], &[at(1, 1), at(2, 1)]];
    let checks: HashSet<_> = checks.into_iter().map(gap_check).collect();
    assert_eq!(checks.len(), 5);
}
