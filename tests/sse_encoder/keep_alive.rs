//! Keep-alives, by a scripted clock and by tokio's.

use std::{
    future::{Ready, ready},
    pin::pin,
    sync::mpsc,
};

use sse_encoder::{Comment, Event, EventType, OnError};

use crate::{
    bare, frames, number, numbered,
    support::{Clock, Item, Pending, Script, assert_chunk, assert_end, assert_error, poll},
};

#[test]
fn a_keep_alive_follows_an_interval_without_a_chunk() {
    let clock = Clock::default();
    let script = Script::new([
        Pending,
        Pending,
        Pending,
        Item(number(1)),
        Pending,
        Pending,
        Item(number(2)),
    ]);
    let mut stream = pin!(bare(script).keep_alive(clock.timer()));
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!((clock.polls(), clock.begun()), (1, 1));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), ":\n");
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!(clock.begun(), 2);
    // A chunk takes precedence over a keep-alive that is due, and begins another interval.
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!(clock.begun(), 3);
    assert_chunk(poll(stream.as_mut()), &frames([2]));
    assert_end(poll(stream.as_mut()));
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_stall_is_followed_by_one_keep_alive() {
    let clock = Clock::default();
    let script = Script::<Event>::new((0..9).map(|_| Pending));
    let mut stream = pin!(numbered(script).keep_alive(clock.timer()));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), ":\n");
    for _ in 0..5 {
        assert!(poll(stream.as_mut()).is_pending());
    }
}

#[test]
fn a_keep_alive_can_be_any_item_and_uses_no_automatic_id() {
    const PING: EventType = EventType::from_static("ping");
    let clock = Clock::default();
    let ping = Event::text("").event_type(PING);
    let script = Script::new([Pending, Item(number(1))]);
    let mut stream = pin!(numbered(script).keep_alive_with(clock.timer(), &ping));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), "event: ping\ndata: \n\n");
    assert_chunk(poll(stream.as_mut()), "id: 1\nevent: message\ndata: 1\n\n");

    let clock = Clock::default();
    let comment = Comment::new("still here");
    let script = Script::<Event>::new([Pending]);
    let mut stream = pin!(numbered(script).keep_alive_with(clock.timer(), &comment));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), ": still here\n");
}

#[test]
fn a_keep_alive_without_frames_sends_no_empty_chunk() {
    let clock = Clock::default();
    let script = Script::<Event>::new([Pending]);
    let mut stream = pin!(numbered(script).keep_alive_with(clock.timer(), &Event::new()));
    clock.elapse();
    assert!(poll(stream.as_mut()).is_pending());
}

#[test]
fn a_keep_alive_that_cannot_be_encoded_is_an_error_whenever_it_is_due() {
    let clock = Clock::default();
    let forged = Event::text("").event_type("a\n");
    let script = Script::<Event>::new((0..4).map(|_| Pending));
    let mut stream = pin!(bare(script).keep_alive_with(clock.timer(), &forged));
    for _ in 0..2 {
        assert!(poll(stream.as_mut()).is_pending());
        clock.elapse();
        assert_error(poll(stream.as_mut()), "`type` has a line feed (0x0A) at byte 1");
    }
}

#[test]
fn a_keep_alive_that_cannot_be_encoded_ends_a_numbered_stream_for_good() {
    let forged = Event::text("").event_type("a\n");
    for last_words in [false, true] {
        let clock = Clock::default();
        let script = Script::<Event>::new((0..4).map(|_| Pending));
        let mut stream =
            pin!(numbered(script).keep_alive_with(clock.timer(), &forged).on_error(move |_| {
                match last_words {
                    true => OnError::end_with(Event::text("bye").no_event_type()),
                    false => OnError::End,
                }
            }));
        assert!(poll(stream.as_mut()).is_pending());
        clock.elapse();
        if last_words {
            assert_chunk(poll(stream.as_mut()), "data: bye\n\n");
        }
        assert_end(poll(stream.as_mut()));
        assert!(stream.get_ref().is_none());
        assert_end(poll(stream));
    }
}

#[test]
fn a_closure_that_makes_futures_is_a_timer() {
    let (sender, made) = mpsc::channel();
    let sleep = move || -> Ready<()> {
        sender.send(()).unwrap();
        ready(())
    };
    let mut stream = pin!(numbered(Script::<Event>::new([Pending, Pending])).keep_alive(sleep));
    assert_chunk(poll(stream.as_mut()), ":\n");
    assert_chunk(poll(stream.as_mut()), ":\n");
    assert_eq!(made.try_iter().count(), 2);
}

/// By tokio's clock, which the tests pause.
#[cfg(feature = "tokio")]
mod on_tokio {
    use std::{pin::pin, time::Duration};

    use futures_util::StreamExt;
    use sse_encoder::{Event, channel};
    use tokio::time::{Instant, advance, timeout};

    use crate::{bare, numbered};

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_duration_is_a_keep_alive() {
        let (sender, receiver) = channel::<Event>(1);
        let mut stream = pin!(numbered(receiver).keep_alive(10 * SECOND));
        let start = Instant::now();
        for n in 1..4 {
            assert_eq!(stream.next().await.unwrap().unwrap(), ":\n");
            assert_eq!(start.elapsed().as_secs(), 10 * n);
        }
        drop(sender);
        assert!(stream.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn every_chunk_restarts_the_interval() {
        let (sender, receiver) = channel(1);
        let mut stream = pin!(bare(receiver).keep_alive(10 * SECOND));
        let start = Instant::now();
        for _ in 0..3 {
            assert!(timeout(6 * SECOND, stream.next()).await.is_err());
            sender.send(Event::text("a")).await.unwrap();
            assert_eq!(stream.next().await.unwrap().unwrap(), "data: a\n\n");
        }
        assert_eq!(stream.next().await.unwrap().unwrap(), ":\n");
        assert_eq!(start.elapsed().as_secs(), 3 * 6 + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_followed_by_one_keep_alive() {
        let (_sender, receiver) = channel::<Event>(1);
        let mut stream = pin!(numbered(receiver).keep_alive(10 * SECOND));
        stream.next().await;
        advance(1_000 * SECOND).await;
        let start = Instant::now();
        assert_eq!(stream.next().await.unwrap().unwrap(), ":\n");
        assert_eq!(start.elapsed().as_secs(), 0);
        stream.next().await;
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_of_any_interval_can_be_made_outside_a_runtime() {
        let (sender, receiver) = channel(1);
        let make = || bare(receiver).keep_alive(Duration::MAX);
        let mut stream = pin!(std::thread::spawn(make).join().unwrap());
        assert!(timeout(1_000_000 * SECOND, stream.next()).await.is_err());
        sender.send(Event::text("a")).await.unwrap();
        assert!(stream.next().await.is_some());
        assert!(timeout(SECOND, stream.next()).await.is_err());

        let mut stream = pin!(numbered(channel::<Event>(1).1).keep_alive(Duration::ZERO));
        assert!(stream.next().await.is_none());
    }
}
