//! The headers of the response, as text: usable with `http` 0.2, `http` 1 and frameworks without
//! either.
//!
//! The adapters of this crate set [`RESPONSE`]. Add or replace headers afterwards.
//!
//! ```
//! assert!(sse_encoder::header::RESPONSE.contains(&("x-accel-buffering", "no")));
//! ```

/// `Content-Type: text/event-stream; charset=utf-8`. Without the type a client refuses the
/// response. An event stream is always UTF-8; the charset is for clients that know only `text/*`:
/// Python's `requests` and a browser's tab otherwise read it as Latin-1.
pub const CONTENT_TYPE: (&str, &str) = ("content-type", "text/event-stream; charset=utf-8");

/// `Cache-Control: no-cache, no-store, no-transform`. Nothing may store the stream: a browser's
/// `fetch` otherwise does, and answers later requests with it. Nothing may compress it on the way:
/// that can hold events back.
pub const CACHE_CONTROL: (&str, &str) = ("cache-control", "no-cache, no-store, no-transform");

/// `X-Accel-Buffering: no`: nginx, and proxies that follow it, pass on each event at once.
pub const X_ACCEL_BUFFERING: (&str, &str) = ("x-accel-buffering", "no");

/// `Content-Encoding: identity`: only actix-web's response has it, as its `Compress` middleware
/// ignores `no-transform` and skips a response that has an encoding. tower-http's compression skips
/// event streams by their type. warp's `compression` and poem's `Compression` append to the header,
/// and clients cannot read `identity, gzip`.
/// [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-8.4) reserves the value for requests.
pub const CONTENT_ENCODING: (&str, &str) = ("content-encoding", "identity");

/// The headers of every response, on any version of HTTP.
pub const RESPONSE: &[(&str, &str)] = &[CONTENT_TYPE, CACHE_CONTROL, X_ACCEL_BUFFERING];

/// The request header in which a reconnecting client sends its last event ID.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// Sets the headers of every response.
#[cfg(any(feature = "axum", feature = "http-body"))]
pub(crate) fn insert(headers: &mut http::HeaderMap) {
    for (name, value) in RESPONSE {
        let name = http::HeaderName::from_static(name);
        headers.insert(name, http::HeaderValue::from_static(value));
    }
}
