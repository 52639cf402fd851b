//! The response's headers, as text: `http` 0.2, `http` 1 and frameworks without either can use
//! them.
//!
//! The adapters of this crate set [`RESPONSE`]; add or replace what you like afterwards.
//!
//! ```
//! assert!(sse_encoder::header::RESPONSE.contains(&("x-accel-buffering", "no")));
//! ```

/// `Content-Type: text/event-stream; charset=utf-8`. Without the type a client refuses the
/// response. The charset says what an event stream always is, for clients that know only `text/*`:
/// Python's `requests` and a browser's tab otherwise read it as Latin-1.
pub const CONTENT_TYPE: (&str, &str) = ("content-type", "text/event-stream; charset=utf-8");

/// `Cache-Control: no-cache, no-store, no-transform`: nobody may keep the stream (a browser's
/// `fetch` otherwise stores it, and answers later requests with it), nor compress it on the way,
/// which can hold events back.
pub const CACHE_CONTROL: (&str, &str) = ("cache-control", "no-cache, no-store, no-transform");

/// `X-Accel-Buffering: no`: nginx and those that follow it pass each event on as it comes.
pub const X_ACCEL_BUFFERING: (&str, &str) = ("x-accel-buffering", "no");

/// `Content-Encoding: identity`: the stream is as it is, and stays so. Not all that compress look
/// for `no-transform`: nginx and the middleware of actix-web do not, but leave what has an
/// encoding, as do tower-http and Express. Apache's mod_deflate and mod_brotli look for neither;
/// they compress, and pass each event on as it comes. It is sent although
/// [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-8.4) has it reserved for requests.
pub const CONTENT_ENCODING: (&str, &str) = ("content-encoding", "identity");

/// `Connection: keep-alive`, as the reference's demonstration sends it. No adapter does: it belongs
/// to the server. It is the default of HTTP/1.1 anyway, contradicts the `close` of a client that
/// asks for that, and makes a response of HTTP/2 or HTTP/3 malformed.
pub const CONNECTION: (&str, &str) = ("connection", "keep-alive");

/// The headers of every response, on any version of HTTP.
pub const RESPONSE: &[(&str, &str)] =
    &[CONTENT_TYPE, CACHE_CONTROL, X_ACCEL_BUFFERING, CONTENT_ENCODING];

/// The request's header in which a client that reconnects sends the last event ID.
pub const LAST_EVENT_ID: &str = "last-event-id";

/// Sets the headers of every response.
#[cfg(any(feature = "axum", feature = "http-body"))]
pub(crate) fn insert(headers: &mut http::HeaderMap) {
    for (name, value) in RESPONSE {
        let name = http::HeaderName::from_static(name);
        headers.insert(name, http::HeaderValue::from_static(value));
    }
}
