#![doc = include_str!("../docs/hub.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

// Without them a program would trap at its first call.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
compile_error!(
    "sse-hub needs a clock and random numbers, which the standard library lacks on this target"
);

mod builder;
mod counts;
#[cfg(feature = "disk")]
pub mod disk;
mod ending;
mod error;
mod feed;
mod frame;
#[cfg(all(fuzzing, feature = "redis"))]
#[doc(hidden)]
pub mod fuzzing;
mod handle;
mod history;
mod hub;
mod lines;
mod listeners;
mod log;
mod memory;
mod mutant;
mod notice;
mod owners;
mod position;
mod publish;
mod random;
#[cfg(feature = "redis")]
pub mod redis;
mod resumption;
mod settings;
mod stats;
mod status;
mod subscriber;
mod sync;
mod topic;
mod wait;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(feature = "redis")]
#[doc(inline)]
pub use self::redis::{Driver, RejectedEntry};
pub use self::{
    builder::HubBuilder,
    ending::Reconnect,
    error::Error,
    history::History,
    hub::Hub,
    notice::{CHECKPOINT, GAP, REMOVED},
    publish::Target,
    resumption::Resumption,
    settings::OnGap,
    stats::Stats,
    status::Status,
    subscriber::Subscriber,
};
