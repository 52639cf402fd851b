//! Timers: of any runtime, and tokio's.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

#[cfg(feature = "tokio")]
pub use self::tokio::TokioTimer;

/// Measures an interval, by the clock of any runtime or of a test.
///
/// Seldom written by hand: a closure that makes a sleeping future becomes one, and with the feature
/// `tokio` a `Duration` does: see [`IntoTimer`].
///
/// ```
/// use futures_util::stream;
/// use sse_encoder::{Event, KeepAlive, SseEncoder, Timer};
/// use std::{pin::Pin, task::{Context, Poll}};
///
/// /// A test's clock: each interval is over at once.
/// struct Always;
///
/// impl Timer for Always {
///     fn reset(self: Pin<&mut Self>) {}
///     fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
///         Poll::Ready(())
///     }
/// }
///
/// let quiet = stream::pending::<Event>();
/// let stream = SseEncoder::new(quiet).keep_alive(KeepAlive::with_timer(Always));
/// let mut stream = futures_executor::block_on_stream(stream);
/// assert_eq!(stream.next().unwrap()?, ":\n\n");
/// # Ok::<(), sse_encoder::Error>(())
/// ```
pub trait Timer {
    /// Begins the interval anew. Called with every chunk that is sent, so it should cost little.
    fn reset(self: Pin<&mut Self>);

    /// Ready when an interval has passed since the last [`reset`](Self::reset), or since the first
    /// poll if there was none. It is not polled again after that without a reset.
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

/// What becomes a [`Timer`]: a closure that makes a sleeping future, one call for each interval;
/// with the feature `tokio` also a [`Duration`](std::time::Duration).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a timer",
    note = "a `Duration` is one with the feature `tokio` of `sse-encoder`",
    note = "of any runtime: a closure that makes a sleeping future, `|| sleep(Duration::from_secs(15))`"
)]
pub trait IntoTimer {
    /// The timer that it becomes.
    type Timer: Timer;

    /// Makes the timer.
    fn into_timer(self) -> Self::Timer;
}

/// What a `Duration` lacks without the feature `tokio`: the compiler then says so.
#[cfg(not(feature = "tokio"))]
#[diagnostic::on_unimplemented(
    message = "a `Duration` is a timer with the feature `tokio` of `sse-encoder`",
    label = "the feature `tokio` is not enabled",
    note = "of any other runtime: a closure that makes a sleeping future, \
            `|| sleep(Duration::from_secs(15))`"
)]
pub trait NeedsTokio<'a> {}

#[cfg(not(feature = "tokio"))]
impl IntoTimer for std::time::Duration
where
    // For a lifetime, or the bound would be looked at here and not where it is used.
    for<'a> Self: NeedsTokio<'a>,
{
    type Timer = super::Never;

    fn into_timer(self) -> super::Never {
        unreachable!("it is implemented for nothing")
    }
}

impl<F: FnMut() -> R, R: Future> IntoTimer for F {
    type Timer = SleepTimer<F, R>;

    fn into_timer(self) -> Self::Timer {
        SleepTimer { sleep: self, current: None }
    }
}

pin_project! {
    /// A [`Timer`] from a closure that makes a future: one call for each interval.
    pub struct SleepTimer<F, R> {
        sleep: F,
        #[pin]
        current: Option<R>,
    }
}

impl<F: FnMut() -> R, R: Future> Timer for SleepTimer<F, R> {
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

impl<F, R> fmt::Debug for SleepTimer<F, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SleepTimer").finish_non_exhaustive()
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

    use super::{IntoTimer, Timer};

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

    impl IntoTimer for Duration {
        type Timer = TokioTimer;

        fn into_timer(self) -> TokioTimer {
            TokioTimer::new(self)
        }
    }
}
