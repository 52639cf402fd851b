//! The hub: one event, many subscribers; without a server, and over loopback.

pub mod client;
pub mod deliveries;
pub mod growth;
pub mod report;
pub mod rows;
pub mod server;
pub mod sockets;

/// How many events the hub retains, and tokio's channel holds for those who are behind.
pub const RETAINED: usize = 1_024;
