use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;

use crate::{
    stream::{Nothing, SseEncoder},
    value::ReconnectionTime,
};

impl SseEncoder<NoItems> {
    /// A soft refusal: an event stream that says when to come back, and ends.
    ///
    /// For a server that has no room just now. A status such as 429 or 503 would make a browser give up
    /// for good: it comes back after a [success](https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model)
    /// only. Spread the times out, or all come back at once. To tell a client never to come back there is
    /// [`StopReconnecting`].
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use sse_encoder::{ReconnectionTime, SseEncoder};
    ///
    /// let later = ReconnectionTime::from_millis(30_000).unwrap();
    /// let mut stream = block_on_stream(SseEncoder::come_back_after(later));
    /// assert_eq!(stream.next().unwrap()?, "retry: 30000\n\n");
    /// assert!(stream.next().is_none());
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn come_back_after(time: ReconnectionTime) -> Self {
        Self::bare(NoItems(())).retry(time)
    }
}

/// A stream of nothing: see [`SseEncoder::come_back_after`].
#[derive(Clone, Copy, Debug)]
#[must_use = "streams do nothing unless polled"]
pub struct NoItems(());

impl Stream for NoItems {
    type Item = Nothing;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Nothing>> {
        Poll::Ready(None)
    }
}

/// The response that tells a client to stop reconnecting: status 204, no content.
///
/// It is a response in axum, a responder in actix-web and a reply in warp, under their features;
/// elsewhere answer with [`STATUS`](Self::STATUS). Return it where the stream has come to its real end,
/// so that clients which reconnect do not do so forever.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct StopReconnecting;

impl StopReconnecting {
    /// 204, No Content.
    pub const STATUS: u16 = 204;
}
