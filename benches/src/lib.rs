//! Measures `sse-encoder` next to its peers, and next to what no encoder can be faster than.
//!
//! Events go in and the bytes of a response's body come out: no network, no server, one thread.
//! What each contender wrote is decoded first, by a parser that follows the HTML standard to the
//! letter.

pub mod allocations;
pub mod body;
pub mod by_hand;
pub mod chart;
pub mod contender;
pub mod contenders;
pub mod fan_out;
pub mod figures;
#[cfg(all(feature = "actix", feature = "axum", feature = "warp"))]
pub mod hub;
pub mod items;
#[cfg(all(feature = "actix", feature = "axum", feature = "warp"))]
pub mod loopback;
pub mod machine;
pub mod measure;
pub mod parser;
pub mod peers;
pub mod readme;
pub mod report;
#[cfg(feature = "axum")]
pub mod sizes;
pub mod thread_buffer;
pub mod workloads;
