//! Users and passwords, and servers with few rights.

use std::time::Duration;

use sse_encoder::{Event, LastEventId};
use sse_hub::{Hub, Reconnect, Status};
use test_redis::{
    Server,
    access::{READS, TRANSACTS, Told, WRITES, allow},
    client::Client,
    node::STREAM,
};
use tokio::time::sleep;

/// A server on a port, because the URL of a socket cannot name a user.
fn server() -> Option<(Server, u16)> {
    Server::start_on_port("--port", 0, &[])
}

#[tokio::test]
async fn a_user_needs_only_the_rights_that_the_docs_name() {
    let Some((server, port)) = server() else { return };
    allow(&server, "orders", &[READS, WRITES].concat()).await;
    let hub = Told::start(&format!("redis://orders:s%3Acret@127.0.0.1:{port}/"));
    let mut subscriber = hub.subscribe(&LastEventId::none());
    assert_eq!(hub.live().await, Status::Live);
    for text in ["a", "b"] {
        hub.publish(&Event::text(text)).await.unwrap();
    }
    hub.publish_all(["c", "d"].map(Event::text)).await.unwrap();
    hub.end_owner("user:7", Reconnect::Never).await.unwrap();
    let mut client = Client::default();
    while client.seen.last().is_none_or(|seen| seen.data() != "d") {
        client.read(&mut subscriber, 1).await;
    }
    assert_eq!(hub.errors(), Vec::<String>::new());
}

#[tokio::test]
async fn without_the_right_to_a_transaction_several_events_are_refused_as_one() {
    let Some((server, port)) = server() else { return };
    let rights = [READS, WRITES].concat();
    for missing in TRANSACTS {
        let rights: Vec<_> = rights.iter().copied().filter(|right| right != missing).collect();
        allow(
            &server,
            "half",
            &[&["reset"][..], &["on", ">s:cret", "~orders", "~{orders}:endings"], &rights].concat(),
        )
        .await;
        let hub = Told::start(&format!("redis://half:s%3Acret@127.0.0.1:{port}/"));
        assert_eq!(hub.live().await, Status::Live);
        test_redis::until("there is a connection to publish by", || hub.can_publish()).await;
        hub.publish(&Event::text("after that")).await.unwrap();
        let before = server.log(STREAM).await.len();
        let refused = hub.publish_all(["a", "b"].map(Event::text)).await.unwrap_err();
        assert!(refused.is_not_appended(), "{missing}: {refused}");
        while hub.publish(&Event::text("c")).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(server.log(STREAM).await.len(), before + 1, "{missing}");
    }
}

#[tokio::test]
async fn a_user_that_may_only_read_is_live_and_cannot_publish() {
    let Some((server, port)) = server() else { return };
    allow(&server, "reader", READS).await;
    let hub = Told::start(&format!("redis://reader:s%3Acret@127.0.0.1:{port}/"));
    assert_eq!(hub.live().await, Status::Live);
    test_redis::until("there is a connection to publish by", || hub.can_publish()).await;
    let error = hub.publish(&Event::text("a")).await.unwrap_err();
    assert!(error.is_not_appended() && error.to_string().contains("xadd"), "{error}");
    assert_eq!(hub.errors(), Vec::<String>::new());
}

#[tokio::test]
async fn a_missing_right_to_read_is_reported_once_and_the_hub_is_never_live() {
    let Some((server, port)) = server() else { return };
    for missing in READS {
        let rights: Vec<_> = READS.iter().copied().filter(|right| right != missing).collect();
        allow(
            &server,
            "half",
            &[&["reset"][..], &["on", ">s:cret", "~orders", "~{orders}:endings"], &rights].concat(),
        )
        .await;
        let hub = Told::start(&format!("redis://half:s%3Acret@127.0.0.1:{port}/"));
        // Some rights are needed only for an empty log, and this user may not write the mark.
        let is_asked = !matches!(*missing, "+xinfo");
        if is_asked {
            assert!(hub.error().await.contains(&missing[1..]), "{missing}: {:?}", hub.errors());
            sleep(Duration::from_secs(1)).await;
            assert_eq!(hub.errors().len(), 1, "{missing}");
            assert!(matches!(hub.status(), Status::Stale { .. }), "{missing}");
        }
    }
}

/// No user may write the mark: the server must tell whether the first event is the first ever.
#[tokio::test]
async fn without_the_right_to_write_the_first_event_is_a_gap_unless_redis_counts_entries() {
    let Some((server, port)) = server() else { return };
    allow(&server, "reader", READS).await;
    let hub = Told::start(&format!("redis://reader:s%3Acret@127.0.0.1:{port}/"));
    assert_eq!(hub.live().await, Status::Live);
    let mut subscriber = hub.subscribe(&LastEventId::none());
    server.run::<()>(&["XADD", STREAM, "*", "data", "first"]).await;
    let mut client = Client::default();
    while client.seen.last().is_none_or(|seen| seen.data() != "first") {
        client.read(&mut subscriber, 1).await;
    }
    assert_eq!(client.seen.len(), if server.counts_entries().await { 1 } else { 2 });
}

#[tokio::test]
async fn a_wrong_password_is_reported_without_showing_it() {
    let Some((server, port)) = server() else { return };
    allow(&server, "orders", READS).await;
    for user in ["orders:wr0ng", "nobody:wr0ng", ":wr0ng"] {
        let hub = Told::start(&format!("redis://{user}@127.0.0.1:{port}/"));
        let error = hub.error().await;
        assert!(!error.contains("wr0ng"), "{error}");
        assert!(matches!(hub.status(), Status::Stale { .. }));
        let error = hub.publish(&Event::text("a")).await.unwrap_err();
        assert!(error.is_not_appended() && !error.to_string().contains("wr0ng"), "{error}");
    }
}

#[tokio::test]
async fn errors_and_debug_output_hide_the_password() {
    let url = "redis://orders:s3cret@127.0.0.1:1/";
    let (hub, driver) = Hub::builder().redis(url, STREAM).unwrap();
    assert!(!format!("{hub:?} {driver:?}").contains("s3cret"));
    for wrong in ["redis://orders:s3cret@127.0.0.1:x/", "redis://orders:s3cret@127.0.0.1/x"] {
        let error = Hub::builder().redis(wrong, STREAM).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}
