//! The end of a stream as `on_close` tells it: once, with its reason and what was sent.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    pin::pin,
    sync::mpsc,
};

use futures_core::Stream;
use futures_util::{StreamExt, stream};
use sse_encoder::{Comment, Encode, Encoder, Error, Event, Frames, OnError, SseEncoder, StreamEnd};

use crate::{
    Failing, bare, boxed, failing, frames, number, numbered,
    support::{
        Clock, Item, Pending, Script, Signal, all_chunks, assert_chunk, assert_end, assert_error,
        chunk, poll,
    },
    with_encoder,
};

/// The stream, and its ends.
fn closing<S: Stream<Item: Encode>>(
    stream: SseEncoder<S>,
) -> (SseEncoder<S>, mpsc::Receiver<StreamEnd>) {
    let (report, ends) = mpsc::channel();
    (stream.on_close(move |end| report.send(end).unwrap()), ends)
}

/// The reason with its error, the events and the bytes of the only end.
#[track_caller]
fn assert_one_end(ends: &mpsc::Receiver<StreamEnd>, reason: &str, sent: &str, events: u64) {
    let end = ends.try_recv().expect("an end");
    assert_eq!(format!("{:#}", end.reason()), reason);
    assert_eq!((end.events(), end.bytes()), (events, sent.len() as u64));
    assert!(ends.try_recv().is_err(), "a second end");
}

/// Polls to the end, through errors and pending polls.
fn exhaust(stream: SseEncoder<impl Stream<Item: Encode>>) {
    all_chunks(stream, || ());
}

#[test]
fn the_end_is_told_once_when_it_is_yielded() {
    let script = Script::new([Item(number(1)), Pending, Item(number(2))]);
    let (stream, ends) = closing(bare(script));
    let mut stream = Box::pin(stream);
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert_chunk(poll(stream.as_mut()), &frames([2]));
    assert!(ends.try_recv().is_err());
    assert_end(poll(stream.as_mut()));
    assert_one_end(&ends, "finished", &frames([1, 2]), 2);
    assert_end(poll(stream.as_mut()));
    drop(stream);
    assert!(ends.try_recv().is_err());
}

/// A server need not poll a body whose end it knows.
#[test]
fn a_stream_that_has_yielded_all_and_is_dropped_has_finished() {
    let (stream, ends) = closing(bare(Script::new([Item(number(1))])));
    let mut stream = Box::pin(stream);
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    drop(stream);
    assert_one_end(&ends, "finished", &frames([1]), 1);
}

#[test]
fn a_stream_that_is_dropped_before_its_end_is_disconnected() {
    let (stream, ends) = closing(bare(Script::new([Item(number(1)), Pending, Item(number(2))])));
    let mut stream = Box::pin(stream);
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    drop(stream);
    assert_one_end(&ends, "disconnected", &frames([1]), 1);

    let (stream, ends) = closing(bare(Script::new([Item(number(1))])));
    drop(stream);
    assert_one_end(&ends, "disconnected", "", 0);

    let (stream, ends) = closing(bare(Script::new([Item(number(1))])));
    drop(stream.into_inner());
    assert_one_end(&ends, "disconnected", "", 0);
}

#[test]
fn an_end_of_which_a_part_was_not_sent_is_a_disconnection() {
    fn long() -> Event {
        Event::shared_text(vec![b'x'; 100_000])
    }
    type Stream = SseEncoder<Script<Result<Event, &'static str>>>;
    type Row = (&'static str, fn() -> Stream);
    let rows: [Row; 3] = [
        ("finished", || bare(Script::new([Item(Ok(long()))]))),
        ("stopped", || bare(Script::new([Pending])).stop_with(async { long() })),
        ("last words", || {
            bare(Script::new([Item(Ok(long())), Item(Err("no"))]))
                .on_error(|_| OnError::end_with(Event::text("last")))
        }),
    ];
    for (reason, stream) in rows {
        for sends_all in [true, false] {
            let (stream, ends) = closing(stream().chunk_limit(1_000_000));
            let mut stream = Box::pin(stream);
            // The whole chunk is gathered, and this is its first piece.
            let mut sent = chunk(stream.as_mut()).len() as u64;
            assert_eq!(sent, "data: ".len() as u64, "{reason}");
            while sends_all && stream.size_hint().0 > 0 {
                sent += chunk(stream.as_mut()).len() as u64;
            }
            drop(stream);
            let end = ends.try_recv().unwrap();
            let expected = if sends_all { reason } else { "disconnected" };
            assert_eq!((end.reason().to_string(), end.bytes()), (expected.into(), sent));
        }
    }
}

/// The chunk is full before the end is.
#[test]
fn a_stop_signal_behind_a_long_prelude_is_the_reason() {
    let stream = bare(Script::<Event>::new([Pending])).comment("long").chunk_limit(1);
    let (stream, ends) = closing(stream.stop_on(std::future::ready(())));
    let mut stream = Box::pin(stream);
    assert_chunk(poll(stream.as_mut()), ": long\n");
    drop(stream);
    assert_one_end(&ends, "stopped", ": long\n", 0);
}

#[test]
fn a_stop_signal_is_the_reason() {
    for last in ["", "data: goodbye\n\n"] {
        let signal = Signal::default();
        let stream = bare(Script::new([Item(number(1)), Pending, Pending]));
        let (stream, ends) = closing(match last {
            "" => stream.stop_on(signal.clone()),
            _ => {
                let signal = signal.clone();
                stream.stop_with(async {
                    signal.await;
                    Event::text("goodbye")
                })
            }
        });
        let mut stream = Box::pin(stream);
        assert_chunk(poll(stream.as_mut()), &frames([1]));
        signal.send();
        if !last.is_empty() {
            assert_chunk(poll(stream.as_mut()), last);
        }
        assert_end(poll(stream.as_mut()));
        let events = 1 + u64::from(!last.is_empty());
        assert_one_end(&ends, "stopped", &(frames([1]) + last), events);
    }
}

#[test]
fn an_error_that_ends_the_stream_is_the_reason() {
    let (stream, ends) = closing(numbered(failing()));
    exhaust(stream);
    assert_one_end(&ends, "failed: first", "id: 1\nevent: message\ndata: 1\n\n", 1);

    let (stream, ends) = closing(bare(failing()).on_error(|_| OnError::End));
    exhaust(stream);
    assert_one_end(&ends, "failed: first", &frames([1]), 1);

    let (stream, ends) = closing(bare(failing()));
    let end = OnError::end_with(Event::text("[DONE]"));
    let mut end = Some(end);
    exhaust(stream.on_error(move |_| end.take().unwrap()));
    assert_one_end(&ends, "last words: first", &(frames([1]) + "data: [DONE]\n\n"), 2);
}

#[test]
fn an_error_breaks_a_stream_that_is_not_polled_again() {
    // Dropped once the error was yielded, and while it waits behind the chunk before it.
    for yielded in [true, false] {
        let (stream, ends) = closing(bare(failing()));
        let mut stream = Box::pin(stream);
        assert_chunk(poll(stream.as_mut()), &frames([1]));
        if yielded {
            assert!(poll(stream.as_mut()).is_pending());
            assert_error(poll(stream.as_mut()), "first");
        }
        assert!(ends.try_recv().is_err());
        drop(stream);
        assert_one_end(&ends, "failed: first", &frames([1]), 1);
    }
    // The policy's own error, in the place of the item's.
    let (stream, ends) =
        closing(bare(failing()).on_error(|_| OnError::Fail(Error::other("the policy's"))));
    let mut stream = Box::pin(stream);
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    drop(stream);
    assert_one_end(&ends, "failed: the policy's", &frames([1]), 1);
}

#[test]
fn an_error_after_which_the_stream_goes_on_is_not_the_reason() {
    type Policy = fn(Error) -> OnError;
    let replaced = frames([1, 0, 0, 2, 0, 3]);
    let rows: [(Policy, &str, u64); 3] = [
        (OnError::Fail, &frames([1, 2, 3]), 3),
        (|_| OnError::Skip, &frames([1, 2, 3]), 3),
        (|_| OnError::replace(number(0)), &replaced, 6),
    ];
    for (policy, sent, events) in rows {
        let (stream, ends) = closing(bare(failing()).on_error(policy));
        let mut stream = Box::pin(stream);
        for _ in 0..100 {
            let _ = poll(stream.as_mut());
        }
        assert_one_end(&ends, "finished", sent, events);
    }
    // The client has gone after a chunk that followed the errors.
    let (stream, ends) = closing(bare(failing()));
    let mut stream = Box::pin(stream);
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "first");
    assert_error(poll(stream.as_mut()), "second");
    assert_chunk(poll(stream.as_mut()), &frames([2]));
    drop(stream);
    assert_one_end(&ends, "disconnected", &frames([1, 2]), 2);
}

#[test]
fn a_replacement_or_last_words_that_fail_are_the_reason() {
    let too_long = || Event::text("too long a text");
    let too_large = "failed: the frame is larger than 12 bytes";
    for is_last in [true, false] {
        let stream = with_encoder(failing(), Encoder::bare().max_frame(12));
        let (stream, ends) = closing(stream.on_error(move |_| match is_last {
            true => OnError::end_with(too_long()),
            false => OnError::replace(too_long()),
        }));
        let mut stream = Box::pin(stream);
        assert_chunk(poll(stream.as_mut()), &frames([1]));
        drop(stream);
        assert_one_end(&ends, too_large, &frames([1]), 1);
    }
    let script = Script::new((0..100).map(|n| Item(Err::<Event, _>(n.to_string()))));
    let (stream, ends) = closing(bare(script).on_error(|_| OnError::replace(number(0))));
    exhaust_to_error(stream, "32");
    assert_one_end(&ends, "failed: 32", &frames([0; 32]), 32);
}

/// Polls until this error, and drops the stream.
#[track_caller]
fn exhaust_to_error(stream: SseEncoder<impl Stream<Item: Encode>>, expected: &str) {
    let mut stream = pin!(stream);
    for _ in 0..100 {
        if let std::task::Poll::Ready(Some(Err(error))) = poll(stream.as_mut()) {
            assert_eq!(error.to_string(), expected);
            return;
        }
    }
    panic!("no error");
}

#[test]
fn of_a_last_item_that_fails_the_policy_makes_the_reason() {
    let stopped =
        || bare(Script::<Event>::new([Pending])).stop_with(async { Err::<Event, _>("no") });
    let (stream, ends) = closing(stopped());
    exhaust_to_error(stream, "no");
    assert_one_end(&ends, "failed: no", "", 0);

    let (stream, ends) = closing(stopped().on_error(|_| OnError::Skip));
    exhaust(stream);
    assert_one_end(&ends, "stopped", "", 0);

    let (stream, ends) = closing(stopped().on_error(|_| OnError::end_with(number(1))));
    exhaust(stream);
    assert_one_end(&ends, "last words: no", &frames([1]), 1);
}

#[test]
fn an_invalid_prelude_is_an_error_as_any_other() {
    let stream = numbered(Script::<Event>::new([Pending])).retry(std::time::Duration::ZERO);
    let (stream, ends) = closing(stream);
    exhaust(stream);
    let end = ends.try_recv().unwrap();
    assert!(end.error().is_some_and(Error::is_reconnection_time), "{end:?}");
}

#[test]
fn a_panic_is_the_reason() {
    struct Panics;
    impl Encode for Panics {
        fn encode(&self, _: &mut Frames<'_>) -> Result<(), Error> {
            panic!("the item's own")
        }
    }
    let script = Script::new([boxed(number(1)), Pending, boxed(Panics)]);
    let (stream, ends) = closing(bare(script));
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        let mut stream = Box::pin(stream);
        assert_chunk(poll(stream.as_mut()), &frames([1]));
        let _ = poll(stream.as_mut());
    }));
    assert!(panicked.is_err());
    assert_one_end(&ends, "panicked", &frames([1]), 1);
}

#[test]
fn all_that_is_yielded_is_counted() {
    let clock = Clock::default();
    let stream = SseEncoder::bare(Script::new([
        Item(number(1)),
        Pending,
        Pending,
        Pending,
        Item(number(2)),
    ]))
    .comment("open")
    .retry(std::time::Duration::from_secs(1))
    .keep_alive_with(clock.timer(), &Event::text("here"));
    let (stream, ends) = closing(stream);
    let mut stream = Box::pin(stream);
    let first = ":\n: open\nretry: 1000\ndata: 1\n\n";
    assert_chunk(poll(stream.as_mut()), first);
    assert!(poll(stream.as_mut()).is_pending());
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), "data: here\n\n");
    assert_chunk(poll(stream.as_mut()), &frames([2]));
    assert_end(poll(stream.as_mut()));
    assert_one_end(&ends, "finished", &format!("{first}data: here\n\n{}", frames([2])), 3);

    // In pieces, without a cut between two bytes of a blank line.
    let long = || Event::shared_text(vec![b'x'; 100_000]);
    let script = Script::new([Item(long()), Item(Event::text("a").into()), Item(long())]);
    let (stream, ends) = closing(bare(script));
    let sent = crate::support::text(&all_chunks(stream, || ()));
    assert_one_end(&ends, "finished", &sent, 3);

    let once = Encoder::bare().encode_once(&(number(1), Comment::new("a"), number(2))).unwrap();
    let (stream, ends) = closing(bare(Script::new([Item(once.clone())])));
    exhaust(stream);
    let sent = String::from_utf8(once.as_bytes().to_vec()).unwrap();
    assert_one_end(&ends, "finished", &sent, 2);
}

#[test]
fn the_end_comes_after_the_source_was_dropped() {
    struct Noisy(mpsc::Sender<&'static str>, &'static str);
    impl Drop for Noisy {
        fn drop(&mut self) {
            self.0.send(self.1).unwrap();
        }
    }
    for ends in [true, false] {
        let (heard, order) = mpsc::channel();
        let noisy = |name| Noisy(heard.clone(), name);
        let source = noisy("source");
        let items = stream::iter([number(1)]).inspect(move |_| {
            let _ = &source;
        });
        let report = |name| {
            let heard = heard.clone();
            move |_| heard.send(name).unwrap()
        };
        // Each call adds a closure.
        let stream = bare(items).on_close(report("end")).guard(noisy("guard"));
        let stream = stream.on_close(report("end, too"));
        if ends {
            exhaust(stream);
            assert_eq!(
                order.try_iter().collect::<Vec<_>>(),
                ["source", "end", "end, too", "guard"]
            );
        } else {
            drop(stream);
            assert_eq!(
                order.try_iter().collect::<Vec<_>>(),
                ["source", "guard", "end", "end, too"]
            );
        }
    }
}

/// The end has a clone of the error.
#[test]
fn the_policy_sees_the_callers_own_error_through_downcast_ref() {
    let error = std::io::Error::other("disk");
    let script = Script::new([Item(Err::<Event, _>(error))]);
    let (stream, ends) = closing(numbered(script).on_error(|error| {
        assert!(error.downcast_ref::<std::io::Error>().is_some());
        assert!(error.into_inner().is_err());
        OnError::End
    }));
    exhaust(stream);
    let end = ends.try_recv().unwrap();
    assert!(end.error().unwrap().downcast_ref::<std::io::Error>().is_some());
}

#[test]
fn a_reason_has_a_short_name() {
    let (stream, ends) = closing(numbered(Script::<Failing>::new([Item(Err("no".into()))])));
    exhaust(stream);
    let end = ends.try_recv().unwrap();
    assert_eq!(end.reason().to_string(), "failed");
    assert_eq!(format!("{:#}", end.reason()), "failed: no");
}
