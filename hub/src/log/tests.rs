use std::time::{Duration, Instant};

use sse_encoder::{Event, EventId};

use super::{Bounds, Numbering, Retained};
use crate::{
    frame::{Rules, encode},
    topic::TopicId,
};

fn retained(bounds: Bounds) -> Retained {
    Retained::new(Numbering::Counted { epoch: 7 }, &bounds)
}

fn append(log: &mut Retained, topic: TopicId, key: Option<&str>, event: &Event) {
    let event = encode(event, Rules { max_frame: usize::MAX, reserved: &[] }).unwrap();
    let slot = log.slot(&event, None).unwrap();
    log.append(slot, (&[topic], 0), key, Some(Instant::now()), event, true);
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
