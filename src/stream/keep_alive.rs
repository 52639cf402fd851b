use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use pin_project_lite::pin_project;

use super::timer::{IntoTimer, Timer};
use crate::{encoder::Encoder, error::Error, event::Encode};

pin_project! {
    /// What is sent when nothing else was for a while, so that proxies and clients do not take a
    /// quiet stream for a dead one, and a client that is gone is noticed.
    ///
    /// The default is an empty comment, which clients ignore; pages cannot see it. The standard
    /// [advises](https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes)
    /// one every 15 seconds or so.
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
        // `None` for the empty comment.
        frames: Option<Box<Bytes>>,
    }
}

impl KeepAlive<Infallible> {
    /// 15 seconds, which the standard advises.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(15);
}

impl<T: Timer> KeepAlive<T> {
    /// A keep-alive with a timer made from a closure, each call of which gives a future that ends
    /// after one interval; or, with the feature `tokio`, from a `Duration`.
    pub fn new(timer: impl IntoTimer<Timer = T>) -> Self {
        Self::with_timer(timer.into_timer())
    }

    /// A keep-alive with this timer.
    pub const fn with_timer(timer: T) -> Self {
        Self { timer, frames: None }
    }

    /// Sends this item in place of the empty comment: a [`Comment`](crate::Comment) with a text, or
    /// an event that a page can listen to.
    ///
    /// It is encoded now, once. It gets no automatic id and no default type line, so it does not
    /// move the client's last event ID unless you give it an id. An item that writes no frame sends
    /// nothing.
    ///
    /// # Errors
    ///
    /// The item cannot be encoded.
    ///
    /// ```
    /// use sse_encoder::{Event, KeepAlive};
    /// # mod runtime { pub async fn sleep(_: std::time::Duration) {} }
    ///
    /// let keep_alive = KeepAlive::new(|| runtime::sleep(KeepAlive::DEFAULT_INTERVAL))
    ///     .item(&Event::text("").event_type("ping"))?;
    /// # let _ = keep_alive;
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn item(mut self, item: &(impl ?Sized + Encode)) -> Result<Self, Error> {
        self.frames = Some(Box::new(Encoder::bare().encode_once(item)?.into_bytes()));
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
        match this.frames {
            None => Poll::Ready(Bytes::from_static(b":\n\n")),
            Some(frames) if frames.is_empty() => Poll::Pending,
            Some(frames) => Poll::Ready((**frames).clone()),
        }
    }
}

/// What becomes a [`KeepAlive`]: a timer's interval, by [`IntoTimer`], or a [`KeepAlive`] itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a keep-alive",
    note = "a `Duration` is one with the feature `tokio` of `sse-encoder`",
    note = "of any runtime: a closure that makes a sleeping future, `|| sleep(Duration::from_secs(15))`",
    note = "to choose what is sent: `KeepAlive::new(..).item(..)`"
)]
pub trait IntoKeepAlive {
    /// The keep-alive's timer.
    type Timer: Timer;

    /// Makes the keep-alive.
    fn into_keep_alive(self) -> KeepAlive<Self::Timer>;
}

impl<I: IntoTimer> IntoKeepAlive for I {
    type Timer = I::Timer;

    fn into_keep_alive(self) -> KeepAlive<I::Timer> {
        KeepAlive::new(self)
    }
}

impl<T: Timer> IntoKeepAlive for KeepAlive<T> {
    type Timer = T;

    fn into_keep_alive(self) -> Self {
        self
    }
}

#[cfg(feature = "tokio")]
impl Default for KeepAlive<super::timer::TokioTimer> {
    /// An empty comment every [15 seconds](KeepAlive::DEFAULT_INTERVAL).
    fn default() -> Self {
        Self::new(KeepAlive::DEFAULT_INTERVAL)
    }
}
