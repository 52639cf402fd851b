use axum::Router;
use tokio::sync::watch;

use crate::{
    client::{Client, get, send},
    own, serve,
};

async fn it_ends_and_says_not_to_come_back(app: fn(watch::Receiver<u64>) -> Router) {
    let (job, watched) = watch::channel(1);
    let address = serve::router(app(watched)).await;
    let mut client = Client::open(address, "/").await;
    assert_eq!(client.data().await, "[1,100]");
    job.send(50).unwrap();
    assert_eq!(client.next().await.id, "50");

    let mut resumed = Client::resume(address, "/", 50).await;
    assert_eq!(resumed.data().await, "[50,100]");
    job.send(100).unwrap();
    drop(job);
    assert_eq!(resumed.all().await, ["[100,100]"]);
    assert_eq!(client.all().await, ["[100,100]"]);
    let refused = send(get(address, "/").header("last-event-id", "100")).await;
    assert_eq!(refused.status(), 204);
}

#[tokio::test]
async fn ours() {
    it_ends_and_says_not_to_come_back(super::app).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    it_ends_and_says_not_to_come_back(own::progress_of_a_job::app).await;
}
