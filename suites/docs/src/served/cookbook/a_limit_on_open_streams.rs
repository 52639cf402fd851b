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
    let goodbye = refused.text().await.unwrap();
    let time = goodbye.strip_prefix(":\nevent: goodbye\nretry: ");
    let time = time.and_then(|time| time.strip_suffix("\ndata: {}\n\n")?.parse::<u32>().ok());
    assert!(time.is_some_and(|time| (5_000..=30_000).contains(&time)), "{goodbye}");

    drop(open);
    let since = std::time::Instant::now();
    loop {
        let mut client = Client::open(address, "/").await;
        if tokio::time::timeout(std::time::Duration::from_millis(100), client.all()).await.is_err() {
            break; // It stays open.
        }
        assert!(since.elapsed() < crate::DEADLINE);
    }
}
