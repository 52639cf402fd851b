//! A stream of items in, an event stream out.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

#[cfg(feature = "actix-web")]
mod actix_web;
#[cfg(feature = "axum")]
mod axum;
#[cfg(feature = "tokio")]
mod channel;
mod chunks;
pub mod data;
mod encoder;
mod error;
mod event;
mod field;
mod frames;
pub mod header;
#[cfg(feature = "http-body")]
mod http_body;
mod json;
mod keep_alive;
mod last_event_id;
mod refusal;
mod stream;
mod value;
#[cfg(feature = "warp")]
pub mod warp;

#[cfg(feature = "tokio")]
pub use self::channel::{Receiver, SendError, Sender, channel};
#[cfg(feature = "tokio")]
pub use self::keep_alive::TokioTimer;
pub use self::{
    encoder::{Encoded, Encoder},
    error::Error,
    event::{Comment, Encode, Event},
    frames::Frames,
    keep_alive::{KeepAlive, Sleeps, Timer},
    last_event_id::LastEventId,
    refusal::{NoItems, StopReconnecting},
    stream::{Item, Never, Nothing, Recovery, SseEncoder, StopOn},
    value::{EventId, EventType, ReconnectionTime},
};
