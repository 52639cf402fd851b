use crate::{
    client::{get, send},
    serve,
};

#[tokio::test]
async fn they_are_numbered_and_have_no_type() {
    let address = serve::router(super::app()).await;
    let body = send(get(address, "/")).await.text().await.unwrap();
    assert_eq!(body, ":\nid: 1\ndata: <p>one</p>\n\nid: 2\ndata: <p>two</p>\n\n");
}
