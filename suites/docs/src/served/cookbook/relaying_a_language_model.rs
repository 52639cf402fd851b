use std::sync::Arc;

use axum::{Router, body::Body, routing::post};
use futures_util::{StreamExt, stream};
use tokio::{sync::Notify, time::timeout};

use crate::{
    DEADLINE,
    client::{self, Client, send},
    own, serve,
};

const MESSAGES: &str = "/v1/messages";
const COMPLETIONS: &str = "/v1/chat/completions";

/// A model that says two words, and then ends, breaks off, or goes on for ever.
async fn model(last: &'static str, gone: Arc<Notify>) -> String {
    struct Gone(Arc<Notify>);

    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    let answer = move |words: &'static [&'static str]| {
        let gone = gone.clone();
        move || async move {
            let words = stream::iter(words).map(Ok::<_, String>);
            let gone = Gone(gone);
            let end = stream::once(async move {
                let _gone = gone;
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
                match last {
                    "break" => Err("gone".into()),
                    "wait" => std::future::pending().await,
                    last => Ok(last),
                }
            });
            Body::from_stream(words.map(|word| word.copied()).chain(end))
        }
    };
    let completions = answer(&["data: Once\n\n", ": PROCESSING\n\n", "data:  upon\n\n"]);
    let messages = answer(&["event: message_start\nid: 7\ndata: {}\n\n"]);
    let app = Router::new().route(COMPLETIONS, post(completions)).route(MESSAGES, post(messages));
    format!("http://{}", serve::router(app).await)
}

async fn it_relays(app: fn(String) -> Router) {
    let error = r#"{"error":{"message":"please try again","type":"api_error"}}"#;
    for (last, expected) in [
        ("data: [DONE]\n\n", &["Once", " upon", "[DONE]"][..]),
        ("break", &["Once", " upon", error, "[DONE]"]),
    ] {
        let upstream = model(last, Arc::default()).await;
        let address = serve::router(app(upstream)).await;
        let request = client::post(address, COMPLETIONS, "tell me");
        assert_eq!(Client::of(request).await.all().await, expected);
    }

    let address = serve::router(app(model("data: [DONE]\n\n", Arc::default()).await)).await;
    let body = send(client::post(address, COMPLETIONS, "tell me")).await.text().await.unwrap();
    assert!(body.contains("data: Once\n\n: PROCESSING\n"), "{body}");

    let address = serve::router(app(model("break", Arc::default()).await)).await;
    let mut client = Client::of(client::post(address, MESSAGES, "tell me")).await;
    let start = client.next().await;
    let fields = (start.event.as_str(), start.data.as_str(), start.id.as_str());
    assert_eq!(fields, ("message_start", "{}", "7"));
    let last = client.next().await;
    assert_eq!(last.event, "error");
    let error = serde_json::from_str::<serde_json::Value>(&last.data).unwrap();
    let message = "please try again";
    let expected = serde_json::json!({"type": "api_error", "message": message});
    assert_eq!(error, serde_json::json!({"type": "error", "error": expected}));
    client.ends().await;

    let gone = Arc::new(Notify::new());
    let upstream = model("wait", gone.clone()).await;
    let address = serve::router(app(upstream)).await;
    let mut client = Client::of(client::post(address, COMPLETIONS, "tell me")).await;
    assert_eq!(client.data().await, "Once");
    drop(client);
    timeout(DEADLINE, gone.notified()).await.expect("the upstream is cancelled");

    let address = serve::router(app("http://127.0.0.1:1".into())).await;
    assert_eq!(send(client::post(address, COMPLETIONS, "tell me")).await.status(), 502);
}

#[tokio::test]
async fn ours() {
    it_relays(super::app).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    it_relays(own::relaying_a_language_model::app).await;
}
