//! The memory of a server whose stream is lost again and again. The only test of its process.

use std::fs;

use futures_util::future::join_all;
use sse_encoder::{Event, LastEventId};
use sse_hub::Hub;
use test_redis::{Node, Server, node::STREAM, number, until};

const TOPICS: usize = 9_000;

/// The resident memory of this process, in KiB.
fn resident() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4
}

#[tokio::test]
async fn topics_of_a_stream_that_is_deleted_again_and_again_take_no_memory() {
    let Some(server) = Server::start(&[]) else { return };
    let rounds = number("ROUNDS", 20);
    let node = Node::live(Hub::builder().retain_events(2 * TOPICS), &server.url()).await;
    let mut measured = Vec::new();
    for round in 0..rounds {
        let topics: Vec<_> = (0..TOPICS).map(|n| format!("{round}:{n}")).collect();
        for some in topics.chunks(500) {
            let event = Event::text("x");
            let all = some.iter().map(|topic| node.hub.to(topic).publish(&event));
            join_all(all).await.into_iter().for_each(|id| _ = id.unwrap());
        }
        // Its list is made, and stays as long as the topic has an event.
        let subscribe = |topic| drop(node.hub.subscribe_to([topic], &LastEventId::none()));
        topics.iter().step_by(10).for_each(subscribe);
        until("all is read", || node.hub.stats().retained == TOPICS).await;
        server.run::<()>(&["DEL", STREAM]).await;
        until("the loss is noticed", || node.hub.stats().retained == 0).await;
        measured.push(resident());
    }
    println!("{measured:?} KiB");
    let settled = measured[rounds / 4];
    // Each round took 4 to 6 MiB.
    assert!(measured[rounds - 1] < settled + 4 * 1_024, "{measured:?}");
}
