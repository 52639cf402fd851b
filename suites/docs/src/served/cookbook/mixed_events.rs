use axum::Router;

use crate::{client::Client, own, serve};

async fn both_kinds_come(app: Router) {
    let mut client = Client::open(serve::router(app).await, "/").await;
    let number = client.next().await;
    assert_eq!((number.event.as_str(), number.data.as_str()), ("number", "9"));
    assert_eq!(client.all().await, ["that is all"]);
}

#[tokio::test]
async fn ours() {
    both_kinds_come(super::app()).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    both_kinds_come(own::mixed_events::app()).await;
}
