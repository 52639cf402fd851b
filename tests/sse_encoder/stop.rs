//! Stop signals and last items.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    rc::Rc,
};

use futures_core::FusedStream;
use sse_encoder::{Encode, Error, Event, Frames};

use crate::{
    bare, frames, number, numbered,
    support::{Item, Pending, Script, Signal, assert_chunk, assert_end, assert_error, poll},
};

#[test]
fn a_stop_signal_ends_the_stream_between_two_frames() {
    let signal = Signal::default();
    let script = Script::new((0..100).map(|n| Item(number(n))));
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(bare(script).chunk_limit(1).stop_on(signal.clone()));
    assert_chunk(poll(stream.as_mut()), &frames([0]));
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    signal.send();
    assert_end(poll(stream.as_mut()));
    assert!(alive.upgrade().is_none());
    assert!(stream.is_terminated());
}

#[test]
fn the_first_of_several_stop_signals_ends_the_stream() {
    for first in 0..3 {
        let signals: [Signal; 3] = Default::default();
        let goodbye = |signal: &Signal, text: &'static str| {
            let signal = signal.clone();
            async move {
                signal.await;
                Event::text(text)
            }
        };
        let failing = |signal: &Signal| {
            let signal = signal.clone();
            async move {
                signal.await;
                Err::<Event, _>("no last item")
            }
        };
        let script = Script::new((0..9).map(|_| Pending::<Event>));
        let stream = bare(script)
            .stop_on(signals[0].clone())
            .stop_with(goodbye(&signals[1], "goodbye"))
            .stop_with(failing(&signals[2]));
        let mut stream = pin!(stream);
        assert!(poll(stream.as_mut()).is_pending());
        signals[first].send();
        match first {
            0 => {}
            1 => assert_chunk(poll(stream.as_mut()), "data: goodbye\n\n"),
            _ => assert_error(poll(stream.as_mut()), "no last item"),
        }
        assert_end(poll(stream.as_mut()));
        // The others are not polled any more.
        signals.iter().for_each(Signal::send);
        assert_end(poll(stream.as_mut()));
    }
}

#[test]
fn stop_with_sends_a_last_item_without_an_automatic_id() {
    let signal = Signal::default();
    let last = {
        let signal = signal.clone();
        async move {
            signal.await;
            Event::text("goodbye")
        }
    };
    let script = Script::new([Item(number(0)), Pending, Pending]);
    let mut stream = pin!(numbered(script).stop_with(last));
    assert_chunk(poll(stream.as_mut()), "id: 1\nevent: message\ndata: 0\n\n");
    assert!(poll(stream.as_mut()).is_pending());
    signal.send();
    assert_chunk(poll(stream.as_mut()), "event: message\ndata: goodbye\n\n");
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_last_item_that_panics_ends_the_stream() {
    struct Panics;
    impl Encode for Panics {
        fn encode(&self, _: &mut Frames<'_>) -> Result<(), Error> {
            panic!("the item's own")
        }
    }
    let script = Script::new([Item(number(1)), Item(number(2))]);
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(bare(script).stop_with(async { Panics }));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(stream.as_mut()))).is_err());
    assert_eq!(alive.strong_count(), 0);
    // The signal is not polled again.
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_last_item_that_fails_is_an_error_before_the_end() {
    let mut stream = pin!(
        bare(Script::<Event>::new([Pending]))
            .comment("open")
            .stop_with(async { Err::<Event, _>("no last item") })
    );
    assert_chunk(poll(stream.as_mut()), ": open\n");
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "no last item");
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_last_item_keeps_an_id_of_its_own() {
    let last = async { Event::text("goodbye").id("row-9").no_event_type() };
    let mut stream = pin!(numbered(Script::<Event>::new([Pending])).stop_with(last));
    assert_chunk(poll(stream.as_mut()), "id: row-9\ndata: goodbye\n\n");
    assert_eq!(stream.encoder().next_id(), Some(1));
}
