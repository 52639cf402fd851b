//! The doors of the server.

mod support;

use std::{
    env, fs,
    net::TcpStream,
    process,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use support::Server;

#[test]
fn a_published_line_is_delivered_with_the_id_of_the_answer() {
    let server = Server::start(&[]);
    let mut events = server.events("/events?topic=kitchen");
    assert_eq!(events.next().event_type, "checkpoint");
    let ids = server.publish("topic=kitchen", "{\"data\":{\"n\":1}}\n\n{\"data\":{\"n\":2}}");
    for (id, data) in ids.iter().zip([r#"{"n":1}"#, r#"{"n":2}"#]) {
        let event = events.next();
        assert_eq!((&event.id, &*event.data), (id, data));
    }
    assert_eq!(ids.len(), 2);
}

#[test]
fn a_client_gets_the_topics_that_it_names_and_no_other() {
    let server = Server::start(&[]);
    let mut events = server.events("/events?topic=kitchen&topic=bar");
    for topic in ["cellar", "", "kitchen", "bar"] {
        server.publish(&format!("topic={topic}"), &format!(r#"{{"data":{{"at":"{topic}"}}}}"#));
    }
    assert_eq!(events.data(), r#"{"at":"kitchen"}"#);
    assert_eq!(events.data(), r#"{"at":"bar"}"#);
}

#[test]
fn an_event_of_two_topics_comes_once() {
    let server = Server::start(&[]);
    let mut events = server.events("/events?topic=kitchen&topic=bar");
    let ids = server.publish("topic=kitchen&topic=bar", r#"{"data":{"n":1}}"#);
    server.publish("topic=bar", r#"{"data":{"n":2}}"#);
    assert_eq!(events.next().event_type, "checkpoint");
    assert_eq!(events.next().id, ids[0]);
    assert_eq!(events.data(), r#"{"n":2}"#);
    let all = "&topic=t".repeat(33);
    assert_eq!(server.post(&format!("/publish?{all}"), "{}").0, 400);
}

#[test]
fn with_latest_the_newest_event_of_each_key_comes_first() {
    let server = Server::start(&[]);
    for (key, n) in [("a", 1), ("b", 2), ("a", 3)] {
        server.publish(&format!("topic=prices&key={key}"), &format!(r#"{{"data":{{"n":{n}}}}}"#));
    }
    let mut events = server.events("/events?topic=prices&latest=1");
    assert_eq!(events.next().data, r#"{"state":"begins"}"#);
    assert_eq!(events.data(), r#"{"n":2}"#);
    assert_eq!(events.data(), r#"{"n":3}"#);
    let whole = events.next();
    assert_eq!(whole.data, r#"{"state":"whole"}"#);
    server.publish("topic=prices&key=c", r#"{"data":{"n":4}}"#);
    assert_eq!(events.data(), r#"{"n":4}"#);
    // With a position it resumes.
    let mut events =
        server.events(&format!("/events?topic=prices&latest=1&lastEventId={}", whole.id));
    assert_eq!(events.next().data, "{}");
    assert_eq!(events.data(), r#"{"n":4}"#);
}

#[test]
fn the_streams_of_an_owner_or_a_topic_end_and_the_client_is_told_whether_to_come_back() {
    let server = Server::start(&[]);
    let mut ann = server.events("/events?topic=t&owner=ann&owner=one&authorized=1000000000");
    // Older than any authorization may be.
    assert_eq!(ann.next().event_type, "checkpoint");
    ann.ends();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let of_ann = format!("/events?topic=t&owner=ann&owner=one&authorized={now}");
    let mut ann = server.events(&of_ann);
    let mut bob = server.events(&format!("/events?topic=t&owner=bob&authorized={now}"));
    for client in [&mut ann, &mut bob] {
        assert_eq!(client.next().event_type, "checkpoint");
    }
    let ended = |query: &str| server.post(&format!("/end?{query}"), "");
    assert_eq!(ended("owner=ann&reconnect=never"), (200, r#"{"ended":1}"#.into()));
    ann.ends();
    assert_eq!(server.get(&of_ann).0, 204);
    server.publish("topic=t", r#"{"data":{"n":1}}"#);
    assert_eq!(bob.data(), r#"{"n":1}"#);
    assert_eq!(ended("topic=t&reconnect=7000"), (200, r#"{"ended":1}"#.into()));
    assert_eq!(bob.next().event_type, "checkpoint");
    bob.ends();
    // A new authorization is good.
    let mut again = server.events("/events?topic=t&owner=ann");
    server.publish("topic=t", r#"{"data":{"n":2}}"#);
    assert_eq!(again.data(), r#"{"n":2}"#);
    assert_eq!(ended("owner=ann&reconnect=soon").0, 400);
    assert_eq!(server.get(&format!("/events?{}", "&owner=o".repeat(9))).0, 400);
}

#[test]
fn with_a_folder_a_kill_is_no_gap() {
    let folder = env::temp_dir().join(format!("example-hub-{}", process::id()));
    let variables = [("DATA", folder.to_str().unwrap())];
    let server = Server::start(&variables);
    let first = server.publish("", r#"{"data":{"n":0}}"#).remove(0);
    server.publish("topic=prices&key=a", r#"{"data":{"n":1}}"#);
    server.publish("", r#"{"data":{"n":2}}"#);
    // `kill -9`.
    drop(server);
    let server = Server::start(&variables);
    let mut events = server.events(&format!("/events?lastEventId={first}"));
    assert_eq!(events.data(), r#"{"n":2}"#);
    assert_eq!(server.events("/events?topic=prices&latest=1").data(), r#"{"n":1}"#);
    assert_eq!(server.json("/stats")["gaps"], 0);
    drop(server);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_body_of_20_000_lines_loses_no_client_that_reads() {
    let server = Server::start(&[]);
    let mut reading = server.events("/events");
    let stalled = server.events("/events");
    // More than the sockets hold.
    let data = |n: usize| format!(r#"{{"n":{n},"text":"{}"}}"#, "x".repeat(1_000));
    let lines: String = (0..20_000).map(|n| format!("{{\"data\":{}}}\n", data(n))).collect();
    let reader = std::thread::spawn(move || {
        for n in 0..20_000 {
            if n % 20 == 0 {
                // Slower than the server publishes.
                std::thread::sleep(Duration::from_millis(2));
            }
            // A gap fails the test.
            assert_eq!(reading.data(), data(n));
        }
    });
    assert_eq!(server.publish("", &lines).len(), 20_000);
    reader.join().unwrap();
    drop(stalled);
}

#[test]
fn a_bad_line_is_named_and_the_lines_before_it_are_published() {
    let server = Server::start(&[]);
    let (status, reason) = server.post("/publish", "{\"data\":1}\n\n{\n{\"data\":2}\n");
    assert_eq!(status, 400);
    assert!(reason.starts_with("line 3: "), "{reason}");
    assert_eq!(server.json("/stats")["published"], 1);
    let (status, reason) = server.post("/publish", &"x".repeat(200_000));
    assert_eq!(status, 400);
    assert!(reason.starts_with("line 1: "), "{reason}");
}

#[test]
fn a_client_that_subscribes_from_the_position_misses_nothing() {
    let server = Server::start(&[]);
    let position = server.json("/position");
    // The state is loaded, and meanwhile this happens.
    server.publish("", r#"{"data":{"n":1}}"#);
    let id = position["id"].as_str().unwrap();
    let mut events = server.events(&format!("/events?lastEventId={id}"));
    assert_eq!(events.next().id, id);
    assert_eq!(events.data(), r#"{"n":1}"#);
}

#[test]
fn a_client_that_comes_back_too_late_hears_of_a_gap() {
    let server = Server::start(&[("RETAIN", "4")]);
    let first = server.publish("", "{\"data\":{\"n\":0}}").remove(0);
    for n in 1..10 {
        server.publish("", &format!(r#"{{"data":{{"n":{n}}}}}"#));
    }
    let mut events = server.events(&format!("/events?lastEventId={first}"));
    assert_eq!(events.next().event_type, "checkpoint");
    assert_eq!(events.next().event_type, "gap");
    assert_eq!(events.data(), r#"{"n":6}"#);
    assert_eq!(server.json("/stats")["gaps"], 1);
}

#[test]
fn figures_are_there_as_json_and_for_prometheus() {
    let server = Server::start(&[]);
    let mut events = server.events("/events");
    events.next();
    server.publish("", "{\"data\":1}\n{\"data\":2}");
    let stats = server.json("/stats");
    for (name, value) in [("subscribers", 1), ("published", 2), ("gaps", 0), ("retained", 2)] {
        assert_eq!(stats[name], value, "{name}");
    }
    let (status, text) = server.get("/metrics");
    assert_eq!(status, 200);
    for line in [
        "# TYPE sse_hub_subscribers gauge",
        "sse_hub_subscribers 1",
        "# TYPE sse_hub_events_published_total counter",
        "sse_hub_events_published_total{outcome=\"ok\"} 2",
        "sse_hub_subscriptions_total{resumption=\"fresh\"} 1",
        "sse_hub_retained_events 2",
        "sse_hub_log_up 1",
        "sse_hub_log_reconnects_total 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line}\n{text}");
    }
}

#[test]
fn a_log_that_cannot_be_reached_is_503() {
    let server = Server::start(&[("REDIS_URL", "redis+unix:///no/such/socket")]);
    let (status, reason) = server.post("/publish", "{\"data\":1}");
    assert_eq!(status, 503);
    assert!(reason.starts_with("line 1: "), "{reason}");
    assert_eq!(server.get("/position").0, 503);
}

#[test]
fn an_outcome_that_is_unknown_is_504() {
    // A Redis that takes each connection and command, and closes at the first `XADD`.
    let redis = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = redis.local_addr().unwrap().port();
    std::thread::spawn(move || redis.incoming().flatten().for_each(mute_redis));
    let server = Server::start(&[("REDIS_URL", &format!("redis://127.0.0.1:{port}/"))]);
    let (status, reason) = server.post("/publish", "{\"data\":1}");
    assert_eq!(status, 504, "{reason}");
    assert!(reason.starts_with("line 1: "), "{reason}");
}

#[cfg(target_os = "linux")]
#[test]
fn clients_that_come_at_once_wait_to_be_accepted() {
    const CLIENTS: usize = 512;
    let server = Server::start(&[]);
    server.signal("STOP");
    let address = server.address.parse().unwrap();
    let most = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let most: usize = most.trim().parse().unwrap();
    // Once the queue is full, the system ignores a client, which tries again after a second.
    let connect = || TcpStream::connect_timeout(&address, Duration::from_secs(10));
    let clients: Result<Vec<_>, _> = (0..CLIENTS.min(most)).map(|_| connect()).collect();
    server.signal("CONT");
    clients.expect("all connect while the server accepts none");
}

/// Answers `OK` to all commands that set up a connection, and hangs up at an `XADD`.
fn mute_redis(mut socket: std::net::TcpStream) {
    use std::io::{Read, Write};
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(read @ 1..) = socket.read(&mut bytes) {
            let text = String::from_utf8_lossy(&bytes[..read]).to_uppercase();
            if text.contains("XADD") {
                return;
            }
            let commands = text.matches('*').count();
            if socket.write_all("+OK\r\n".repeat(commands.max(1)).as_bytes()).is_err() {
                return;
            }
        }
    });
}
