use std::{
    convert::Infallible,
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use pin_project_lite::pin_project;

use crate::{encoder::Encoder, error::Error, event::Encode};

/// Measures how long nothing has been sent. A value, handed in: of any runtime, or a test's own.
///
/// A closure that makes a future is one too, in [`KeepAlive::new`] and
/// [`SseEncoder::keep_alive`](crate::SseEncoder::keep_alive), where the future is one interval's sleep.
pub trait Timer {
    /// Begins the interval anew. Called with every chunk that is sent, so it should cost little.
    fn reset(self: Pin<&mut Self>);

    /// Ready when an interval has passed since the last [`reset`](Self::reset), or since the first poll
    /// if there was none. It is not polled again after that without a reset.
    fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}

impl<T: ?Sized + Timer> Timer for Pin<Box<T>> {
    fn reset(self: Pin<&mut Self>) {
        self.get_mut().as_mut().reset();
    }

    fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.get_mut().as_mut().poll_elapsed(cx)
    }
}

pin_project! {
    /// What is sent when nothing else was for a while, so that proxies and clients do not take a quiet
    /// stream for a dead one, and a client that is gone is noticed.
    ///
    /// The default is an empty comment, which clients ignore; pages cannot see it. The standard
    /// [advises](https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes) one
    /// every 15 seconds or so.
    ///
    /// With any runtime's sleep:
    ///
    /// ```
    /// use sse_encoder::{KeepAlive, SseEncoder};
    /// # use sse_encoder::Event;
    /// # use std::time::Duration;
    /// # mod runtime { pub async fn sleep(_: std::time::Duration) {} }
    /// # fn example(events: impl futures_core::Stream<Item = Event>) {
    ///
    /// let stream = SseEncoder::new(events)
    ///     .keep_alive(|| runtime::sleep(KeepAlive::DEFAULT_INTERVAL));
    /// # let _ = stream;
    /// # }
    /// ```
    ///
    /// With the feature `tokio` a [`Duration`] will do: `.keep_alive(Duration::from_secs(15))`.
    #[derive(Clone, Debug)]
    pub struct KeepAlive<T> {
        #[pin]
        timer: T,
        frames: Bytes,
    }
}

impl KeepAlive<Infallible> {
    /// 15 seconds, which the standard advises.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);
}

impl<F: FnMut() -> R, R: Future> KeepAlive<Sleeps<F, R>> {
    /// A keep-alive whose timer is a closure: each call gives a future that ends after one interval.
    pub const fn new(sleep: F) -> Self {
        Self::with_timer(Sleeps { sleep, current: None })
    }
}

impl<T: Timer> KeepAlive<T> {
    /// A keep-alive with this timer.
    pub const fn with_timer(timer: T) -> Self {
        Self { timer, frames: Bytes::from_static(b":\n\n") }
    }

    /// Sends this item in place of the empty comment: a [`Comment`](crate::Comment) with a text, or an
    /// event that a page can listen to.
    ///
    /// It is encoded now, once. It gets no automatic id, so it never moves the client's last event ID,
    /// and no default type line.
    ///
    /// # Errors
    ///
    /// The item cannot be encoded.
    ///
    /// ```
    /// use sse_encoder::{Event, EventType, KeepAlive};
    /// # mod runtime { pub async fn sleep(_: std::time::Duration) {} }
    ///
    /// const PING: EventType = EventType::from_static("ping");
    ///
    /// let keep_alive = KeepAlive::new(|| runtime::sleep(KeepAlive::DEFAULT_INTERVAL))
    ///     .item(&Event::text("").event_type(PING))?;
    /// # let _ = keep_alive;
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn item(mut self, item: &(impl ?Sized + Encode)) -> Result<Self, Error> {
        self.frames = Encoder::bare().encode_once(item)?.into_bytes();
        Ok(self)
    }

    /// Says that a chunk is sent.
    pub(crate) fn reset(self: Pin<&mut Self>) {
        self.project().timer.reset();
    }

    /// What to send, when it is time; never nothing.
    pub(crate) fn poll_frames(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Bytes> {
        let mut this = self.project();
        ready!(this.timer.as_mut().poll_elapsed(cx));
        this.timer.reset();
        if this.frames.is_empty() { Poll::Pending } else { Poll::Ready(this.frames.clone()) }
    }
}

impl<F: FnMut() -> R, R: Future> From<F> for KeepAlive<Sleeps<F, R>> {
    fn from(sleep: F) -> Self {
        Self::new(sleep)
    }
}

pin_project! {
    /// A [`Timer`] from a closure that makes a future: see [`KeepAlive::new`].
    pub struct Sleeps<F, R> {
        sleep: F,
        #[pin]
        current: Option<R>,
    }
}

impl<F: FnMut() -> R, R: Future> Timer for Sleeps<F, R> {
    fn reset(self: Pin<&mut Self>) {
        self.project().current.set(None);
    }

    fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.current.is_none() {
            this.current.set(Some((this.sleep)()));
        }
        match this.current.as_pin_mut() {
            Some(current) => current.poll(cx).map(drop),
            None => Poll::Pending,
        }
    }
}

impl<F, R> fmt::Debug for Sleeps<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleeps").finish_non_exhaustive()
    }
}

#[cfg(feature = "tokio")]
mod tokio {
    use std::{
        future::Future,
        pin::Pin,
        task::{Context, Poll},
        time::Duration,
    };

    use pin_project_lite::pin_project;
    use tokio::time::{Instant, Sleep};

    use super::{KeepAlive, Timer};

    /// Shorter intervals would make a stream of nothing but keep-alives.
    const SHORTEST: Duration = Duration::from_millis(1);

    pin_project! {
        /// A [`Timer`] of tokio's clock, which tests can pause.
        ///
        /// It can be made anywhere; it must be polled inside a tokio runtime with time enabled.
        #[derive(Debug)]
        pub struct TokioTimer {
            interval: Duration,
            // Made at the first poll.
            #[pin]
            sleep: Option<Sleep>,
        }
    }

    impl TokioTimer {
        /// A timer with this interval, of at least one millisecond.
        pub fn new(interval: Duration) -> Self {
            Self { interval: interval.max(SHORTEST), sleep: None }
        }
    }

    impl Timer for TokioTimer {
        fn reset(self: Pin<&mut Self>) {
            let mut this = self.project();
            if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
                match Instant::now().checked_add(*this.interval) {
                    Some(deadline) => sleep.reset(deadline),
                    // Beyond what the clock can say: the next poll makes one that never ends.
                    None => this.sleep.set(None),
                }
            }
        }

        fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
            let mut this = self.project();
            if this.sleep.is_none() {
                this.sleep.set(Some(tokio::time::sleep(*this.interval)));
            }
            this.sleep.as_pin_mut().map_or(Poll::Pending, |sleep| sleep.poll(cx))
        }
    }

    impl From<Duration> for KeepAlive<TokioTimer> {
        fn from(interval: Duration) -> Self {
            Self::with_timer(TokioTimer::new(interval))
        }
    }

    impl Default for KeepAlive<TokioTimer> {
        /// An empty comment every [15 seconds](KeepAlive::DEFAULT_INTERVAL).
        fn default() -> Self {
            KeepAlive::DEFAULT_INTERVAL.into()
        }
    }
}

#[cfg(feature = "tokio")]
pub use self::tokio::TokioTimer;
