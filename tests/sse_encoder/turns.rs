//! How much one poll does, and when the stream wakes its own task.

use std::{
    pin::pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream};
use sse_encoder::Event;

use crate::{
    bare, frames, number, numbered,
    support::{Item, Pending, Script, Wakes, assert_chunk, assert_end, assert_error, poll},
};

#[test]
fn a_poll_takes_a_bounded_number_of_items() {
    let script = Script::new((0..10_000).map(|_| Item(number(0))));
    let polls = script.polls.clone();
    let mut stream = pin!(bare(script).chunk_limit(usize::MAX));
    let mut len = 0;
    while let Poll::Ready(Some(Ok(chunk))) = poll(stream.as_mut()) {
        assert!(polls.get() <= 1024, "{}", polls.get());
        polls.set(0);
        len += chunk.len();
    }
    assert_eq!(len, frames([0]).len() * 10_000);
}

#[test]
fn items_without_frames_count_towards_the_bound_of_a_poll_which_wakes_its_task() {
    let script = Script::new((0..3_000).map(|_| Item(Event::new())));
    let polls = script.polls.clone();
    let mut stream = pin!(numbered(script));
    let wakes = Arc::new(Wakes::default());
    let waker = wakes.waker();
    let mut pending = 0;
    while stream.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending() {
        pending += 1;
        assert!(polls.get() <= 1024 * pending);
        assert_eq!(wakes.count(), pending);
    }
    assert_eq!(pending, 2);
}

#[test]
fn a_pending_stream_does_not_wake_its_own_task() {
    let mut stream = pin!(bare(Script::new([Pending, Item(number(1))])));
    let wakes = Arc::new(Wakes::default());
    let waker = wakes.waker();
    assert!(stream.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(wakes.count(), 0);
}

/// A task that polls in a loop would otherwise hold up its thread.
#[test]
fn an_always_ready_source_yields_to_other_tasks() {
    let script = Script::new((0..1_000).map(|n| Item(number(n))));
    let wakes = Arc::new(Wakes::default());
    let waker = wakes.waker();
    let mut stream = pin!(bare(script).chunk_limit(0));
    let (mut chunks, mut turns) = (0, 0);
    loop {
        match stream.as_mut().poll_next(&mut Context::from_waker(&waker)) {
            Poll::Ready(Some(chunk)) => {
                assert_chunk(Poll::Ready(Some(chunk)), &frames([chunks]));
                chunks += 1;
            }
            Poll::Ready(None) => break,
            Poll::Pending => turns += 1,
        }
        assert!(chunks <= 64 * (turns + 1));
        assert_eq!(wakes.count(), turns as usize);
    }
    assert_eq!((chunks, turns), (1_000, 15));
}

/// At an error a server drops its unwritten chunks, and it writes while the stream is pending.
#[test]
fn between_a_chunk_and_an_error_the_stream_is_pending_once_and_wakes_its_task() {
    let wakes = Arc::new(Wakes::default());
    let waker = wakes.waker();
    let mut cx = Context::from_waker(&waker);
    // The chunk and the error are of different polls.
    let script = Script::new([Item(Ok(number(1))), Item(Err("no"))]);
    let mut stream = pin!(bare(script).chunk_limit(0));
    assert_chunk(stream.as_mut().poll_next(&mut cx), &frames([1]));
    assert!(stream.as_mut().poll_next(&mut cx).is_pending());
    assert_eq!(wakes.count(), 1);
    assert!(!stream.is_terminated());
    assert_error(stream.as_mut().poll_next(&mut cx), "no");
    assert_end(stream.as_mut().poll_next(&mut cx));

    // After a poll without a chunk the error follows at once.
    let script = Script::new([Item(Ok(number(1))), Pending, Pending, Item(Err("no"))]);
    let mut stream = pin!(bare(script));
    assert_chunk(stream.as_mut().poll_next(&mut cx), &frames([1]));
    assert!(stream.as_mut().poll_next(&mut cx).is_pending());
    assert_error(stream.as_mut().poll_next(&mut cx), "no");
}
