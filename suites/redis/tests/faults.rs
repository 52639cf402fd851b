//! Each fault twice, and random ones: every acknowledged event arrives, or a gap reports its loss.

use std::time::Duration;

use sse_encoder::Event;
use sse_hub::Hub;
use test_redis::{
    Node, Proxy, Server,
    faults::{self, Row},
    load::publish_surely,
    now, number, random, until,
};

fn check(row: Option<Row>) {
    if let Some(row) = row {
        println!("{row}");
        row.check();
    }
}

macro_rules! faults {
    ($($fault:ident $times:literal)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $fault() {
            check(faults::$fault($times).await);
        }
    )*};
}

faults! {
    killed_without_aof 2
    killed_with_aof_every_second 2
    killed_with_aof_always 2
    frozen 1
    cut 3
    delayed 1
    flushed 2
    trimmed 1
    restored 2
    failed_over 2
    out_of_memory 2
    moved_in_a_cluster 3
    handed_over_in_a_cluster 2
    killed_in_a_cluster 2
}

/// `SSE_REDIS_SEED` is the first seed, and `SSE_REDIS_RUNS` how many there are.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn the_promise_holds_under_random_faults() {
    let seed = number("SSE_REDIS_SEED", now() as usize) as u64;
    let seeds = seed..seed + number("SSE_REDIS_RUNS", 12) as u64;
    let Some((figures, failed)) = random::run_all(seeds.clone()).await else { return };
    println!("seeds {seeds:?}: {figures}");
    assert_eq!(failed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_connection_that_is_found_again_counts() {
    let Some(server) = Server::start(&[]) else { return };
    let proxy = Proxy::new(&server.socket(), "again");
    let node = Node::live(Hub::builder(), &proxy.url()).await;
    for n in 0..=2 {
        until("the log is found again", || node.hub.stats().reconnects >= n).await;
        assert_eq!(node.hub.stats().reconnects, n);
        publish_surely(&node.hub, "here").await;
        proxy.cut();
    }
}

/// 60 KB each, over a network of some 300 KB a second: reading all at once would exceed the
/// timeout for an answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_entries_arrive_in_parts_over_a_slow_network() {
    const EVENTS: usize = 60;
    let Some(server) = Server::start(&[]) else { return };
    let publishes = Node::live(Hub::builder(), &server.url()).await;
    for _ in 0..EVENTS {
        publishes.hub.publish(&Event::text("x".repeat(60_000))).await.unwrap();
    }
    publish_surely(&publishes.hub, "the last one").await;
    let proxy = Proxy::new(&server.socket(), "slow");
    proxy.delay(Duration::from_millis(50));
    let follows = Node::live(Hub::builder(), &proxy.url()).await;
    until("all are here", || follows.hub.stats().retained == 1 + EVENTS).await;
}
