use axum::response::sse::{Event, Sse};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::StreamExt;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::{RwLock, watch};
use tokio_stream::wrappers::WatchStream;

type Jobs = Arc<RwLock<HashMap<u64, watch::Receiver<u64>>>>;

const STEPS: u64 = 100;

async fn progress(State(jobs): State<Jobs>, Path(id): Path<u64>, headers: HeaderMap) -> Response {
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    if last == Some(STEPS) {
        return StatusCode::NO_CONTENT.into_response();
    }
    let Some(job) = jobs.read().await.get(&id).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let steps = WatchStream::new(job).map(|step| {
        let event = Event::default().event(if step == STEPS { "done" } else { "step" });
        event.id(step.to_string()).json_data([step, STEPS])
    });
    Sse::new(steps).into_response()
}

pub(crate) fn app(jobs: Jobs) -> Router {
    Router::new().route("/jobs/{id}", get(progress)).with_state(jobs)
}
