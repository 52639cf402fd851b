//! The response's headers, as text: `http` 0.2, `http` 1 and frameworks without either can use them.
//!
//! The adapters of this crate set [`RESPONSE`]; add or replace what you like afterwards.

/// `Content-Type: text/event-stream`, without which a client refuses the response.
pub const CONTENT_TYPE: (&str, &str) = ("content-type", "text/event-stream");

/// `Cache-Control: no-cache, no-transform`: nobody on the way may keep the stream, nor compress it,
/// which would hold events back.
pub const CACHE_CONTROL: (&str, &str) = ("cache-control", "no-cache, no-transform");

/// `X-Accel-Buffering: no`: nginx and those that follow it pass each event on as it comes.
pub const X_ACCEL_BUFFERING: (&str, &str) = ("x-accel-buffering", "no");

/// `Content-Encoding: identity`: the stream is as it is, and stays so. Not all that compress ask for
/// `no-transform` — nginx and the middleware of actix-web do not —, but all leave what has an encoding.
/// That is why it is sent, though [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-8.4) has it
/// reserved for requests.
pub const CONTENT_ENCODING: (&str, &str) = ("content-encoding", "identity");

/// `Connection: keep-alive`, as the reference sends it. On HTTP/1.1 only, where it says what is the
/// default anyway: HTTP/2 and HTTP/3 forbid it. The adapters for axum, warp and `http_body` set it, as
/// hyper takes it out again on HTTP/2; for a server that is not hyper, remove it.
pub const CONNECTION: (&str, &str) = ("connection", "keep-alive");

/// The headers of every response, on any version of HTTP.
pub const RESPONSE: &[(&str, &str)] =
    &[CONTENT_TYPE, CACHE_CONTROL, X_ACCEL_BUFFERING, CONTENT_ENCODING];

/// The request's header in which a client that reconnects sends the last event ID.
pub const LAST_EVENT_ID: &str = "last-event-id";
