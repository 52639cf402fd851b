use crate::{client::Client, serve};

#[tokio::test]
async fn a_wrong_row_is_skipped_and_a_lost_connection_ends_the_stream() {
    let address = serve::router(super::app()).await;
    assert_eq!(Client::open(address, "/").await.all().await, ["1", "3"]);
}
