//! The writable side of a stream.

use std::{
    error::Error,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::{FusedStream, Stream};
use tokio::sync::{Semaphore, mpsc};

/// Creates a stream that any code can write to: [`SseEncoder`](crate::SseEncoder) reads from the
/// [`Receiver`] the items that the [`Sender`] sends.
///
/// `capacity` is the number of items that may wait for a slow client; 0 counts as 1. When the
/// channel is full, [`send`](Sender::send) waits and [`try_send`](Sender::try_send) fails: the
/// buffer is bounded, and no item is lost unnoticed. After the last sender is dropped, the stream
/// sends the rest and ends cleanly.
///
/// Users of the Node.js class from which this crate descends wrote to it from a timer, until its
/// `close` event. The same with a channel:
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
///                 () = sender.closed() => break, // The client has disconnected.
///                 _ = interval.tick() => {}
///             }
///             let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
///             let time = Event::json(json!({"time": time.as_millis() as u64}));
///             let other = Event::merge(json!({"a": 1}), json!({"b": 2, "c": 3}));
///             let other = other.event_type("other");
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
///
/// ```
/// use sse_encoder::{Event, SendError, Sender};
///
/// async fn greet(sender: &Sender<Event>) -> Result<(), SendError<Event>> {
///     sender.send(Event::text("hello").into()).await // Waits where the channel is full.
/// }
/// ```
pub struct Sender<T> {
    sender: mpsc::Sender<T>,
}

/// The stream of the items that its [`Sender`]s send.
///
/// ```
/// use futures_executor::block_on_stream;
/// use sse_encoder::{Event, SseEncoder, channel};
///
/// let (sender, receiver) = channel(16);
/// assert!(sender.try_send(Event::text("hello")).is_ok());
/// drop(sender); // The stream ends with its last sender.
/// let mut stream = block_on_stream(SseEncoder::bare(receiver));
/// assert_eq!(stream.next().unwrap()?, ":\ndata: hello\n\n");
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Receiver<T> {
    receiver: mpsc::Receiver<T>,
}

impl<T> Sender<T> {
    /// Sends an item, after waiting for room.
    ///
    /// If the returned future is dropped before it is ready, the item is not sent.
    ///
    /// # Errors
    ///
    /// The stream has ended or was dropped: its client has disconnected, for example. The error
    /// returns the item.
    pub async fn send(&self, item: T) -> Result<(), SendError<T>> {
        self.sender
            .send(item)
            .await
            .map_err(|mpsc::error::SendError(item)| SendError { item, full: false })
    }

    /// Sends an item from code that is not async, after waiting for room.
    ///
    /// # Errors
    ///
    /// The stream has ended or was dropped. The error returns the item.
    ///
    /// # Panics
    ///
    /// Within a task of tokio, which it would block.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use sse_encoder::{Event, SseEncoder, channel};
    ///
    /// let (sender, receiver) = channel(1);
    /// let thread = std::thread::spawn(move || sender.blocking_send(Event::text("hello")));
    /// let mut stream = block_on_stream(SseEncoder::bare(receiver).opening_comment(false));
    /// assert_eq!(stream.next().unwrap()?, "data: hello\n\n");
    /// assert!(thread.join().unwrap().is_ok());
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn blocking_send(&self, item: T) -> Result<(), SendError<T>> {
        self.sender
            .blocking_send(item)
            .map_err(|mpsc::error::SendError(item)| SendError { item, full: false })
    }

    /// Sends an item, if the channel has room.
    ///
    /// # Errors
    ///
    /// The stream has ended or was dropped, or the channel [is full](SendError::is_full). The error
    /// returns the item.
    pub fn try_send(&self, item: T) -> Result<(), SendError<T>> {
        self.sender.try_send(item).map_err(|error| match error {
            mpsc::error::TrySendError::Closed(item) => SendError { item, full: false },
            mpsc::error::TrySendError::Full(item) => SendError { item, full: true },
        })
    }

    /// Waits until the stream has ended or was dropped: its client has disconnected, for example.
    pub async fn closed(&self) {
        self.sender.closed().await;
    }

    /// Whether the stream has ended or was dropped.
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
        // In this order: once the channel is closed, `len` cannot grow.
        let is_closed = self.receiver.is_closed();
        let len = self.receiver.len();
        (len, is_closed.then_some(len))
    }
}

impl<T> FusedStream for Receiver<T> {
    fn is_terminated(&self) -> bool {
        self.receiver.is_closed() && self.receiver.is_empty()
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.receiver.len()).finish()
    }
}

/// An unsent item, with the reason.
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
    /// Whether the channel was full; otherwise the stream has ended or was dropped.
    pub const fn is_full(&self) -> bool {
        self.full
    }

    /// Returns the item.
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
        f.write_str(if self.full { "the channel is full" } else { "the stream has ended" })
    }
}

impl<T> Error for SendError<T> {}
