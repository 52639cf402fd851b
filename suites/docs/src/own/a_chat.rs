use axum::response::sse::{Event, KeepAlive, Sse};
use axum::{Router, extract::State, response::IntoResponse, routing::get};
use futures_util::{StreamExt, TryStreamExt};
use tokio::sync::broadcast;
use tokio_stream::wrappers::BroadcastStream;

async fn listen(State(room): State<broadcast::Sender<String>>) -> impl IntoResponse {
    let lines = BroadcastStream::new(room.subscribe());
    let events = lines.map(|line| line.map(|line| Event::default().data(line)));
    let events = events.inspect_err(|error| eprintln!("too slow for the chat: {error}"));
    Sse::new(events).keep_alive(KeepAlive::default())
}

async fn say(State(room): State<broadcast::Sender<String>>, line: String) {
    let _ = room.send(line); // An error means that nobody listens.
}

pub(crate) fn app() -> Router {
    let (room, _) = broadcast::channel(100);
    Router::new().route("/", get(listen).post(say)).with_state(room)
}
