//! The writable side of a stream.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use tokio::sync::{Semaphore, mpsc};

/// A stream that can be written to from anywhere: what the [`Sender`] is given, the [`Receiver`]
/// yields to [`SseEncoder`](crate::SseEncoder).
///
/// `capacity` is how many items may wait for a client that reads slowly; 0 counts as 1. A sender
/// then waits, or is [told](Sender::try_send): nothing is buffered without bound, and nothing is
/// lost unseen. When all senders are dropped, the stream ends cleanly after what was sent.
///
/// The class that this crate descends from was written to from a timer, until its `close` event.
/// The same with a channel:
///
/// ```
/// use sse_encoder::{Event, Receiver, SseEncoder, channel};
/// use serde_json::json;
/// use std::time::{Duration, SystemTime, UNIX_EPOCH};
///
/// fn ping() -> SseEncoder<Receiver<[Event; 2]>> {
///     let (sender, receiver) = channel(16);
///     tokio::spawn(async move {
///         let mut interval = tokio::time::interval(Duration::from_secs(1));
///         loop {
///             tokio::select! {
///                 () = sender.closed() => break, // The client has gone.
///                 _ = interval.tick() => {}
///             }
///             let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
///             let time = Event::json(json!({"time": time.as_millis() as u64}));
///             let other = Event::merge(json!({"a": 1}), json!({"b": 2, "c": 3})).event_type("other");
///             if sender.send([time.into(), other.into()]).await.is_err() {
///                 break;
///             }
///         }
///     });
///     SseEncoder::new(receiver)
/// }
/// # let _ = ping;
/// ```
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let (sender, receiver) = mpsc::channel(capacity.clamp(1, Semaphore::MAX_PERMITS));
    (Sender { sender }, Receiver { receiver })
}

/// Writes items to a stream. A clone writes to the same stream.
pub struct Sender<T> {
    sender: mpsc::Sender<T>,
}

/// The stream of what its [`Sender`]s were given.
#[must_use = "streams do nothing unless polled"]
pub struct Receiver<T> {
    receiver: mpsc::Receiver<T>,
}

impl<T> Sender<T> {
    /// Sends an item, when there is room for it.
    ///
    /// If the returned future is dropped before it is ready, the item was not sent.
    ///
    /// # Errors
    ///
    /// The client has gone: the stream was dropped. The item is in the error.
    pub async fn send(&self, item: T) -> Result<(), SendError<T>> {
        self.sender
            .send(item)
            .await
            .map_err(|mpsc::error::SendError(item)| SendError { item, full: false })
    }

    /// Sends an item, if there is room for it now.
    ///
    /// # Errors
    ///
    /// The client has gone, or the channel [is full](SendError::is_full). The item is in the error.
    pub fn try_send(&self, item: T) -> Result<(), SendError<T>> {
        self.sender.try_send(item).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(item) => SendError { item, full: false },
            mpsc::error::TrySendError::Full(item) => SendError { item, full: true },
        })
    }

    /// Ready when the client has gone: when the stream was dropped.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }

    /// Whether the client has gone.
    pub fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Self { sender: self.sender.clone() }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish()
    }
}

impl<T> Stream for Receiver<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.receiver.poll_recv(cx)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // Asked in this order: after the end nothing more comes.
        let is_closed = self.receiver.is_closed();
        let len = self.receiver.len();
        (len, is_closed.then_some(len))
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.receiver.len()).finish()
    }
}

/// An item that could not be sent, with the reason.
///
/// ```
/// use sse_encoder::{Event, channel};
///
/// let (sender, receiver) = channel(1);
/// assert!(sender.try_send(Event::json(1)).is_ok());
/// assert!(sender.try_send(Event::json(2)).unwrap_err().is_full());
/// drop(receiver);
/// assert!(!sender.try_send(Event::json(3)).unwrap_err().is_full());
/// ```
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct SendError<T> {
    item: T,
    full: bool,
}

impl<T> SendError<T> {
    /// Whether the channel was full; else the client has gone.
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// The item, back.
    pub fn into_inner(self) -> T {
        self.item
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("full", &self.full).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.full { "the channel is full" } else { "the client has gone" })
    }
}

impl<T> Error for SendError<T> {}
