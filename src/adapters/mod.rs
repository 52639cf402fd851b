//! `SseEncoder` as the response of each framework.

#[cfg(feature = "actix-web")]
mod actix_web;
#[cfg(feature = "axum")]
mod axum;
#[cfg(any(feature = "axum", feature = "warp"))]
mod body;
#[cfg(feature = "http-body")]
mod http_body;
#[cfg(feature = "warp")]
mod warp;
