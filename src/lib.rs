//! Turns a stream of items into [server-sent events] (`text/event-stream`), for any framework.
//!
//! [`SseEncoder`] wraps a stream of items and is itself a stream of [`Bytes`](bytes::Bytes), ready to be
//! the body of a response. It numbers the events, gathers all that is ready into one chunk, keeps
//! quiet connections alive, and resumes where a client left off. In axum, actix-web and warp a
//! handler returns it; for hyper and everything built on it, it is an `http_body::Body`.
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
//!     "id: 1\nevent: message\ndata: [1,2]\n\nid: 2\nevent: note\ndata: done\n\n"
//! );
//! ```
//!
//! # Where to look
//!
//! * [`Event`] is an item: JSON, text, a tagged enum, or two values merged.
//! * [`Encode`] makes your own type an item.
//! * [`SseEncoder`] is the stream: chunks, keep-alive, stop signals, guards, what a failing item does.
//! * [`LastEventId`] is where a client left off.
//! * [`Encoder`] encodes without a stream: for blocking code, tests, and events that go to many streams.
//! * The crate [`sse-hub`](https://docs.rs/sse-hub) sends the same events to many clients: encoded
//!   once, retained, resumed.
//! * [`channel`](fn@channel) is a stream that can be written to from anywhere (feature `tokio`).
//!
//! And the pages of this documentation:
//!
//! * [`cookbook`]: tested programs for common tasks; proxies, HTTP/2, clients' limits.
//! * [`reference`](mod@reference): what an item that came as JSON becomes, rule by rule.
//! * [`migration`]: from the Node.js class, and from the events of axum, warp and actix-web-lab.
//! * [`performance`]: figures, and how they are measured.
//! * [`trust`]: what was tested.
//!
//! # Promises
//!
//! *No input forges a field or a frame.* [`EventId`] and [`EventType`] are checked when they are
//! made; text and comments are split at CR, LF and CRLF; JSON stays on one line, whatever a
//! `Serialize` does. *No input panics.* *No event is lost silently*: an item is written whole, or
//! its error comes out and the counter of ids has not moved. *Nothing is buffered without bound.*
//! There is no `unsafe`.
//!
//! # The reference transform
//!
//! The crate descends from a small `Transform` class of Node.js. An item that came as JSON,
//! `{ data, type, id, ..other }`, gives what that class gives: see [`reference`](mod@reference).
//!
//! # Features
//!
//! None is on by default. `axum`, `actix-web`, `warp` and `http-body` make [`SseEncoder`] a
//! response there; `tokio` adds [`channel`](fn@channel), and a `Duration` for
//! `keep_alive` and `linger`.
//!
//! [server-sent events]: https://html.spec.whatwg.org/multipage/server-sent-events.html

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "actix-web")]
pub mod actix_web;
#[cfg(feature = "axum")]
mod axum;
mod buffer;
#[cfg(feature = "tokio")]
mod channel;
pub mod data;
mod encoder;
mod error;
mod event;
mod field;
mod frame;
mod head;
pub mod header;
#[cfg(feature = "http-body")]
mod http_body;
mod json;
mod last_event_id;
mod merge;
mod output;
mod refusal;
#[cfg(any(feature = "axum", feature = "warp"))]
mod response;
pub mod stream;
mod value;
#[cfg(feature = "warp")]
pub mod warp;

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
    encoder::{Encoded, Encoder},
    error::Error,
    event::{Comment, Encode, Event},
    frame::Frames,
    last_event_id::LastEventId,
    refusal::StopReconnecting,
    stream::{Item, KeepAlive, OnError, SseEncoder, Timer},
    value::{EventId, EventType, ReconnectionTime},
};
