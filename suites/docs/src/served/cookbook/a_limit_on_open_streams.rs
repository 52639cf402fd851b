use crate::{
    client::{Client, get, send},
    serve,
};

#[tokio::test]
async fn one_too_many_is_refused_softly_and_a_place_becomes_free() {
    let address = serve::router(super::app(1)).await;
    let open = send(get(address, "/")).await;
    assert_eq!(open.status(), 200);

    let refused = send(get(address, "/")).await;
    assert_eq!(refused.status(), 200);
    let retry = refused.text().await.unwrap();
    let time = retry.strip_prefix("retry: ").and_then(|time| time.trim_end().parse::<u32>().ok());
    assert!(time.is_some_and(|time| (5_000..=30_000).contains(&time)), "{retry}");

    drop(open);
    let since = std::time::Instant::now();
    loop {
        let mut client = Client::open(address, "/").await;
        if tokio::time::timeout(std::time::Duration::from_millis(100), client.ends()).await.is_err() {
            break; // It stays open.
        }
        assert!(since.elapsed() < crate::DEADLINE);
    }
}
