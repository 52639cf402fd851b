//! The end of a stream as `on_close` tells it, and the warning in the log, for each way to end: on
//! every server, on HTTP/1.1 and HTTP/2.

use std::{
    cell::Cell,
    fmt::{self, Write},
    sync::{Mutex, MutexGuard, Once, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use sse_encoder::{Event, OnError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
    time::sleep,
};
use tracing::{
    Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_core::span::Current;

use crate::{
    client::End,
    decode::decode,
    edge::{ask_http2, connect_http2},
    server::{Item, Items, Kind, Response, Server, bare, item, items, response},
    soon,
};

/// What the client does.
#[derive(Clone, Copy, PartialEq)]
enum Client {
    /// Reads to the end of the response.
    Reads(End),
    /// Goes after the first event.
    Goes,
    /// Sends `HEAD`.
    Head,
}
use Client::{Goes, Head, Reads};

struct Row {
    name: &'static str,
    stream: fn() -> Response,
    client: Client,
    reason: &'static str,
    /// The events of a client that reads to the end.
    events: u64,
    warning: Option<&'static str>,
}

const CAUSE: &str = "of this row";

fn event(text: &'static str) -> Item {
    item(Event::text(text))
}

/// An event, an error, an event.
fn failing() -> Items {
    items([event("a"), Err(CAUSE.into()), event("b")])
}

/// An event, and then silence.
fn quiet() -> Items {
    Box::pin(items([event("a")]).chain(stream::pending()))
}

const ROWS: &[Row] = &[
    Row {
        name: "the source ends",
        stream: || response(items([event("a"), event("b")])),
        client: Reads(End::Clean),
        reason: "finished",
        events: 2,
        warning: None,
    },
    Row {
        name: "a stop signal",
        stream: || response(quiet()).stop_on(sleep(Duration::from_millis(5))),
        client: Reads(End::Clean),
        reason: "stopped",
        events: 1,
        warning: None,
    },
    Row {
        name: "a stop signal with a last event",
        stream: || {
            bare(quiet()).stop_with(async {
                sleep(Duration::from_millis(5)).await;
                Event::text("goodbye")
            })
        },
        client: Reads(End::Clean),
        reason: "stopped",
        events: 2,
        warning: None,
    },
    Row {
        name: "an error of a numbered stream",
        stream: || response(failing()),
        client: Reads(End::Clean),
        reason: "failed: of this row",
        events: 1,
        warning: Some("the stream ends"),
    },
    Row {
        name: "an error of a bare stream",
        stream: || bare(failing()),
        client: Reads(End::Cut),
        reason: "failed: of this row",
        events: 1,
        warning: Some("the stream breaks"),
    },
    Row {
        name: "last words",
        stream: || bare(failing()).on_error(|_| OnError::end_with(Event::text("last"))),
        client: Reads(End::Clean),
        reason: "last words: of this row",
        events: 2,
        warning: Some("the stream ends with last words"),
    },
    Row {
        name: "an item that is left out",
        stream: || bare(failing()).on_error(|_| OnError::Skip),
        client: Reads(End::Clean),
        reason: "finished",
        events: 2,
        warning: Some("the item is left out"),
    },
    Row {
        name: "an item that is replaced",
        stream: || bare(failing()).on_error(|_| OnError::replace(Event::text("replaced"))),
        client: Reads(End::Clean),
        reason: "finished",
        events: 3,
        warning: Some("the item is replaced"),
    },
    Row {
        name: "a client that goes",
        stream: || response(quiet()).keep_alive(Duration::from_millis(10)),
        client: Goes,
        reason: "disconnected",
        events: 1,
        warning: None,
    },
    Row {
        name: "a request for the head",
        stream: || response(quiet()),
        client: Head,
        reason: "disconnected",
        events: 0,
        warning: None,
    },
    Row {
        name: "a panic",
        stream: || response(Box::pin(stream::poll_fn(|_| panic!("a panic of the source's own")))),
        client: Reads(End::Cut),
        reason: "panicked",
        events: 0,
        warning: None,
    },
];

/// Does what the row's client does. Returns the body, if it reads all of it.
async fn ask(row: &Row, server: &Server) -> Option<Vec<u8>> {
    match row.client {
        Reads(expected) => {
            let (body, end) = server.get("/").await.rest().await;
            assert_eq!(end, expected, "{}", row.name);
            Some(body)
        }
        Goes => {
            server.get("/").await.at_least(":\n".len() + 1).await;
            None
        }
        Head => {
            let mut socket =
                soon("a connection", TcpStream::connect(server.address())).await.unwrap();
            let request = "HEAD / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut head = String::new();
            soon("the head", socket.read_to_string(&mut head)).await.unwrap();
            assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
            None
        }
    }
}

async fn ask_by_http2(row: &Row, server: &Server) -> Option<Vec<u8>> {
    let mut sender = connect_http2(server).await;
    let method = if row.client == Head { "HEAD" } else { "GET" };
    let mut body = ask_http2(&mut sender, method, "/", server).await.into_body();
    let mut received = Vec::new();
    let end = loop {
        if row.client == Goes && received.len() > ":\n".len() {
            return None;
        }
        match soon("a frame", body.frame()).await {
            Some(Ok(frame)) => received.extend(frame.into_data().unwrap_or_default()),
            Some(Err(_)) => break End::Cut,
            None => break End::Clean,
        }
    };
    match row.client {
        Reads(expected) => assert_eq!(end, expected, "{}", row.name),
        Goes => panic!("{}: the response has ended", row.name),
        Head => assert!(received.is_empty()),
    }
    (row.client != Head).then_some(received)
}

async fn check(kind: Kind, is_http2: bool, row: &'static Row) {
    let name = format!("{kind:?}, HTTP/2: {is_http2}, {}", row.name);
    let (report, mut ends) = mpsc::unbounded_channel();
    let path = name.clone();
    let server = Server::start(kind, move |_| {
        let report = report.clone();
        // The place of the stream in its program: the warning has it.
        tracing::info_span!("request", path)
            .in_scope(|| (row.stream)().on_close(move |end| report.send(end).unwrap()))
    });
    let body = match is_http2 {
        false => ask(row, &server).await,
        true => ask_by_http2(row, &server).await,
    };
    let end = soon("the end", ends.recv()).await.unwrap();
    assert_eq!(format!("{:#}", end.reason()), row.reason, "{name}");
    assert_eq!(end.events(), row.events, "{name}");
    if let Some(body) = body {
        // What was yielded before a break need not arrive.
        let is_whole = row.client == Reads(End::Clean);
        assert!(!is_whole || end.bytes() == body.len() as u64, "{name}: {end:?}");
        assert!(!is_whole || end.events() == decode(&body).len() as u64, "{name}: {end:?}");
        assert!(end.bytes() >= body.len() as u64, "{name}: {end:?}");
    }
    server.end().await;
    assert!(ends.recv().await.is_none(), "{name}: a second end");
    let warning = row.warning.map(|answer| format!("an item failed: {answer} ({CAUSE})"));
    assert_eq!(logged(&name), Vec::from_iter(warning), "{name}");
}

async fn the_end_is_told_once_and_an_error_is_one_warning(kind: Kind) {
    listen();
    for row in ROWS {
        check(kind, false, row).await;
        check(kind, true, row).await;
    }
}

static LOG: Mutex<Logged> = Mutex::new(Logged { spans: Vec::new(), warnings: Vec::new() });

struct Logged {
    /// Their paths; an id is an index and one.
    spans: Vec<(String, &'static Metadata<'static>)>,
    /// Each with its span.
    warnings: Vec<(u64, String)>,
}

fn lock() -> MutexGuard<'static, Logged> {
    LOG.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The warnings in the span of this path.
fn logged(path: &str) -> Vec<String> {
    let log = lock();
    let within = log.warnings.iter().filter(|(span, _)| log.spans[*span as usize - 1].0 == path);
    within.map(|(_, warning)| warning.clone()).collect()
}

/// Collects the log of the whole program: a server has threads of its own.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Log).unwrap());
}

struct Log;

thread_local! {
    /// The span that the thread is in; none is within another.
    static CURRENT: Cell<Option<u64>> = const { Cell::new(None) };
}

#[derive(Default)]
struct Fields {
    message: String,
    error: String,
    path: String,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => write!(self.message, "{value:?}").unwrap(),
            "error" => write!(self.error, "{value:?}").unwrap(),
            _ => {}
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "path" {
            self.path = value.into();
        }
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("sse_encoder") || metadata.name() == "request"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        let mut log = lock();
        log.spans.push((fields.path, attributes.metadata()));
        Id::from_u64(log.spans.len() as u64)
    }

    fn event(&self, event: &tracing::Event<'_>) {
        // Other tests have no span.
        let Some(span) = event.parent() else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        let warning = format!("{} ({})", fields.message, fields.error);
        lock().warnings.push((span.into_u64(), warning));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, id: &Id) {
        CURRENT.set(Some(id.into_u64()));
    }

    fn exit(&self, _: &Id) {
        CURRENT.set(None);
    }

    fn current_span(&self) -> Current {
        match CURRENT.get() {
            Some(id) => Current::new(Id::from_u64(id), lock().spans[id as usize - 1].1),
            None => Current::none(),
        }
    }
}

on_each_server! {
    the_end_is_told_once_and_an_error_is_one_warning
}
