use std::net::SocketAddr;

use axum::routing::get;
use sse_hub::Hub;

pub(super) async fn events() -> SocketAddr {
    let hub = Hub::new();
    let address = crate::serve::axum(get(super::events), hub.clone()).await;
    tokio::spawn(async move {
        loop {
            super::publish(&hub).await.unwrap();
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    });
    address
}
