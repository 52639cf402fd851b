//! Ending the streams of an owner, on every server.

use std::time::{Duration, SystemTime};

use futures_util::{FutureExt, StreamExt};
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, Reconnect, Resumption, Subscriber};
use test_redis::{
    Node, Server,
    access::{READS, Told, WRITES},
    node::STREAM,
    until,
};
use tokio::time::sleep;

fn none() -> LastEventId {
    LastEventId::none()
}

fn ended(node: &Node, authorized_at: SystemTime) -> Option<Reconnect> {
    node.hub.subscribe(&none()).owner("user:7", authorized_at).ended()
}

/// The data of all events that are ready.
fn ready(subscriber: &mut Subscriber) -> Vec<String> {
    let frames = std::iter::from_fn(|| subscriber.next().now_or_never().flatten());
    let texts = frames.map(|frame| String::from_utf8(frame.into_bytes().to_vec()).unwrap());
    let events = texts.filter(|text| text.contains("event: message"));
    events.map(|text| text.trim_end().rsplit_once("data: ").unwrap().1.to_owned()).collect()
}

async fn publish(node: &Node, text: &str) -> EventId {
    node.hub.publish(&Event::text(text)).await.unwrap().unwrap()
}

#[tokio::test]
async fn an_end_reaches_every_server_before_the_events_after_it() {
    let Some(server) = Server::start(&[]) else { return };
    let one = Node::live(Hub::builder(), &server.url()).await;
    let two = Node::live(Hub::builder(), &server.url()).await;
    let authorized_at = SystemTime::now();
    let mut here = one.hub.subscribe(&none()).owner("user:7", authorized_at);
    let mut there = two.hub.subscribe(&none()).owner("user:7", authorized_at);
    let mut other = two.hub.subscribe(&none()).owner("user:8", authorized_at);
    for subscriber in [&mut here, &mut there, &mut other] {
        subscriber.next().await.unwrap();
    }
    let before = publish(&one, "before").await;
    assert_eq!(other.next().await.unwrap().into_bytes().last(), Some(&b'\n'));
    there.next().await.unwrap();
    assert_eq!(one.hub.end_owner("user:7", Reconnect::Never).await.unwrap(), 1);
    publish(&one, "after").await;
    // It wakes the stream of the other server.
    assert!(there.next().await.is_none());
    assert!(here.next().await.is_none());
    assert!(String::from_utf8_lossy(&other.next().await.unwrap().into_bytes()).contains("after"));
    for node in [&one, &two] {
        assert_eq!(ended(node, authorized_at), Some(Reconnect::Never));
        sleep(Duration::from_millis(5)).await;
        assert_eq!(ended(node, SystemTime::now()), None);
        let resumption = node.hub.subscribe(&before.clone().into()).resumption();
        assert_eq!(resumption, Resumption::Exact { missed: 1 });
        assert_eq!(node.hub.stats().rejected, 0);
    }
}

#[tokio::test]
async fn a_server_that_was_away_or_starts_later_hears_of_an_end_that_the_stream_has_lost() {
    let Some(server) = Server::start(&[]) else { return };
    let one = Node::live(Hub::builder(), &server.url()).await;
    let authorized_at = SystemTime::now();
    publish(&one, "before").await;
    one.hub.end_owner("user:7", Reconnect::Never).await.unwrap();
    server.run::<()>(&["XTRIM", STREAM, "MAXLEN", "0"]).await;
    let id = publish(&one, "after").await;
    let late = Node::live(Hub::builder(), &server.url()).await;
    assert_eq!(ended(&late, authorized_at), Some(Reconnect::Never));
    assert_eq!(ended(&late, SystemTime::now()), None);
    let resumption = late.hub.subscribe(&id.into()).resumption();
    assert_eq!(resumption, Resumption::Exact { missed: 0 });
}

#[tokio::test]
async fn as_many_endings_are_kept_in_redis_as_a_hub_retains() {
    let Some(server) = Server::start(&[]) else { return };
    let builder = Hub::builder().retain_endings(3);
    let one = Node::live(builder.clone(), &server.url()).await;
    let before = SystemTime::now();
    for n in 0..6 {
        one.hub.end_owner(&format!("user:{n}"), Reconnect::Never).await.unwrap();
    }
    let kept: usize = server.run(&["XLEN", &format!("{{{STREAM}}}:endings")]).await;
    assert_eq!(kept, 3);
    server.run::<()>(&["XTRIM", STREAM, "MAXLEN", "0"]).await;
    let late = Node::live(builder, &server.url()).await;
    for node in [&one, &late] {
        assert_eq!(ended(node, before), Some(Reconnect::Soon));
        assert_eq!(ended(node, SystemTime::now()), None);
    }
}

#[tokio::test]
async fn another_program_s_entry_that_looks_like_an_end_is_counted_and_harms_nobody() {
    let Some(server) = Server::start(&[]) else { return };
    let node = Node::live(Hub::builder(), &server.url()).await;
    let authorized_at = SystemTime::now();
    let mut subscriber = node.hub.subscribe(&none()).owner("user:7", authorized_at);
    for fields in [
        &["ends", "everything", "name", "user:7", "at", "1", "reconnect", "never"][..],
        &["ends", "owner", "name", "user:7"],
        &["ends", "owner", "name", "user:7", "at", "soon", "reconnect", "never"],
        &["ends", "owner", "data", "an event"],
    ] {
        server.run::<String>(&[&["XADD", STREAM, "*"], fields].concat()).await;
    }
    until("all entries are read", || node.hub.stats().published == 1).await;
    assert_eq!(node.hub.stats().rejected, 3);
    assert_eq!(ready(&mut subscriber), ["an event"]);
    // One that is whole counts, with a time in the future as now.
    let future = u64::MAX.to_string();
    let fields = ["ends", "owner", "name", "user:7", "at", &future, "reconnect", "60000"];
    server.run::<String>(&[&["XADD", STREAM, "*"], &fields[..]].concat()).await;
    until("the stream is ended", || subscriber.ended().is_some()).await;
    sleep(Duration::from_millis(5)).await;
    assert_eq!(ended(&node, SystemTime::now()), None);
}

#[tokio::test]
async fn without_the_right_to_the_key_of_the_endings_only_streams_with_an_owner_end() {
    let Some((server, port)) = Server::start_on_port("--port", 0, &[]) else { return };
    let rights = [READS, WRITES].concat();
    let user = ["ACL", "SETUSER", "half", "on", ">s:cret", "~orders"];
    server.run::<()>(&[&user[..], &rights].concat()).await;
    let hub = Told::start(&format!("redis://half:s%3Acret@127.0.0.1:{port}/"));
    hub.live().await;
    let mut subscriber = hub.subscribe(&none());
    let owned = hub.subscribe(&none()).owner("user:7", SystemTime::now());
    assert_eq!(owned.ended(), Some(Reconnect::Soon));
    let error = hub.end_owner("user:7", Reconnect::Never).await.unwrap_err();
    assert!(error.is_not_appended(), "{error}");
    assert!(hub.error().await.contains("endings"), "{:?}", hub.errors());
    hub.publish(&Event::text("a")).await.unwrap();
    until("the event is here", || hub.stats().published == 1).await;
    assert_eq!(ready(&mut subscriber), ["a"]);
    let entries = server.log(STREAM).await;
    assert!(entries.iter().all(|(_, fields)| !fields.contains(&"ends".to_owned())), "{entries:?}");
}
