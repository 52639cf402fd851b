use std::time::Duration;

use futures_util::StreamExt;

use crate::{
    client::{Client, post, send},
    serve,
};

#[tokio::test]
async fn anthropics_is_an_event_and_the_others_hear_nothing() {
    let address = serve::router(super::app(Duration::from_millis(10))).await;
    let mut client = Client::of(post(address, "/v1/messages", "")).await;
    for _ in 0..2 {
        let ping = client.next().await;
        assert_eq!((ping.event.as_str(), ping.data.as_str()), ("ping", r#"{"type":"ping"}"#));
    }

    let mut client = Client::of(post(address, "/v1/chat/completions", "")).await;
    client.is_silent().await;
    let response = send(post(address, "/v1/chat/completions", "")).await;
    let mut chunks = response.bytes_stream();
    for _ in 0..3 {
        let chunk = chunks.next().await.unwrap().unwrap();
        assert_eq!(String::from_utf8_lossy(&chunk).replace(":\n", ""), "");
    }
}
