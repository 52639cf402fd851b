//! `SseEncoder` as the body of a response: the turns that it gives the server.

use std::{
    cell::Cell,
    future::poll_fn,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_executor::block_on;
use futures_util::{Stream, stream};
use http_body::Body;
use sse_encoder::{Error, Event, SseEncoder, header};

use crate::{bare, numbered, support::Wakes};

fn poll<B: Body<Data = Bytes, Error = Error>>(
    body: Pin<&mut B>,
) -> Poll<Option<Result<Bytes, Error>>> {
    let frame = body.poll_frame(&mut Context::from_waker(Waker::noop()));
    frame.map_ok(|frame| frame.into_data().unwrap())
}

fn events() -> impl Stream<Item = Result<Event, &'static str>> + Unpin {
    stream::iter([Ok(Event::text("one").into()), Ok(Event::text("two").into()), Err("no")])
}

/// Polls the body past its first turn, up to its first chunk.
fn begun(mut body: Pin<&mut impl Body<Data = Bytes, Error = Error>>) -> Bytes {
    assert!(poll(body.as_mut()).is_pending());
    let Poll::Ready(Some(Ok(chunk))) = poll(body) else { panic!("no chunk") };
    assert_eq!(chunk, "data: one\n\ndata: two\n\n");
    chunk
}

#[test]
fn without_an_opening_comment_the_first_poll_is_pending_and_wakes_its_task() {
    let polled = Cell::new(0);
    let source = stream::poll_fn(|_| {
        polled.set(polled.get() + 1);
        Poll::Ready(None::<Event>)
    });
    let mut body = pin!(numbered(source));
    let wakes = Arc::new(Wakes::default());
    let waker = wakes.waker();
    let mut cx = Context::from_waker(&waker);
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
    assert_eq!((polled.get(), wakes.count()), (0, 1));
    assert!(matches!(body.as_mut().poll_frame(&mut cx), Poll::Ready(None)));
    assert_eq!(polled.get(), 1);
    assert!(body.is_end_stream());
}

/// The head is sent together with the opening comment.
#[test]
fn an_opening_comment_is_the_first_poll() {
    let mut body = pin!(SseEncoder::new(stream::pending::<Event>()));
    let Poll::Ready(Some(Ok(chunk))) = poll(body.as_mut()) else { panic!("no chunk") };
    assert_eq!(chunk, ":\n");
    assert!(poll(body.as_mut()).is_pending());
}

/// A source that panics would take along what the server has not written.
#[test]
fn the_server_has_a_turn_between_the_opening_comment_and_the_source() {
    let polled = Cell::new(0);
    let source = stream::poll_fn(|_| {
        polled.set(polled.get() + 1);
        Poll::Ready(None::<Event>)
    });
    let mut body = pin!(SseEncoder::new(source));
    let wakes = Arc::new(Wakes::default());
    let waker = wakes.waker();
    let mut cx = Context::from_waker(&waker);
    assert!(matches!(body.as_mut().poll_frame(&mut cx), Poll::Ready(Some(Ok(_)))));
    assert!(body.as_mut().poll_frame(&mut cx).is_pending());
    assert_eq!((polled.get(), wakes.count()), (0, 1));
    assert!(matches!(body.as_mut().poll_frame(&mut cx), Poll::Ready(None)));
    assert_eq!(polled.get(), 1);
}

/// On a machine that stands still for the whole of the bounded wait, it is over: then try again.
#[test]
fn an_error_waits_until_the_chunk_before_it_is_dropped_which_wakes_its_task() {
    for _ in 0..100 {
        let mut body = pin!(bare(events()));
        let chunk = begun(body.as_mut());
        let start = Instant::now();
        let waits = (0..100).all(|_| poll(body.as_mut()).is_pending());
        // A slice of the chunk holds it, too.
        let held = chunk.slice(3..);
        drop(chunk);
        let wakes = Arc::new(Wakes::default());
        let waker = wakes.waker();
        let waits =
            waits && body.as_mut().poll_frame(&mut Context::from_waker(&waker)).is_pending();
        let before = wakes.count();
        drop(held);
        let after = wakes.count();
        if start.elapsed() > Duration::from_millis(25) {
            continue;
        }
        assert_eq!((waits, before, after), (true, 0, 1));
        let Poll::Ready(Some(Err(error))) = poll(body.as_mut()) else { panic!("no error") };
        assert_eq!(error.to_string(), "no");
        assert!(matches!(poll(body.as_mut()), Poll::Ready(None)));
        return;
    }
    panic!("no attempt was quick enough");
}

#[test]
fn a_dropped_chunk_is_followed_by_one_pending_poll_before_the_error() {
    let mut body = pin!(bare(events()));
    drop(begun(body.as_mut()));
    assert!(poll(body.as_mut()).is_pending());
    assert!(matches!(poll(body.as_mut()), Poll::Ready(Some(Err(_)))));
}

/// A client that collects a body holds its chunks to the end.
#[test]
fn an_error_waits_a_bounded_time_without_polls() {
    let start = Instant::now();
    let mut body = pin!(bare(events()));
    let held = begun(body.as_mut());
    let mut polls = 0;
    // It polls only when the task is woken.
    let error = block_on(poll_fn(|cx| {
        polls += 1;
        body.as_mut().poll_frame(cx)
    }));
    assert!(matches!(error, Some(Err(_))));
    assert_eq!(polls, 2);
    assert!(start.elapsed() >= Duration::from_millis(50));
    assert_eq!(held, "data: one\n\ndata: two\n\n");
    assert!(matches!(poll(body.as_mut()), Poll::Ready(None)));
}

#[test]
fn outside_a_response_an_error_waits_one_poll() {
    let mut stream = pin!(bare(events()));
    let mut poll = || stream.as_mut().poll_next(&mut Context::from_waker(Waker::noop()));
    let Poll::Ready(Some(Ok(held))) = poll() else { panic!("no chunk") };
    assert!(poll().is_pending());
    assert!(matches!(poll(), Poll::Ready(Some(Err(_)))));
    drop(held);
}

#[test]
fn a_response_has_the_headers_of_an_event_stream() {
    let request = http::Request::get("/").body(()).unwrap();
    let response = numbered(events()).into_http_response_to(&request);
    for (name, value) in header::RESPONSE {
        assert_eq!(response.headers()[*name], *value, "{name}");
    }
}

#[test]
fn the_body_of_a_response_to_head_has_ended() {
    let request = http::Request::head("/").body(()).unwrap();
    let body = numbered(events()).comment("open").into_http_response_to(&request).into_body();
    assert!(body.is_end_stream());
    assert!(matches!(poll(pin!(body)), Poll::Ready(None)));
}

#[test]
fn a_body_counts_its_opening_comment() {
    let (report, ends) = std::sync::mpsc::channel();
    let stream = SseEncoder::bare(stream::iter([Event::text("one")]));
    let mut body = Box::pin(stream.on_close(move |end| report.send(end).unwrap()));
    let mut sent = 0;
    while !body.is_end_stream() {
        if let Poll::Ready(Some(chunk)) = poll(body.as_mut()) {
            sent += chunk.unwrap().len() as u64;
        }
    }
    drop(body);
    let end = ends.try_recv().unwrap();
    assert_eq!((end.reason().to_string(), end.events(), end.bytes()), ("finished".into(), 1, sent));
    assert_eq!(sent, ":\ndata: one\n\n".len() as u64);
}
