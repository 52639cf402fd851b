//! `rediss://`: exactly the system's certificates are trusted.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use sse_encoder::Event;
use sse_hub::Status;
use test_redis::{
    Server,
    access::Told,
    certificates::{Certificates, tls_args},
};

/// A server with TLS, and its port.
fn server(certificates: &std::path::Path, name: &str) -> Option<(Server, u16)> {
    let args = tls_args(certificates, name);
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    Server::start_on_port("--tls-port", 0, &args)
}

#[tokio::test]
async fn an_untrusted_authority_is_refused() {
    let certificates = Certificates::new();
    let Some((_server, port)) = server(certificates.directory(), "own") else { return };
    let hub = Told::start(&format!("rediss://localhost:{port}/"));
    let error = hub.error().await;
    assert!(error.contains("certificate") || error.contains("UnknownIssuer"), "{error}");
    assert!(matches!(hub.status(), Status::Stale { .. }));
    assert!(hub.publish(&Event::text("a")).await.unwrap_err().is_not_appended());
}

#[tokio::test]
async fn plain_text_to_a_tls_server_is_reported() {
    let certificates = Certificates::new();
    let Some((_server, port)) = server(certificates.directory(), "own") else { return };
    let hub = Told::start(&format!("redis://localhost:{port}/"));
    println!("{}", hub.error().await);
    assert!(matches!(hub.status(), Status::Stale { .. }));
}

const DIRECTORY: &str = "SSE_TLS_DIRECTORY";

/// The trusted certificates come from an environment variable, which is the whole process's.
#[test]
fn certificates_that_the_system_trusts_are_accepted() {
    let certificates = Certificates::new();
    if server(certificates.directory(), "own").is_none() {
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["trusted::", "--ignored", "--nocapture"])
        .env("SSL_CERT_FILE", certificates.directory().join("authority"))
        .env(DIRECTORY, certificates.directory())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (out, errors) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && out.contains("4 passed; 0 failed"), "{out}\n{errors}");
}

mod trusted {
    use sse_encoder::LastEventId;
    use test_redis::{
        Cluster, Node,
        access::{READS, WRITES, allow},
        client::Client,
    };

    use super::*;

    fn directory() -> PathBuf {
        env::var_os(DIRECTORY).expect("another test starts this one").into()
    }

    #[tokio::test]
    #[ignore = "certificates_that_the_system_trusts_are_accepted starts it"]
    async fn a_hub_reads_and_publishes_as_a_user_of_few_rights() {
        let (server, port) = server(&directory(), "own").unwrap();
        allow(&server, "orders", &[READS, WRITES].concat()).await;
        let hub = Told::start(&format!("rediss://orders:s%3Acret@localhost:{port}/"));
        assert_eq!(hub.live().await, Status::Live);
        let mut subscriber = hub.subscribe(&LastEventId::none());
        test_redis::load::publish_surely(&hub, "a").await;
        let mut client = Client::default();
        client.read(&mut subscriber, 2).await;
        assert_eq!(client.seen[0].data(), "a");
        assert_eq!(hub.errors(), Vec::<String>::new());
    }

    #[tokio::test]
    #[ignore = "certificates_that_the_system_trusts_are_accepted starts it"]
    async fn a_hub_reconnects_when_its_server_is_back() {
        let (mut server, port) = server(&directory(), "own").unwrap();
        let hub = Told::start(&format!("rediss://127.0.0.1:{port}/"));
        assert_eq!(hub.live().await, Status::Live);
        server.kill();
        hub.error().await;
        server.restart();
        assert_eq!(hub.live().await, Status::Live);
        test_redis::load::publish_surely(&hub, "a").await;
    }

    #[tokio::test]
    #[ignore = "certificates_that_the_system_trusts_are_accepted starts it"]
    async fn a_certificate_for_another_name_is_refused() {
        let (_server, port) = server(&directory(), "other").unwrap();
        let hub = Told::start(&format!("rediss://localhost:{port}/"));
        let error = hub.error().await;
        assert!(error.contains("other.test") || error.contains("NotValidForName"), "{error}");
        assert!(matches!(hub.status(), Status::Stale { .. }));
    }

    #[tokio::test]
    #[ignore = "certificates_that_the_system_trusts_are_accepted starts it"]
    async fn redirections_in_a_cluster_are_followed_with_tls() {
        let cluster = Cluster::start_with_tls(&directory()).await.unwrap();
        let mut hubs = Vec::new();
        for url in cluster.urls() {
            assert!(url.starts_with("rediss://"), "{url}");
            hubs.push(Node::live(sse_hub::Hub::builder(), &url).await);
        }
        let mut subscriber = hubs[0].hub.subscribe(&LastEventId::none());
        for node in &hubs {
            test_redis::load::publish_surely(&node.hub, "a").await;
        }
        let mut client = Client::default();
        client.read(&mut subscriber, 1 + hubs.len()).await;
        assert_eq!(client.seen.len(), hubs.len());
    }
}
