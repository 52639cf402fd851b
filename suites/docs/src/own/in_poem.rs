use futures_util::{StreamExt, stream};
use poem::web::sse::{Event, SSE};
use poem::{Request, Route, get, handler};
use std::time::Duration;

#[handler]
fn count(request: &Request) -> SSE {
    let last = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    let numbers = stream::iter(last.unwrap_or(0_u64).saturating_add(1)..=3).map(|n| {
        let event = Event::message(serde_json::to_string(&n).unwrap_or_default());
        event.event_type("number").id(n.to_string())
    });
    SSE::new(numbers).keep_alive(Duration::from_secs(15))
}

pub(crate) fn app() -> Route {
    Route::new().at("/", get(count))
}
