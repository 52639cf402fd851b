use http::Method;

use crate::{
    client::{Client, get, request, send},
    serve,
};

#[tokio::test]
async fn a_page_elsewhere_sends_its_cookies_and_a_fetch_its_last_event_id() {
    let address = serve::router(super::app()).await;
    let response = send(get(address, "/").header("origin", "https://app.example")).await;
    assert_eq!(response.headers()["access-control-allow-origin"], "https://app.example");
    assert_eq!(response.headers()["access-control-allow-credentials"], "true");

    let preflight = request(Method::OPTIONS, address, "/")
        .header("origin", "https://app.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "last-event-id");
    let response = send(preflight).await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["access-control-allow-headers"], "last-event-id");
    assert_eq!(Client::resume(address, "/", 2).await.all().await, ["3"]);
}
