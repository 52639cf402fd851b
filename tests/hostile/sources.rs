//! Sources that fail, are always ready, or are silent.

use std::{
    future::ready,
    panic::catch_unwind,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::Stream;
use sse_encoder::{Encoder, Event, OnError, SseEncoder};

use crate::support::{self, Wakes};

/// A source that answers by a closure, and counts its polls.
struct Source<F>(usize, F);

impl<T, F: FnMut(usize) -> Poll<Option<T>> + Unpin> Stream for Source<F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        self.0 += 1;
        let polls = self.0;
        (self.1)(polls)
    }
}

fn poll<S: Stream>(stream: &mut Pin<Box<S>>, wakes: &Arc<Wakes>) -> Poll<Option<S::Item>> {
    stream.as_mut().poll_next(&mut Context::from_waker(&wakes.waker()))
}

#[test]
fn a_source_of_errors_alone_fails_at_every_poll() {
    let wakes = Arc::default();
    let source = Source(0, |_| Poll::Ready(Some(Err::<Event, _>("no"))));
    let mut stream = Box::pin(SseEncoder::bare(source).opening_comment(false));
    for polls in 1..100 {
        let Poll::Ready(Some(Err(error))) = poll(&mut stream, &wakes) else { panic!() };
        assert!(error.is_other());
        assert_eq!(stream.get_ref().unwrap().0, polls);
    }
    assert_eq!(stream.encoder().next_id(), Some(1));
}

#[test]
fn skipped_errors_yield_to_other_tasks() {
    let wakes = Arc::<Wakes>::default();
    let source = Source(0, |_| Poll::Ready(Some(Err::<Event, _>("no"))));
    let mut stream =
        Box::pin(SseEncoder::new(source).opening_comment(false).on_error(|_| OnError::Skip));
    for polls in 1..10 {
        assert!(poll(&mut stream, &wakes).is_pending());
        assert_eq!(wakes.count(), polls);
        assert!(stream.get_ref().unwrap().0 <= polls * 1024);
    }
}

#[test]
fn the_chunks_of_an_always_ready_source_are_bounded() {
    let wakes = Arc::<Wakes>::default();
    for limit in [0, 1_000, 16 * 1024, usize::MAX] {
        let source = Source(0, |_| Poll::Ready(Some(Event::text("x".repeat(100)))));
        let mut stream =
            Box::pin(SseEncoder::bare(source).opening_comment(false).chunk_limit(limit));
        for polls in 1..50 {
            let Poll::Ready(Some(Ok(chunk))) = poll(&mut stream, &wakes) else { panic!() };
            assert!(chunk.len() < limit.saturating_add(108).clamp(109, 1024 * 108 + 1));
            assert!(stream.get_ref().unwrap().0 <= polls * 1024);
        }
    }
}

#[test]
fn items_without_frames_yield_to_other_tasks() {
    let wakes = Arc::<Wakes>::default();
    let mut stream = Box::pin(
        SseEncoder::new(Source(0, |_| Poll::Ready(Some(Event::new())))).opening_comment(false),
    );
    assert!(poll(&mut stream, &wakes).is_pending());
    assert_eq!((wakes.count(), stream.get_ref().unwrap().0), (1, 1024));
}

#[test]
fn a_pending_source_is_polled_once_for_each_poll() {
    let wakes = Arc::<Wakes>::default();
    let source = Source(0, |_| Poll::<Option<Event>>::Pending);
    let mut stream = Box::pin(SseEncoder::new(source).opening_comment(false).comment("open"));
    assert!(poll(&mut stream, &wakes).is_ready());
    for polls in 2..10 {
        assert!(poll(&mut stream, &wakes).is_pending());
        assert_eq!((wakes.count(), stream.get_ref().unwrap().0), (0, polls));
    }
}

#[test]
fn a_stop_signal_ends_any_source() {
    let wakes = Arc::default();
    type Answer = fn(usize) -> Poll<Option<Result<Event, &'static str>>>;
    let answers: [Answer; 3] = [
        |_| Poll::Pending,
        |_| Poll::Ready(Some(Err("no"))),
        |_| Poll::Ready(Some(Ok(Event::text("x").into()))),
    ];
    for answer in answers {
        let stream = SseEncoder::new(Source(0, answer)).opening_comment(false).stop_on(ready(()));
        let mut stream = Box::pin(stream);
        assert!(matches!(poll(&mut stream, &wakes), Poll::Ready(None)));
        assert!(stream.get_ref().is_none());
    }
}

#[test]
fn the_crates_own_error_passes_through_a_stream_unchanged() {
    let event = Event::merge("no members", ());
    let error = Encoder::new().encode_once(&event).unwrap_err();
    let mut items = Some(Err::<Event, _>(error));
    let mut stream = pin!(
        SseEncoder::bare(Source(0, move |_| Poll::Ready(items.take()))).opening_comment(false)
    );
    match support::poll(stream.as_mut()) {
        Poll::Ready(Some(Err(error))) => {
            assert!(error.is_wrong_type() && !error.is_other());
            assert_eq!(error.field(), Some("data"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn padding_of_any_size_is_accepted() {
    let padded = catch_unwind(|| {
        drop(
            SseEncoder::new(Source(0, |_| Poll::Ready(None::<Event>)))
                .opening_comment(false)
                .padding(usize::MAX),
        )
    });
    assert!(padded.is_ok());
}
