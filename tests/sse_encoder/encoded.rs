//! `Encoded`: events that were encoded once, for any number of streams.

use std::{convert::Infallible, pin::pin};

use bytes::Bytes;
use sse_encoder::{Encode, Encoded, Encoder, Event, OnError};

use crate::{
    Torn, bare, boxed, frames, number, numbered,
    support::{
        Item, Pending, Script, all_chunks, assert_chunk, assert_end, assert_error, chunk, poll,
        ready_chunks, text,
    },
    with_encoder,
};

#[test]
fn an_event_encoded_once_is_the_same_in_every_stream() {
    let mut encoder = Encoder::new();
    encoder.set_next_id(5);
    for text_of_any_length in ["short".to_owned(), "x".repeat(50_000)] {
        let event = encoder.encode_once(&Event::text(text_of_any_length)).unwrap();
        assert_eq!(AsRef::<[u8]>::as_ref(&event), event.as_bytes());
        let expected = str::from_utf8(event.as_bytes()).unwrap().to_owned();
        for _subscriber in 0..3 {
            let chunks = ready_chunks(numbered(Script::new([Item(event.clone())])));
            assert_eq!(text(&chunks), expected);
        }
    }
}

/// An encoded event is sent at once. It is copied only into a chunk with others that are ready.
#[test]
fn a_lone_encoded_event_passes_through_and_a_burst_is_gathered() {
    let once = Encoder::bare().encode_once(&Event::text("once")).unwrap();
    let one = || boxed(once.clone());
    let empty = || boxed(Encoded::default());
    let other = || boxed(number(1));
    let torn = || boxed(Torn("x".repeat(40_000).into()));
    // The frames of each chunk; in capitals where it is the encoded event's own bytes.
    for (items, expected) in [
        (vec![one()], "O"),
        (vec![one(), torn()], "O"),
        (vec![one(), empty()], "O"),
        (vec![empty(), one()], "O"),
        (vec![torn(), one()], "O"),
        (vec![one(), one()], "O O"),
        (vec![one(), one(), one()], "O oo"),
        (vec![one(), other()], "O n"),
        (vec![one(), torn(), other()], "O n"),
        (vec![one(), one(), other()], "O on"),
        (vec![one(), Pending, one(), Pending, one()], "O O O"),
        (vec![other(), one()], "no"),
        (vec![other(), one(), other()], "non"),
        (vec![empty(), other()], "n"),
        (vec![empty()], ""),
    ] {
        let stream = bare(Script::new(items)).on_error(|_| OnError::Skip);
        let chunks = all_chunks(stream, || ());
        let found: Vec<_> = chunks
            .iter()
            .map(|chunk| {
                let text = str::from_utf8(chunk).unwrap();
                let text = text.replace("data: 1\n\n", "n").replace("data: once\n\n", "o");
                let passed = chunk.as_ptr() == once.as_bytes().as_ptr();
                if passed { text.to_uppercase() } else { text }
            })
            .collect();
        assert_eq!(found.join(" "), expected);
    }
}

#[test]
fn the_frame_limit_applies_to_each_encoded_frame() {
    let item = vec![Event::text("one"), Event::text("three")];
    let once = Encoder::bare().encode_once(&item).unwrap();
    let largest = "data: three\n\n".len();
    for (limit, fits) in [(largest, true), (largest - 1, false)] {
        let encoder = || Encoder::bare().max_frame(limit);
        let script = Script::new([Item(once.clone())]);
        let polled = poll(pin!(with_encoder(script, encoder())));
        let script = Script::new([Item(vec![once.clone()])]);
        let nested = poll(pin!(with_encoder(script, encoder())));
        for polled in [polled, nested] {
            if fits {
                assert_chunk(polled, "data: one\n\ndata: three\n\n");
            } else {
                assert_error(polled, &format!("the frame is larger than {limit} bytes"));
            }
        }
    }
}

#[test]
fn long_encoded_events_are_not_copied() {
    let long = "x".repeat(40_000);
    let once = Encoder::bare().encode_once(&Event::text(long.as_str())).unwrap();
    let one = || boxed(once.clone());
    let other = || boxed(number(1));
    let (long, short) = (once.as_bytes().len(), frames([1]).len());
    for (items, expected) in [
        (vec![other(), one(), one()], vec![short, long, long]),
        (vec![other(), one(), one(), other()], vec![short, long, long, short]),
        (vec![other(), one(), other(), one()], vec![short, long, short, long]),
    ] {
        let stream = bare(Script::new(items)).chunk_limit(1 << 20);
        let lens: Vec<_> = ready_chunks(stream).iter().map(Bytes::len).collect();
        assert_eq!(lens, expected);
    }
}

#[test]
fn an_encoded_event_passes_through_whatever_it_is_wrapped_in() {
    fn check(once: &Encoded, item: impl Encode + Unpin) {
        let chunk = chunk(pin!(bare(Script::new([Item(item)]))));
        assert_eq!(chunk.as_ptr(), once.as_bytes().as_ptr());
    }
    let once = Encoder::bare().encode_once(&Event::text("once")).unwrap();
    check(&once, once.clone());
    check(&once, Some(once.clone()));
    check(&once, Box::new(once.clone()));
    check(&once, Ok::<_, Infallible>(once.clone()));
    check(&once, Ok::<_, Infallible>(Some(Box::new(once.clone()))));
}

/// The chunk is full at once, so the event is not copied.
#[test]
fn an_encoded_event_counts_towards_the_chunk_limit() {
    let once = Encoder::bare().encode_once(&Event::text("once")).unwrap();
    let script = Script::new([Item(once.clone()), Item(once.clone())]);
    let mut stream = pin!(bare(script).chunk_limit(once.as_bytes().len()));
    for _ in 0..2 {
        assert_eq!(chunk(stream.as_mut()).as_ptr(), once.as_bytes().as_ptr());
    }
    assert_end(poll(stream.as_mut()));
}
