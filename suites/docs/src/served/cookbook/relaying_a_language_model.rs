use std::sync::Arc;

use axum::{Router, body::Body, routing::post};
use futures_util::{StreamExt, stream};
use tokio::{sync::Notify, time::timeout};

use crate::{
    DEADLINE,
    client::{self, Client, send},
    own, serve,
};

/// A model that says two words, and then ends, breaks off, or goes on for ever.
async fn model(last: &'static str, gone: Arc<Notify>) -> String {
    struct Gone(Arc<Notify>);

    impl Drop for Gone {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }

    let answer = move || async move {
        let words = stream::iter(["data: Once\n\n", "data:  upon\n\n"]).map(Ok::<_, String>);
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
        Body::from_stream(words.chain(end))
    };
    let address = serve::router(Router::new().route("/", post(answer))).await;
    format!("http://{address}/")
}

async fn it_relays(app: fn(String) -> Router) {
    for (last, expected) in [
        ("data: [DONE]\n\n", &["Once", " upon", "[DONE]"][..]),
        ("break", &["Once", " upon", "[\"please try again\"]", "[DONE]"]),
    ] {
        let upstream = model(last, Arc::default()).await;
        let address = serve::router(app(upstream)).await;
        assert_eq!(Client::of(client::post(address, "/", "tell me")).await.all().await, expected);
    }

    let gone = Arc::new(Notify::new());
    let upstream = model("wait", gone.clone()).await;
    let address = serve::router(app(upstream)).await;
    let mut client = Client::of(client::post(address, "/", "tell me")).await;
    assert_eq!(client.data().await, "Once");
    drop(client);
    timeout(DEADLINE, gone.notified()).await.expect("the upstream is cancelled");

    let address = serve::router(app("http://127.0.0.1:1/".into())).await;
    assert_eq!(send(client::post(address, "/", "tell me")).await.status(), 502);
}

#[tokio::test]
async fn ours() {
    it_relays(super::app).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    it_relays(own::relaying_a_language_model::app).await;
}
