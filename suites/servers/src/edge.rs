//! The edge of HTTP: requests without a body, streams that fail first, versions.

use std::task::Poll;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{
    Request, Version,
    body::Incoming,
    client::conn::http2::{SendRequest, handshake},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde::{Serialize, Serializer, ser::Error as _};
use sse_encoder::{Encode, Error, Event, Frames};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    client::End,
    decode::decode,
    server::{Item, Items, Kind, Server, bare, item, items, response},
    soon,
    source::Watched,
};

/// Sends an HTTP/1 request and reads the head of the response.
async fn head_of(socket: &mut TcpStream, request: &str) -> String {
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let byte = soon("the head", socket.read_u8()).await;
        head.push(
            byte.unwrap_or_else(|_| panic!("cut after {:?}", String::from_utf8_lossy(&head))),
        );
    }
    String::from_utf8(head).unwrap().to_ascii_lowercase()
}

async fn connect(server: &Server) -> TcpStream {
    soon("a connection", TcpStream::connect(server.address())).await.unwrap()
}

/// An HTTP/2 connection without TLS.
pub(crate) async fn connect_http2(server: &Server) -> SendRequest<Empty<Bytes>> {
    let io = TokioIo::new(connect(server).await);
    let (sender, connection) = handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub(crate) async fn ask_http2(
    sender: &mut SendRequest<Empty<Bytes>>,
    method: &str,
    path: &str,
    server: &Server,
) -> hyper::Response<Incoming> {
    let uri = format!("http://{}{path}", server.address());
    let request = Request::builder().method(method).uri(uri).version(Version::HTTP_2);
    let request = request.body(Empty::new()).unwrap();
    soon("the head", sender.send_request(request)).await.unwrap()
}

/// Answers of a source: always an item, or always pending.
fn always_ready(n: usize) -> Poll<Option<Item>> {
    Poll::Ready(Some(item(Event::json(n))))
}

fn never_ready(_: usize) -> Poll<Option<Item>> {
    Poll::Pending
}

type Next = fn(usize) -> Poll<Option<Item>>;

fn watched_server(kind: Kind, next: Next) -> (Server, Watched) {
    let watched = Watched::default();
    let sources = watched.clone();
    (Server::start(kind, move |_| response(sources.source(next))), watched)
}

async fn a_head_request_gets_the_head_and_the_connection_serves_the_next_request(kind: Kind) {
    for next in [always_ready as Next, never_ready] {
        let (server, watched) = watched_server(kind, next);
        let mut socket = connect(&server).await;
        let head = head_of(&mut socket, "HEAD / HTTP/1.1\r\nhost: localhost\r\n\r\n").await;
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert!(head.contains("\r\ncontent-type: text/event-stream; charset=utf-8\r\n"), "{head}");
        // Never polled, and dropped at once.
        watched.dropped().await;
        assert_eq!(watched.taken(), 0);
        // The next response follows directly, without a body in between.
        let request = "GET /alive HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
        let head = head_of(&mut socket, request).await;
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        let mut body = String::new();
        soon("the body", socket.read_to_string(&mut body)).await.unwrap();
        assert!(body.contains("\r\ndata: alive\n") || body.contains("\ndata: alive\n"), "{body}");
        server.end().await;
    }
}

async fn a_head_request_gets_the_head_alone_on_http2_too(kind: Kind) {
    for next in [always_ready as Next, never_ready] {
        let (server, watched) = watched_server(kind, next);
        let mut sender = connect_http2(&server).await;
        let answer = ask_http2(&mut sender, "HEAD", "/", &server).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream; charset=utf-8");
        let body = soon("no body", answer.into_body().collect()).await.unwrap();
        assert!(body.to_bytes().is_empty());
        watched.dropped().await;
        assert_eq!(watched.taken(), 0);
        drop(sender);
        server.end().await;
    }
}

/// Fails, or panics, when it is serialized.
struct Broken {
    panics: bool,
}

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        assert!(!self.panics, "a panic of the item's own");
        Err(S::Error::custom("no"))
    }
}

impl Encode for Broken {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::json(self).encode(frames)
    }
}

/// A source's first answer, if it is not an event, and how it ends a numbered stream.
type Failure = (&'static str, fn() -> Items, End);

const FAILURES: &[Failure] = &[
    ("an error", || items([Err("no".into())]), End::Clean),
    ("a value that fails", || items([item(Broken { panics: false })]), End::Clean),
    ("a value that panics", || items([item(Broken { panics: true })]), End::Cut),
];

/// A numbered stream ends cleanly, as its client resumes; a bare one breaks; a panic breaks either.
async fn the_head_arrives_before_the_first_failure(kind: Kind) {
    for (name, failure, numbered) in FAILURES {
        for (path, opens, expected) in [
            ("/numbered", true, *numbered),
            ("/bare", true, End::Cut),
            ("/numbered", false, *numbered),
            ("/bare", false, End::Cut),
        ] {
            let name = format!("{name}, {path}, with an opening comment: {opens}");
            let server = Server::start(kind, move |path| {
                let stream = if path == "/bare" { bare(failure()) } else { response(failure()) };
                stream.opening_comment(opens)
            });
            let body = if opens { ":\n" } else { "" };
            let mut client = server.get(path).await;
            client.head().await;
            let (received, end) = client.rest().await;
            // A panic can take along what was not written.
            assert!(received.is_empty() || received == body.as_bytes(), "{name}: {received:?}");
            assert_eq!(end, expected, "{name}");
            if end == End::Clean {
                assert_eq!(received, body.as_bytes(), "{name}");
            }

            let mut sender = connect_http2(&server).await;
            let answer = ask_http2(&mut sender, "GET", path, &server).await;
            assert_eq!(answer.status(), 200, "{name}");
            let received = soon("the end", answer.into_body().collect()).await;
            match expected {
                End::Clean => assert_eq!(received.unwrap().to_bytes(), body, "{name}"),
                End::Cut => assert!(received.is_err(), "{name}"),
            }
            drop(sender);
            server.end().await;
        }
    }
}

/// A reset discards queued bytes, so the server is given a turn to write them. Its threads may
/// still race: the test prints how often the events are lost, and the docs have the figure.
async fn events_before_an_error_arrive_on_http2(kind: Kind) {
    const RUNS: usize = 200;
    let broken =
        |_: &str| bare(items([item(Event::json(1)), item(Event::json(2)), Err("no".into())]));
    for (threads, server, at_least) in [
        (1, Server::start(kind, broken), RUNS),
        (2, Server::start_in_two_threads(kind, broken), RUNS * 9 / 10),
    ] {
        let mut whole = 0;
        for _ in 0..RUNS {
            let mut sender = connect_http2(&server).await;
            let mut body = ask_http2(&mut sender, "GET", "/", &server).await.into_body();
            let mut bytes = Vec::new();
            while let Some(Ok(frame)) = soon("a frame", body.frame()).await {
                bytes.extend_from_slice(&frame.into_data().unwrap());
            }
            let events: Vec<_> = decode(&bytes).into_iter().map(|event| event.data).collect();
            whole += usize::from(events == ["1", "2"]);
        }
        println!("{kind:?}, {threads} threads: the events arrive in {whole} of {RUNS} runs");
        assert!(whole >= at_least, "{threads} threads: {whole} of {RUNS}");
        server.end().await;
    }
}

/// `Connection` belongs to the server, which alone knows whether it keeps the connection.
async fn the_connection_header_is_the_servers_own(kind: Kind) {
    let server = Server::start(kind, |_| response(items([item(Event::json(1))])));
    for (request, closes) in [
        ("GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", true),
        ("GET / HTTP/1.0\r\nhost: localhost\r\n\r\n", true),
        ("GET / HTTP/1.1\r\nhost: localhost\r\n\r\n", false),
    ] {
        let mut socket = connect(&server).await;
        let head = head_of(&mut socket, request).await;
        assert!(head.contains(" 200 "), "{head}");
        assert!(!head.contains("keep-alive"), "{head}");
        if closes {
            let mut body = String::new();
            soon("the end", socket.read_to_string(&mut body)).await.unwrap();
            assert!(body.contains("data: 1\n"), "{body}");
        }
    }
    let mut sender = connect_http2(&server).await;
    let answer = ask_http2(&mut sender, "GET", "/", &server).await;
    assert!(!answer.headers().contains_key("connection"));
    drop((answer, sender));
    server.end().await;
}

on_each_server! {
    a_head_request_gets_the_head_and_the_connection_serves_the_next_request
    a_head_request_gets_the_head_alone_on_http2_too
    the_head_arrives_before_the_first_failure
    events_before_an_error_arrive_on_http2
    the_connection_header_is_the_servers_own
}
