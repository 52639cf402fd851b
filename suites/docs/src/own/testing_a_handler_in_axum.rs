use axum::response::IntoResponse;
use axum::response::sse::{Event, Sse};
use eventsource_stream::Eventsource;
use futures_util::{StreamExt, TryStreamExt, stream};

async fn numbers() -> impl IntoResponse {
    Sse::new(
        stream::iter(1..=3)
            .map(|n: u32| Event::default().id(n.to_string()).event("number").json_data(n)),
    )
}

#[tokio::test]
async fn it_counts_to_three() {
    let body = numbers().await.into_response().into_body().into_data_stream();
    let events: Vec<_> = body.eventsource().try_collect().await.unwrap();
    let data: Vec<_> = events.iter().map(|event| &event.data).collect();
    assert_eq!(data, ["1", "2", "3"]);
    assert_eq!(events[2].event, "number");
    assert_eq!(events[2].id, "3");
}
