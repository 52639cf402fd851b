use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Instant,
};

use super::Counts;
use crate::{DEADLINE, client::Client, serve};

#[tokio::test]
async fn each_stream_and_its_events_count_with_the_reason_of_its_end() {
    let counts = Arc::<Counts>::default();
    let address = serve::router(super::app(counts.clone())).await;
    for _ in 0..2 {
        assert_eq!(Client::open(address, "/").await.all().await, ["1", "2", "3"]);
    }
    let since = Instant::now();
    let finished = || counts.ended.lock().unwrap().get("finished").copied();
    while finished() != Some(2) {
        assert!(since.elapsed() < DEADLINE);
        tokio::task::yield_now().await;
    }
    assert_eq!((counts.opened.load(Relaxed), counts.events.load(Relaxed)), (2, 6));
    let body = ":\n".len() + 3 * "id: 1\nevent: message\ndata: 1\n\n".len();
    assert_eq!(counts.bytes.load(Relaxed), 2 * body as u64);
}
