//! The reference's demonstration in warp: a page, and a stream of two events each second.
//!
//! ```console
//! $ cargo run --example warp --features warp
//! listening on http://127.0.0.1:3000
//! ```
//!
//! In a project of its own, beside `page.html`, it needs
//!
//! ```toml
//! futures-util = "0.3"
//! serde_json = "1"
//! socket2 = "0.6"
//! sse-encoder = { version = "0.1", features = ["warp"] }
//! tokio = { version = "1", features = ["full"] }
//! warp = { version = "0.4.3", features = ["server"] }
//! ```

use std::{env, time::Duration, time::SystemTime, time::UNIX_EPOCH};

use futures_util::{Stream, StreamExt, stream};
use serde_json::json;
use socket2::SockRef;
use sse_encoder::{Error, Event, EventType, LastEventId, SseEncoder, warp::last_event_id};
use tokio::{net::TcpListener, signal::unix, sync::watch, time};
use warp::{Filter, Reply};

const OTHER: EventType = EventType::from_static("other");

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let address = env::var("ADDR").unwrap_or("127.0.0.1:3000".into());
    let interval = millis("INTERVAL_MS", 1_000);
    let keep_alive = millis("KEEP_ALIVE_MS", 15_000);
    let (stop, stopped) = watch::channel(());
    let late = a_second_after(stopped.clone());

    let page = warp::path::end().map(|| warp::reply::html(include_str!("page.html")));
    let ping = warp::path!("ping")
        .and(last_event_id())
        .map(move |last| ping(last, interval, keep_alive, stopped.clone()));

    // Each event leaves at once, and a client that is gone without a word is noticed: connections
    // take over what their listener has.
    let listener = TcpListener::bind(address).await?;
    SockRef::from(&listener).set_tcp_nodelay(true)?;
    SockRef::from(&listener).set_keepalive(true)?;
    println!("listening on http://{}", listener.local_addr()?);
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let server = warp::serve(warp::get().and(page.or(ping)));
    let server = server.incoming(listener).graceful(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        // Open streams end too, or the server would wait for them.
        drop(stop);
    });
    tokio::select! {
        () = server.run() => {}
        // A client that does not read cannot hold the server up.
        () = late => {}
    }
    Ok(())
}

async fn a_second_after(mut stopped: watch::Receiver<()>) {
    let _ = stopped.changed().await;
    time::sleep(Duration::from_secs(1)).await;
}

fn ping(
    last: LastEventId,
    interval: Duration,
    keep_alive: Duration,
    mut stopped: watch::Receiver<()>,
) -> impl Reply {
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
