use crate::{
    stream::{EmptySource, SseEncoder},
    value::ReconnectionTime,
};

impl SseEncoder<EmptySource> {
    /// A soft refusal: an event stream that says when to come back, and ends.
    ///
    /// For a server that has no room just now. A status such as 429 or 503 would make a browser
    /// give up for good: it comes back after a
    /// [success](https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model)
    /// only. Spread the times out, by [`ReconnectionTime::jittered`], or all come back at once. To
    /// tell a client never to come back there is [`StopReconnecting`].
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use sse_encoder::{ReconnectionTime, SseEncoder};
    ///
    /// let later = ReconnectionTime::from_secs(30).unwrap();
    /// let mut stream = block_on_stream(SseEncoder::retry_after(later));
    /// assert_eq!(stream.next().unwrap()?, "retry: 30000\n\n");
    /// assert!(stream.next().is_none());
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn retry_after(time: ReconnectionTime) -> Self {
        Self::bare(EmptySource(())).retry(time)
    }
}

/// The response that tells a client to stop reconnecting: status 204, no content.
///
/// It is a response in axum, a responder in actix-web and a reply in warp, under their features;
/// elsewhere answer with [`STATUS`](Self::STATUS). Return it where the stream has come to its real
/// end, so that clients which reconnect do not do so forever.
///
/// ```
/// use sse_encoder::{LastEventId, StopReconnecting};
///
/// /// Ten events are all there are.
/// fn is_over(last: &LastEventId) -> Option<StopReconnecting> {
///     (last.as_u64() >= Some(10)).then_some(StopReconnecting)
/// }
/// assert!(is_over(&LastEventId::from_header(b"10")).is_some());
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct StopReconnecting;

impl StopReconnecting {
    /// 204, No Content.
    pub const STATUS: u16 = 204;
}
