//! The log on files that fail, and on files that are damaged.

use std::{
    collections::{HashMap, HashSet},
    iter,
    ops::Range,
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use futures_executor::block_on;
use futures_util::{FutureExt, StreamExt};
use sse_encoder::{Event, EventId, LastEventId};

use super::{
    answer::Answer,
    fake::{Disk, Fault},
    format::{BATCH_HEADER, BatchHeader, FILE_HEADER, FileHeader, aligned},
    log::DiskLog,
    queue::Command,
    record::Record,
    segments::name,
    writer::Writer,
};
use crate::{
    builder::HubBuilder,
    ending::Reconnect,
    error::Error,
    feed::Feed,
    frame::encode,
    handle::Handle,
    hub::Hub,
    log::{Draft, Log as _, Names, Numbering, Outcome},
    position::Position,
    resumption::Resumption,
    status::Status,
    subscriber::{Interest, Subscriber},
};

/// A log without its thread.
struct Log {
    feed: Arc<Feed>,
    writer: Writer<Disk>,
}

impl Log {
    fn open(disk: &Disk) -> Result<Self, Error> {
        // Files of half a kilobyte.
        Self::open_with(disk, Hub::builder().retain_bytes(4_000))
    }

    fn open_with(disk: &Disk, builder: HubBuilder) -> Result<Self, Error> {
        let settings = builder.settings();
        let sync_every = settings.sync_every;
        let feed = Feed::new(settings, Numbering::Continued);
        let writer = Writer::open(disk.clone(), feed.clone(), sync_every)?;
        Ok(Self { feed, writer })
    }

    fn command(&self, event: &Event, topic: &str, key: Option<&str>) -> (Command, Answer) {
        let event = encode(event, self.feed.settings.rules()).unwrap();
        Command::new(Record::new(&Draft { topics: Names::One(topic), key, event }))
    }

    /// Publishes them as one batch. `false` if nothing can be appended any more.
    fn publish_all(&mut self, events: &[Event]) -> (Vec<Outcome>, bool) {
        let all = events.iter().map(|event| self.command(event, "", None));
        let (commands, answers): (Vec<_>, Vec<_>) = all.unzip();
        let is_open = self.writer.append(commands).is_ok();
        let outcomes = answers.into_iter().map(|answer| answer.now_or_never().unwrap());
        (outcomes.collect(), is_open)
    }

    fn publish(&mut self, event: &Event) -> Outcome {
        let (command, answer) = self.command(event, "", None);
        let _ = self.writer.append(vec![command]);
        answer.now_or_never().unwrap()
    }

    fn text(&mut self, text: &str) -> EventId {
        self.publish(&Event::text(text).into_owned()).unwrap().unwrap()
    }

    fn subscribe(&self, last: &LastEventId) -> Subscriber {
        Subscriber::new(self.feed.clone(), Interest::Topics([""].into_iter()), last)
    }

    /// What a client with this id gets, but for checkpoints: ids and data.
    fn resume(&self, id: Option<&EventId>) -> (Resumption, Vec<(String, String)>) {
        let mut subscriber = self.subscribe(&id.cloned().into());
        let resumption = subscriber.resumption();
        let mut events = Vec::new();
        while let Some(Some(frame)) = subscriber.next().now_or_never() {
            let frame = String::from_utf8(frame.as_bytes().to_vec()).unwrap();
            let field = |name: &str| {
                let value = frame.lines().find_map(|line| line.strip_prefix(name));
                value.unwrap_or_default().to_owned()
            };
            if field("event: ") != "checkpoint" {
                events.push((field("id: "), field("data: ")));
            }
        }
        (resumption, events)
    }

    /// What each of these clients gets.
    fn resume_each(&self, ids: &[EventId]) -> Vec<Vec<(String, String)>> {
        ids.iter().map(|id| self.resume(Some(id)).1).collect()
    }

    fn tip(&self) -> EventId {
        let opening = block_on(self.subscribe(&LastEventId::none()).next()).unwrap();
        opening.id().unwrap()
    }
}

/// A log of some files, and what is in it.
struct Written {
    disk: Disk,
    /// The position before all events, and that of each event.
    ids: Vec<EventId>,
    texts: Vec<String>,
}

/// Publishes so many events, one by one; the files are small.
fn written(count: usize, is_closed: bool) -> Written {
    let disk = Disk::default();
    let mut log = Log::open(&disk).unwrap();
    let mut ids = vec![log.tip()];
    let texts: Vec<_> =
        (0..count).map(|n| format!("event {n} {}", "x".repeat(20 * n % 90))).collect();
    ids.extend(texts.iter().map(|text| log.text(text)));
    if is_closed {
        log.writer.close();
    }
    Written { disk, ids, texts }
}

/// The same, and one more event after a restart.
fn continued(count: usize) -> Written {
    let mut written = written(count, true);
    let mut log = Log::open(&written.disk).unwrap();
    written.texts.push("after a restart".into());
    written.ids.push(log.text("after a restart"));
    written
}

/// Opens a damaged copy of the log, and checks that no client gets a wrong event, or misses one
/// without a gap. Gives the events that are left.
fn check(written: &Written, damaged: &Disk, may_lose_end: bool, what: &str) -> Range<usize> {
    let Written { ids, texts, .. } = written;
    let count = texts.len();
    let log = Log::open(damaged).unwrap_or_else(|error| panic!("{what}: {error:#}"));
    let unknown = EventId::from_static("none of the log's");
    let (_, mut kept) = log.resume(Some(&unknown));
    assert!(!kept.is_empty(), "{what}: no gap");
    kept.remove(0);
    let all: Vec<_> =
        ids[1..].iter().zip(texts).map(|(id, t)| (id.to_string(), t.clone())).collect();
    // A run of the original events.
    let from = kept.first().map(|first| all.iter().position(|event| event == first).unwrap());
    let from = from.unwrap_or(count);
    let until = from + kept.len();
    assert_eq!(kept, all[from..until], "{what}");
    for (n, id) in ids.iter().enumerate() {
        let (resumption, events) = log.resume(Some(id));
        if let Resumption::Exact { missed } = resumption {
            let expected = if n > until { &[] } else { &all[n..until] };
            assert!(kept.is_empty() || (from..=until).contains(&n), "{what}: {n}");
            assert_eq!((missed, &events[..]), (expected.len(), expected), "{what}: {n}");
            assert!(may_lose_end || kept.is_empty() && n == count || until == count, "{what}: {n}");
        } else {
            assert!(events[0].1.contains("requested"), "{what}: {n}");
            assert!(n < from || n > until || kept.is_empty(), "{what}: {n} of {from}..{until}");
        }
    }
    // No position is given to another event.
    let mut log = log;
    let new = log.text("new");
    assert!(!ids.contains(&new), "{what}: {new} again");
    drop(log);
    let log = Log::open(damaged).unwrap();
    assert_eq!(log.resume(Some(&new)).0, Resumption::Exact { missed: 0 }, "{what}");
    let (resumption, events) = log.resume(ids.get(until));
    if resumption == (Resumption::Exact { missed: 1 }) {
        assert_eq!(events, [(new.to_string(), "new".into())], "{what}");
    }
    from..until
}

/// How many bytes of the file are used.
fn used(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1)
}

#[test]
fn with_any_byte_flipped_no_event_is_wrong_and_no_loss_is_silent() {
    for (kind, written) in
        [("closed", written(12, true)), ("open", written(12, false)), ("continued", continued(12))]
    {
        let names = written.disk.names();
        assert!(names.len() > 2, "{names:?}");
        for (number, name) in names.iter().enumerate() {
            let bytes = written.disk.get(name);
            let is_newest = number + 1 == names.len();
            for at in 0..(used(&bytes) + 20).min(bytes.len()) {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << (at % 8);
                let damaged = written.disk.snapshot();
                damaged.put(name, bytes);
                let what = format!("{name}, {kind}: byte {at}");
                // Without the mark of the end, the last batch may be one that was cut off.
                check(&written, &damaged, is_newest, &what);
            }
        }
    }
}

#[test]
fn cut_at_any_byte_a_log_loses_its_end_and_knows() {
    for is_closed in [true, false] {
        let written = written(12, is_closed);
        let names = written.disk.names();
        for (number, name) in names.iter().enumerate() {
            let bytes = written.disk.get(name);
            let is_newest = number + 1 == names.len();
            for len in 0..=used(&bytes) {
                for is_filled in [true, false] {
                    let mut bytes = bytes.clone();
                    let whole = bytes.len();
                    bytes.truncate(len);
                    bytes.resize(if is_filled { whole } else { len }, 0);
                    let damaged = written.disk.snapshot();
                    damaged.put(name, bytes);
                    let what = format!("{name}, {is_closed}: {len} bytes, {is_filled}");
                    check(&written, &damaged, is_newest, &what);
                }
            }
        }
    }
}

#[test]
fn a_missing_file_is_a_gap_for_those_who_need_it() {
    let written = written(12, true);
    let names = written.disk.names();
    for (number, name) in names.iter().enumerate() {
        let damaged = written.disk.snapshot();
        damaged.remove_now(name);
        let is_newest = number + 1 == names.len();
        let left = check(&written, &damaged, is_newest, name);
        assert_eq!(left.end == 12, !is_newest, "{name}: {left:?}");
        assert!(number == 0 || is_newest || left.start > 0, "{name}: {left:?}");
    }
}

/// A log of batches with these numbers and times, of one event each.
fn crafted(batches: &[(u64, u64)]) -> Disk {
    let header = FileHeader { log: 7, number: 1, previous: Position::START };
    let mut file = header.to_bytes().to_vec();
    for &(first, time) in batches {
        let event = encode(&Event::text("a"), Hub::builder().settings().rules()).unwrap();
        let mut bytes = vec![0; BATCH_HEADER];
        Record::new(&Draft { topics: Names::One(""), key: None, event }).write(&mut bytes);
        BatchHeader { epoch: 5, first, time, count: 1 }.seal(&header.seed(), &mut bytes);
        file.extend(bytes);
        file.resize(aligned(file.len()), 0);
    }
    let disk = Disk::default();
    disk.put(&name(1), file);
    disk
}

#[test]
fn numbers_that_do_not_ascend_are_damage() {
    for (numbers, events, holes) in [
        (&[1, 2][..], 2, 0),
        (&[1, 1], 1, 0),
        (&[2, 1], 1, 1),
        (&[0], 0, 0),
        (&[0, 1], 1, 0),
        (&[1, 3], 1, 1),
    ] {
        let batches: Vec<_> = numbers.iter().map(|number| (*number, 0)).collect();
        let disk = crafted(&batches);
        let log = Log::open(&disk.snapshot()).unwrap();
        let retained = log.feed.read().retained.size().0;
        assert_eq!((retained, log.writer.holes()), (events, holes), "{numbers:?}");
        // With a damaged header, it is unknown which number comes first.
        let mut bytes = disk.get(&name(1));
        bytes[FILE_HEADER - 1] ^= 1;
        disk.put(&name(1), bytes);
        let log = Log::open(&disk).unwrap();
        assert_eq!(log.feed.read().retained.size().0, events, "{numbers:?}");
    }
}

#[test]
fn the_age_of_an_event_counts_across_a_restart() {
    let now = UNIX_EPOCH.elapsed().unwrap().as_millis() as u64;
    let disk = crafted(&[(1, now - 3_600_000), (2, now - 1_000)]);
    for (seconds, events) in [(1, 0), (1_800, 1), (7_200, 2)] {
        let builder = Hub::builder().retain_for(Duration::from_secs(seconds));
        let log = Log::open_with(&disk.snapshot(), builder).unwrap();
        assert_eq!(log.feed.read().retained.size().0, events, "{seconds}");
    }
}

#[test]
fn a_file_is_put_aside_if_it_is_damaged_and_is_removed_otherwise() {
    let written = written(12, true);
    let names = written.disk.names();
    let put_aside = |disk: &Disk| {
        let mut log = Log::open(disk).unwrap();
        (0..400).for_each(|_| drop(log.text(&"x".repeat(50))));
        assert!(
            disk.names().iter().all(|name| name.ends_with(".damaged") || !names.contains(name))
        );
        let mut aside = disk.names();
        aside.retain(|name| name.ends_with(".damaged"));
        aside
    };
    assert!(put_aside(&written.disk.snapshot()).is_empty());
    for name in &names[..names.len() - 1] {
        let bytes = written.disk.get(name);
        // In its first batch, and in its last.
        for at in [FILE_HEADER + 20, used(&bytes) - 1] {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            let disk = written.disk.snapshot();
            disk.put(name, bytes.clone());
            assert_eq!(put_aside(&disk), [format!("{name}.damaged")], "{at}");
            assert_eq!(disk.get(&format!("{name}.damaged")), bytes);
        }
    }
    // The other files are whole.
    let disk = written.disk.snapshot();
    disk.remove_now(&names[1]);
    assert!(put_aside(&disk).is_empty());
}

/// Numbers that are the same in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    fn is_one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// What was published, and what became of it.
#[derive(Default)]
struct Ghost {
    next: u64,
    /// In the order in which they were published: the text, the id if it was told, and whether it
    /// must be in the log.
    events: Vec<(String, Option<EventId>, bool)>,
    /// Every id that was ever told.
    ids: HashMap<EventId, String>,
    refused: HashSet<String>,
}

impl Ghost {
    fn publish(&mut self, log: &mut Log, count: u64) -> bool {
        let texts: Vec<_> = (0..count).map(|n| (self.next + n).to_string()).collect();
        self.next += count;
        let own = |n: &String| n.ends_with('7');
        let event = |text: &String| match own(text) {
            true => Event::text(text.clone()).id(format!("row {text}")).into(),
            false => Event::text(text.clone()).into(),
        };
        let (outcomes, is_open) = log.publish_all(&texts.iter().map(event).collect::<Vec<_>>());
        for (text, outcome) in texts.into_iter().zip(outcomes) {
            match outcome {
                Ok(id) => {
                    let id = id.unwrap();
                    let before = self.ids.insert(id.clone(), text.clone());
                    assert_eq!(before, None, "{id} twice");
                    self.events.push((text, Some(id), true));
                }
                Err(error) if error.is_outcome_unknown() => self.events.push((text, None, false)),
                Err(error) => {
                    assert!(error.is_not_appended(), "{error:#}");
                    self.refused.insert(text);
                }
            }
        }
        is_open
    }

    /// Compares the log with what was published since `start`. What is not in it is forgotten.
    fn check(&mut self, log: &Log, start: &mut EventId) {
        let (resumption, mut events) = log.resume(Some(start));
        let has_hole = matches!(resumption, Resumption::Unknown { .. });
        if let Resumption::Unknown { resumed_after, .. } = resumption {
            *start = resumed_after;
            assert!(self.events.iter().any(|(.., must)| !must), "a hole without a loss");
            events = log.resume(Some(&EventId::from_static("of nothing"))).1;
            events.remove(0);
        } else {
            assert_eq!(resumption, Resumption::Exact { missed: events.len() });
        }
        let mut rest = events.iter().peekable();
        self.events.retain_mut(|(text, id, must)| {
            let found = rest.next_if(|(_, data)| data == text);
            if let Some((found, _)) = found {
                assert!(id.as_ref().is_none_or(|id| id.as_str() == found), "{text}");
                *id = Some(EventId::new(found).unwrap());
                true
            } else {
                assert!(!*must || has_hole, "{text} is lost");
                false
            }
        });
        assert_eq!(rest.next(), None, "out of order, twice, or never published");
        assert!(events.iter().all(|(_, text)| !self.refused.contains(text)));
        // Each position that was ever told is exact, or known to be lost.
        let places: HashMap<_, _> =
            self.events.iter().zip(1..).map(|(e, n)| (e.0.clone(), n)).collect();
        for (id, text) in &self.ids {
            let (resumption, after) = log.resume(Some(id));
            match places.get(text) {
                Some(place) => {
                    assert_eq!(resumption, Resumption::Exact { missed: events.len() - place });
                    assert_eq!(after, events[*place..]);
                }
                // The newest one before a hole.
                None if id == start => {
                    assert_eq!(resumption, Resumption::Exact { missed: events.len() });
                }
                None => assert!(matches!(resumption, Resumption::Unknown { .. }), "{text}"),
            }
        }
    }
}

/// How many runs; `SSE_DISK_RUNS` sets another number.
fn runs() -> u64 {
    std::env::var("SSE_DISK_RUNS").map_or(150, |runs| runs.parse().unwrap())
}

fn large() -> HubBuilder {
    Hub::builder().retain_bytes(100_000).retain_events(100_000)
}

/// A fault that is met at the start is gone at the next one.
fn open_or_again(seed: u64, disk: &Disk, builder: &HubBuilder) -> Log {
    Log::open_with(disk, builder.clone()).unwrap_or_else(|error| {
        assert!(error.is_io(), "{seed}: {error:#}");
        Log::open_with(disk, builder.clone()).unwrap()
    })
}

/// One of so many operations from now on has a fault.
fn fail_soon(disk: &Disk, random: &mut Random, within: u64) {
    let fault = [Fault::Fail, Fault::Short, Fault::Late][random.below(3) as usize];
    disk.fail(disk.operations() + random.below(within) as usize, fault);
}

/// A run of publishing, failing, ending in each way, and opening again.
fn run(seed: u64, builder: &HubBuilder) {
    let mut random = Random(seed);
    let disk = Disk::default();
    let mut ghost = Ghost::default();
    let mut start = None;
    for _ in 0..6 {
        let mut log = open_or_again(seed, &disk, builder);
        ghost.check(&log, start.get_or_insert_with(|| log.tip()));
        if random.is_one_in(2) {
            fail_soon(&disk, &mut random, 12);
        }
        let is_synced = builder.clone().settings().sync_every.is_none();
        let mut is_open = true;
        for _ in 0..random.below(12) {
            let count = 1 + random.below(4);
            is_open = ghost.publish(&mut log, count);
            if !is_open {
                break;
            }
        }
        let end = random.below(3);
        match end {
            0 if is_open => log.writer.close(),
            0 | 1 => drop(log),
            _ => {
                drop(log);
                disk.power_failure(|| random.is_one_in(2));
            }
        }
        if !is_synced && (!is_open || end == 2) {
            ghost.events.iter_mut().for_each(|event| event.2 = false);
        }
    }
}

#[test]
fn whatever_fails_no_acknowledged_event_is_lost_and_none_is_wrong() {
    for seed in 0..runs() {
        run(seed, &large());
    }
}

#[test]
fn with_later_syncs_only_a_power_failure_loses_events_and_their_positions() {
    for seed in 0..runs() {
        run(seed, &large().sync_every(Duration::MAX));
    }
}

#[test]
fn a_full_disk_refuses_events_until_there_is_room_and_opens_meanwhile() {
    let disk = Disk::default();
    let mut log = Log::open(&disk).unwrap();
    let start = log.tip();
    disk.set_capacity(Some(2_000));
    let mut ids = Vec::new();
    let error = loop {
        match log.publish(&Event::text("x".repeat(50)).into()) {
            Ok(id) => ids.push(id.unwrap()),
            Err(error) => break error,
        }
    };
    assert!(error.is_not_appended(), "{error:#}");
    assert!(ids.len() > 5);
    drop(log);
    let mut log = Log::open(&disk).unwrap();
    assert_eq!(log.resume(Some(&start)).0, Resumption::Exact { missed: ids.len() });
    assert!(log.publish(&Event::text("y".repeat(400)).into()).unwrap_err().is_not_appended());
    disk.set_capacity(None);
    let id = log.text("room");
    assert_eq!(log.resume(ids.last()).1, [(id.to_string(), "room".into())]);
    log.writer.close();
    assert_eq!(
        Log::open(&disk).unwrap().resume(Some(&start)).0,
        Resumption::Exact { missed: ids.len() + 1 }
    );
}

#[test]
fn after_a_failed_sync_the_outcome_is_unknown_and_nothing_is_written_any_more() {
    let disk = Disk::default();
    let mut log = Log::open(&disk).unwrap();
    let start = log.tip();
    log.text("a");
    disk.fail(disk.operations() + 1, Fault::Fail);
    let events = [Event::text("b").into(), Event::text("typing").no_id().into()];
    let (outcomes, is_open) = log.publish_all(&events);
    assert!(outcomes[0].as_ref().unwrap_err().is_outcome_unknown());
    // That one is never on the disk.
    assert!(outcomes[1].as_ref().unwrap_err().is_not_appended());
    assert!(!is_open);
    assert_eq!(log.resume(Some(&start)).0, Resumption::Exact { missed: 1 });
}

#[test]
fn files_of_something_else_are_an_error_and_are_left_alone() {
    let whole = written(12, true).disk;
    let names = whole.names();
    let other = written(12, true).disk;
    let mut newer = whole.get(&names[1]);
    newer[8] = 2;
    // As that version would write it.
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&newer[..60]);
    newer[60..64].copy_from_slice(&hasher.finalize().to_le_bytes());
    type Question = fn(&Error) -> bool;
    let rows: [(Vec<u8>, Question, &str); 5] = [
        (b"sse-hub?".to_vec(), Error::is_foreign_file, "is not"),
        (
            b"my own notes, which have nothing to do with it".to_vec(),
            Error::is_foreign_file,
            "is not",
        ),
        (other.get(&names[1]), Error::is_foreign_file, "belongs to another log"),
        (whole.get(&names[0]), Error::is_foreign_file, "has been renamed"),
        (newer, Error::is_other_version, "has the format 2"),
    ];
    for (bytes, is_it, message) in rows {
        let disk = whole.snapshot();
        disk.put(&names[1], bytes);
        let before = disk.snapshot();
        let Err(error) = Log::open(&disk) else { panic!("{message}") };
        assert!(is_it(&error) && error.to_string().contains(message), "{error:#}");
        assert_eq!(disk.names(), before.names());
        assert!(disk.names().iter().all(|name| disk.get(name) == before.get(name)));
    }
    // Files with other names are nobody's business.
    let notes = ["notes.txt", "7.log", "+0000000000000000007.log"];
    notes.iter().for_each(|name| whole.put(name, b"mine".to_vec()));
    assert!(Log::open(&whole).is_ok());
    assert!(notes.iter().all(|name| whole.get(name) == b"mine"));
}

#[test]
fn smaller_bounds_after_a_restart_drop_the_oldest_events() {
    let written = written(12, true);
    let log = Log::open_with(&written.disk, Hub::builder().retain_events(3)).unwrap();
    assert_eq!(log.resume(Some(&written.ids[9])).0, Resumption::Exact { missed: 3 });
    let (early, events) = log.resume(Some(&written.ids[8]));
    assert!(early.needs_state(), "{early:?}");
    assert_eq!(events.len(), 4);
}

#[test]
fn events_older_than_their_longest_age_are_gone_after_a_restart() {
    let written = written(12, true);
    let of = |age| Log::open_with(&written.disk.snapshot(), Hub::builder().retain_for(age));
    let log = of(Duration::from_secs(3_600)).unwrap();
    assert_eq!(log.resume(Some(&written.ids[0])).0, Resumption::Exact { missed: 12 });
    let log = of(Duration::ZERO).unwrap();
    assert_eq!(log.resume(Some(&written.ids[12])).0, Resumption::Exact { missed: 0 });
    let (early, events) = log.resume(Some(&written.ids[11]));
    assert!(early.needs_state() && events.len() == 1, "{early:?}");
}

#[test]
fn an_unreadable_newest_file_is_a_gap_for_every_client() {
    let written = written(12, true);
    let newest = written.disk.names().pop().unwrap();
    let mut bytes = written.disk.get(&newest);
    bytes[8..].fill(0);
    written.disk.put(&newest, bytes);
    let log = Log::open(&written.disk).unwrap();
    assert_eq!(log.writer.holes(), 1);
    for id in &written.ids {
        assert!(matches!(log.resume(Some(id)).0, Resumption::Unknown { .. }), "{id}");
    }
}

#[test]
fn an_ephemeral_event_is_not_written() {
    let disk = Disk::default();
    let mut log = Log::open(&disk).unwrap();
    let before = disk.operations();
    assert_eq!(log.publish(&Event::text("typing").no_id().into()).unwrap(), None);
    assert_eq!(disk.operations(), before);
}

#[test]
fn a_batch_is_synced_once_it_is_due() {
    for (sync_every, is_due, events) in
        [(Duration::ZERO, false, 2), (Duration::from_secs(3_600), true, 1)]
    {
        let disk = Disk::default();
        let builder = || Hub::builder().sync_every(sync_every);
        let mut log = Log::open_with(&disk, builder()).unwrap();
        // The first batch is always synced: it says that the log is open.
        for _ in 0..2 {
            log.text("a");
        }
        assert_eq!(log.writer.due().is_some(), is_due);
        drop(log);
        disk.power_failure(|| false);
        let log = Log::open_with(&disk, builder()).unwrap();
        assert_eq!(log.feed.read().retained.size().0, events, "{sync_every:?}");
    }
}

#[test]
fn a_removed_file_is_one_of_which_nothing_is_retained() {
    let disk = Disk::default();
    let mut log = Log::open(&disk).unwrap();
    let mut ids = Vec::new();
    for n in 0..400 {
        ids.push(log.text(&n.to_string()));
        assert!(disk.size() < 10_000, "{}", disk.size());
    }
    drop(log);
    let log = Log::open(&disk).unwrap();
    let kept = log.feed.read().retained.size().0;
    assert!(kept > 20);
    assert_eq!(log.resume(ids.get(399 - kept)).0, Resumption::Exact { missed: kept });
}

/// Publishes under keys, of which only the newest events are retained.
fn keyed_run(seed: u64) {
    let mut random = Random(seed);
    let (disk, builder) = (Disk::default(), Hub::builder().retain_bytes(2_000));
    // Every event in order: its key, its text, and its id if it was told.
    let mut events: Vec<(u64, String, Option<EventId>)> = Vec::new();
    let (mut start, mut has_failed) = (None, false);
    let (mut most, has_faults) = (0, !random.is_one_in(3));
    for _ in 0..5 {
        let mut log = open_or_again(seed, &disk, &builder);
        let start = start.get_or_insert_with(|| log.tip());
        let (resumption, left) = log.resume(Some(start));
        if has_failed && resumption.needs_state() {
            // The events of the failed sync were there until the power failed.
            return;
        }
        assert_eq!(resumption, Resumption::Exact { missed: left.len() });
        let texts: HashSet<_> = left.iter().map(|(_, text)| text).collect();
        events.retain(|(_, text, id)| id.is_some() || texts.contains(text));
        let newest: HashMap<_, _> = events.iter().zip(0..).map(|(event, n)| (event.0, n)).collect();
        for n in 0..=events.len() {
            let is_newest = |at: &usize| newest[&events[*at].0] == *at;
            let expected: Vec<_> =
                (n..events.len()).filter(is_newest).map(|at| &events[at].1).collect();
            let id = if n == 0 { Some(&*start) } else { events[n - 1].2.as_ref() };
            if id.is_some() {
                let (resumption, after) = log.resume(id);
                assert_eq!(resumption, Resumption::Exact { missed: expected.len() }, "{n}");
                assert!(after.iter().map(|(_, text)| text).eq(expected), "{n}: {after:?}");
            }
        }
        if has_faults && random.is_one_in(2) {
            fail_soon(&disk, &mut random, 300);
        }
        for _ in 0..random.below(150) {
            // One key is rare.
            let key = if random.is_one_in(40) { 0 } else { 1 + random.below(3) };
            let text = events.len().to_string() + "-" + &random.below(1_000_000).to_string();
            let event = Event::text(text.clone()).into();
            let (command, answer) = log.command(&event, "", Some(&key.to_string()));
            let is_open = log.writer.append(vec![command]).is_ok();
            most = most.max(disk.size());
            match answer.now_or_never().unwrap() {
                Ok(id) => events.push((key, text, id)),
                Err(error) if error.is_outcome_unknown() => events.push((key, text, None)),
                Err(error) => assert!(error.is_not_appended()),
            }
            if !is_open {
                has_failed = true;
                break;
            }
        }
        match random.below(3) {
            0 => log.writer.close(),
            1 => drop(log),
            _ => {
                drop(log);
                disk.power_failure(|| random.is_one_in(2));
            }
        }
    }
    // After some faults no file is rewritten until the next start.
    assert!(has_faults || most < 5_000, "{most}");
}

#[test]
fn replaced_events_take_no_room_and_their_positions_stay_known() {
    for seed in 0..runs() {
        keyed_run(seed);
    }
}

#[test]
fn rare_events_among_replaced_ones_keep_few_small_files() {
    for every in [4, 50] {
        let (disk, builder) = (Disk::default(), Hub::builder().retain_bytes(2_000));
        let builder = builder.retain_events(30);
        let mut log = Log::open_with(&disk, builder.clone()).unwrap();
        let mut ids = vec![log.tip()];
        for n in 0..1_500 {
            let key = if n % every == 0 { format!("rare {n}") } else { "frequent".into() };
            let (command, answer) = log.command(&Event::text(n.to_string()).into(), "", Some(&key));
            assert!(log.writer.append(vec![command]).is_ok());
            ids.extend(answer.now_or_never().unwrap().unwrap());
            assert!(disk.size() < 10_000, "{every}: {}", disk.size());
            assert!(disk.names().iter().all(|name| disk.get(name).len() <= 512));
        }
        let before = log.resume_each(&ids);
        assert_eq!((before[0].len(), before[1_499].len()), (31, 1));
        drop(log);
        assert_eq!(Log::open_with(&disk, builder).unwrap().resume_each(&ids), before);
    }
}

#[test]
fn large_batches_of_replaced_events_are_rewritten_up_to_the_newest_file() {
    let (disk, builder) = (Disk::default(), Hub::builder().retain_bytes(2_000));
    let mut log = Log::open_with(&disk, builder.clone()).unwrap();
    let mut ids = vec![log.tip()];
    let event = Event::text("a").into();
    for n in 0..4 {
        let rare: Vec<_> = (0..4).map(|m| format!("rare {n} {m}")).collect();
        let keys = rare.iter().map(String::as_str).chain(iter::repeat_n("frequent", 100));
        let (commands, answers): (Vec<_>, Vec<_>) =
            keys.map(|key| log.command(&event, "", Some(key))).unzip();
        assert!(log.writer.append(commands).is_ok());
        ids.extend(answers.into_iter().map(|answer| block_on(answer).unwrap().unwrap()));
        // A new file, which is written on.
        ids.extend((0..3).map(|_| log.text("small")));
    }
    // Each large batch has more than 5,000 bytes.
    assert!(disk.size() < 12_000, "{}", disk.size());
    let before = log.resume_each(&ids);
    drop(log);
    assert_eq!(Log::open_with(&disk, builder).unwrap().resume_each(&ids), before);
}

/// A hub on these files, with its thread.
fn hub(disk: &Disk) -> Hub {
    let Log { feed, writer } = Log::open(disk).unwrap();
    let log = DiskLog::start(feed.clone(), writer).unwrap();
    Hub::on(Handle::new(feed, log))
}

#[test]
fn a_hub_is_stale_until_an_event_is_written_again() {
    fn publish(hub: &Hub) -> bool {
        let is_published = block_on(hub.publish(&Event::text("x".repeat(300)))).is_ok();
        // By the second answer, the thread has set the status after the event.
        for _ in 0..2 {
            block_on(hub.end_owner("user:7", Reconnect::Soon)).unwrap();
        }
        is_published
    }
    let disk = Disk::default();
    let hub = hub(&disk);
    assert!(publish(&hub));
    assert_eq!(hub.status(), Status::Live);
    // Room for endings, and not for a new file.
    disk.set_capacity(Some(disk.size() + 400));
    while publish(&hub) {}
    assert!(matches!(hub.status(), Status::Stale { .. }));
    disk.set_capacity(None);
    assert!(publish(&hub));
    assert_eq!(hub.status(), Status::Live);
}

#[test]
fn after_a_failed_sync_each_event_is_refused_with_the_reason() {
    let disk = Disk::default();
    let hub = hub(&disk);
    disk.fail(disk.operations() + 1, Fault::Fail);
    let publish = || block_on(hub.publish(&Event::text("a"))).unwrap_err();
    assert!(publish().is_outcome_unknown());
    while hub.status() != Status::Ended {
        std::thread::yield_now();
    }
    let error = publish();
    assert!(error.is_not_appended(), "{error:#}");
    assert!(error.to_string().contains("has failed before: as asked"), "{error}");
}

#[test]
fn a_hole_in_the_log_is_counted() {
    let written = written(12, true);
    assert_eq!(hub(&written.disk).stats().rejected, 0);
    written.disk.remove_now(&written.disk.names()[1]);
    assert_eq!(hub(&written.disk).stats().rejected, 1);
}

#[test]
fn events_of_more_than_a_gibibyte_together_are_refused() {
    let builder = Hub::builder().max_frame(2 << 20);
    let Log { feed, writer } = Log::open_with(&Disk::default(), builder).unwrap();
    let event = encode(&Event::text("x".repeat(1 << 20)), feed.settings.rules()).unwrap();
    let log = DiskLog::start(feed, writer).unwrap();
    let draft = Draft { topics: Names::One(""), key: None, event };
    let error = block_on(log.append_all(vec![draft; 1_024])).unwrap_err();
    assert!(error.is_not_appended() && error.to_string().contains("1 GiB"), "{error}");
}

#[test]
fn unfinished_files_are_removed_at_the_start() {
    let written = written(3, true);
    let names = written.disk.names();
    for name in ["unfinished", "endings.unfinished"] {
        written.disk.put(name, b"a part".to_vec());
    }
    drop(Log::open(&written.disk).unwrap());
    assert_eq!(written.disk.names(), names);
}

#[test]
fn the_name_of_a_file_is_on_the_disk_before_the_file_is_written() {
    let disk = Disk::default();
    // The last step of making the first file.
    disk.fail(5, Fault::Fail);
    assert!(Log::open(&disk).is_err_and(|error| error.is_io()));
    assert!(disk.names()[0].ends_with(".log"));
    let mut log = Log::open(&disk).unwrap();
    let start = log.tip();
    log.text("a");
    drop(log);
    disk.power_failure(|| false);
    let log = Log::open(&disk).unwrap();
    assert_eq!(log.resume(Some(&start)).0, Resumption::Exact { missed: 1 });
}
