//! A stream in a Redis Cluster is on one server, and the others say on which.

use std::time::{Duration, SystemTime};

use sse_encoder::{Event, LastEventId};
use sse_hub::{Hub, Reconnect, Resumption, Status};
use test_redis::{Cluster, Node, Seen, client::Client, load::publish_surely, until};

const END: &str = "the end";

async fn nodes(cluster: &Cluster) -> Vec<Node> {
    let mut nodes = Vec::new();
    for url in cluster.urls() {
        nodes.push(Node::live(Hub::builder(), &url).await);
    }
    nodes
}

/// Publishes an event, and waits until all hubs have it.
async fn publish(nodes: &[Node], text: &str) {
    let id = loop {
        if let Ok(id) = nodes[0].hub.publish(&Event::text(text)).await {
            break LastEventId::from(id.unwrap());
        }
    };
    for node in nodes {
        let is_here = || node.hub.subscribe(&id).resumption() == Resumption::Exact { missed: 0 };
        until("the event is here", is_here).await;
    }
}

/// Publishes an event on each hub, and waits until each has them all.
async fn publish_and_receive(nodes: &[Node], round: &str) {
    let mut clients = Vec::new();
    for node in nodes {
        clients.push((Client::default(), node.hub.subscribe(&LastEventId::none())));
    }
    let mut ids = Vec::new();
    for (n, node) in nodes.iter().enumerate() {
        let id = node.hub.publish(&Event::text(format!("{round} {n}"))).await.unwrap();
        ids.push(id.unwrap());
    }
    let expected: Vec<_> = (0..nodes.len()).map(|n| format!("{round} {n}")).collect();
    for (client, subscriber) in &mut clients {
        while client.seen.last().map(Seen::data) != expected.last().map(String::as_str) {
            let read = client.read(subscriber, 1);
            tokio::time::timeout(test_redis::PATIENCE, read).await.unwrap();
        }
        assert_eq!(client.seen.iter().map(Seen::data).collect::<Vec<_>>(), expected);
    }
    for node in nodes {
        for (n, id) in ids.iter().enumerate() {
            let resumption = node.hub.subscribe(&id.clone().into()).resumption();
            assert_eq!(resumption, Resumption::Exact { missed: nodes.len() - 1 - n });
        }
    }
}

#[tokio::test]
async fn a_hub_finds_its_stream_from_every_server() {
    let Some(cluster) = Cluster::start(false).await else { return };
    let nodes = nodes(&cluster).await;
    publish_and_receive(&nodes, "a").await;
    cluster.move_stream(Duration::ZERO).await;
    publish_and_receive(&nodes, "b").await;
}

#[tokio::test]
async fn an_end_of_streams_reaches_all_servers_and_moves_with_the_stream() {
    let Some(cluster) = Cluster::start(false).await else { return };
    let mut nodes = nodes(&cluster).await;
    let authorized_at = SystemTime::now();
    nodes[1].hub.end_owner("user:7", Reconnect::Never).await.unwrap();
    cluster.move_stream(Duration::ZERO).await;
    publish_and_receive(&nodes, "a").await;
    nodes[2].hub.end_owner("user:8", Reconnect::Never).await.unwrap();
    publish_and_receive(&nodes, "b").await;
    nodes.push(Node::live(Hub::builder(), &cluster.urls()[0]).await);
    for node in &nodes {
        for owner in ["user:7", "user:8"] {
            let subscriber = node.hub.subscribe(&LastEventId::none()).owner(owner, authorized_at);
            assert_eq!(subscriber.ended(), Some(Reconnect::Never));
        }
    }
}

/// No server accepts an event during the move: publishing waits for its end.
#[tokio::test]
async fn an_event_waits_until_the_stream_has_moved() {
    let Some(cluster) = Cluster::start(false).await else { return };
    let nodes = nodes(&cluster).await;
    publish_and_receive(&nodes, "before").await;
    let moving = cluster.begin_move().await;
    cluster.carry(moving).await;
    let hub = nodes[0].hub.clone();
    let waiting = tokio::spawn(async move { hub.publish(&Event::text("meanwhile")).await });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!waiting.is_finished());
    cluster.end_move(moving).await;
    waiting.await.unwrap().unwrap();
    publish(&nodes, "after").await;
    publish_and_receive(&nodes, "there").await;
    assert_eq!(cluster.streams().await, 1);
}

#[tokio::test]
async fn a_move_that_takes_too_long_is_an_outage() {
    let Some(cluster) = Cluster::start(false).await else { return };
    let nodes = nodes(&cluster).await;
    publish(&nodes, "before").await;
    let moving = cluster.begin_move().await;
    cluster.carry(moving).await;
    let error = nodes[0].hub.publish(&Event::text("lost")).await.unwrap_err();
    assert!(error.is_not_appended(), "{error}");
    cluster.end_move(moving).await;
    // For each hub, until it has asked again.
    for n in 0..nodes.len() {
        publish(&nodes[n..], "after").await;
    }
    publish_and_receive(&nodes, "there").await;
}

#[tokio::test]
async fn an_abandoned_move_loses_nothing() {
    let Some(cluster) = Cluster::start(false).await else { return };
    let nodes = nodes(&cluster).await;
    let hub = &nodes[0].hub;
    let mut client = Client::default();
    let mut subscriber = hub.subscribe(&LastEventId::none());
    publish(&nodes, "before").await;
    let moving = cluster.begin_move().await;
    cluster.carry(moving).await;
    // The stream is back, and the other server still accepts events after ASKING.
    cluster.begin_give_up(moving).await;
    publish(&nodes, "between").await;
    assert_eq!(cluster.streams().await, 1);
    cluster.end_give_up(moving).await;
    publish_and_receive(&nodes, "back").await;
    publish(&nodes, END).await;
    let expected = ["before", "between", "back 0", "back 1", "back 2", END];
    while client.seen.last().is_none_or(|seen| seen.data() != END) {
        client.read(&mut subscriber, 1).await;
    }
    assert_eq!(client.seen.iter().map(Seen::data).collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn a_stream_created_after_an_abandoned_move_is_found() {
    let Some(cluster) = Cluster::start(false).await else { return };
    let moving = cluster.begin_move().await;
    let node = Node::new(Hub::builder(), &cluster.urls()[0]);
    let mut client = Client::default();
    let mut subscriber = node.hub.subscribe(&LastEventId::none());
    cluster.begin_give_up(moving).await;
    cluster.add(END).await;
    let found = async {
        while client.seen.last().is_none_or(|seen| seen.data() != END) {
            client.read(&mut subscriber, 1).await;
        }
    };
    tokio::time::timeout(test_redis::PATIENCE, found).await.unwrap();
    cluster.end_give_up(moving).await;
    assert_eq!(cluster.streams().await, 1);
}

#[tokio::test]
async fn a_server_that_has_left_the_cluster_is_left_even_if_it_answers() {
    let Some(cluster) = Cluster::start(true).await else { return };
    let nodes = nodes(&cluster).await;
    publish_and_receive(&nodes, "before").await;
    cluster.forget_owner().await;
    for node in &nodes {
        publish_surely(&node.hub, "after").await;
        node.is_live().await;
    }
}

#[tokio::test]
async fn one_reachable_server_of_the_url_is_enough() {
    let Some(mut cluster) = Cluster::start(true).await else { return };
    let owner = cluster.owner().await;
    let both = cluster.url_of(&[owner, (owner + 1) % 3]);
    cluster.lose_owner_for_good().await;
    let node = Node::live(Hub::builder(), &both).await;
    publish_surely(&node.hub, "a").await;
}

#[tokio::test]
async fn an_unserved_slot_is_an_outage() {
    let Some(cluster) = Cluster::start(false).await else { return };
    let nodes = nodes(&cluster).await;
    publish_and_receive(&nodes, "before").await;
    cluster.give_up_slot().await;
    let hub = &nodes[0].hub;
    until("it is noticed", || matches!(hub.status(), Status::Stale { .. })).await;
    let error = hub.publish(&Event::text("lost")).await.unwrap_err();
    assert!(error.is_not_appended(), "{error}");
    assert!(error.to_string().contains("slot not served"), "{error}");
    assert_eq!(hub.stats().retained, 3);
}
