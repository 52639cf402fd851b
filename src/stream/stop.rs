use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use pin_project_lite::pin_project;

use super::{item::sealed::Item, never::Never};
use crate::{error::Error, event::Encode, frame::Frames};

/// No stop signal: the stream ends when its source does.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoSignal(pub(super) ());

impl Future for NoSignal {
    type Output = Never;

    #[inline]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Never> {
        Poll::Pending
    }
}

pin_project! {
    /// A stop signal whose output does not matter: see
    /// [`SseEncoder::stop_on`](crate::SseEncoder::stop_on).
    #[derive(Clone, Debug)]
    pub struct StopOn<F> {
        #[pin]
        pub(super) signal: F,
    }
}

impl<F: Future> Future for StopOn<F> {
    type Output = NoEvent;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<NoEvent> {
        self.project().signal.poll(cx).map(|_| NoEvent(()))
    }
}

/// No frames: the output of [`StopOn`].
#[derive(Clone, Copy, Debug)]
pub struct NoEvent(());

impl Encode for NoEvent {
    fn encode(&self, _: &mut Frames<'_>) -> Result<(), Error> {
        Ok(())
    }
}

pin_project! {
    /// Two stop signals: the first that is ready counts.
    #[derive(Clone, Debug)]
    pub struct StopSignals<A, B> {
        #[pin]
        pub(super) first: A,
        #[pin]
        pub(super) second: B,
    }
}

impl<A, B> Future for StopSignals<A, B>
where
    A: Future<Output: Item>,
    B: Future<Output: Item>,
{
    type Output = Result<LastItem<Encoding<A>, Encoding<B>>, Error>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(last) = this.first.poll(cx) {
            return Poll::Ready(last.into_encode().map(|item| LastItem(Last::First(item))));
        }
        this.second.poll(cx).map(|last| last.into_encode().map(|item| LastItem(Last::Second(item))))
    }
}

type Encoding<F> = <<F as Future>::Output as Item>::Encode;

/// The last item of one of two stop signals.
#[derive(Clone, Copy, Debug)]
pub struct LastItem<A, B>(Last<A, B>);

#[derive(Clone, Copy, Debug)]
enum Last<A, B> {
    First(A),
    Second(B),
}

impl<A: Encode, B: Encode> Encode for LastItem<A, B> {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        match &self.0 {
            Last::First(item) => item.encode(frames),
            Last::Second(item) => item.encode(frames),
        }
    }
}
