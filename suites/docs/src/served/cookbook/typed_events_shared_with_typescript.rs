use axum::Router;

use crate::{client::Client, own, serve};

async fn each_has_its_type(app: Router) {
    let mut client = Client::open(serve::router(app).await, "/").await;
    let price = client.next().await;
    assert_eq!(price.event, "price");
    assert_eq!(price.data, r#"{"symbol":"ACME","cents":1250}"#);
    let note = client.next().await;
    assert_eq!((note.event.as_str(), note.data.as_str()), ("note", "\"closed\""));
    client.ends().await;
}

#[tokio::test]
async fn ours() {
    each_has_its_type(super::app()).await;
}

#[tokio::test]
async fn the_frameworks_own() {
    each_has_its_type(own::typed_events_shared_with_typescript::app()).await;
}
