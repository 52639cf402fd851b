//! The feature `tokio`: the channel, and the keep-alive of its clock, which the tests pause.
#![cfg(feature = "tokio")]

use std::{pin::pin, time::Duration};

use futures_util::{Stream, StreamExt};
use sse_encoder::{Event, KeepAlive, SseEncoder, channel, stream::TokioTimer};
use tokio::time::{Instant, advance, sleep, timeout};

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
async fn the_default_is_fifteen_seconds() {
    let (_sender, receiver) = channel::<Event>(1);
    let mut stream = pin!(SseEncoder::new(receiver).keep_alive(KeepAlive::default()));
    let start = Instant::now();
    stream.next().await;
    assert_eq!(start.elapsed().as_secs(), 15);
}

#[tokio::test(start_paused = true)]
async fn every_chunk_begins_the_interval_anew() {
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
async fn a_timer_can_be_made_outside_a_runtime_and_its_interval_can_be_anything() {
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

#[tokio::test(start_paused = true)]
async fn a_full_channel_makes_the_sender_wait_and_loses_nothing() {
    let (sender, receiver) = channel(2);
    sender.try_send(Event::text("1")).unwrap();
    sender.try_send(Event::text("2")).unwrap();
    let error = sender.try_send(Event::text("3")).unwrap_err();
    assert!(error.is_full());
    assert!(timeout(SECOND, sender.send(error.into_inner())).await.is_err());
    let mut stream = pin!(SseEncoder::bare(receiver));
    assert_eq!(stream.next().await.unwrap().unwrap(), "data: 1\n\ndata: 2\n\n");
    sender.send(Event::text("4")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), "data: 4\n\n");
}

#[tokio::test(start_paused = true)]
async fn the_stream_ends_after_what_was_sent_when_the_last_sender_goes() {
    let (sender, receiver) = channel(8);
    let other = sender.clone();
    sender.send(Event::text("1")).await.unwrap();
    drop(sender);
    other.send(Event::text("2")).await.unwrap();
    drop(other);
    let mut stream = pin!(SseEncoder::bare(receiver));
    assert_eq!(stream.next().await.unwrap().unwrap(), "data: 1\n\ndata: 2\n\n");
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_sender_is_told_when_the_client_goes() {
    let (sender, receiver) = channel(1);
    let stream = SseEncoder::new(receiver);
    assert!(!sender.is_closed());
    let gone = tokio::spawn({
        let sender = sender.clone();
        async move { sender.closed().await }
    });
    sleep(SECOND).await;
    assert!(!gone.is_finished());
    drop(stream);
    gone.await.unwrap();
    assert!(sender.is_closed());
    let error = sender.send(Event::text("late")).await.unwrap_err();
    assert!(!error.is_full());
    assert_eq!(error.to_string(), "the client has gone");
}

#[tokio::test]
async fn the_size_hint_is_what_was_sent_and_an_upper_bound_once_nobody_can_send() {
    let (sender, mut receiver) = channel(4);
    assert_eq!(receiver.size_hint(), (0, None));
    sender.send(1).await.unwrap();
    sender.send(2).await.unwrap();
    assert_eq!(receiver.size_hint(), (2, None));
    drop(sender);
    assert_eq!(receiver.size_hint(), (2, Some(2)));
    receiver.next().await;
    assert_eq!(receiver.size_hint(), (1, Some(1)));
    receiver.next().await;
    assert_eq!(receiver.size_hint(), (0, Some(0)));
}

#[tokio::test]
async fn debug_says_what_is_known_without_the_items() {
    struct Silent;
    let (sender, receiver) = channel(1);
    assert_eq!(format!("{sender:?}"), "Sender { is_closed: false }");
    sender.send(Silent).await.unwrap();
    assert_eq!(format!("{receiver:?}"), "Receiver { len: 1 }");
    let error = sender.try_send(Silent).unwrap_err();
    assert_eq!(format!("{error:?}"), "SendError { full: true, .. }");
}

#[tokio::test]
async fn any_capacity_will_do() {
    for capacity in [0, 1, usize::MAX] {
        let (sender, receiver) = channel(capacity);
        sender.try_send(Event::text("a")).unwrap();
        drop(sender);
        assert_eq!(SseEncoder::new(receiver).count().await, 1);
    }
}
