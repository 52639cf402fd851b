use futures_util::{StreamExt, stream};
use salvo::sse::{SseEvent, SseKeepAlive};
use salvo::{Request, Response, Router, handler};

#[handler]
async fn count(request: &Request, response: &mut Response) {
    let last = request.headers().get("last-event-id");
    let last = last.and_then(|id| id.to_str().ok()?.parse().ok());
    let numbers = stream::iter(last.unwrap_or(0_u64).saturating_add(1)..=3);
    let events = numbers.map(|n| SseEvent::default().id(n.to_string()).name("number").json(n));
    SseKeepAlive::new(events).stream(response);
}

pub(crate) fn app() -> Router {
    Router::new().get(count)
}
