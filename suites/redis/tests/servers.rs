//! Several servers are one hub: publishers on each, clients that stay and clients that move.
//!
//! `SSE_REDIS_EVENTS` sets the number of events, 5,000 by default.

use std::time::Duration;

use sse_hub::Hub;
use test_redis::{
    Node, Server,
    check::{Oracle, Truth},
    client::{Reading, Seen, Stop},
    load::{Outcomes, publish, publish_surely},
    node::STREAM,
    number,
};

const END: &str = "the end";
/// The number of publishers on each server.
const PUBLISHERS: usize = 4;

async fn servers(count: usize, retain: usize) {
    let Some(server) = Server::start(&[]) else { return };
    let events = number("SSE_REDIS_EVENTS", 5_000);
    let mut nodes = Vec::new();
    for _ in 0..count {
        nodes.push(Node::live(Hub::builder().retain_events(retain), &server.url()).await);
    }
    let hubs: Vec<_> = nodes.iter().map(|node| node.hub.clone()).enumerate().collect();
    let stay: Vec<_> = (0..count).map(|n| Reading::start(&hubs[n..=n], None, END)).collect();
    let moves: Vec<_> = (0..8)
        .map(|n| {
            let mut hubs = hubs.clone();
            hubs.rotate_left(n % count);
            Reading::start(&hubs, Some(20 + 40 * n), END)
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(100)).await;

    let each = events / (count * PUBLISHERS);
    let stop = Stop::default();
    let publishers: Vec<_> = (0..count * PUBLISHERS)
        .map(|n| {
            let (_, hub) = hubs[n % count].clone();
            tokio::spawn(async move {
                let mut outcomes = Outcomes::default();
                for m in 0..each {
                    publish(&hub, format!("{n}: {m}"), &mut outcomes).await;
                }
                outcomes
            })
        })
        .collect();
    let mut outcomes = Outcomes::default();
    for publisher in publishers {
        outcomes.add(publisher.await.unwrap());
    }
    stop.set();
    assert_eq!(outcomes.acknowledged.len(), each * count * PUBLISHERS);
    assert_eq!(outcomes.unknown.len() + outcomes.not_appended.len(), 0);
    let published = outcomes.acknowledged.len();
    outcomes.add(publish_surely(&hubs[0].1, END).await);

    let mut clients = Vec::new();
    for reading in stay.into_iter().chain(moves) {
        clients.push(reading.end().await.record);
    }
    let log = server.snapshot(STREAM).await;
    let truth = Truth { outcomes, log, is_trimmed: retain < events, ..Truth::default() };
    let oracle = Oracle::new(&truth, &clients);
    let mut all = oracle.verdict.clone();
    let mut gaps = [0, 0];
    for (n, client) in clients.iter().enumerate() {
        let verdict = oracle.judge(client);
        gaps[usize::from(n >= count)] += verdict.gaps;
        all.add(verdict);
    }
    assert!(all.breaches.is_empty(), "{:#?}", all.breaches);
    println!(
        "{count} servers, {} events, {retain} retained: {} clients, {} gaps to those who stay, \
         {} to those who move",
        published,
        clients.len(),
        gaps[0],
        gaps[1]
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_are_one_hub() {
    servers(2, 200_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_servers_are_one_hub() {
    servers(5, 200_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_that_retain_little_report_gaps() {
    servers(2, 300).await;
}

#[tokio::test]
async fn a_server_that_only_reads_may_use_a_replica() {
    let Some([(primary, _), (replica, _)]) = Server::pair().await else { return };
    let publishes = Node::live(Hub::builder(), &primary.url()).await;
    let follows = Node::live(Hub::builder(), &replica.url()).await;
    let reading = Reading::start(&[(0, follows.hub.clone())], None, END);
    for text in ["a", "b", END] {
        publish_surely(&publishes.hub, text).await;
    }
    let seen: Vec<_> = reading.end().await.seen;
    assert_eq!(seen.iter().map(Seen::data).collect::<Vec<_>>(), ["a", "b", END]);
    let mut outcomes = Outcomes::default();
    while outcomes.not_appended.is_empty() {
        publish(&follows.hub, "to a replica".into(), &mut outcomes).await;
    }
    assert!(outcomes.acknowledged.is_empty() && outcomes.unknown.is_empty());
}
