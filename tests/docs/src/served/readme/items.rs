use std::net::SocketAddr;

use axum::routing::get;

pub(super) async fn hello() -> SocketAddr {
    crate::serve::axum(get(super::hello), ()).await
}
