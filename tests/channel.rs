//! `channel`, the writable side of a stream.
#![cfg(feature = "tokio")]

use std::{pin::pin, time::Duration};

use futures_util::{Stream, StreamExt, stream::FusedStream};
use sse_encoder::{Event, SseEncoder, channel};
use tokio::time::{sleep, timeout};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_full_channel_makes_the_sender_wait_and_loses_nothing() {
    let (sender, receiver) = channel(2);
    sender.try_send(Event::text("1")).unwrap();
    sender.try_send(Event::text("2")).unwrap();
    let error = sender.try_send(Event::text("3")).unwrap_err();
    assert!(error.is_full());
    assert!(timeout(SECOND, sender.send(error.into_inner())).await.is_err());
    let mut stream = pin!(SseEncoder::bare(receiver).opening_comment(false));
    assert_eq!(stream.next().await.unwrap().unwrap(), "data: 1\n\ndata: 2\n\n");
    sender.send(Event::text("4")).await.unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap(), "data: 4\n\n");
}

#[tokio::test(start_paused = true)]
async fn the_stream_ends_after_the_last_senders_items() {
    let (sender, receiver) = channel(8);
    let other = sender.clone();
    sender.send(Event::text("1")).await.unwrap();
    drop(sender);
    other.send(Event::text("2")).await.unwrap();
    drop(other);
    let mut stream = pin!(SseEncoder::bare(receiver).opening_comment(false));
    assert_eq!(stream.next().await.unwrap().unwrap(), "data: 1\n\ndata: 2\n\n");
    assert!(stream.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_sender_learns_that_its_client_has_gone() {
    let (sender, receiver) = channel(1);
    let stream = SseEncoder::new(receiver).opening_comment(false);
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
    assert_eq!(error.to_string(), "the stream has ended");
}

#[tokio::test]
async fn the_size_hint_counts_queued_items_and_is_exact_once_the_senders_are_dropped() {
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
async fn the_stream_is_terminated_once_the_senders_are_dropped_and_the_queue_is_empty() {
    let (sender, mut receiver) = channel(4);
    assert!(!receiver.is_terminated());
    sender.send(1).await.unwrap();
    assert!(!receiver.is_terminated());
    drop(sender);
    assert!(!receiver.is_terminated());
    assert_eq!(receiver.next().await, Some(1));
    assert!(receiver.is_terminated());
    assert_eq!(receiver.next().await, None);
}

#[test]
fn a_thread_that_blocks_sends_every_item_and_learns_that_its_client_has_gone() {
    let (sender, receiver) = channel(1);
    let thread = std::thread::spawn(move || {
        for n in 1..=3 {
            sender.blocking_send(n).unwrap();
        }
        sender
    });
    let mut items = futures_executor::block_on_stream(receiver);
    assert_eq!(items.by_ref().take(3).collect::<Vec<_>>(), [1, 2, 3]);
    drop(items);
    let error = thread.join().unwrap().blocking_send(4).unwrap_err();
    assert_eq!((error.is_full(), error.into_inner()), (false, 4));
}

#[tokio::test]
async fn debug_output_omits_the_items() {
    struct Silent;
    let (sender, receiver) = channel(1);
    assert_eq!(format!("{sender:?}"), "Sender { is_closed: false }");
    sender.send(Silent).await.unwrap();
    assert_eq!(format!("{receiver:?}"), "Receiver { len: 1 }");
    let error = sender.try_send(Silent).unwrap_err();
    assert_eq!(format!("{error:?}"), "SendError { full: true, .. }");
}

#[tokio::test]
async fn every_capacity_is_accepted() {
    for capacity in [0, 1, usize::MAX] {
        let (sender, receiver) = channel(capacity);
        sender.try_send(Event::text("a")).unwrap();
        drop(sender);
        assert_eq!(SseEncoder::new(receiver).opening_comment(false).count().await, 1);
    }
}
