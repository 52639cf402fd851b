use std::net::SocketAddr;

use ::actix_web::web;
use ::axum::routing::get;
use ::warp::Filter;
use sse_encoder::LastEventId;

use crate::serve;

pub(super) async fn axum() -> SocketAddr {
    serve::axum(get(super::axum), ()).await
}

pub(super) async fn actix() -> SocketAddr {
    serve::actix(|| web::get().to(super::actix)).await
}

pub(super) async fn warp() -> SocketAddr {
    let arguments = ::warp::method().and(LastEventId::warp_filter());
    serve::warp(arguments.map(super::warp).boxed()).await
}

pub(super) async fn hyper() -> SocketAddr {
    serve::hyper(super::hyper).await
}
