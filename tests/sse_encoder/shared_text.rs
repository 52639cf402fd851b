//! `Event::shared_text`: long lines are passed on, not copied.

use std::{pin::pin, rc::Rc};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use sse_encoder::{Encode, Encoder, Error, Event, Frames};

use crate::{
    Torn, bare, boxed, frames, number, numbered,
    support::{
        Clock, Item, Pending, Script, assert_chunk, assert_end, assert_error, chunk, poll,
        ready_chunks, text as text_of,
    },
    with_encoder,
};

/// Two frames of a long text, with another between.
struct Pages(Bytes);

impl Encode for Pages {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::shared_text(self.0.clone()).encode(frames)?;
        Event::text("between").encode(frames)?;
        Event::shared_text(self.0.clone()).encode(frames)
    }
}

#[test]
fn a_long_shared_line_is_a_chunk_of_its_own_and_is_not_copied() {
    let long = "x".repeat(32 * 1024);
    let text = Bytes::from(long.clone());
    let frame = format!("data: {long}\n\n");
    let script = Script::new([Item(Pages(text.clone())), Item(Pages(text.clone()))]);
    let mut stream = pin!(bare(script).chunk_limit(1 << 20));
    assert_chunk(poll(stream.as_mut()), "data: ");
    assert_eq!(stream.size_hint(), (8, Some(8)));
    assert!(!stream.is_terminated());
    assert_eq!(chunk(stream.as_mut()).as_ptr(), text.as_ptr());
    let rest = ready_chunks(stream);
    assert_eq!(rest.len(), 7);
    let pages = format!("{frame}data: between\n\n{frame}");
    assert_eq!(format!("data: {long}{}", text_of(&rest)), pages.repeat(2));
}

#[test]
fn a_lingering_chunk_keeps_its_shared_text() {
    let long = "x".repeat(40_000);
    let shared = boxed(Event::shared_text(long.clone()));
    let script = Script::new([boxed(number(1)), shared, Pending, boxed(number(2))]);
    let mut stream = pin!(bare(script).chunk_limit(1 << 20).linger(Clock::default().timer()));
    assert!(poll(stream.as_mut()).is_pending());
    let expected = format!("{}data: {long}\n\n{}", frames([1]), frames([2]));
    assert_eq!(text_of(&ready_chunks(stream)), expected);
}

#[test]
fn shared_text_of_several_lines_or_few_bytes_is_copied_like_any_text() {
    let short = "x".repeat(32 * 1024 - 1);
    for text in ["short".to_owned(), short, "two\nlines".repeat(10_000)] {
        let shared = ready_chunks(numbered(Script::new([Item(Event::shared_text(text.clone()))])));
        let copied = ready_chunks(numbered(Script::new([Item(Event::text(text))])));
        assert_eq!(shared, copied);
    }
}

#[test]
fn shared_text_counts_towards_the_chunk_limit() {
    let text = Bytes::from("x".repeat(40_000));
    let script = Script::new((0..7).map(|_| Item(Event::shared_text(text.clone()))));
    let polls = Rc::clone(&script.polls);
    let mut stream = pin!(bare(script).chunk_limit(100_000));
    assert_chunk(poll(stream.as_mut()), "data: ");
    assert_eq!(polls.get(), 3);
}

#[test]
fn a_failing_item_discards_its_shared_text() {
    let torn = || boxed(Torn("x".repeat(40_000).into()));
    let script = Script::new([torn(), Pending, torn(), boxed(number(1))]);
    let mut stream = pin!(bare(script));
    assert_error(poll(stream.as_mut()), "torn");
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "torn");
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert_end(poll(stream.as_mut()));
}

#[test]
fn shared_text_counts_towards_the_frame_limit() {
    let text = Bytes::from("x".repeat(40_000));
    let frame = "data: ".len() + 40_000 + "\n\n".len();
    for (limit, fits) in [(100, false), (40_000, false), (frame - 1, false), (frame, true)] {
        // For each frame by itself, also where several share a chunk.
        let script = Script::new((0..3).map(|_| Item(Event::shared_text(text.clone()))));
        let encoder = Encoder::bare().max_frame(limit);
        let mut stream = pin!(with_encoder(script, encoder).chunk_limit(1 << 20));
        if fits {
            assert_eq!(text_of(&ready_chunks(stream)).len(), 3 * frame);
        } else {
            let expected = format!("the frame is larger than {limit} bytes");
            assert_error(poll(stream.as_mut()), &expected);
        }
    }
}
