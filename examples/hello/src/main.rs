use std::{io, time::Duration};

use axum::{Router, response::IntoResponse, routing::get};
use futures_util::{StreamExt, stream};
use sse_encoder::{Event, LastEventId, SseEncoder};
use tokio::{net::TcpListener, time::sleep};

async fn ticks(last: LastEventId) -> impl IntoResponse {
    let next = last.as_u64().unwrap_or(0).saturating_add(1);
    let ticks = stream::iter(next..).then(async |n| {
        sleep(Duration::from_secs(1)).await;
        Event::json([n]).event_type("tick")
    });
    SseEncoder::new(ticks).resume_after(&last).keep_alive(Duration::from_secs(15))
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let app = Router::new().route("/", get(ticks));
    axum::serve(TcpListener::bind("127.0.0.1:3000").await?, app).await
}
