//! `Encoder`: the counter, the settings, and errors.

use std::collections::BTreeMap;

use bytes::BytesMut;
use sse_encoder::{Encode, Encoder, Event};

use crate::{
    event::TICK,
    shapes::{DATA, FailsHalfway},
};

#[test]
fn an_error_changes_neither_the_buffer_nor_the_counter() {
    let mut encoder = Encoder::new();
    let mut dst = BytesMut::new();
    encoder.encode(&Event::text("first"), &mut dst).unwrap();
    let before = dst.clone();
    let nested = BTreeMap::from([("x", FailsHalfway)]);
    for event in [
        &Event::json(FailsHalfway) as &dyn Encode,
        &Event::merge(FailsHalfway, &DATA),
        &Event::merge(&DATA, FailsHalfway),
        &Event::merge(&nested, &DATA),
        &Event::merge(&DATA, &nested),
        &Event::spread(FailsHalfway, FailsHalfway),
    ] {
        let error = encoder.encode(event, &mut dst).unwrap_err();
        assert!(error.is_serialize(), "{error}");
        assert!(format!("{error:#}").contains("no second member"), "{error}");
        assert_eq!((&dst, encoder.next_id()), (&before, Some(2)));
    }
}

#[test]
fn the_counter_advances_for_automatic_ids_only_until_it_is_exhausted() {
    let mut encoder = Encoder::new();
    let mut dst = BytesMut::new();
    for event in
        [Event::text("a"), Event::text("b").id(900), Event::text("c").no_id(), Event::text("d")]
    {
        encoder.encode(&event, &mut dst).unwrap();
    }
    assert_eq!(encoder.next_id(), Some(3));
    encoder.set_next_id(u64::MAX);
    dst.clear();
    encoder.encode(&Event::text("last"), &mut dst).unwrap();
    assert_eq!(dst, "id: 18446744073709551615\nevent: message\ndata: last\n\n");
    assert_eq!(encoder.next_id(), None);
    let before = dst.clone();
    assert!(encoder.encode(&Event::text("more"), &mut dst).unwrap_err().is_exhausted());
    assert_eq!(dst, before);
    encoder.encode(&Event::text("x").id(1), &mut dst).unwrap();
}

#[test]
fn automatic_ids_and_the_default_type_can_be_switched_off() {
    let rows = [
        (Encoder::bare(), "data: a\n\n"),
        (Encoder::new().automatic_ids(false), "event: message\ndata: a\n\n"),
        (Encoder::new().default_type(false), "id: 1\ndata: a\n\n"),
    ];
    for (mut encoder, expected) in rows {
        let mut dst = BytesMut::new();
        encoder.encode(&Event::text("a"), &mut dst).unwrap();
        assert_eq!(dst, expected);
        dst.clear();
        encoder.encode(&Event::text("a").id(7).event_type(TICK), &mut dst).unwrap();
        assert_eq!(dst, "id: 7\nevent: tick\ndata: a\n\n");
    }
}
