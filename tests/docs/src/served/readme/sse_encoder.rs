use std::net::SocketAddr;

use axum::routing::get;

pub(super) async fn events() -> SocketAddr {
    crate::serve::axum(get(super::events), ()).await
}
