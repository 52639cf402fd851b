//! Hostile items, streams and clients end to end: through each real server over a loopback socket,
//! and through the `ndjson` example as a process. Another author's decoder reads the output.
#![cfg(test)]

/// Turns each function of a [`server::Kind`] into one test for each server.
macro_rules! on_each_server {
    ($($test:ident)*) => {
        $(mod $test {
            on_each_server! { $test, actix_web ActixWeb }
            on_each_server! { $test, axum Axum }
            on_each_server! { $test, hyper Hyper }
            on_each_server! { $test, warp Warp }
        })*
    };
    ($test:ident, $name:ident $kind:ident) => {
        #[tokio::test]
        async fn $name() {
            super::$test(crate::server::Kind::$kind).await;
        }
    };
}

mod chunks;
mod client;
mod decode;
mod edge;
mod endless;
mod ends;
mod failing;
mod forged;
mod json;
mod large;
mod ndjson;
mod server;
mod slow_client;
mod source;
mod stalled;
mod table;
mod wire;

use std::time::Duration;

/// A bound against hanging, not a measure of speed.
const DEADLINE: Duration = Duration::from_secs(60);

/// The output of a future that must be ready before the deadline.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: not within {DEADLINE:?}"),
    }
}
