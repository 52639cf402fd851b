use std::net::SocketAddr;

use axum::routing::get;

pub(super) async fn ticks() -> SocketAddr {
    crate::serve::axum(get(super::ticks), ()).await
}
