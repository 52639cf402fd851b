//! Which items share a chunk, and how large it may be.

use std::{pin::pin, time::Duration};

use futures_core::{FusedStream, Stream};
use sse_encoder::{Event, SseEncoder};

use crate::{
    bare, failing, frames, number, numbered,
    support::{Item, Pending, Script, assert_chunk, assert_end, chunk, poll},
};

#[test]
fn a_poll_gathers_every_ready_item_into_one_chunk() {
    let script = Script::new([Item(number(1)), Item(number(2)), Pending, Pending, Item(number(3))]);
    let polls = script.polls.clone();
    let mut stream = pin!(bare(script));
    assert_chunk(poll(stream.as_mut()), &frames([1, 2]));
    assert_eq!(polls.get(), 3);
    assert!(poll(stream.as_mut()).is_pending());
    assert_chunk(poll(stream.as_mut()), &frames([3]));
    assert_end(poll(stream.as_mut()));
}

#[test]
fn an_empty_source_sends_no_chunk() {
    let mut stream = pin!(numbered(Script::<Event>::new([])));
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_chunk_at_its_limit_takes_no_further_item() {
    let frame = frames([0]).len();
    for (limit, per_chunk) in [(0, 1), (1, 1), (frame, 1), (frame + 1, 2), (3 * frame, 3)] {
        let script = Script::new((0..6).map(|n| Item(number(n))));
        let mut stream = pin!(bare(script).chunk_limit(limit));
        for start in (0..6).step_by(per_chunk) {
            let expected = frames(start..(start + per_chunk as u32).min(6));
            assert_chunk(poll(stream.as_mut()), &expected);
        }
        assert_end(poll(stream.as_mut()));
    }
}

#[test]
fn the_default_limit_bounds_the_chunk_of_an_always_ready_source() {
    let text = "x".repeat(1_000);
    let endless = std::iter::repeat_with(|| Item(Event::text(text.as_str()))).take(1_000);
    let mut stream = pin!(bare(Script::new(endless)));
    let chunk = chunk(stream.as_mut());
    let limit = 8 * 1024;
    assert_eq!(SseEncoder::DEFAULT_CHUNK_LIMIT, limit);
    assert!((limit..limit + 1_010).contains(&chunk.len()), "{}", chunk.len());
}

#[test]
fn the_size_hint_bounds_the_chunks_to_come() {
    let script = Script::new([Item(number(1)), Pending]);
    let mut stream = pin!(bare(script).comment("open"));
    assert_eq!(stream.size_hint(), (1, None));
    assert_chunk(poll(stream.as_mut()), &(": open\n".to_owned() + &frames([1])));
    assert_eq!(stream.size_hint(), (0, None));
    assert_end(poll(stream.as_mut()));
    assert_eq!(stream.size_hint(), (0, Some(0)));

    // The policy makes of an error what it likes.
    let invalid = SseEncoder::retry_after(Duration::ZERO);
    assert_eq!((invalid.size_hint(), invalid.is_terminated()), ((0, None), false));
    let mut invalid = pin!(invalid);
    assert_chunk(poll(invalid.as_mut()), ":\n");
    assert_eq!(invalid.size_hint(), (1, Some(1)));

    // An error that is still to come counts too.
    let mut stream = pin!(bare(failing()));
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert_eq!(stream.size_hint(), (1, None));
    assert!(!stream.is_terminated());
}
