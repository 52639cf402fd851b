/// The response that tells a client to stop reconnecting: status 204, no content.
///
/// It is a response in axum, a responder in actix-web and a reply in warp, under their features;
/// elsewhere answer with [`STATUS`](Self::STATUS). Return it once the stream is really over, or its
/// clients reconnect for ever.
///
/// ```
/// use sse_encoder::{LastEventId, StopReconnecting};
///
/// /// The stream has ten events.
/// fn is_over(last: &LastEventId) -> Option<StopReconnecting> {
///     (last.as_u64() >= Some(10)).then_some(StopReconnecting)
/// }
/// assert!(is_over(&LastEventId::from_headers(["10"])).is_some());
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[allow(clippy::exhaustive_structs, reason = "it says all there is to say")]
pub struct StopReconnecting;

impl StopReconnecting {
    /// 204, No Content.
    pub const STATUS: u16 = 204;
}
