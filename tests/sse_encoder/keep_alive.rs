//! Keep-alives, by a scripted clock and by tokio's.

use std::{
    cell::Cell,
    future::{Ready, ready},
    pin::{Pin, pin},
    rc::Rc,
    sync::mpsc,
    task::{Context, Poll},
};

use sse_encoder::{Comment, Event, EventType, KeepAlive, SseEncoder, Timer};

use crate::{
    frames, number,
    support::{Clock, Item, Pending, Script, assert_chunk, assert_end, poll},
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
    let mut stream = pin!(SseEncoder::bare(script).keep_alive(clock.timer()));
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!((clock.polls(), clock.begun()), (1, 1));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), ":\n\n");
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
    let mut stream = pin!(SseEncoder::new(script).keep_alive(clock.timer()));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), ":\n\n");
    for _ in 0..5 {
        assert!(poll(stream.as_mut()).is_pending());
    }
}

#[test]
fn a_timer_of_any_type_can_be_boxed() {
    #[derive(Clone, Default)]
    struct Scripted {
        elapsed: Rc<Cell<bool>>,
        resets: Rc<Cell<usize>>,
        polls: Rc<Cell<usize>>,
    }
    impl Timer for Scripted {
        fn reset(self: Pin<&mut Self>) {
            self.elapsed.set(false);
            self.resets.set(self.resets.get() + 1);
        }
        fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            self.polls.set(self.polls.get() + 1);
            if self.elapsed.get() { Poll::Ready(()) } else { Poll::Pending }
        }
    }
    let timer = Scripted::default();
    let boxed: Pin<Box<dyn Timer>> = Box::pin(timer.clone());
    let script = Script::<Event>::new((0..3).map(|_| Pending));
    let mut stream = pin!(SseEncoder::new(script).keep_alive(KeepAlive::with_timer(boxed)));
    assert!(poll(stream.as_mut()).is_pending());
    timer.elapsed.set(true);
    assert_chunk(poll(stream.as_mut()), ":\n\n");
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!((timer.polls.get(), timer.resets.get()), (3, 1));
}

#[test]
fn a_keep_alive_can_be_any_item_and_uses_no_automatic_id() {
    let clock = Clock::default();
    const PING: EventType = EventType::from_static("ping");
    let keep_alive = KeepAlive::new(clock.timer()).item(&Event::text("").event_type(PING)).unwrap();
    let script = Script::new([Pending, Item(number(1))]);
    let mut stream = pin!(SseEncoder::new(script).keep_alive(keep_alive));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), "event: ping\ndata: \n\n");
    assert_chunk(poll(stream.as_mut()), "id: 1\nevent: message\ndata: 1\n\n");

    let clock = Clock::default();
    let comment = KeepAlive::new(clock.timer()).item(&Comment::new("still here")).unwrap();
    let mut stream = pin!(SseEncoder::new(Script::<Event>::new([Pending])).keep_alive(comment));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), ": still here\n\n");
}

#[test]
fn a_keep_alive_without_frames_sends_no_empty_chunk() {
    let clock = Clock::default();
    let keep_alive = KeepAlive::new(clock.timer()).item(&Event::new()).unwrap();
    let mut stream = pin!(SseEncoder::new(Script::<Event>::new([Pending])).keep_alive(keep_alive));
    clock.elapse();
    assert!(poll(stream.as_mut()).is_pending());
}

#[test]
fn a_closure_that_makes_futures_is_a_timer() {
    let (sender, made) = mpsc::channel();
    let sleep = move || -> Ready<()> {
        sender.send(()).unwrap();
        ready(())
    };
    let mut stream =
        pin!(SseEncoder::new(Script::<Event>::new([Pending, Pending])).keep_alive(sleep));
    assert_chunk(poll(stream.as_mut()), ":\n\n");
    assert_chunk(poll(stream.as_mut()), ":\n\n");
    assert_eq!(made.try_iter().count(), 2);
}

/// By tokio's clock, which the tests pause.
#[cfg(feature = "tokio")]
mod on_tokio {
    use std::{pin::pin, time::Duration};

    use futures_util::StreamExt;
    use sse_encoder::{Event, KeepAlive, SseEncoder, channel, stream::TokioTimer};
    use tokio::time::{Instant, advance, timeout};

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_duration_is_a_keep_alive() {
        let (sender, receiver) = channel::<Event>(1);
        let mut stream = pin!(SseEncoder::new(receiver).keep_alive(10 * SECOND));
        let start = Instant::now();
        for n in 1..4 {
            assert_eq!(stream.next().await.unwrap().unwrap(), ":\n\n");
            assert_eq!(start.elapsed().as_secs(), 10 * n);
        }
        drop(sender);
        assert!(stream.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_default_interval_is_fifteen_seconds() {
        let (_sender, receiver) = channel::<Event>(1);
        let mut stream = pin!(SseEncoder::new(receiver).keep_alive(KeepAlive::default()));
        let start = Instant::now();
        stream.next().await;
        assert_eq!(start.elapsed().as_secs(), 15);
    }

    #[tokio::test(start_paused = true)]
    async fn every_chunk_restarts_the_interval() {
        let (sender, receiver) = channel(1);
        let mut stream = pin!(SseEncoder::bare(receiver).keep_alive(10 * SECOND));
        let start = Instant::now();
        for _ in 0..3 {
            assert!(timeout(6 * SECOND, stream.next()).await.is_err());
            sender.send(Event::text("a")).await.unwrap();
            assert_eq!(stream.next().await.unwrap().unwrap(), "data: a\n\n");
        }
        assert_eq!(stream.next().await.unwrap().unwrap(), ":\n\n");
        assert_eq!(start.elapsed().as_secs(), 3 * 6 + 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stall_is_followed_by_one_keep_alive() {
        let (_sender, receiver) = channel::<Event>(1);
        let mut stream = pin!(SseEncoder::new(receiver).keep_alive(10 * SECOND));
        stream.next().await;
        advance(1_000 * SECOND).await;
        let start = Instant::now();
        assert_eq!(stream.next().await.unwrap().unwrap(), ":\n\n");
        assert_eq!(start.elapsed().as_secs(), 0);
        stream.next().await;
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test(start_paused = true)]
    async fn a_timer_of_any_interval_can_be_made_outside_a_runtime() {
        let timer = std::thread::spawn(|| TokioTimer::new(Duration::MAX)).join().unwrap();
        let (sender, receiver) = channel(1);
        let mut stream = pin!(SseEncoder::bare(receiver).keep_alive(KeepAlive::with_timer(timer)));
        assert!(timeout(1_000_000 * SECOND, stream.next()).await.is_err());
        sender.send(Event::text("a")).await.unwrap();
        assert!(stream.next().await.is_some());
        assert!(timeout(SECOND, stream.next()).await.is_err());

        let mut stream = pin!(SseEncoder::new(channel::<Event>(1).1).keep_alive(Duration::ZERO));
        assert!(stream.next().await.is_none());
    }
}
