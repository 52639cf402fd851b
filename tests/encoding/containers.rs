//! `Encode` for items of several frames: the containers, and a caller's own.

use bytes::BytesMut;
use sse_encoder::{Comment, Encode, Encoder, Error, Event, Frames};

use crate::{assert_rows, shapes::FailsHalfway, support::encode};

#[test]
fn containers_write_their_items_in_order() {
    assert_rows(&[
        ("box", &Box::new(Event::text("a")), "id: 1\nevent: message\ndata: a\n\n"),
        ("some", &Some(Comment::new("a")), ": a\n"),
        ("none", &None::<Event>, ""),
        ("vec", &vec![Comment::new("a"), Comment::new("b")], ": a\n: b\n"),
        ("vec: empty", &Vec::<Event>::new(), ""),
        ("array", &[Comment::new("a"), Comment::new("b")], ": a\n: b\n"),
        ("slice", &&[Comment::new("a"), Comment::new("b")][..1], ": a\n"),
        (
            "tuple",
            &(Comment::new("a"), Event::json(1).no_id(), Some(Event::text("b"))),
            ": a\nevent: message\ndata: 1\n\nid: 1\nevent: message\ndata: b\n\n",
        ),
    ]);
}

#[test]
fn a_container_is_written_whole_or_not_at_all() {
    let bad = || Event::text("").id("\n");
    for item in [
        &vec![Event::text("a"), bad()] as &dyn Encode,
        &[Event::text("a"), bad()],
        &(Event::text("a"), Comment::new("b"), bad()),
        &Some(bad()),
    ] {
        let mut encoder = Encoder::new();
        let mut dst = BytesMut::from("before");
        assert!(encoder.encode(item, &mut dst).is_err());
        assert_eq!((&dst[..], encoder.next_id()), (&b"before"[..], Some(1)));
    }
}

/// Swallows the error of its second frame.
struct SwallowsAnError;

impl Encode for SwallowsAnError {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::text("first").encode(frames)?;
        let _ = Event::json(FailsHalfway).encode(frames);
        Event::text("third").encode(frames)
    }
}

/// Fails after its first frame.
struct FailsAfterAFrame;

impl Encode for FailsAfterAFrame {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::text("first").encode(frames)?;
        Err(Error::other("no second frame"))
    }
}

#[test]
fn an_item_of_several_frames_is_written_whole_or_not_at_all() {
    assert_eq!(
        encode(&SwallowsAnError).unwrap(),
        "id: 1\nevent: message\ndata: first\n\nid: 2\nevent: message\ndata: third\n\n"
    );
    let mut dst = BytesMut::new();
    let mut encoder = Encoder::new();
    let error = encoder.encode(&FailsAfterAFrame, &mut dst).unwrap_err();
    assert_eq!(error.into_inner().unwrap().to_string(), "no second frame");
    assert_eq!((dst.len(), encoder.next_id()), (0, Some(1)));
}
