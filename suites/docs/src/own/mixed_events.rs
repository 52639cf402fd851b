use axum::response::sse::{Event, Sse};
use axum::{Router, response::IntoResponse, routing::get};
use futures_util::{StreamExt, stream};

async fn events() -> impl IntoResponse {
    Sse::new(stream::iter([9, 10]).map(|n| {
        if n < 10 {
            Event::default().event("number").json_data(n)
        } else {
            Ok(Event::default().data("that is all"))
        }
    }))
}

pub(crate) fn app() -> Router {
    Router::new().route("/", get(events))
}
