//! The log on disk: what a restart keeps, and what the files can do to it.

#![cfg(feature = "disk")]

mod support;

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, SystemTime},
};

use futures_executor::block_on;
use futures_util::{FutureExt, StreamExt, future::join_all};
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, Reconnect, Resumption, Status, Subscriber};
use support::{Client, field, folder::Folder, none};

fn open(folder: &Folder) -> Hub {
    Hub::builder().disk(folder.path()).unwrap()
}

fn publish(hub: &Hub, text: &str) -> EventId {
    block_on(hub.publish(&Event::text(text))).unwrap().unwrap()
}

fn publish_all(hub: &Hub, texts: &[&str]) -> Vec<EventId> {
    texts.iter().map(|text| publish(hub, text)).collect()
}

/// What a client with this id gets.
fn resume(hub: &Hub, id: &EventId) -> (Resumption, Vec<String>) {
    let subscriber = hub.subscribe(&id.clone().into());
    let resumption = subscriber.resumption();
    (resumption, Client::live(subscriber).ready())
}

/// The position of a hub's newest event.
fn tip(hub: &Hub) -> EventId {
    let opening = Client::new(hub.subscribe(&none())).next().unwrap();
    EventId::new(field(&opening, "id").unwrap()).unwrap()
}

#[test]
fn a_restart_is_no_gap() {
    let folder = Folder::new();
    let hub = open(&folder);
    let start = tip(&hub);
    let texts = ["a", "two\nlines", "", "ö😀", "e"];
    let ids = publish_all(&hub, &texts);
    assert_eq!(tip(&hub), ids[4]);
    drop(hub);
    for _ in 0..3 {
        let hub = open(&folder);
        assert_eq!(hub.stats().retained, 5);
        for (n, id) in std::iter::once(&start).chain(&ids).enumerate() {
            let (resumption, events) = resume(&hub, id);
            assert_eq!(resumption, Resumption::Exact { missed: 5 - n }, "{id}");
            assert_eq!(events.len(), 5 - n);
        }
        // The same position before and after.
        assert_eq!(tip(&hub), ids[4]);
    }
}

#[test]
fn positions_go_on_after_a_restart() {
    let folder = Folder::new();
    let mut all: Vec<EventId> = Vec::new();
    for run in 0..4 {
        let hub = open(&folder);
        for id in &all {
            assert!(matches!(resume(&hub, id).0, Resumption::Exact { .. }), "{run}: {id}");
        }
        all.extend(publish_all(&hub, &["a", "b"]));
    }
    let first = all[0].as_str().strip_suffix("-1").unwrap();
    let expected: Vec<_> = (1..=8).map(|n| format!("{first}-{n}")).collect();
    assert_eq!(all.iter().map(EventId::as_str).collect::<Vec<_>>(), expected);
}

#[test]
fn keys_topics_and_own_ids_are_kept_and_ephemeral_events_are_not() {
    let folder = Folder::new();
    let hub = open(&folder);
    let start = tip(&hub);
    let mut live = Client::live(hub.subscribe_all(&none()));
    block_on(async {
        hub.to("prices").key("ACME").publish(&Event::json(1)).await.unwrap();
        hub.to("prices").publish(&Event::text("row").id("row 7")).await.unwrap();
        let typing = hub.publish(&Event::text("typing").no_id()).await.unwrap();
        assert_eq!(typing, None);
        hub.to("prices").key("ACME").publish(&Event::json(2)).await.unwrap();
        hub.key("ACME").publish(&Event::json(3)).await.unwrap();
    });
    assert_eq!(live.ready(), ["row", "typing", "2", "3"]);
    drop(hub);
    let hub = open(&folder);
    let last: LastEventId = start.into();
    let mut prices = Client::live(hub.subscribe_to(["prices"], &last));
    assert_eq!(prices.ready(), ["row", "2"]);
    assert_eq!(Client::live(hub.subscribe_all(&last)).ready(), ["row", "2", "3"]);
    assert_eq!(Client::live(hub.subscribe(&last)).ready(), ["3"]);
    let row: LastEventId = EventId::from_static("row 7").into();
    assert_eq!(Client::live(hub.subscribe_to(["prices"], &row)).ready(), ["2"]);
    let again = Event::text("row").id("row 7");
    assert!(block_on(hub.to("prices").publish(&again)).unwrap_err().is_duplicate_id());
    // A newer event still replaces the older one.
    block_on(hub.to("prices").key("ACME").publish(&Event::json(4))).unwrap();
    assert_eq!(Client::live(hub.subscribe_to(["prices"], &last)).ready(), ["row", "4"]);
}

#[test]
fn every_kind_of_frame_is_the_same_after_a_restart() {
    let folder = Folder::new();
    let hub = open(&folder);
    let start: LastEventId = tip(&hub).into();
    let events: Vec<Event> = vec![
        Event::text("").into(),
        Event::text("a\r\nb\rc\n").into(),
        Event::text(" leading: colon\n:").into(),
        Event::json([1, 2]).event_type("order").into(),
        Event::text("no type").no_event_type().into(),
        Event::text("empty type").event_type("").into(),
        Event::new().id("only an id"),
        Event::text("x").id(": odd id ").retry(Duration::from_millis(7_000)).into(),
        Event::new().id("x").event_type("y").retry(Duration::from_millis(1)),
        Event::text("\u{0}\u{2028}").into(),
        Event::text("x".repeat(60_000)).into(),
    ];
    block_on(join_all(events.iter().map(|event| hub.publish(event))));
    let frames = |hub: &Hub| {
        let mut client = Client::new(hub.subscribe(&start));
        client.next().unwrap();
        events.iter().map(|_| client.next().unwrap()).collect::<Vec<_>>()
    };
    let before = frames(&hub);
    drop(hub);
    assert_eq!(frames(&open(&folder)), before);
}

#[test]
fn a_torn_end_is_cut_and_no_position_is_given_twice() {
    let folder = Folder::new();
    let hub = open(&folder);
    let ids = publish_all(&hub, &["a", "b", "c"]);
    drop(hub);
    let file = folder.files().pop().unwrap();
    let bytes = fs::read(&file).unwrap();
    // The frame of the last event.
    let at = bytes.windows(7).rposition(|part| part == b"data: c").unwrap();
    for part in [&b"data: X"[..], &[0; 7]] {
        // With all that was written after it, as if the power had failed in the middle.
        let mut torn = bytes.clone();
        torn[at..at + 7].copy_from_slice(part);
        torn[at + 7..].fill(0);
        fs::write(&file, &torn).unwrap();
        let hub = open(&folder);
        assert_eq!(resume(&hub, &ids[0]).0, Resumption::Exact { missed: 1 });
        assert_eq!(resume(&hub, &ids[1]).0, Resumption::Exact { missed: 0 });
        let (lost, events) = resume(&hub, &ids[2]);
        assert!(matches!(lost, Resumption::Unknown { .. }), "{lost:?}");
        // It had all before that one.
        assert_eq!(events, ["gap"]);
        let again = publish(&hub, "d");
        assert_ne!(again, ids[2]);
        drop(hub);
        let hub = open(&folder);
        assert_eq!(resume(&hub, &ids[1]), (Resumption::Exact { missed: 1 }, vec!["d".into()]));
        assert_eq!(resume(&hub, &again).0, Resumption::Exact { missed: 0 });
        assert_eq!(hub.stats().rejected, 0);
        drop(hub);
        folder.files().iter().skip(1).for_each(|file| fs::remove_file(file).unwrap());
    }
}

#[test]
fn an_id_that_was_free_again_is_that_of_the_newer_event_with_larger_bounds() {
    let folder = Folder::new();
    let hub = Hub::builder().retain_events(1).disk(folder.path()).unwrap();
    let row = |text| block_on(hub.publish(&Event::text(text).id(EventId::from_static("row"))));
    let start = tip(&hub);
    row("old").unwrap();
    publish(&hub, "between");
    let id = row("new").unwrap().unwrap();
    drop(hub);
    let hub = open(&folder);
    assert_eq!(resume(&hub, &id).0, Resumption::Exact { missed: 0 });
    let (lost, events) = resume(&hub, &start);
    assert!(matches!(lost, Resumption::Unknown { .. }), "{lost:?}");
    assert_eq!(events, ["gap", "new"]);
}

#[test]
fn a_folder_belongs_to_one_hub() {
    let folder = Folder::new();
    let hub = open(&folder);
    let error = Hub::builder().disk(folder.path()).unwrap_err();
    assert!(error.is_in_use(), "{error:#}");
    assert_eq!(error.to_string(), "another hub uses the folder");
    publish(&hub, "a");
    drop(hub);
    assert_eq!(open(&folder).stats().retained, 1);
}

#[test]
fn an_event_is_published_only_by_a_future() {
    let folder = Folder::new();
    let hub = open(&folder);
    assert!(hub.try_publish(&Event::text("a")).unwrap_err().is_not_in_memory());
    assert_eq!((hub.stats().published, hub.status()), (0, Status::Live));
    // What is refused takes no number.
    assert!(publish(&hub, "b").as_str().ends_with("-1"));
    assert_eq!(block_on(hub.live()), Status::Live);
    assert!(block_on(hub.wait_for(&none())));
}

#[test]
fn closing_finishes_the_queue() {
    let folder = Folder::new();
    let hub = open(&folder);
    let publishing: Vec<_> = (0..100).map(|n| hub.publish(&Event::json(n)).boxed()).collect();
    let mut publishing = join_all(publishing);
    assert!((&mut publishing).now_or_never().is_none_or(|all| all.len() == 100));
    hub.close();
    assert!(block_on(hub.publish(&Event::text("late"))).unwrap_err().is_closed());
    block_on(hub.drained());
    assert_eq!(hub.status(), Status::Ended);
    // The folder is free before the last handle is dropped.
    let next = open(&folder);
    assert_eq!(next.stats().retained, 100);
}

#[test]
fn several_events_are_published_as_one_or_none_of_them() {
    let folder = Folder::new();
    let hub = open(&folder);
    let before = hub.position();
    let items = |texts: &[&str]| -> Vec<_> {
        texts.iter().map(|text| Event::text((*text).to_owned()).id(format!("row {text}"))).collect()
    };
    let (one, two) = (items(&["a", "b"]), items(&["c", "d", "e"]));
    // All of them wait for one write; the third has an id of the second.
    let (refused, last) = (items(&["f", "d", "g"]), items(&["h"]));
    let all = [one, two, refused, last].map(|items| hub.publish_all(items));
    let outcomes = block_on(join_all(all));
    let counts: Vec<_> =
        outcomes.iter().map(|outcome| outcome.as_ref().ok().map(Vec::len)).collect();
    assert_eq!(counts, [Some(2), Some(3), None, Some(1)]);
    assert!(outcomes[2].as_ref().unwrap_err().is_duplicate_id());
    assert_eq!(block_on(hub.publish_all(items(&[]))).unwrap(), []);
    drop(hub);
    let events = resume(&open(&folder), &before).1;
    assert_eq!(events, ["a", "b", "c", "d", "e", "h"]);
}

fn end(hub: &Hub, owner: &str) -> usize {
    block_on(hub.end_owner(owner, Reconnect::Never)).unwrap()
}

fn ended(hub: &Hub, owner: &str, authorized_at: SystemTime) -> Option<Reconnect> {
    hub.subscribe(&none()).owner(owner, authorized_at).ended()
}

#[test]
fn damaged_endings_are_not_forgotten_silently() {
    let folder = Folder::new();
    let hub = open(&folder);
    end(&hub, "user:7");
    end(&hub, "user:8");
    drop(hub);
    let file = folder.path().join("endings");
    let bytes = fs::read(&file).unwrap();
    for at in (0..bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1;
        for damaged in [&damaged[..], &bytes[..at]] {
            fs::write(&file, damaged).unwrap();
            let before = SystemTime::now();
            let hub = open(&folder);
            let authorized_at = SystemTime::now() - Duration::from_secs(60);
            // A part that ends with a whole record is as if the last one had not been written.
            let is_shorter = ended(&hub, "user:1", authorized_at).is_none();
            assert!(!is_shorter || damaged.len() == at, "{at}");
            if is_shorter {
                continue;
            }
            drop(hub);
            // Also after the next start; a new authorization is good.
            let hub = open(&folder);
            assert_eq!(ended(&hub, "user:1", before), Some(Reconnect::Soon), "{at}");
            assert_eq!(ended(&hub, "user:1", SystemTime::now()), None, "{at}");
            end(&hub, "user:9");
            assert_eq!(ended(&hub, "user:9", before), Some(Reconnect::Never));
        }
    }
}

#[test]
fn each_of_several_endings_survives_a_restart_and_ends_no_other_stream() {
    let folder = Folder::new();
    let before = SystemTime::now();
    let owners = ["user:1", "user:2", "user:3", "user:4"];
    for (n, owner) in owners.iter().enumerate() {
        let hub = open(&folder);
        end(&hub, owner);
        for owner in &owners[..=n] {
            end(&hub, owner);
        }
        drop(hub);
        let hub = open(&folder);
        for owner in &owners[..=n] {
            assert_eq!(ended(&hub, owner, before), Some(Reconnect::Never), "{n}: {owner}");
        }
        assert_eq!(ended(&hub, "another one", before), None, "{n}");
    }
}

#[test]
fn many_endings_take_a_bounded_file_and_the_newest_are_kept() {
    let folder = Folder::new();
    let builder = || Hub::builder().retain_endings(100);
    let hub = builder().disk(folder.path()).unwrap();
    let before = SystemTime::now();
    let name = |n: usize| format!("{n:04}{}", "x".repeat(1_000));
    for n in 0..500 {
        end(&hub, &name(n));
    }
    let last = SystemTime::now();
    end(&hub, &name(500));
    let len = fs::metadata(folder.path().join("endings")).unwrap().len();
    assert!(len < 400_000, "{len}");
    drop(hub);
    let hub = builder().disk(folder.path()).unwrap();
    assert_eq!(ended(&hub, &name(500), last), Some(Reconnect::Never));
    assert_eq!(ended(&hub, "another one", before), Some(Reconnect::Soon));
    assert_eq!(ended(&hub, "another one", last), None);
}

#[test]
fn an_end_that_cannot_be_kept_has_ended_the_streams_all_the_same() {
    let folder = Folder::new();
    let hub = open(&folder);
    let before = SystemTime::now();
    let subscriber = hub.subscribe(&none()).owner("user:7", before);
    // A folder in the place of the file that is to be made.
    let obstacle = folder.path().join("endings.unfinished");
    fs::create_dir(&obstacle).unwrap();
    let error = block_on(hub.end_owner("user:7", Reconnect::Never)).unwrap_err();
    assert!(error.is_not_appended(), "{error:#}");
    assert_eq!(subscriber.ended(), Some(Reconnect::Never));
    assert_eq!(ended(&hub, "user:7", before), Some(Reconnect::Never));
    // Events are another matter.
    publish(&hub, "a");
    fs::remove_dir(&obstacle).unwrap();
    end(&hub, "user:7");
    hub.close();
    let error = block_on(hub.end_owner("user:7", Reconnect::Never)).unwrap_err();
    assert!(error.is_closed(), "{error:#}");
    drop((hub, subscriber));
    assert_eq!(ended(&open(&folder), "user:7", before), Some(Reconnect::Never));
}

#[test]
fn a_path_that_is_no_folder_is_an_error() {
    let folder = Folder::new();
    fs::create_dir_all(folder.path()).unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = Hub::builder().disk(&file).unwrap_err();
    assert!(error.is_io(), "{error:#}");
    assert!(std::error::Error::source(&error).is_some_and(|cause| cause.is::<std::io::Error>()));
}

#[test]
fn a_batch_larger_than_a_file_gets_one_of_its_own() {
    let folder = Folder::new();
    let builder = || Hub::builder().max_frame(4 << 20).retain_bytes(64 << 20);
    let hub = builder().disk(folder.path()).unwrap();
    let ids = [100, 3 << 20, 100].map(|len| publish(&hub, &"x".repeat(len)));
    drop(hub);
    let hub = builder().disk(folder.path()).unwrap();
    assert_eq!(hub.subscribe(&ids[0].clone().into()).resumption(), Resumption::Exact { missed: 2 });
}

/// A subscriber that reads in its waker, and so waits again at once.
struct Reads {
    subscriber: Mutex<Subscriber>,
    wakes: AtomicUsize,
    frames: AtomicUsize,
}

impl Reads {
    fn read(self: &Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut subscriber = self.subscriber.lock().unwrap();
        let mut cx = Context::from_waker(&waker);
        while let Poll::Ready(Some(_)) = subscriber.poll_next_unpin(&mut cx) {
            self.frames.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Wake for Reads {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
        self.read();
    }
}

#[test]
fn events_that_are_on_the_disk_together_wake_each_subscriber_once() {
    let folder = Folder::new();
    let hub = open(&folder);
    let reads = ["", "other"].map(|topic| {
        let subscriber = Mutex::new(hub.subscribe_to([topic], &none()));
        Arc::new(Reads { subscriber, wakes: 0.into(), frames: 0.into() })
    });
    reads.iter().for_each(Reads::read);
    block_on(hub.publish_all((0..200).map(Event::json))).unwrap();
    let counts = reads
        .map(|reads| (reads.wakes.load(Ordering::Relaxed), reads.frames.load(Ordering::Relaxed)));
    // The first frame is the checkpoint.
    assert_eq!(counts, [(1, 201), (0, 1)]);
}
