use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use super::never::Never;

/// A stream of nothing: see [`SseEncoder::retry_after`](crate::SseEncoder::retry_after).
#[derive(Clone, Copy, Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct EmptySource(pub(crate) ());

impl Stream for EmptySource {
    type Item = Never;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Never>> {
        Poll::Ready(None)
    }
}
