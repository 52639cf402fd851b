use std::time::Instant;

use sse_hub::Hub;

use crate::{client::Client, serve};

#[tokio::test]
async fn all_prices_come_first_and_then_the_newest_of_each() {
    let hub = Hub::new();
    let publish = async |share, price| super::publish(&hub, share, price).await.unwrap();
    publish("ACME", 1).await;
    publish("EMCA", 2).await;
    publish("ACME", 3).await;
    let address = serve::router(super::app(hub.clone())).await;
    let mut client = Client::open(address, "/").await;
    assert_eq!(client.data().await, r#"{"state":"begins"}"#);
    assert_eq!(client.data().await, r#"["EMCA",2]"#);
    let acme = client.next().await;
    assert_eq!(acme.data, r#"["ACME",3]"#);
    assert_eq!(client.data().await, r#"{"state":"whole"}"#);
    // While the stream waits, one price replaces the other.
    let since = Instant::now();
    for price in 10..=20 {
        publish("ACME", price).await;
    }
    let late = since.elapsed().as_millis() > 200;
    let newest = client.next().await;
    assert!(late || newest.data == r#"["ACME",20]"#, "{newest:?}");
    // Cut off, and back.
    drop(client);
    publish("EMCA", 30).await;
    publish("EMCA", 31).await;
    let mut client = Client::resume(address, "/", &newest.id).await;
    assert_eq!(client.data().await, "{}");
    let mut rest = client.data().await;
    if late && rest.contains("ACME") {
        rest = client.data().await;
    }
    assert_eq!(rest, r#"["EMCA",31]"#);
}
