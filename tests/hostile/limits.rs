//! Items that come close to the limit of a frame, or exceed it.

use std::{cell::Cell, collections::BTreeMap};

use bytes::BytesMut;
use serde::{Serialize, Serializer, ser::SerializeSeq};
use sse_encoder::{Encode, Encoder, Event};

use crate::values::CountsVisits;

/// Ignores the error of its second element.
struct SwallowsAnError;

impl Serialize for SwallowsAnError {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        sequence.serialize_element(&1)?;
        let _ = sequence.serialize_element(&"x".repeat(10_000));
        sequence.end()
    }
}

#[test]
fn a_truncated_frame_is_never_accepted() {
    for members in [1, 40] {
        let mut other: BTreeMap<_, _> = (0..members).map(|index| (index, None)).collect();
        other.insert(members, Some(SwallowsAnError));
        let mut stream = BytesMut::new();
        let result = Encoder::new().max_frame(4_000).encode(&Event::merge((), &other), &mut stream);
        assert!(result.unwrap_err().is_too_large());
        assert!(stream.is_empty());
    }
}

#[test]
fn a_frame_that_fits_is_accepted_however_its_keys_were_spelled() {
    let members = |key: &str, value| {
        (0..40).map(|n| format!("\"{}{n}\":{value}", key.repeat(20))).collect::<Vec<_>>().join(",")
    };
    let json = format!("{{\"data\":{{{}}},{}}}", members("a", 0), members("\\u0061", 1));
    let event: Event = json.parse().unwrap();
    let mut frame = BytesMut::new();
    Encoder::new().encode(&event, &mut frame).unwrap();
    assert!(frame.len() < json.len() / 2);
    let mut again = BytesMut::new();
    Encoder::new().max_frame(frame.len()).encode(&event, &mut again).unwrap();
    assert_eq!(again, frame);
    let result = Encoder::new().max_frame(frame.len() - 1).encode(&event, &mut again);
    assert!(result.unwrap_err().is_too_large());
}

/// A large `other` is written into a buffer of its own first, within the frame's limit.
#[test]
fn members_beyond_the_limit_are_not_serialized() {
    let values: Vec<_> = (0..40).map(|_| CountsVisits("x".repeat(10_000), Cell::new(0))).collect();
    let other: BTreeMap<_, _> = values.iter().enumerate().collect();
    let mut stream = BytesMut::zeroed(1_000_000);
    let result = Encoder::new().max_frame(64 * 1024).encode(&Event::merge((), &other), &mut stream);
    assert!(result.unwrap_err().is_too_large());
    assert!(values.iter().filter(|value| value.1.get() > 0).count() < 20);
}

#[test]
fn the_limit_counts_the_frame_only() {
    #[derive(Serialize)]
    enum Variant {
        Struct { a: u8 },
    }
    let digits = "0123456789".repeat(5);
    let twice = format!("{{\"data\":{{\"a\":0}},\"a\":\"{digits}\",\"a\":1}}");
    let often = format!("{{{}\"b\":1}}", format!("\"a\":\"{digits}\",").repeat(40));
    let items: [&dyn Encode; 3] = [
        &Event::merge(Variant::Struct { a: 1 }, ()),
        &twice.parse::<Event>().unwrap(),
        &often.parse::<Event>().unwrap(),
    ];
    for item in items {
        let mut frame = BytesMut::new();
        Encoder::new().encode(item, &mut frame).unwrap();
        for before in [0, 10_000] {
            let mut stream = BytesMut::zeroed(before);
            let result = Encoder::new().max_frame(frame.len()).encode(item, &mut stream);
            assert!(result.is_ok(), "{frame:?} after {before} bytes: {result:?}");
        }
    }
}
