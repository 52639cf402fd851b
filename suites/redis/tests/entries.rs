//! Entries by other programs: any language, any bytes.

use std::sync::{Arc, Mutex};

use futures_util::StreamExt;
use redis::Cmd;
use sse_encoder::LastEventId;
use sse_hub::{Hub, Status};
use test_redis::{Node, Server, client::Client, node::STREAM, until};

/// Fields as bytes.
type Fields<'a> = &'a [(&'a [u8], &'a [u8])];

async fn add(server: &Server, fields: Fields<'_>) -> String {
    let mut command = Cmd::new();
    command.arg("XADD").arg(STREAM).arg("*");
    for (name, value) in fields {
        command.arg(name).arg(value);
    }
    command.query_async(&mut server.connect().await).await.unwrap()
}

#[tokio::test]
async fn any_program_can_publish_by_xadd() {
    let Some(server) = Server::start(&[]) else { return };
    let node = Node::live(Hub::builder(), &server.url()).await;
    let mut subscriber = node.hub.subscribe_to(["", "kitchen"], &LastEventId::none());
    subscriber.next().await.unwrap();
    let mut expected = String::new();
    for (fields, frame) in [
        (
            &[(&b"type"[..], &b"order"[..]), (b"data", b"{\"n\":1}")][..],
            "id: *\nevent: order\ndata: {\"n\":1}\n\n",
        ),
        (&[(b"data", b"")], "id: *\nevent: message\ndata: \n\n"),
        (
            &[(b"data", b"a\r\nb\rc\nd")],
            "id: *\nevent: message\ndata: a\ndata: b\ndata: c\ndata: d\n\n",
        ),
        (
            &[(b"id", b"row 7"), (b"data", b"own"), (b"topic", b"kitchen")],
            "id: row 7\nevent: message\ndata: own\n\n",
        ),
        (
            &[(b"data", b"passing"), (b"ephemeral", b"1"), (b"retry", b"2500"), (b"more", b"\xFF")],
            "event: message\nretry: 2500\ndata: passing\n\n",
        ),
        (&[(b"data", b"first"), (b"data", b"last")], "id: *\nevent: message\ndata: last\n\n"),
        (&[(b"data", b"x"), (b"id", b""), (b"type", b"")], "id: *\nevent: message\ndata: x\n\n"),
        (
            &[(b"data", b"\nid: forged\n\ndata: y")],
            "id: *\nevent: message\n\
            data: \ndata: id: forged\ndata: \ndata: data: y\n\n",
        ),
    ] {
        let id = add(&server, fields).await;
        expected.push_str(&frame.replace('*', &id));
    }
    let mut got = String::new();
    while got.len() < expected.len() {
        let frame = tokio::time::timeout(test_redis::PATIENCE, subscriber.next()).await;
        let frame = frame.unwrap().unwrap();
        let text = str::from_utf8(frame.as_bytes()).unwrap();
        // The id is the entry's, and a digest of six characters.
        let digest = frame.id().filter(|id| id.as_str() != "row 7");
        let digest = digest.map(|id| id.as_str()[id.as_str().rfind('-').unwrap()..].to_owned());
        assert!(digest.as_ref().is_none_or(|digest| digest.len() == 7), "{text}");
        got.push_str(&text.replacen(&digest.unwrap_or_default(), "", 1));
    }
    assert_eq!(got, expected);
}

#[tokio::test]
async fn an_entry_that_cannot_be_an_event_is_skipped_counted_and_reported_once() {
    let Some(server) = Server::start(&[]) else { return };
    let reports = Arc::new(Mutex::new(Vec::new()));
    let (hub, driver) = Hub::builder().redis(&server.url(), STREAM).unwrap();
    let hook = reports.clone();
    let driver =
        tokio::spawn(driver.on_rejected_entry(move |entry| {
            hook.lock().unwrap().push(format!("{:#}", entry.error()))
        }));
    hub.live().await;
    let mut subscriber = hub.subscribe_all(&LastEventId::none());
    let long = vec![b'x'; 5_000];
    let huge = vec![b'x'; 100_000];
    let hostile: &[Fields<'_>] = &[
        &[(b"nothing", b"to see")],
        &[(b"Data", b"in the wrong case"), (b"type", b"x")],
        &[(b"data", b"not \xFF UTF-8")],
        &[(b"data", b"x"), (b"type", b"a\nid: forged")],
        &[(b"data", b"x"), (b"type", b"a\rdata: forged")],
        &[(b"data", b"x"), (b"id", b"1\ndata: forged\n\n")],
        &[(b"data", b"x"), (b"id", b"nul\0")],
        &[(b"data", b"x"), (b"id", b"1-1")],
        &[(b"data", b"x"), (b"id", &long)],
        &[(b"data", b"x"), (b"topic", &long)],
        &[(b"data", b"x"), (b"key", &long)],
        &[(b"data", b"x"), (b"topic", b"\xFF")],
        &[(b"data", b"x"), (b"retry", b"soon")],
        &[(b"data", b"x"), (b"retry", b"0")],
        &[(b"data", b"x"), (b"retry", b"99999999999999999999")],
        &[(b"data", &huge)],
        &[(b"comment", &huge)],
        &[(b"data", b"x"), (b"id", b"taken")],
    ];
    add(&server, &[(b"data", b"first"), (b"id", b"taken")]).await;
    let mut client = Client::default();
    while client.seen.is_empty() {
        client.read(&mut subscriber, 1).await;
    }
    for _ in 0..2 {
        for fields in hostile {
            add(&server, fields).await;
        }
    }
    add(&server, &[(b"data", b"last")]).await;
    // What is too large for this server may be an event on another one.
    while client.seen.last().is_none_or(|seen| seen.data() != "last") {
        client.read(&mut subscriber, 1).await;
    }
    let mut data: Vec<_> = client.seen.iter().map(|seen| seen.data()).collect();
    data.dedup();
    assert_eq!(data, ["first", "gap", "last"]);
    let stats = hub.stats();
    assert_eq!((stats.rejected, stats.published), (2 * hostile.len() as u64, 2));
    let reports = reports.lock().unwrap();
    let mut kinds = reports.clone();
    kinds.sort();
    kinds.dedup();
    // Each kind once, and fewer kinds than entries.
    assert_eq!(kinds.len(), reports.len(), "{reports:#?}");
    assert!((8..=hostile.len()).contains(&reports.len()), "{reports:#?}");
    driver.abort();
}

#[tokio::test]
async fn published_events_are_entries_of_plain_fields() {
    let Some(server) = Server::start(&[]) else { return };
    let node = Node::live(Hub::builder(), &server.url()).await;
    let hub = &node.hub;
    let order = sse_encoder::Event::json([1]).event_type("order");
    hub.publish(&order).await.unwrap();
    hub.to("t").key("k").publish(&sse_encoder::Event::text("a\nb").id("own")).await.unwrap();
    hub.publish(&sse_encoder::Event::text("x").no_id()).await.unwrap();
    let log = server.log(STREAM).await;
    let without_nonce = |fields: &[String]| {
        let [fields @ .., name, nonce] = fields else { panic!("{fields:?}") };
        assert_eq!((name.as_str(), nonce.len()), ("nonce", 6));
        fields.join(" ")
    };
    let fields: Vec<_> = log.iter().map(|(_, fields)| without_nonce(fields)).collect();
    let expected = ["type order data [1]", "data a\nb id own topic t key k", "data x ephemeral 1"];
    assert_eq!(fields, expected);
    // Ids and topics that the log cannot hold are refused, not sent.
    let error = hub.publish(&sse_encoder::Event::new().id("only")).await.unwrap_err();
    assert_eq!(error.to_string(), "`data` is missing");
    assert!(hub.to(&"x".repeat(5_000)).publish(&order).await.unwrap_err().is_name_too_long());
    assert!(hub.try_publish(&order).is_err());
    assert_eq!(server.log(STREAM).await.len(), 3);
}

#[tokio::test]
async fn a_server_that_starts_before_redis_serves_and_then_catches_up() {
    let Some(mut server) = Server::start(&["--appendonly", "yes"]) else { return };
    add(&server, &[(b"data", b"old")]).await;
    server.kill();
    let errors = Arc::new(Mutex::new(0));
    let (hub, driver) = Hub::builder().redis(&server.url(), STREAM).unwrap();
    let counted = errors.clone();
    let driver = tokio::spawn(driver.on_error(move |_| *counted.lock().unwrap() += 1));
    let mut subscriber = hub.subscribe(&LastEventId::none());
    let opening = subscriber.next().await.unwrap();
    assert!(opening.as_bytes().windows(10).any(|bytes| bytes == b"checkpoint"));
    let error = hub.publish(&sse_encoder::Event::text("early")).await.unwrap_err();
    assert!(error.is_not_appended(), "{error}");
    until("the failure is told", || *errors.lock().unwrap() > 0).await;
    assert!(matches!(hub.status(), Status::Stale { .. }));
    server.restart();
    assert_eq!(hub.live().await, Status::Live);
    assert_eq!(*errors.lock().unwrap(), 1);
    let mut client = Client::default();
    while client.seen.len() < 2 {
        client.read(&mut subscriber, 1).await;
    }
    let data: Vec<_> = client.seen.iter().map(|seen| seen.data()).collect();
    assert_eq!(data, ["gap", "old"]);
    // Without its driver the hub still serves its retained events.
    driver.abort();
    until("the driver is gone", || hub.status() == Status::Ended).await;
    assert_eq!(hub.live().await, Status::Ended);
    assert_eq!(hub.stats().retained, 1);
    assert!(hub.publish(&sse_encoder::Event::text("late")).await.unwrap_err().is_not_appended());
}

#[tokio::test]
async fn a_loop_that_publishes_until_it_succeeds_lets_the_driver_run() {
    let Some(server) = Server::start(&[]) else { return };
    let node = Node::new(Hub::builder(), &server.url());
    while node.hub.publish(&sse_encoder::Event::text("a")).await.is_err() {}
    assert_eq!(server.log(STREAM).await.len(), 1);
}

#[tokio::test]
async fn an_event_published_before_the_first_connection_waits_for_it() {
    let Some(server) = Server::start(&[]) else { return };
    for _ in 0..20 {
        let node = Node::new(Hub::builder(), &server.url());
        // The driver's first poll.
        tokio::task::yield_now().await;
        node.hub.publish(&sse_encoder::Event::text("a")).await.unwrap();
    }
    assert_eq!(server.log(STREAM).await.len(), 20);
}

#[tokio::test]
async fn the_driver_ends_with_its_hub() {
    let Some(server) = Server::start(&[]) else { return };
    let (hub, driver) = Hub::builder().redis(&server.url(), STREAM).unwrap();
    let driver = tokio::spawn(driver);
    hub.live().await;
    drop(hub);
    tokio::time::timeout(test_redis::PATIENCE, driver).await.unwrap().unwrap();
}

#[test]
fn an_invalid_url_is_an_error() {
    for url in ["", "x", "http://a", "redis://", "redis://a:b:c", "redis://a/b/c", "rediss://a"] {
        let built = Hub::builder().redis(url, STREAM);
        match built {
            Err(error) => assert!(error.to_string().contains("URL"), "{error}"),
            Ok((hub, driver)) => drop((hub, driver, println!("{url} is one"))),
        }
    }
}

#[tokio::test]
async fn a_key_of_another_type_is_reported_and_not_touched() {
    let Some(server) = Server::start(&[]) else { return };
    server.run::<()>(&["SET", STREAM, "a string"]).await;
    let errors = Arc::new(Mutex::new(Vec::new()));
    let (hub, driver) = Hub::builder().redis(&server.url(), STREAM).unwrap();
    let told = errors.clone();
    let driver =
        tokio::spawn(driver.on_error(move |error| told.lock().unwrap().push(error.to_string())));
    until("the failure is told", || !errors.lock().unwrap().is_empty()).await;
    assert!(errors.lock().unwrap()[0].contains("WRONGTYPE"), "{errors:?}");
    let error = hub.publish(&sse_encoder::Event::text("x")).await.unwrap_err();
    assert!(error.is_not_appended() && error.to_string().contains("WRONGTYPE"), "{error}");
    assert_eq!(server.run::<String>(&["GET", STREAM]).await, "a string");
    driver.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_executor_can_publish_while_the_driver_is_on_tokio() {
    let Some(server) = Server::start(&[]) else { return };
    let node = Node::live(Hub::builder(), &server.url()).await;
    test_redis::load::publish_surely(&node.hub, "from tokio").await;
    let hub = node.hub.clone();
    let elsewhere = std::thread::spawn(move || {
        futures_executor::block_on(async {
            hub.publish(&sse_encoder::Event::text("from elsewhere")).await.unwrap();
            let ahead = sse_encoder::EventId::new("9999999999999-0").unwrap();
            hub.wait_for(&ahead.into()).await
        })
    });
    assert!(elsewhere.join().unwrap());
    assert_eq!(server.log(STREAM).await.len(), 2);
}

#[test]
fn a_hub_outlives_the_runtime_of_its_driver() {
    let Some(server) = Server::start(&[]) else { return };
    let ahead = sse_encoder::EventId::new("9999999999999-0").unwrap().into();
    let (hub, driver) = Hub::builder().redis(&server.url(), STREAM).unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.spawn(driver);
    assert_eq!(runtime.block_on(hub.live()), Status::Live);
    let waiting = hub.clone();
    let last = LastEventId::clone(&ahead);
    let waiting = std::thread::spawn(move || futures_executor::block_on(waiting.wait_for(&last)));
    std::thread::sleep(std::time::Duration::from_millis(100));
    drop(runtime);
    assert!(!waiting.join().unwrap());
    assert_eq!(hub.status(), Status::Ended);
    assert!(!futures_executor::block_on(hub.wait_for(&ahead)));
    let event = sse_encoder::Event::text("late");
    assert!(futures_executor::block_on(hub.publish(&event)).unwrap_err().is_not_appended());
}

#[test]
fn a_hub_whose_driver_never_ran_ends_when_it_is_closed() {
    let (hub, driver) = Hub::builder().redis("redis://127.0.0.1:1/", STREAM).unwrap();
    hub.close();
    assert_eq!(futures_executor::block_on(hub.live()), Status::Ended);
    drop(driver);
}

#[tokio::test]
async fn a_replica_that_refuses_writes_is_left_for_the_primary() {
    let Some([(_primary, primary), (_replica, replica)]) = Server::pair().await else { return };
    let url = format!("redis://127.0.0.1:{replica},127.0.0.1:{primary}/");
    let node = Node::live(Hub::builder(), &url).await;
    test_redis::load::publish_surely(&node.hub, "a").await;
}

#[tokio::test]
async fn any_retention_bound_is_accepted() {
    let Some(server) = Server::start(&[]) else { return };
    for events in [0, 1, usize::MAX] {
        let node = Node::live(Hub::builder().retain_events(events), &server.url()).await;
        test_redis::load::publish_surely(&node.hub, "a").await;
    }
    assert_eq!(server.log(STREAM).await.len(), 3);
}
