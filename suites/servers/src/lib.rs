//! Hostile items, streams and clients end to end: through each real server over a loopback socket,
//! and through the `ndjson` example as a process. What comes out is taken apart by a decoder of
//! others.
#![cfg(test)]

/// Makes one test for each server of a function that takes a [`server::Kind`].
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

use std::time::Duration;

/// A bound against hanging, and no measure of speed.
const DEADLINE: Duration = Duration::from_secs(60);

/// What must happen, in the end.
async fn soon<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, future).await {
        Ok(output) => output,
        Err(_) => panic!("{what}: not within {DEADLINE:?}"),
    }
}
