use axum::response::sse::{Event, Sse};
use axum::{Router, response::IntoResponse, routing::get};
use futures_util::{StreamExt, stream};

#[derive(serde::Serialize)]
struct Price {
    symbol: String,
    cents: u64,
}

enum Update {
    Price(Price),
    Note(String),
}

async fn updates() -> impl IntoResponse {
    let price = Update::Price(Price { symbol: "ACME".into(), cents: 1250 });
    let updates = stream::iter([price, Update::Note("closed".into())]);
    Sse::new(updates.map(|update| match update {
        Update::Price(price) => Event::default().event("price").json_data(price),
        Update::Note(note) => Event::default().event("note").json_data(note),
    }))
}

pub(crate) fn app() -> Router {
    Router::new().route("/", get(updates))
}
