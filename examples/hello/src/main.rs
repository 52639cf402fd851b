use axum::{Router, response::IntoResponse, routing::get};
use sse_encoder::{Event, LastEventId, SseEncoder};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_stream::StreamExt;

async fn ticks(last: LastEventId) -> impl IntoResponse {
    let next = last.as_u64().unwrap_or(0).saturating_add(1);
    let ticks = tokio_stream::iter(next..=u64::MAX).throttle(Duration::from_secs(1));
    SseEncoder::new(ticks.map(|n| Event::json([n]).event_type("tick")))
        .resume_after(&last)
        .keep_alive(Duration::from_secs(15))
        .inspect_error(|error| eprintln!("a stream has ended: {error:#}"))
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let app = Router::new().route("/", get(ticks));
    axum::serve(TcpListener::bind("127.0.0.1:3000").await?, app).await
}
