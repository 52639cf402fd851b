use std::time::Duration;

use axum::{Router, response::IntoResponse, routing::get};
use futures_util::{StreamExt, stream};
use sse_encoder::{Event, LastEventId, OnError, SseEncoder};

use crate::{client::Client, serve};

/// Three events, and a break.
async fn events(last: LastEventId) -> impl IntoResponse {
    let next = last.as_u64().unwrap_or(0).saturating_add(1);
    let events = stream::iter(next..=3).map(|n| {
        Ok(Event::text(format!("{n}\nlines")).event_type("step").retry(Duration::from_millis(700)))
    });
    let broken = stream::once(async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        Err("gone")
    });
    SseEncoder::new(events.chain(broken)).resume_after(&last).on_error(OnError::Fail)
}

#[tokio::test]
async fn types_ids_and_times_are_kept_and_a_break_is_a_break() {
    let upstream = serve::router(Router::new().route("/", get(events))).await;
    let address = serve::router(super::app(format!("http://{upstream}/"))).await;
    for first in 1..=3 {
        let mut client = Client::resume(address, "/", first - 1).await;
        for n in first..=3 {
            let event = client.next().await;
            let fields = (event.id, event.event, event.data, event.retry);
            let expected = (n.to_string(), "step".into(), format!("{n}\nlines"));
            let retry = Some(Duration::from_millis(700));
            assert_eq!(fields, (expected.0, expected.1, expected.2, retry));
        }
        assert!(client.try_next().await.unwrap().is_err());
    }
}

/// An empty id would make the client forget its own.
#[tokio::test]
async fn an_event_without_an_id_stays_without() {
    let events = || async { SseEncoder::bare(stream::iter([Event::text("a")])) };
    let upstream = serve::router(Router::new().route("/", get(events))).await;
    let address = serve::router(super::app(format!("http://{upstream}/"))).await;
    let request = crate::client::get(address, "/").header("last-event-id", "row-4");
    let body = crate::client::send(request).await.text().await.unwrap();
    assert_eq!(body, ":\nevent: message\ndata: a\n\n");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_a_bad_gateway() {
    let address = serve::router(super::app("http://127.0.0.1:1/".into())).await;
    assert_eq!(crate::client::send(crate::client::get(address, "/")).await.status(), 502);
}
