use futures_util::{StreamExt, stream};
use salvo::sse::{SseEvent, SseKeepAlive};
use salvo::{Response, Router, handler};

#[handler]
async fn count(response: &mut Response) {
    let numbers = stream::iter(1..=3)
        .map(|n: u32| SseEvent::default().id(n.to_string()).name("number").json(n));
    SseKeepAlive::new(numbers).stream(response);
}

pub(crate) fn app() -> Router {
    Router::new().get(count)
}
