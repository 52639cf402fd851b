use std::{collections::HashMap, sync::Arc};

use axum::Router;
use tokio::sync::broadcast;

use crate::{
    client::{Client, get, send},
    own, serve,
};

type Inboxes = Arc<HashMap<String, broadcast::Sender<String>>>;

async fn each_hears_their_own(app: fn(Inboxes) -> Router) {
    let (ann, _) = broadcast::channel(8);
    let (bob, _) = broadcast::channel(8);
    let inboxes = HashMap::from([("a1".to_owned(), ann.clone()), ("b2".to_owned(), bob.clone())]);
    let address = serve::router(app(Arc::new(inboxes))).await;
    let cookie = get(address, "/").header("cookie", "theme=dark; session=a1");
    let mut anns = Client::of(cookie).await;
    let mut bobs = Client::open(address, "/?token=b2").await;
    ann.send("hello, Ann".into()).unwrap();
    bob.send("hello, Bob".into()).unwrap();
    assert_eq!(anns.data().await, "hello, Ann");
    assert_eq!(bobs.data().await, "hello, Bob");
    for path in ["/", "/?token=c3"] {
        assert_eq!(send(get(address, path)).await.status(), 401);
    }
}

#[tokio::test]
async fn ours() {
    each_hears_their_own(super::app).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    each_hears_their_own(own::a_stream_for_each_user::app).await;
}
