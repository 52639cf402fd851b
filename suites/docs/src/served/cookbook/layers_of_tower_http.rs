use axum::Router;

use crate::{
    client::{get, send},
    own, serve,
};

async fn they_leave_the_stream_alone(app: Router) {
    let address = serve::router(app).await;
    let response = send(get(address, "/").header("accept-encoding", "gzip")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers().get("content-encoding"), None);
    let body = response.text().await.unwrap();
    assert_eq!(body.matches("data: ").count(), 3, "{body}");
}

#[tokio::test]
async fn ours() {
    they_leave_the_stream_alone(super::app()).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    they_leave_the_stream_alone(own::layers_of_tower_http::app()).await;
}
