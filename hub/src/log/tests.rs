use std::time::{Duration, Instant};

use sse_encoder::{Event, EventId};

use super::{Bounds, Next, Numbering, Resumed, Retained, visits};
use crate::{
    frame::{Rules, encode},
    position::Position,
    topic::{EVERYTHING, TopicId},
};

fn retained(bounds: Bounds) -> Retained {
    Retained::new(Numbering::Counted { epoch: 7 }, &bounds)
}

fn append(log: &mut Retained, topic: TopicId, key: Option<&str>, event: &Event) {
    append_to(log, &[topic], key, event);
}

fn append_to(log: &mut Retained, topics: &[TopicId], key: Option<&str>, event: &Event) {
    let event = encode(event, Rules { max_frame: usize::MAX, reserved: &[] }).unwrap();
    let slot = log.slot(&event, None).unwrap();
    log.append(slot, (topics, 0), key, Some(Instant::now()), event, true);
    while log.trim(None).is_some() {}
}

#[test]
fn events_are_removed_at_their_age_and_not_before() {
    let age = Duration::from_secs(60);
    let mut log = retained(Bounds { events: 100, bytes: 1 << 20, keys: None, age: Some(age) });
    let before = Instant::now();
    for _ in 0..3 {
        append(&mut log, 0, None, &Event::text("kept").into());
        append(&mut log, 0, None, &Event::text("live").no_id().into());
    }
    let after = Instant::now();
    assert!(log.trim(Some(before + age - Duration::from_nanos(1))).is_none());
    assert_eq!((log.size().0, log.ephemeral.len(), log.evicted()), (3, 3, 0));
    while log.trim(Some(after + age)).is_some() {}
    assert_eq!((log.size(), log.ephemeral.len(), log.evicted()), ((0, 0), 0, 5));
    // A reader that had all of them has lost nothing.
    assert_eq!(log.lost_after([0].into_iter(), 5), None);
    assert_eq!(log.lost_after([0].into_iter(), 4), Some(5));
}

#[test]
fn an_emptied_log_holds_no_keys_or_ids() {
    let mut log = retained(Bounds { events: 2, bytes: 1 << 20, keys: Some(0), age: None });
    for n in 0..100 {
        let event = Event::text("a").id(EventId::new(format!("row {n}")).unwrap());
        append(&mut log, n, Some(&n.to_string()), &event.into());
        assert!(log.own_ids.len() <= 2);
        assert!(!log.has_entries(n.wrapping_sub(2)));
    }
    let (retained, bytes) = log.size();
    assert!(retained == 2 && bytes > 0);
    while let Some(entry) = log.kept.pop() {
        log.forget(&entry);
    }
    assert_eq!((log.size(), log.own_ids.len()), ((0, 0), 0));
}

#[test]
fn places_are_found_among_holes() {
    for holes in [0, 1, 3, 1_000] {
        let mut log = retained(Bounds { events: 1_000, bytes: 1 << 20, keys: None, age: None });
        let mut plain = Vec::new();
        for n in 0..200_u64 {
            // Spread unevenly.
            let is_hole = holes > 0 && (n % (holes + 1) != 0 || n > 100 && n % 7 != 0);
            append(&mut log, 0, is_hole.then_some("k"), &Event::json(n).into());
            if !is_hole {
                plain.push(log.tip());
            }
        }
        let newest_keyed = (1..=200).rev().find(|seq| !plain.contains(seq));
        for seq in 0..=201 {
            let is_there = plain.contains(&seq) || newest_keyed == Some(seq);
            assert_eq!(log.kept.get(seq).is_some(), is_there, "{holes} {seq}");
            let after = plain.iter().chain(&newest_keyed).filter(|other| **other > seq).count();
            assert_eq!(log.kept.count_after(seq), after, "{holes} {seq}");
        }
    }
}

/// A log with so many events of topic 1, beside each of which is one of topic 2 with the same key.
fn beside_a_key(events: u64, key: Option<&str>) -> Retained {
    let bounds = Bounds { events: usize::MAX, bytes: usize::MAX, keys: None, age: None };
    let mut log = retained(bounds);
    for n in 0..events {
        append(&mut log, 1, None, &Event::json(n).into());
        if key.is_some() {
            append(&mut log, 2, key, &Event::json(n).into());
        }
    }
    log
}

#[test]
fn subscribing_looks_at_logarithmically_many_events_however_many_were_missed() {
    const EVENTS: u64 = 100_000;
    let log = beside_a_key(EVENTS, Some("k"));
    for topics in [&[EVERYTHING][..], &[1, 2]] {
        for missed in [1, EVENTS / 3, EVENTS] {
            let last = Position::new(7, 2 * (EVENTS - missed)).to_id();
            let topics = topics.iter().copied();
            let visits = visits::during(|| {
                let Resumed::Exact(position) = log.resume(topics.clone(), Some(&last)) else {
                    panic!("a gap")
                };
                assert_eq!(log.count_after(topics, position.seq()) as u64, missed + 1);
            });
            assert!(visits as u32 <= 3 * EVENTS.ilog2(), "{missed} missed, {visits} visits");
        }
    }
}

#[test]
fn a_replay_beside_a_key_that_is_used_often_looks_at_no_more_than_twice_as_many_places() {
    const EVENTS: u64 = 20_000;
    let [plain, beside] = [None, Some("k")].map(|key| {
        let log = beside_a_key(EVENTS, key);
        let (mut cursor, mut frames) = (0, 0);
        let visits = visits::during(|| {
            while let Next::Entry(seq, _) = log.next([1, 2].into_iter(), cursor, 0) {
                (cursor, frames) = (seq, frames + 1);
            }
        });
        assert_eq!(frames, EVENTS + u64::from(key.is_some()));
        visits
    });
    assert!(beside <= 2 * plain, "{plain} visits, {beside} beside the key");
}

#[test]
fn an_evicted_event_of_several_topics_takes_no_room_in_any() {
    let mut log = retained(Bounds { events: 4, bytes: 1 << 20, keys: None, age: None });
    for n in 0..100 {
        let key = n.to_string();
        let key = (n % 2 == 0).then_some(&*key);
        append_to(&mut log, &[1, 2], key, &Event::json(n).into());
        for topic in [1, 2] {
            assert_eq!(log.index.get(topic).unwrap().count_shared(), 4.min(n as usize + 1), "{n}");
        }
    }
}

#[test]
fn as_many_bytes_as_the_bound_are_retained() {
    let event: Event = Event::text("x").into();
    let mut one = retained(Bounds { events: 100, bytes: 1 << 20, keys: None, age: None });
    append(&mut one, 0, None, &event);
    let bytes = 3 * one.size().1;
    let mut log = retained(Bounds { events: 100, bytes, keys: None, age: None });
    (0..5).for_each(|_| append(&mut log, 0, None, &event));
    assert_eq!(log.size(), (3, bytes));
}

#[test]
fn positions_are_renewed_once_a_bound_is_half_reached() {
    let long: Event = Event::text("x".repeat(100)).into();
    for bounds in [
        Bounds { events: 8, bytes: 1 << 20, keys: None, age: None },
        Bounds { events: 1 << 20, bytes: 900, keys: None, age: None },
    ] {
        let mut log = retained(bounds);
        let renewed = (0..4).map(|_| {
            append(&mut log, 0, None, &long);
            log.renew_below()
        });
        assert_eq!(renewed.collect::<Vec<_>>(), [0, 0, 0, 2], "{bounds:?}");
    }
}

#[cfg(feature = "redis")]
#[test]
fn a_remote_log_needs_the_retained_events_and_the_one_before_them() {
    let event: Event = Event::text("x".repeat(100)).into();
    let mut log = retained(Bounds { events: 10, bytes: 450, keys: None, age: None });
    // As many events as may be retained, as long as the bytes do not bound them.
    for span in [10, 10, 10, 4, 4] {
        append(&mut log, 0, None, &event);
        assert_eq!(log.span(), span);
    }
}
