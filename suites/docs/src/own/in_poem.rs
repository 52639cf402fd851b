use futures_util::{StreamExt, stream};
use poem::web::sse::{Event, SSE};
use poem::{Route, get, handler};
use std::time::Duration;

#[handler]
fn count() -> SSE {
    let numbers = stream::iter(1..=3).map(|n| {
        let event = Event::message(serde_json::to_string(&n).unwrap_or_default());
        event.event_type("number").id(n.to_string())
    });
    SSE::new(numbers).keep_alive(Duration::from_secs(15))
}

pub(crate) fn app() -> Route {
    Route::new().at("/", get(count))
}
