use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode, header::COOKIE},
    response::IntoResponse,
    routing::get,
};
use futures_util::StreamExt;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

/// Each session's inbox.
type Inboxes = Arc<HashMap<String, broadcast::Sender<String>>>;

async fn inbox(
    State(inboxes): State<Inboxes>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, StatusCode> {
    let cookies = headers.get(COOKIE).and_then(|cookies| cookies.to_str().ok()).unwrap_or("");
    let session = cookies.split("; ").find_map(|cookie| cookie.strip_prefix("session="));
    let token = session.or(query.get("token").map(String::as_str));
    let inbox = token.and_then(|token| inboxes.get(token)).ok_or(StatusCode::UNAUTHORIZED)?;
    let messages = BroadcastStream::new(inbox.subscribe());
    let events = messages.map(|message| message.map(|text| Event::default().data(text)));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()))
}

pub(crate) fn app(inboxes: Inboxes) -> Router {
    Router::new().route("/", get(inbox)).with_state(inboxes)
}
