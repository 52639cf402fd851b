//! Turns a stream of items into [server-sent events] (`text/event-stream`), for any framework.
//!
//! [`SseEncoder`] wraps a stream of items and is itself a stream of [`Bytes`](bytes::Bytes), ready
//! to be the body of a response. It numbers the events, gathers all ready items into one chunk,
//! keeps quiet connections alive, and resumes after a client's last event ID. In axum, actix-web
//! and warp a handler returns it; for hyper and everything built on it, it is an `http_body::Body`.
//!
//! ```
//! use futures_executor::block_on_stream;
//! use futures_util::stream;
//! use sse_encoder::{Event, SseEncoder};
//!
//! let events: [Event; 2] = [Event::json([1, 2]).into(), Event::text("done").event_type("note").into()];
//! let chunks: Vec<_> = block_on_stream(SseEncoder::new(stream::iter(events))).collect();
//! assert_eq!(chunks.len(), 1);
//! assert_eq!(
//!     chunks[0].as_ref().unwrap(),
//!     ":\nid: 1\nevent: message\ndata: [1,2]\n\nid: 2\nevent: note\ndata: done\n\n"
//! );
//! ```
//!
//! # Where to look
//!
//! * [`Event`] is an item: JSON, text, a tagged enum, or two values merged.
//! * [`Encode`] makes your own type an item.
//! * [`SseEncoder`] is the stream: chunks, keep-alive, stop signals, guards, the error policy.
//! * [`LastEventId`] is the last event ID that a reconnecting client sends.
//! * [`Encoder`] encodes without a stream: for blocking code, tests, and events for many streams.
//! * [`channel`](fn@channel) is a stream that any code can write to (feature `tokio`).
//! * The crate [`sse-hub`](https://docs.rs/sse-hub) sends the same events to many clients: encoded
//!   once, retained, resumed.
//!
//! The guides:
//!
//! * [`cookbook`]: tested programs for common tasks; proxies, HTTP/2, limits of clients.
//! * [`reference`](mod@reference): the rules for items that arrive as JSON.
//! * [`migration`]: from the Node.js class, and from the events of axum, warp and actix-web-lab.
//! * [`performance`]: figures, and their method.
//! * [`trust`]: the tests and their results.
//!
//! # Promises
//!
//! *No input forges a field or a frame.* [`EventId`] and [`EventType`] are checked on construction;
//! text and comments are split at CR, LF and CRLF; JSON stays on one line, whatever a `Serialize`
//! does. *No input causes a panic.* *No event is lost silently*: an item is written whole, or it
//! returns its error and leaves the counter of ids unchanged. *Buffers are bounded.* There is no
//! `unsafe`.
//!
//! # The reference transform
//!
//! The crate descends from a small `Transform` class of Node.js. An item that arrives as JSON,
//! `{ data, type, id, ..other }`, becomes the event that this class makes: see
//! [`reference`](mod@reference).
//!
//! # Features
//!
//! All are off by default. `axum`, `actix-web`, `warp` and `http-body` make [`SseEncoder`] a
//! response there. `tokio` adds [`channel`](fn@channel), and lets `keep_alive` and `linger` take a
//! `Duration`. `tracing` logs the errors of items.
//!
//! [server-sent events]: https://html.spec.whatwg.org/multipage/server-sent-events.html

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod adapters;
mod buffer;
#[cfg(feature = "tokio")]
mod channel;
pub mod data;
mod encoder;
mod error;
mod event;
mod http;
mod json;
mod merge;
mod stream;
mod value;
mod wire;

#[cfg(all(doc, not(doctest)))]
pub mod cookbook {
    #![doc = include_str!("../docs/cookbook.md")]
}
#[cfg(all(doc, not(doctest)))]
pub mod migration {
    #![doc = include_str!("../docs/migration.md")]
}
#[cfg(all(doc, not(doctest)))]
pub mod performance {
    #![doc = include_str!("../docs/performance.md")]
}
#[cfg(all(doc, not(doctest)))]
pub mod reference {
    #![doc = include_str!("../docs/reference.md")]
}
#[cfg(all(doc, not(doctest)))]
pub mod trust {
    #![doc = include_str!("../docs/trust.md")]
}

#[cfg(feature = "tokio")]
pub use self::channel::{Receiver, SendError, Sender, channel};
pub use self::{
    encoder::Encoder,
    error::Error,
    event::{Comment, Encode, Event},
    http::{LastEventId, StopReconnecting, header},
    stream::{EndReason, OnError, SseEncoder, StreamEnd, Timer},
    value::{EventId, EventType, ReconnectionTime},
    wire::{Encoded, Frames},
};
