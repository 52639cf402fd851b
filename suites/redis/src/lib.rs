//! The hub on a real Redis: code shared by the tests and the table of faults.
//!
//! `SSE_REDIS_SERVER` names the server's program, by default `redis-server`. Without it, each suite
//! prints that it is skipped, or fails if `CI` or `SSE_REQUIRE_REDIS` is set.

pub mod access;
pub mod aof;
pub mod certificates;
pub mod check;
pub mod client;
pub mod cluster;
pub mod faults;
pub mod load;
pub mod node;
pub mod proxy;
pub mod random;
pub mod server;

pub use self::{client::Seen, cluster::Cluster, node::Node, proxy::Proxy, server::Server};

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The time limit for each wait, for a loaded machine.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until the condition holds.
///
/// # Panics
///
/// The condition does not hold in time.
pub async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited too long: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The milliseconds since 1970, by the clock of this machine's servers.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// A number from an environment variable.
#[must_use]
pub fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}
