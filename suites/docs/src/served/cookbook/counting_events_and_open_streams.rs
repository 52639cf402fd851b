use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use super::Counts;
use crate::{DEADLINE, client::Client, serve};

#[tokio::test]
async fn each_stream_and_each_event_counts() {
    let counts = Arc::<Counts>::default();
    let address = serve::router(super::app(counts.clone())).await;
    for _ in 0..2 {
        assert_eq!(Client::open(address, "/").await.all().await, ["1", "2", "3"]);
    }
    assert_eq!((counts.opened.load(Relaxed), counts.events.load(Relaxed)), (2, 6));
    let since = Instant::now();
    while counts.closed.load(Relaxed) < 2 {
        assert!(since.elapsed() < DEADLINE);
        tokio::task::yield_now().await;
    }
    assert_eq!(counts.errors.load(Relaxed), 0);
}
