use axum::response::sse::{Event, Sse};
use axum::{Router, http::StatusCode, response::IntoResponse, routing::get};
use futures_util::{StreamExt, stream};
use std::time::Duration;
use tokio::time::sleep;
use tower_http::{compression::CompressionLayer, timeout::TimeoutLayer};

async fn numbers() -> impl IntoResponse {
    Sse::new(stream::iter(1..=3).then(async |n| {
        sleep(Duration::from_millis(100)).await;
        Event::default().json_data(n)
    }))
}

pub(crate) fn app() -> Router {
    let timeout = Duration::from_millis(50);
    Router::new()
        .route("/", get(numbers))
        .layer(TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, timeout))
        .layer(CompressionLayer::new())
}
