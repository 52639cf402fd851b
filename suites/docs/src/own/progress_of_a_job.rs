use axum::response::sse::{Event, Sse};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio_stream::wrappers::WatchStream;

const STEPS: u64 = 100;

async fn progress(State(job): State<watch::Receiver<u64>>, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    if last == Some(STEPS) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let steps = WatchStream::new(job)
        .map(|done| Event::default().id(done.to_string()).json_data([done, STEPS]));
    Sse::new(steps).into_response()
}

pub(crate) fn app(job: watch::Receiver<u64>) -> Router {
    Router::new().route("/", get(progress)).with_state(job)
}
