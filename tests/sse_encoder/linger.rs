//! Chunks that wait for more items.

use std::pin::{Pin, pin};

use bytes::Bytes;
use futures_core::Stream;
use sse_encoder::{Encoder, Error, Event};

use crate::{
    bare, frames, number,
    support::{Clock, Item, Pending, Script, Signal, assert_chunk, assert_end, assert_error, poll},
};

/// The last chunk, and then the end.
#[track_caller]
fn assert_end_of(mut stream: Pin<&mut impl Stream<Item = Result<Bytes, Error>>>, expected: &str) {
    assert_chunk(poll(stream.as_mut()), expected);
    assert_end(poll(stream));
}

#[test]
fn a_lingering_chunk_gathers_items_until_its_interval_elapses() {
    let clock = Clock::default();
    let script = Script::new([
        Pending,
        Item(number(1)),
        Pending,
        Item(number(2)),
        Item(number(3)),
        Pending,
        Pending,
        Item(number(4)),
        Pending,
    ]);
    let mut stream = pin!(bare(script).linger(clock.timer()));
    // No item waits yet.
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!((clock.polls(), clock.begun()), (0, 0));
    // The interval begins with the first item and continues with the next.
    assert!(poll(stream.as_mut()).is_pending());
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!((clock.polls(), clock.begun()), (2, 1));
    assert_eq!(stream.size_hint(), (1, None));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), &frames([1, 2, 3]));
    // The next chunk begins another.
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!(clock.begun(), 2);
    assert_end_of(stream.as_mut(), &frames([4]));
}

#[test]
fn the_end_an_error_a_stop_signal_and_the_limit_send_the_chunk_at_once() {
    let clock = Clock::default();
    let one = || [Item(Ok(number(1))), Pending];

    let mut stream = pin!(bare(Script::new(one().into_iter().take(1))).linger(clock.timer()));
    assert_end_of(stream.as_mut(), &frames([1]));

    let script = Script::new(one().into_iter().chain([Item(Err("no")), Item(Ok(number(2)))]));
    let mut stream = pin!(bare(script).linger(clock.timer()));
    assert!(poll(stream.as_mut()).is_pending());
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "no");

    let signal = Signal::default();
    let script = Script::new(one().into_iter().chain([Pending]));
    let mut stream = pin!(bare(script).linger(clock.timer()).stop_on(signal.clone()));
    assert!(poll(stream.as_mut()).is_pending());
    signal.send();
    assert_end_of(stream.as_mut(), &frames([1]));

    let script = Script::new(one().into_iter().chain([Item(Ok(number(2))), Pending]));
    let mut stream = pin!(bare(script).linger(clock.timer()).chunk_limit(frames([1, 2]).len()));
    assert!(poll(stream.as_mut()).is_pending());
    assert_chunk(poll(stream.as_mut()), &frames([1, 2]));
}

#[test]
fn encoded_frames_linger_too() {
    let clock = Clock::default();
    let once = Encoder::bare().encode_once(&Event::text("once")).unwrap();
    let script = Script::new([Item(once.clone()), Pending, Item(once), Pending, Pending]);
    let mut stream = pin!(bare(script).linger(clock.timer()));
    assert!(poll(stream.as_mut()).is_pending());
    assert!(poll(stream.as_mut()).is_pending());
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), "data: once\n\ndata: once\n\n");
}
