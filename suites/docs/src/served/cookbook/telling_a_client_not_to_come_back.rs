use std::net::SocketAddr;

use ::actix_web::web;
use ::axum::routing;
use ::warp::Filter;
use sse_encoder::LastEventId;

use crate::{
    client::{Client, get, send},
    serve,
};

async fn servers() -> [SocketAddr; 4] {
    let arguments = ::warp::method().and(LastEventId::warp_filter());
    [
        serve::axum(routing::get(super::axum), ()).await,
        serve::actix(|| web::get().to(super::actix)).await,
        serve::warp(arguments.map(super::warp).boxed()).await,
        serve::hyper(super::hyper).await,
    ]
}

#[tokio::test]
async fn a_client_gets_the_rest_and_then_204() {
    for address in servers().await {
        assert_eq!(Client::open(address, "/").await.all().await, ["1", "2", "3"]);
        assert_eq!(Client::resume(address, "/", 2).await.all().await, ["3"]);
        let none = send(get(address, "/").header("last-event-id", "3")).await;
        assert_eq!(none.status(), 204);
        assert_eq!(none.text().await.unwrap(), "");
    }
}
