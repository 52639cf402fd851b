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
//! let note = Event::text("done").event_type("note");
//! let events: [Event; 2] = [Event::json([1, 2]).into(), note.into()];
//! let chunks: Vec<_> = block_on_stream(SseEncoder::new(stream::iter(events))).collect();
//! assert_eq!(chunks.len(), 1);
//! assert_eq!(
//!     chunks[0].as_ref().unwrap(),
//!     ":\nid: 1\nevent: message\ndata: [1,2]\n\nid: 2\nevent: note\ndata: done\n\n"
//! );
//! ```
//!
//! # By need
//!
//! | you want | look at |
//! |---|---|
//! | an event: JSON, text, an enum, two merged values; a comment | [`Event`], [`Comment`] |
//! | a response: numbered, resumed, kept alive, ended by a signal | [`SseEncoder`] |
//! | to continue after the last event that a client saw | [`LastEventId`], [`SseEncoder::resume_after`] |
//! | an item of your own type; several events for one item, or none | [`Encode`], which writes to [`Frames`] |
//! | a keep-alive, or chunks that wait, on any runtime | [`SseEncoder::keep_alive`], [`SseEncoder::linger`], [`Timer`] |
//! | to count, bill or log streams: why each ended, what it sent | [`SseEncoder::on_close`], [`StreamEnd`], [`EndReason`] |
//! | to choose the effect of an item that fails, and to log its cause | [`SseEncoder::on_error`], [`OnError`], [`SseEncoder::inspect_error`], [`Error`] |
//! | to refuse a client for a while, or for good | [`SseEncoder::retry_after`], [`StopReconnecting`] |
//! | to send from anywhere, not from a stream | [`channel`](fn@channel), its [`Sender`] and [`Receiver`], [`SendError`] (feature `tokio`) |
//! | the same events for many clients, with resume; many servers, one log | `Hub`, of the crate [`sse-hub`](https://docs.rs/sse-hub) |
//! | bytes without a stream; one event encoded once for many streams | [`Encoder`], [`Encoded`] |
//! | ids, types and times that are checked when they are made | [`EventId`], [`EventType`], [`ReconnectionTime`] |
//! | the headers of the response by themselves | [`header`] |
//! | to name the kinds of data in a signature | [`data`]: [`Json`](data::Json), [`Text`](data::Text), [`Merge`](data::Merge), [`Tagged`](data::Tagged), [`Owned`](data::Owned), the trait [`Data`](data::Data) |
//!
//! The guides:
//!
//! | guide | content |
//! |---|---|
//! | [cookbook](cookbook/index.html) | tested programs for common tasks, in every framework |
//! | [clients](clients/index.html) | some seventy clients and proxies: the results of each, and the settings it needs |
//! | [migration](migration/index.html) | from the Node.js class, and from the events of axum, warp and actix-web-lab |
//! | [reference](reference/index.html) | the rules for items that arrive as JSON |
//! | [security](security/index.html) | attackers, promises, the service's part |
//! | [versions](versions/index.html) | what a release may change; compilers and frameworks |
//! | [performance](performance/index.html) | figures, and their method |
//! | [trust](trust/index.html) | the tests and their results |
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
//! `{ data, type, id, ..other }`, becomes the event that this class makes: see the
//! [reference](reference/index.html).
//!
//! # Features
//!
//! All are off by default. `axum`, `actix-web`, `warp` and `http-body` make [`SseEncoder`] a
//! response there. `tokio` adds [`channel`](fn@channel), and lets `keep_alive` and `linger` take a
//! `Duration`. `tracing` logs the errors of items.
//!
//! `wasm32-unknown-unknown` has neither a clock nor randomness: give [`Timer`]s the host's sleep in
//! a closure; [`StreamEnd::time_open`] is zero, and [`ReconnectionTime::jittered`] draws the same
//! times in each instance.
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

// Pages of prose. Only docs.rs builds them, so they are not part of the API.
#[cfg(guides)]
pub mod clients {
    //! Widely used clients and proxies, and what each was seen to do.
    #![doc = include_str!("../docs/clients.md")]
}
#[cfg(guides)]
pub mod cookbook {
    #![doc = include_str!("../docs/cookbook.md")]
}
#[cfg(guides)]
pub mod migration {
    #![doc = include_str!("../docs/migration.md")]
}
#[cfg(guides)]
pub mod performance {
    #![doc = include_str!("../docs/performance.md")]
}
#[cfg(guides)]
pub mod reference {
    #![doc = include_str!("../docs/reference.md")]
}
#[cfg(guides)]
pub mod security {
    //! Attackers, what the crate promises, and the part of the service.
    #![doc = include_str!("../SECURITY.md")]
}
#[cfg(guides)]
pub mod trust {
    #![doc = include_str!("../docs/trust.md")]
}
#[cfg(guides)]
pub mod versions {
    #![doc = include_str!("../docs/versions.md")]
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
