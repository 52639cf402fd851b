//! The options of a stream that are rarely set: one allocation for those that set any, and one type
//! for all streams.

use std::{
    any::Any,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use pin_project_lite::pin_project;

use super::{
    chunk::Held,
    close::{Close, EndReason, StreamEnd},
    on_error::OnError,
    timer::BoxTimer,
};
use crate::{
    error::Error,
    event::{Encode, Internal},
    wire::Frames,
};

type Policy = Box<dyn FnMut(Error) -> OnError + Send>;

type Inspector = Box<dyn FnMut(&Error) + Send>;

#[derive(Default)]
pub(super) struct Options {
    pub(super) keep_alive: Option<KeepAlive>,
    pub(super) linger: Option<BoxTimer>,
    pub(super) signal: Option<BoxSignal>,
    pub(super) on_error: Option<Policy>,
    pub(super) inspect_error: Option<Inspector>,
    pub(super) guard: Option<Box<dyn Any + Send>>,
    /// Dropped after the guards.
    close: Option<Box<Close>>,
}

impl Options {
    pub(super) fn add_signal(&mut self, signal: impl Signal + Send + 'static) {
        self.signal = Some(match self.signal.take() {
            None => Box::pin(signal),
            Some(first) => Box::pin(Either { first, second: signal }),
        });
    }

    pub(super) fn add_inspector(&mut self, mut inspect: impl FnMut(&Error) + Send + 'static) {
        self.inspect_error = Some(match self.inspect_error.take() {
            None => Box::new(inspect),
            Some(mut first) => Box::new(move |error| {
                first(error);
                inspect(error);
            }),
        });
    }

    pub(super) fn add_guard(&mut self, guard: impl Send + 'static) {
        self.guard = Some(match self.guard.take() {
            None => Box::new(guard),
            Some(first) => Box::new((first, guard)),
        });
    }

    pub(super) fn add_on_close(&mut self, on_close: impl FnOnce(StreamEnd) + Send + 'static) {
        match &mut self.close {
            None => self.close = Some(Box::new(Close::new(on_close))),
            Some(close) => close.and(on_close),
        }
    }

    /// Whether a closure waits for the end of the stream.
    pub(super) fn has_on_close(&self) -> bool {
        self.close.is_some()
    }

    /// Notes why the stream ends.
    pub(super) fn set_cause(&mut self, cause: EndReason) {
        if let Some(close) = &mut self.close {
            close.set_cause(cause);
        }
    }

    /// Notes that the error was yielded: a stream that then sends a chunk goes on.
    pub(super) fn yielded_error(&mut self) {
        if let Some(close) = &mut self.close {
            close.yielded_error();
        }
    }

    /// Counts a chunk, and what is held after it.
    #[inline(never)]
    pub(super) fn count(&mut self, chunk: &[u8], held: Option<&Held>) {
        if let Some(close) = &mut self.close {
            close.sent(chunk, held.is_some_and(|held| held.ready() > 0));
        }
    }

    /// Notes that the source was dropped.
    pub(super) fn ended(&mut self) {
        if let Some(close) = &mut self.close {
            close.source_ended();
        }
    }

    /// Drops the timers and the signals of a stream that has ended, and tells the end.
    pub(super) fn end(&mut self) {
        (self.keep_alive, self.linger, self.signal) = (None, None, None);
        self.ended();
        self.close = None;
    }

    /// Restarts the keep-alive's interval.
    pub(super) fn reset_keep_alive(&mut self) {
        if let Some(keep_alive) = &mut self.keep_alive {
            keep_alive.timer.as_mut().reset();
        }
    }
}

/// The frames to send when no other chunk was sent for an interval.
pub(super) struct KeepAlive {
    timer: BoxTimer,
    /// Absent for the empty comment; an error where the item could not be encoded.
    frames: Option<Box<Result<Bytes, Error>>>,
}

impl KeepAlive {
    pub(super) fn new(timer: BoxTimer, frames: Option<Result<Bytes, Error>>) -> Self {
        Self { timer, frames: frames.map(Box::new) }
    }

    /// The frames, once they are due.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        if self.timer.as_mut().poll_elapsed(cx).is_pending() {
            return Poll::Pending;
        }
        self.timer.as_mut().reset();
        match self.frames.as_deref() {
            None => Poll::Ready(Ok(Bytes::from_static(b":\n"))),
            Some(Ok(frames)) => Poll::Ready(Ok(frames.clone())),
            Some(Err(error)) => {
                // No chunk may follow: the next interval has to wake the task.
                let _ = self.timer.as_mut().poll_elapsed(cx);
                Poll::Ready(Err(error.clone()))
            }
        }
    }
}

/// Writes the last item of a stream.
pub(super) type LastItem = Box<dyn FnOnce(&mut Frames<'_>) -> Result<(), Error>>;

pub(super) type BoxSignal = Pin<Box<dyn Signal + Send>>;

/// A stop signal.
pub(super) trait Signal {
    /// The stream's last item, once the signal has come.
    fn poll_signal(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LastItem>;
}

pin_project! {
    /// A stop signal whose output is discarded.
    pub(super) struct StopOn<F> {
        #[pin]
        pub(super) future: F,
    }
}

impl<F: Future> Signal for StopOn<F> {
    fn poll_signal(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LastItem> {
        self.project().future.poll(cx).map(|_| Box::new(|_: &mut Frames<'_>| Ok(())) as _)
    }
}

pin_project! {
    /// A stop signal whose output is the last item.
    pub(super) struct StopWith<F> {
        #[pin]
        pub(super) future: F,
    }
}

impl<F: Future<Output: Encode + 'static>> Signal for StopWith<F> {
    fn poll_signal(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LastItem> {
        let item = self.project().future.poll(cx);
        item.map(|item| {
            Box::new(|frames: &mut Frames<'_>| item.encode_owned(frames, Internal(()))) as _
        })
    }
}

pin_project! {
    /// The first of two stop signals.
    struct Either<F> {
        first: BoxSignal,
        #[pin]
        second: F,
    }
}

impl<F: Signal> Signal for Either<F> {
    fn poll_signal(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<LastItem> {
        let this = self.project();
        match this.first.as_mut().poll_signal(cx) {
            Poll::Pending => this.second.poll_signal(cx),
            ready => ready,
        }
    }
}
