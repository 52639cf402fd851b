use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use super::Counts;
use crate::{DEADLINE, client::Client, serve};

#[tokio::test]
async fn each_stream_and_each_event_counts_with_the_reason_of_the_end() {
    let counts = Arc::<Counts>::default();
    let address = serve::router(super::app(counts.clone())).await;
    for _ in 0..2 {
        assert_eq!(Client::open(address, "/").await.all().await, ["1", "2", "3"]);
    }
    assert_eq!(counts.opened.load(Relaxed), 2);
    let since = Instant::now();
    let ended = || counts.ended.lock().unwrap().clone();
    while ended().values().sum::<u64>() < 2 {
        assert!(since.elapsed() < DEADLINE);
        tokio::task::yield_now().await;
    }
    assert_eq!(ended().into_iter().collect::<Vec<_>>(), [("finished".to_owned(), 2)]);
    assert_eq!(counts.events.load(Relaxed), 6);
    let body = ":\n".len() + 3 * "id: 1\nevent: message\ndata: 1\n\n".len();
    assert_eq!(counts.bytes.load(Relaxed), 2 * body as u64);
}
