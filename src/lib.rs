//! A stream of items in, [server-sent events] out: `text/event-stream`, for any framework.
//!
//! [`SseEncoder`] wraps a stream of items and is itself a stream of [`Bytes`](bytes::Bytes), ready to be
//! the body of a response. It numbers the events, gathers all that is ready into one chunk, keeps quiet
//! connections alive, and goes on where a client left off. In axum, actix-web and warp a handler returns
//! it as it is; hyper and all that is built on it take it as an `http_body::Body`.
//!
//! ```
//! use sse_encoder::{Event, EventType, SseEncoder};
//! use serde_json::json;
//! # use futures_util::StreamExt;
//!
//! const TICK: EventType = EventType::from_static("tick");
//!
//! let items = futures_util::stream::iter([
//!     Event::merge(json!({"a": 1}), json!({"b": 2})),
//!     Event::merge(json!({"a": 3}), json!({"b": 4})).event_type(TICK),
//! ]);
//! let mut stream = SseEncoder::new(items);
//! # let chunk = futures_executor::block_on(stream.next()).unwrap()?;
//! assert_eq!(chunk, "id: 1\nevent: message\ndata: {\"a\":1,\"b\":2}\n\n\
//!                    id: 2\nevent: tick\ndata: {\"a\":3,\"b\":4}\n\n");
//! # Ok::<(), sse_encoder::Error>(())
//! ```
//!
//! # Where to look
//!
//! * [`Event`] is an item: JSON, text, or two values merged; its constructors say what its data is.
//! * [`Encode`] makes a type of your own an item.
//! * [`SseEncoder`] is the stream: chunks, keep-alive, stop signal, what becomes of errors.
//! * [`LastEventId`] is where a client left off.
//! * [`Encoder`] encodes without a stream, for blocking code, tests, and events that go to many streams.
//! * [`Hub`] sends the same events to many clients: encoded once, retained, resumed (feature `hub`).
//! * [`channel`](fn@channel) is a stream that can be written to from anywhere (feature `tokio`).
//!
//! # Promises
//!
//! *No input forges a field or a frame.* [`EventId`] and [`EventType`] are checked when they are made;
//! text and comments are split at CR, LF and CRLF; JSON is kept on one line whatever a `Serialize` hands
//! over. *No input panics.* *No event is lost silently*: an item is written whole or its error comes out,
//! and then the counter of ids has not moved. *Nothing is buffered without bound.* There is no `unsafe`.
//!
//! # The reference transform
//!
//! The crate descends from a small `Transform` class of Node.js, and an item that came as JSON gives what
//! that class gives. One item `{ data, type, id, ...other }` becomes
//!
//! ```text
//! id: <id>
//! event: <type>
//! data: <JSON of the merged object>
//!
//! ```
//!
//! **id**: missing, `null`, `false`, `0` or `""` is the next automatic id. Otherwise a string as it is, a
//! number as JavaScript spells it (`7`, `1.5`, `1e+21`), or `true`.
//!
//! **type**: missing or `null` is `message`. Otherwise a string as it is, or a number or a boolean
//! likewise.
//!
//! **data** contributes members to one object, and then all other members of the item theirs. A key that
//! both have stands where `data` has it, with the other member's value.
//!
//! | data | members |
//! |---|---|
//! | missing, `null`, `false`, `0`, `""` | none |
//! | an object | its own, in order |
//! | an array | `"0"`, `"1"`, … |
//! | a string | one for each UTF-16 code unit: `"a😀"` is `{"0":"a","1":"\ud83d","2":"\ude00"}` |
//! | `true`, any other number | none |
//!
//! That is the class to the letter, but for these: an id or a type with CR or LF, an id with NUL, and one
//! that is an array or an object are errors; an item that fails leaves the counter alone; and digits, `-0`
//! and escapes of lone surrogates stay as they came. [`Event::merge`], for typed values, takes objects
//! only; [`Event::spread`] follows the table.
//!
//! # Features
//!
//! None is on by default: `axum`, `actix-web`, `warp` and `http-body` make [`SseEncoder`] a response
//! there; `hub` has [`Hub`], and `redis` its log on a Redis stream, for several servers (with TLS:
//! `redis-rustls`); `tokio` has [`channel`](fn@channel), and keep-alive from a `Duration`.
//!
//! # Coming from elsewhere
//!
//! [`migration`] has the Node.js class and the event types of axum, warp and actix-web-lab side by side
//! with this crate.
//!
//! [server-sent events]: https://html.spec.whatwg.org/multipage/server-sent-events.html

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "actix-web")]
mod actix_web;
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
#[cfg(feature = "hub")]
pub mod hub;
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
pub mod migration {
    #![doc = include_str!("../docs/migration.md")]
}

#[cfg(feature = "tokio")]
pub use self::channel::{Receiver, SendError, Sender, channel};
#[cfg(feature = "hub")]
pub use self::hub::{Hub, HubBuilder, HubStats, OnGap, Resumption, Subscriber};
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
