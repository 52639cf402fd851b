use crate::openapi;

#[tokio::test]
async fn the_stream_is_described_and_served() {
    openapi::describes_the_stream(super::app()).await;
}
