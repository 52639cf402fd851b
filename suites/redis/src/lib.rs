//! The hub on a real Redis: what the tests and the table of faults share.
//!
//! `SSE_REDIS_SERVER` is the server's program, by default `redis-server`. Where there is none the
//! tests say so, and fail if `CI` or `SSE_REQUIRE_REDIS` is set.

pub mod access;
pub mod certificates;
pub mod check;
pub mod client;
pub mod cluster;
pub mod faults;
pub mod load;
pub mod node;
pub mod proxy;
pub mod server;

pub use self::{client::Seen, cluster::Cluster, node::Node, proxy::Proxy, server::Server};

use std::time::{Duration, Instant};

/// As long as anything may take on a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until it is so.
///
/// # Panics
///
/// It does not become so.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A number of the environment.
#[must_use]
pub fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}
