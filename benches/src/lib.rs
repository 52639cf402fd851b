//! Measures `sse-encoder` next to its peers, and next to what no encoder can be faster than.
//!
//! Events go in and the bytes of a response's body come out: no network, no server, one thread.
//! The output of each contender is decoded first, by the letter of the HTML standard.

#[path = "../../tests/support/allocations.rs"]
pub mod allocations;
pub mod body;
pub mod by_hand;
pub mod chart;
#[cfg(all(feature = "actix", feature = "axum", feature = "warp"))]
pub mod connections;
pub mod contender;
pub mod contenders;
#[path = "../../tests/support/decoder.rs"]
pub mod decoder;
#[cfg(all(feature = "actix", feature = "axum", feature = "warp"))]
pub mod failing;
pub mod fan_out;
pub mod figures;
#[cfg(all(feature = "actix", feature = "axum", feature = "warp"))]
pub mod hub;
pub mod items;
pub mod layouts;
#[cfg(all(feature = "actix", feature = "axum", feature = "warp"))]
pub mod loopback;
pub mod machine;
pub mod measure;
pub mod peers;
pub mod readme;
pub mod report;
#[cfg(all(feature = "actix", feature = "axum", feature = "warp"))]
pub mod sizes;
pub mod thread_buffer;
pub mod workloads;
