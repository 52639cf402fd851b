use crate::{client::Client, serve};

#[tokio::test]
async fn it_ticks() {
    let (listener, address) = serve::listener().await;
    tokio::spawn(super::serve(listener));
    let mut client = Client::open(address, "/").await;
    let first: u64 = client.data().await.parse().unwrap();
    let second: u64 = client.data().await.parse().unwrap();
    assert!(first > 1_700_000_000 && (1..=2).contains(&(second - first)), "{first}, {second}");
}
