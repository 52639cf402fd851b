//! The reference's demonstration in hyper: a page, and a stream of two events each second.
//!
//! ```console
//! $ cargo run --example hyper --features http-body
//! listening on http://127.0.0.1:3000
//! ```
//!
//! In a project of its own, beside `page.html`, it needs
//!
//! ```toml
//! bytes = "1"
//! futures-util = "0.3"
//! http-body-util = "0.1"
//! hyper = { version = "1", features = ["server"] }
//! hyper-util = { version = "0.1", features = ["http1", "http2", "server-auto", "server-graceful", "tokio"] }
//! serde_json = "1"
//! socket2 = "0.6"
//! sse-encoder = { version = "0.1", features = ["http-body"] }
//! tokio = { version = "1", features = ["full"] }
//! ```

use std::{convert::Infallible, env, time::Duration, time::SystemTime, time::UNIX_EPOCH};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body_util::{BodyExt, Full, combinators::UnsyncBoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::{conn::auto, graceful::GracefulShutdown},
};
use serde_json::json;
use socket2::SockRef;
use sse_encoder::{Error, Event, EventType, LastEventId, SseEncoder};
use tokio::{net::TcpListener, signal::unix, sync::watch, time};

const OTHER: EventType = EventType::from_static("other");

type Body = UnsyncBoxBody<Bytes, Error>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = env::var("ADDR").unwrap_or("127.0.0.1:3000".into());
    let interval = millis("INTERVAL_MS", 1_000);
    let keep_alive = millis("KEEP_ALIVE_MS", 15_000);
    let (stop, stopped) = watch::channel(());

    let listener = TcpListener::bind(address).await?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let server = auto::Builder::new(TokioExecutor::new());
    let connections = GracefulShutdown::new();
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => socket,
                // The client has gone again, or there are too many open files just now.
                Err(_) => {
                    time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
            _ = interrupt.recv() => break,
            _ = terminate.recv() => break,
        };
        // Each event leaves at once, and a client that is gone without a word is noticed.
        let _ = socket.set_nodelay(true);
        let _ = SockRef::from(&socket).set_keepalive(true);
        let stopped = stopped.clone();
        let service = service_fn(move |request| {
            let response = respond(&request, interval, keep_alive, stopped.clone());
            async move { Ok::<_, Infallible>(response) }
        });
        let connection = server.serve_connection(TokioIo::new(socket), service);
        tokio::spawn(connections.watch(connection.into_owned()));
    }
    // Open streams end too, or the server would wait for them.
    drop(stop);
    let _ = time::timeout(Duration::from_secs(1), connections.shutdown()).await;
    Ok(())
}

fn respond(
    request: &Request<Incoming>,
    interval: Duration,
    keep_alive: Duration,
    stopped: watch::Receiver<()>,
) -> Response<Body> {
    let (status, content) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/ping") => {
            let last = LastEventId::from_http_request(request);
            return ping(last, interval, keep_alive, stopped);
        }
        (&Method::GET, "/") => (StatusCode::OK, include_str!("page.html")),
        _ => (StatusCode::NOT_FOUND, "not found"),
    };
    let body = Full::from(content).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}

fn ping(
    last: LastEventId,
    interval: Duration,
    keep_alive: Duration,
    mut stopped: watch::Receiver<()>,
) -> Response<Body> {
    SseEncoder::new(events(interval))
        .resume_after(&last)
        .keep_alive(move || time::sleep(keep_alive))
        .stop_on(async move { stopped.changed().await })
        .into_http_response()
        .map(BodyExt::boxed_unsync)
}

/// Two events each interval, of the types `message` and `other`.
fn events(interval: Duration) -> impl Stream<Item = Result<Event, Error>> {
    stream::unfold(time::interval(interval), async |mut interval| {
        interval.tick().await;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let events = [
            Event::json(json!({"time": time.as_millis() as u64})).into_owned(),
            Event::merge(json!({"a": 1}), json!({"b": 2, "c": 3})).event_type(OTHER).into_owned(),
        ];
        Some((stream::iter(events), interval))
    })
    .flatten()
}

fn millis(variable: &str, default: u64) -> Duration {
    let value = env::var(variable).ok().and_then(|value| value.parse().ok());
    Duration::from_millis(value.unwrap_or(default).max(1))
}
