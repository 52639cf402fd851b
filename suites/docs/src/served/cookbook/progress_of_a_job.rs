use std::{collections::HashMap, sync::Arc};

use axum::Router;
use tokio::sync::{RwLock, watch};

use crate::{
    client::{Client, get, send},
    own, serve,
};

type Jobs = Arc<RwLock<HashMap<u64, watch::Receiver<u64>>>>;

async fn it_ends_with_an_event_and_says_not_to_come_back(app: fn(Jobs) -> Router) {
    let (job, watched) = watch::channel(1);
    let address = serve::router(app(Arc::new(RwLock::new(HashMap::from([(7, watched)]))))).await;
    let mut client = Client::open(address, "/jobs/7").await;
    let first = client.next().await;
    assert_eq!((first.event.as_str(), first.data.as_str()), ("step", "[1,100]"));
    job.send(50).unwrap();
    assert_eq!(client.next().await.id, "50");

    let mut resumed = Client::resume(address, "/jobs/7", 50).await;
    assert_eq!(resumed.data().await, "[50,100]");
    job.send(100).unwrap();
    drop(job);
    assert_eq!(resumed.all().await, ["[100,100]"]);
    let last = client.next().await;
    assert_eq!((last.event.as_str(), last.data.as_str()), ("done", "[100,100]"));
    client.ends().await;
    let refused = send(get(address, "/jobs/7").header("last-event-id", "100")).await;
    assert_eq!(refused.status(), 204);
    assert_eq!(send(get(address, "/jobs/8")).await.status(), 404);
}

#[tokio::test]
async fn ours() {
    it_ends_with_an_event_and_says_not_to_come_back(super::app).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    it_ends_with_an_event_and_says_not_to_come_back(own::progress_of_a_job::app).await;
}
