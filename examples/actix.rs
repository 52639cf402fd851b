//! The reference's demonstration in actix-web: a page, and a stream of two events each second.
//!
//! ```console
//! $ cargo run --example actix --features actix-web
//! listening on http://127.0.0.1:3000
//! ```
//!
//! In a project of its own, beside `page.html`, it needs
//!
//! ```toml
//! actix-web = "4"
//! futures-util = "0.3"
//! serde_json = "1"
//! socket2 = "0.6"
//! sse-encoder = { version = "0.1", features = ["actix-web"] }
//! tokio = { version = "1", features = ["full"] }
//! ```

use std::{env, time::Duration, time::SystemTime, time::UNIX_EPOCH};

use actix_web::{App, HttpServer, Responder, rt::net::TcpStream, web, web::Html};
use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use socket2::SockRef;
use sse_encoder::{Error, Event, EventType, LastEventId, SseEncoder};
use tokio::{signal::unix, sync::watch, time};

const OTHER: EventType = EventType::from_static("other");

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = env::var("ADDR").unwrap_or("127.0.0.1:3000".into());
    let interval = millis("INTERVAL_MS", 1_000);
    let keep_alive = millis("KEEP_ALIVE_MS", 15_000);
    let (stop, stopped) = watch::channel(());

    let app = move || {
        let stopped = stopped.clone();
        let ping = move |last| {
            let stopped = stopped.clone();
            async move { ping(last, interval, keep_alive, stopped) }
        };
        App::new()
            .route("/", web::get().to(async || Html::new(include_str!("page.html"))))
            .route("/ping", web::get().to(ping))
    };
    let server = HttpServer::new(app)
        // Each event leaves at once, and a client that is gone without a word is noticed.
        .on_connect(|socket, _| {
            if let Some(socket) = socket.downcast_ref::<TcpStream>() {
                let _ = socket.set_nodelay(true);
                let _ = SockRef::from(socket).set_keepalive(true);
            }
        })
        // A client that closes its side has gone, even while nothing is sent.
        .h1_allow_half_closed(false)
        .disable_signals()
        .shutdown_timeout(1)
        .bind(address)?;
    for address in server.addrs() {
        println!("listening on http://{address}");
    }
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        // Open streams end too, or the server would wait for them.
        drop(stop);
        handle.stop(true).await;
    });
    Ok(server.await?)
}

fn ping(
    last: LastEventId,
    interval: Duration,
    keep_alive: Duration,
    mut stopped: watch::Receiver<()>,
) -> impl Responder {
    SseEncoder::new(events(interval))
        .resume_after(&last)
        .keep_alive(move || time::sleep(keep_alive))
        .stop_on(async move { stopped.changed().await })
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
