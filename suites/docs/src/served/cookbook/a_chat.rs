use axum::Router;

use crate::{
    client::{Client, post, send},
    own, serve,
};

async fn all_hear_what_one_says(app: Router) {
    let address = serve::router(app).await;
    let (mut one, mut other) = (Client::open(address, "/").await, Client::open(address, "/").await);
    for line in ["hello", "two\nlines"] {
        assert_eq!(send(post(address, "/", line)).await.status(), 200);
        assert_eq!(one.data().await, line);
        assert_eq!(other.data().await, line);
    }
}

#[tokio::test]
async fn ours() {
    all_hear_what_one_says(super::app()).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    all_hear_what_one_says(own::a_chat::app()).await;
}
