//! `SseEncoder` as the body of a response, poll by poll: the turns that it gives the server.
#![cfg(feature = "http-body")]

use std::{
    cell::Cell,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use futures_util::{Stream, stream};
use http_body::Body;
use sse_encoder::{Error, Event, SseEncoder};

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The most turns between a chunk and an error.
const TURNS: usize = 20_000;

fn poll<B: Body<Data = Bytes, Error = Error>>(
    body: Pin<&mut B>,
) -> Poll<Option<Result<Bytes, Error>>> {
    let frame = body.poll_frame(&mut Context::from_waker(Waker::noop()));
    frame.map_ok(|frame| frame.into_data().unwrap())
}

fn events() -> impl Stream<Item = Result<Event, &'static str>> + Unpin {
    stream::iter([Ok(Event::text("one").into()), Ok(Event::text("two").into()), Err("no")])
}

/// The body after its first turn, and the chunk that it gives.
fn begun(mut body: Pin<&mut impl Body<Data = Bytes, Error = Error>>) -> Bytes {
    assert!(poll(body.as_mut()).is_pending());
    let Poll::Ready(Some(Ok(chunk))) = poll(body) else { panic!("no chunk") };
    assert_eq!(chunk, "data: one\n\ndata: two\n\n");
    chunk
}

#[test]
fn the_first_poll_is_the_servers_and_wakes_its_task() {
    let polled = Cell::new(0);
    let source = stream::poll_fn(|_| {
        polled.set(polled.get() + 1);
        Poll::Ready(None::<Event>)
    });
    let mut body = pin!(SseEncoder::new(source));
    let wakes = Arc::new(Wakes::default());
    let waker = Waker::from(wakes.clone());
    let mut cx = Context::from_waker(&waker);
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
    assert_eq!((polled.get(), wakes.0.load(Ordering::Relaxed)), (0, 1));
    assert!(matches!(body.as_mut().poll_frame(&mut cx), Poll::Ready(None)));
    assert_eq!(polled.get(), 1);
    assert!(body.is_end_stream());
}

#[test]
fn an_error_waits_until_nobody_holds_the_chunk_before_it() {
    let mut body = pin!(SseEncoder::bare(events()));
    let chunk = begun(body.as_mut());
    for _ in 0..100 {
        assert!(poll(body.as_mut()).is_pending());
    }
    // Another handle counts, too.
    let held = chunk.slice(3..);
    drop(chunk);
    assert!(poll(body.as_mut()).is_pending());
    drop(held);
    let Poll::Ready(Some(Err(error))) = poll(body.as_mut()) else { panic!("no error") };
    assert_eq!(error.to_string(), "no");
    assert!(matches!(poll(body.as_mut()), Poll::Ready(None)));
}

#[test]
fn a_chunk_that_is_gone_at_once_leaves_the_server_one_turn() {
    let mut body = pin!(SseEncoder::bare(events()));
    drop(begun(body.as_mut()));
    assert!(poll(body.as_mut()).is_pending());
    assert!(matches!(poll(body.as_mut()), Poll::Ready(Some(Err(_)))));
}

/// Who collects a body holds its chunks to the end.
#[test]
fn an_error_does_not_wait_for_ever() {
    let mut body = pin!(SseEncoder::bare(events()));
    let held = begun(body.as_mut());
    let mut turns = 0;
    while poll(body.as_mut()).is_pending() {
        turns += 1;
        assert!(turns <= TURNS);
    }
    assert_eq!(turns, TURNS);
    assert_eq!(held, "data: one\n\ndata: two\n\n");
    assert!(matches!(poll(body.as_mut()), Poll::Ready(None)));
}

/// A stream that is no body has a turn, and no more.
#[test]
fn as_a_stream_it_waits_for_nobody() {
    let mut stream = pin!(SseEncoder::bare(events()));
    let mut poll = || stream.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Some(Ok(held))) = poll() else { panic!("no chunk") };
    assert!(poll().is_pending());
    assert!(matches!(poll(), Poll::Ready(Some(Err(_)))));
    drop(held);
}

#[test]
fn the_answer_to_a_head_request_has_ended() {
    let request = http::Request::head("/").body(()).unwrap();
    let body =
        SseEncoder::new(events()).comment("open").into_http_response_to(&request).into_body();
    assert!(body.is_end_stream());
    assert!(matches!(poll(pin!(body)), Poll::Ready(None)));
}
