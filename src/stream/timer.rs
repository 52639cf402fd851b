//! Timers of any runtime.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

/// An interval, measured by the clock of any runtime: a closure that makes a sleeping future,
/// called once for each interval; with the feature `tokio` also a
/// [`Duration`](std::time::Duration).
///
/// ```
/// use sse_encoder::SseEncoder;
/// # use sse_encoder::Event;
/// # use std::time::Duration;
/// # mod runtime { pub async fn sleep(_: std::time::Duration) {} }
/// # fn example(events: impl futures_core::Stream<Item = Event>) {
///
/// let stream = SseEncoder::new(events).keep_alive(|| runtime::sleep(Duration::from_secs(15)));
/// # let _ = stream;
/// # }
/// ```
///
/// It is sealed: wrap the timer of a runtime in a closure. A future that cannot cross threads
/// (compio, monoio) needs a wrapper that is `Send`, such as `send_wrapper`'s. On
/// `wasm32-unknown-unknown`, where a `Duration` panics for want of a clock, use the host's timer.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a timer",
    note = "a `Duration` is one with the feature `tokio` of `sse-encoder`",
    note = "of any runtime: a closure that makes a sleeping future, \
            `|| sleep(Duration::from_secs(15))`; closure and future must be `Send` and `'static`"
)]
pub trait Timer {
    #[doc(hidden)]
    fn into_interval(self) -> BoxTimer;
}

pub(super) type BoxTimer = Pin<Box<dyn Interval + Send>>;

/// An interval that can be restarted. Nothing outside of this crate can name it, which seals
/// [`Timer`].
pub trait Interval {
    /// Restarts the interval. Called with every chunk that is sent, so it should cost little.
    fn reset(self: Pin<&mut Self>);

    /// Ready when an interval has passed since the last [`reset`](Self::reset), or since the first
    /// poll. It is not polled again after that without a reset.
    fn poll_elapsed(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()>;
}

/// Never implemented; names the missing feature.
#[cfg(not(feature = "tokio"))]
#[diagnostic::on_unimplemented(
    message = "a `Duration` is a timer with the feature `tokio` of `sse-encoder`",
    label = "the feature `tokio` is not enabled",
    note = "of any other runtime: a closure that makes a sleeping future, \
            `|| sleep(Duration::from_secs(15))`"
)]
pub trait NeedsTokio<'a> {}

#[cfg(not(feature = "tokio"))]
impl Timer for std::time::Duration
where
    // For a lifetime, or the bound would be checked here and not at its use.
    for<'a> Self: NeedsTokio<'a>,
{
    fn into_interval(self) -> BoxTimer {
        unreachable!("no type implements `NeedsTokio`")
    }
}

impl<F, R> Timer for F
where
    F: FnMut() -> R + Send + 'static,
    R: Future + Send + 'static,
{
    fn into_interval(self) -> BoxTimer {
        Box::pin(Sleeps { sleep: self, current: None })
    }
}

pin_project! {
    /// Intervals that are futures, made by a closure.
    struct Sleeps<F, R> {
        sleep: F,
        #[pin]
        current: Option<R>,
    }
}

impl<F: FnMut() -> R, R: Future> Interval for Sleeps<F, R> {
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

    use super::{BoxTimer, Interval, Timer};

    /// A shorter interval would make a stream of keep-alives alone.
    const SHORTEST: Duration = Duration::from_millis(1);

    pin_project! {
        /// An interval of tokio's clock, which tests can pause.
        struct TokioInterval {
            interval: Duration,
            // Made at the first poll, which needs a runtime; the constructor does not.
            #[pin]
            sleep: Option<Sleep>,
        }
    }

    impl Interval for TokioInterval {
        fn reset(self: Pin<&mut Self>) {
            let mut this = self.project();
            if let Some(sleep) = this.sleep.as_mut().as_pin_mut() {
                match Instant::now().checked_add(*this.interval) {
                    Some(deadline) => sleep.reset(deadline),
                    // Beyond the clock's range: the next poll makes one that never ends.
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

    impl Timer for Duration {
        fn into_interval(self) -> BoxTimer {
            Box::pin(TokioInterval { interval: self.max(SHORTEST), sleep: None })
        }
    }
}
