//! Positions and gaps of a log elsewhere, several topics, and what other threads do meanwhile.

use futures_executor::block_on;
use futures_util::{FutureExt, StreamExt};

use sse_encoder::{Event, LastEventId};

use super::*;
use crate::{
    builder::HubBuilder,
    frame::encode,
    history::History,
    resumption::Resumption,
    subscriber::{Interest, Subscriber},
};

fn position(n: u64) -> Position {
    Position::new(1_795_333_614_958, n)
}

fn record(feed: &Feed, n: u64, text: &str) -> Outcome {
    let event = encode(&Event::text(text), feed.settings.rules())?;
    feed.record(Draft { topics: Names::One(""), key: None, event }, Some(position(n)))
}

fn subscribe(feed: &Arc<Feed>, last: &LastEventId) -> Subscriber {
    Subscriber::new(feed.clone(), Interest::Topics([""].into_iter()), last)
}

fn last(n: u64) -> LastEventId {
    position(n).to_id().into()
}

fn next(subscriber: &mut Subscriber) -> Option<String> {
    let frame = subscriber.next().now_or_never()??;
    Some(String::from_utf8(frame.as_bytes().to_vec()).unwrap())
}

fn feed() -> Arc<Feed> {
    let settings = HubBuilder::default().retain_events(3).settings();
    let feed = Feed::new(settings, Numbering::Given);
    for n in [2, 3, 5, 8, 13] {
        record(&feed, n, &n.to_string()).unwrap();
    }
    feed
}

#[test]
fn only_positions_of_retained_entries_are_known() {
    let feed = feed();
    for (n, missed) in [(3, 3), (5, 2), (8, 1), (13, 0)] {
        let exact = Resumption::Exact { missed };
        assert_eq!(subscribe(&feed, &last(n)).resumption(), exact, "{n}");
    }
    for n in [0, 1, 2, 4, 6, 12, 14, u64::MAX] {
        let resumption = subscribe(&feed, &last(n)).resumption();
        assert!(matches!(resumption, Resumption::Unknown { .. }), "{n}: {resumption:?}");
    }
    let mut subscriber = subscribe(&feed, &last(8));
    let checkpoint = next(&mut subscriber).unwrap();
    assert!(checkpoint.starts_with(&format!("id: {}\n", position(8))), "{checkpoint}");
    let frame = format!("id: {}\nevent: message\ndata: 13\n\n", position(13));
    assert_eq!(next(&mut subscriber), Some(frame));
    assert_eq!(next(&mut subscriber), None);
}

/// A feed with so many updates, in turn, of three keys.
fn keyed(updates: u64) -> Arc<Feed> {
    let feed = Feed::new(HubBuilder::default().retain_events(256).settings(), Numbering::Given);
    feed.record_gap(position(0)).unwrap();
    for n in 1..=updates {
        let event = encode(&Event::json(n), feed.settings.rules()).unwrap();
        let key = Some(["a", "b", "c"][n as usize % 3]);
        feed.record(Draft { topics: Names::One(""), key, event }, Some(position(n))).unwrap();
    }
    feed
}

#[test]
fn a_client_resumes_after_a_replaced_event_of_a_remote_log() {
    let feed = keyed(900);
    assert_eq!(feed.read().retained.size().0, 3);
    for n in 0..=900 {
        let missed = 3.min(900 - n as usize);
        let exact = Resumption::Exact { missed };
        assert_eq!(subscribe(&feed, &last(n)).resumption(), exact, "{n}");
    }
    // A position that was none of this log's stays unknown.
    let other = Position::new(position(0).epoch + 1, 5).to_id().into();
    assert!(matches!(subscribe(&feed, &other).resumption(), Resumption::Unknown { .. }));
}

#[test]
fn the_places_of_replaced_events_are_bounded() {
    let settings = HubBuilder::default().retain_events(10).retain_bytes(4_000).settings();
    let feed = Feed::new(settings, Numbering::Given);
    for n in 1..1_000 {
        let id = EventId::new(format!("row {n}")).unwrap();
        let event = encode(&Event::json(n).id(id), feed.settings.rules()).unwrap();
        let draft = Draft { topics: Names::One(""), key: Some("k"), event };
        feed.record(draft, Some(position(n))).unwrap();
    }
    assert_eq!(feed.read().retained.places(), (1, 10, 11));
    let (old, new) = (subscribe(&feed, &last(988)), subscribe(&feed, &last(989)));
    assert!(matches!(old.resumption(), Resumption::Unknown { .. }));
    assert_eq!(new.resumption(), Resumption::Exact { missed: 1 });
    feed.record_gap(position(2_000)).unwrap();
    assert_eq!(feed.read().retained.places(), (0, 0, 0));
}

fn publish(feed: &Feed, topics: &[&str], key: Option<&str>, text: &str) {
    let event = encode(&Event::text(text), feed.settings.rules()).unwrap();
    feed.record(Draft { topics: Names::Several(topics), key, event }, None).unwrap();
}

fn in_memory() -> Arc<Feed> {
    let settings = HubBuilder::default().retain_events(100).settings();
    Feed::new(settings, Numbering::Counted { epoch: 7 })
}

fn data(subscriber: &mut Subscriber) -> Vec<String> {
    let frames = std::iter::from_fn(|| next(subscriber));
    let data = frames.map(|frame| frame.split("data: ").nth(1).unwrap().trim_end().to_owned());
    data.filter(|data| data != "{}").collect()
}

#[test]
fn an_event_in_several_topics_is_heard_and_counted_once() {
    let feed = in_memory();
    let subscribe = |topics: &[&str], n: u64| {
        let last = Position::new(7, n).to_id().into();
        Subscriber::new(feed.clone(), Interest::Topics(topics.iter().copied()), &last)
    };
    let mut live = subscribe(&["a", "b"], 0);
    let mut all = Subscriber::new(
        feed.clone(),
        Interest::<std::iter::Empty<_>>::Everything,
        &LastEventId::none(),
    );
    for (topics, text) in [
        (&["a", "b"][..], "1"),
        (&["b"], "2"),
        (&["c", "b", "c", "a"], "3"),
        (&["a"], "4"),
        (&["c"], "5"),
        (&[], "6"),
        (&["b", "c"], "7"),
    ] {
        publish(&feed, topics, None, text);
    }
    assert_eq!(feed.read().retained.size().0, 7);
    for (topics, expected) in [
        (&["a", "b"][..], &["1", "2", "3", "4", "7"][..]),
        (&["b", "a"], &["1", "2", "3", "4", "7"]),
        (&["a"], &["1", "3", "4"]),
        (&["c"], &["3", "5", "7"]),
        (&["c", "a"], &["1", "3", "4", "5", "7"]),
        (&["a", "b", "c", ""], &["1", "2", "3", "4", "5", "6", "7"]),
        (&["", "d"], &["6"]),
    ] {
        for n in 0..=7 {
            let mut subscriber = subscribe(topics, n);
            let expected: Vec<_> = expected.iter().skip_while(|t| ***t <= *n.to_string()).collect();
            let exact = Resumption::Exact { missed: expected.len() };
            assert_eq!(subscriber.resumption(), exact, "{topics:?} {n}");
            assert_eq!(
                data(&mut subscriber),
                expected.into_iter().map(|t| t.to_string()).collect::<Vec<_>>()
            );
        }
    }
    assert_eq!(data(&mut live), ["1", "2", "3", "4", "7"]);
    assert_eq!(data(&mut all), ["1", "2", "3", "4", "5", "6", "7"]);
}

#[test]
fn an_event_in_several_topics_wakes_each_task_once() {
    #[derive(Default)]
    struct Wakes(AtomicUsize);
    impl std::task::Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let feed = in_memory();
    let mut subscribers: Vec<_> = (0..20)
        .map(|n| {
            let topics = [&["a", "b"][..], &["b"], &["a", "b", "c"], &["c"]][n % 4];
            let interest = Interest::Topics(topics.iter().copied());
            let subscriber = Subscriber::new(feed.clone(), interest, &LastEventId::none());
            (topics, subscriber, Arc::new(Wakes::default()))
        })
        .collect();
    for (_, subscriber, wakes) in &mut subscribers {
        let waker = Waker::from(wakes.clone());
        let mut cx = std::task::Context::from_waker(&waker);
        while subscriber.poll_next_unpin(&mut cx).is_ready() {}
    }
    publish(&feed, &["b", "a"], None, "once");
    for (topics, subscriber, wakes) in &mut subscribers {
        let hears = topics.contains(&"b");
        assert_eq!(wakes.0.load(Ordering::Relaxed), usize::from(hears));
        assert_eq!(data(subscriber).len(), usize::from(hears), "{topics:?}");
    }
}

#[test]
fn a_key_is_one_of_each_topic() {
    let feed = in_memory();
    let resume = |topics: &[&str], n: u64| {
        let last = Position::new(7, n).to_id().into();
        let interest = Interest::Topics(topics.iter().copied());
        let mut subscriber = Subscriber::new(feed.clone(), interest, &last);
        let Resumption::Exact { missed } = subscriber.resumption() else { panic!() };
        let data = data(&mut subscriber);
        assert_eq!(data.len(), missed, "{topics:?} {n}");
        data
    };
    publish(&feed, &["a", "b"], Some("k"), "1");
    publish(&feed, &["a"], Some("k"), "2");
    // It is still the newest one of the other topic.
    assert_eq!(resume(&["a"], 0), ["2"]);
    assert_eq!(resume(&["b"], 0), ["1"]);
    assert_eq!(resume(&["a", "b"], 0), ["1", "2"]);
    assert_eq!(feed.read().retained.size().0, 2);
    publish(&feed, &["b", "a"], Some("k"), "3");
    for topics in [&["a"][..], &["b"], &["a", "b"]] {
        assert_eq!(resume(topics, 0), ["3"], "{topics:?}");
        assert_eq!(resume(topics, 1), ["3"], "{topics:?}");
    }
    assert_eq!(feed.read().retained.size().0, 1);
}

#[test]
fn an_event_that_is_replaced_in_a_topic_is_not_evicted_from_it() {
    let topics = ["a", "b", "c"];
    for replaced in topics {
        let settings = HubBuilder::default().retain_events(2).settings();
        let feed = Feed::new(settings, Numbering::Counted { epoch: 7 });
        publish(&feed, &topics, Some("k"), "1");
        publish(&feed, &[replaced], Some("k"), "2");
        publish(&feed, &[], None, "3");
        for topic in topics {
            let last = Position::new(7, 0).to_id().into();
            let interest = Interest::Topics([topic].into_iter());
            let resumption = Subscriber::new(feed.clone(), interest, &last).resumption();
            if topic == replaced {
                assert_eq!(resumption, Resumption::Exact { missed: 1 }, "{topic}");
            } else {
                assert!(matches!(resumption, Resumption::Gap { .. }), "{topic}: {resumption:?}");
            }
        }
    }
}

#[test]
fn a_subscription_to_known_topics_shares_the_lock() {
    let feed = in_memory();
    let is_shared = |names: Option<&[&str]>| {
        let (state, _) = feed.watch(names.map(|names| names.iter().copied()));
        matches!(state, Locked::Shared(_))
    };
    assert!(is_shared(None) && is_shared(Some(&[""])) && is_shared(Some(&[])));
    assert!(!is_shared(Some(&["", "a"])));
    publish(&feed, &["a"], None, "1");
    drop(Subscriber::new(feed.clone(), Interest::Topics(["a"].into_iter()), &LastEventId::none()));
    // Its list stays as long as the topic has entries.
    assert!(is_shared(Some(&["", "a"])));
}

#[test]
fn a_topic_without_events_is_forgotten_with_its_last_reader() {
    let feed = in_memory();
    let interest = || Interest::Topics(["a", "b"].into_iter());
    let first = Subscriber::new(feed.clone(), interest(), &LastEventId::none());
    let second = Subscriber::new(feed.clone(), interest(), &LastEventId::none());
    drop(first);
    assert_eq!(feed.read().topics.count(), 3);
    drop(second);
    assert_eq!((feed.read().topics.count(), feed.read().lists.all().count()), (1, 3));
    drop(History::read(&feed, ["a", "b"].into_iter(), &LastEventId::none(), 1));
    assert_eq!((feed.read().topics.count(), feed.read().lists.all().count()), (1, 3));
}

#[test]
fn topics_that_are_lost_and_made_again_leave_nothing_behind() {
    let settings = HubBuilder::default().retain_events(10_000).settings();
    let feed = Feed::new(settings, Numbering::Given);
    let mut n = 0;
    for round in 0..3 {
        for topic in 0..1_000 {
            n += 1;
            let topic = format!("{round}:{topic}");
            let event = encode(&Event::json(n), feed.settings.rules()).unwrap();
            let draft = Draft { topics: Names::One(&topic), key: Some("k"), event };
            feed.record(draft, Some(position(n))).unwrap();
            let interest = Interest::Topics([&*topic].into_iter());
            drop(Subscriber::new(feed.clone(), interest, &LastEventId::none()));
        }
        n += 1;
        feed.record_gap(position(n)).unwrap();
        let state = feed.read();
        // Their ids are used again.
        assert_eq!((state.topics.len(), state.lists.len()), (1_001, 1_001));
        assert_eq!((state.topics.count(), state.lists.all().count()), (1, 3));
        assert_eq!(state.retained.places(), (0, 0, 0));
    }
}

#[test]
fn a_loss_with_a_stale_position_leaves_no_topic_behind() {
    let feed = feed();
    let error = feed.record_loss(Names::Several(&["a", "b"]), position(13)).unwrap_err();
    assert!(error.is_stale_position());
    assert_eq!(feed.read().topics.count(), 1);
}

#[test]
fn figures_are_read_while_a_publisher_has_the_log() {
    let feed = in_memory();
    publish(&feed, &[""], None, "1");
    let state = feed.write();
    assert_eq!((feed.published(), feed.delivered(), feed.retained().0), (1, 0, 1));
    drop(state);
}

#[test]
fn an_ephemeral_event_of_which_nobody_hears_takes_no_room() {
    let feed = in_memory();
    let ephemeral = |topic| {
        let event = encode(&Event::text("x").no_id(), feed.settings.rules()).unwrap();
        feed.record(Draft { topics: Names::One(topic), key: None, event }, None).unwrap();
    };
    ephemeral("");
    ephemeral("a");
    let places = || feed.read().retained.ephemeral_len();
    assert_eq!((places(), feed.read().topics.get("a")), (0, None));
    let interest = Interest::Topics(["a"].into_iter());
    let subscriber = Subscriber::new(feed.clone(), interest, &LastEventId::none());
    ephemeral("");
    ephemeral("a");
    assert_eq!(places(), 1);
    drop(subscriber);
}

#[test]
fn a_position_not_beyond_the_newest_is_refused() {
    let feed = feed();
    for n in [1, 8, 13] {
        assert!(record(&feed, n, "again").unwrap_err().is_stale_position(), "{n}");
    }
    assert!(record(&feed, 14, "new").is_ok());
}

/// Loses events for everybody: pushed out of what is retained, or lost by the log.
const LOSSES: [fn(&Feed); 2] = [
    |feed| (20..30).for_each(|n| _ = record(feed, n, &n.to_string()).unwrap()),
    |feed| feed.record_gap(position(29)).unwrap(),
];

#[test]
fn no_position_is_told_after_a_loss_before_the_gap_that_tells_of_it() {
    for lose in LOSSES {
        for last in [LastEventId::none(), last(8)] {
            let feed = feed();
            let mut subscriber = subscribe(&feed, &last);
            lose(&feed);
            let checkpoint = next(&mut subscriber).unwrap();
            assert!(checkpoint.starts_with("event: checkpoint\n"), "{checkpoint}");
            let gap = next(&mut subscriber).unwrap();
            assert!(gap.starts_with("id: ") && gap.contains("\nevent: gap\n"), "{gap}");
        }
    }
}

#[test]
fn a_state_has_no_position_if_events_were_lost_while_it_was_loaded() {
    for lose in LOSSES {
        for last in [LastEventId::none(), last(1)] {
            let feed = feed();
            let mut subscriber = subscribe(&feed, &last);
            lose(&feed);
            subscriber.begin_with(&Event::text("a state")).unwrap();
            for opening in ["event: checkpoint\n", "event: message\ndata: a state\n"] {
                let frame = next(&mut subscriber).unwrap();
                assert!(frame.starts_with(opening), "{frame}");
            }
            let gap = next(&mut subscriber).unwrap();
            assert!(gap.starts_with("id: ") && gap.contains("\nevent: gap\n"), "{gap}");
        }
    }
    let feed = feed();
    let mut subscriber = subscribe(&feed, &LastEventId::none());
    subscriber.begin_with(&Event::text("a state")).unwrap();
    record(&feed, 20, "20").unwrap();
    assert!(next(&mut subscriber).unwrap().starts_with("event: checkpoint\n"));
    let state = next(&mut subscriber).unwrap();
    assert!(state.starts_with(&format!("id: {}\n", position(13))), "{state}");
}

#[test]
fn a_loss_in_other_topics_does_not_hide_a_position() {
    let feed = feed();
    let interest = || Interest::Topics(["quiet"].into_iter());
    let mut other = Subscriber::new(feed.clone(), interest(), &LastEventId::none());
    LOSSES[0](&feed);
    let checkpoint = next(&mut other).unwrap();
    assert!(checkpoint.starts_with("id: "), "{checkpoint}");
}

#[test]
fn an_event_that_cannot_be_taken_moves_the_newest_position() {
    let feed = feed();
    feed.record_loss(Names::One("other"), position(20)).unwrap();
    let mut subscriber = subscribe(&feed, &LastEventId::none());
    let checkpoint = next(&mut subscriber).unwrap();
    assert!(checkpoint.starts_with(&format!("id: {}\n", position(20))), "{checkpoint}");
    record(&feed, 21, "21").unwrap();
    let interest = Interest::Topics(["other"].into_iter());
    let late = Subscriber::new(feed, interest, &last(20));
    assert_eq!(late.resumption(), Resumption::Exact { missed: 0 });
}

#[test]
fn events_lost_by_the_log_are_a_gap_for_every_subscriber() {
    let feed = feed();
    let mut subscriber = subscribe(&feed, &LastEventId::none());
    assert!(next(&mut subscriber).is_some());
    assert_eq!(next(&mut subscriber), None);
    feed.record_gap(position(20)).unwrap();
    record(&feed, 21, "21").unwrap();
    assert_eq!(
        next(&mut subscriber).unwrap(),
        format!(
            "id: {0}\nevent: gap\ndata: {{\"requested\":null,\"resumed_after\":\"{0}\"}}\n\n",
            position(20)
        )
    );
    assert!(next(&mut subscriber).unwrap().ends_with("data: 21\n\n"));
    assert!(matches!(subscribe(&feed, &last(13)).resumption(), Resumption::Unknown { .. }));
    assert_eq!(subscribe(&feed, &last(20)).resumption(), Resumption::Exact { missed: 1 });
    feed.close();
    assert!(feed.record_gap(position(30)).unwrap_err().is_closed());
    drop(subscriber);
    block_on(feed.drained());
}
