//! One hub, many clients: publish from anywhere, listen from anywhere, lose nothing in between.
//!
//! ```console
//! $ cargo run -p example-hub
//! listening on http://127.0.0.1:3000
//! $ curl -d '{"type":"order","data":{"table":7}}' 'http://127.0.0.1:3000/publish?topic=kitchen'
//! {"published":1}
//! $ curl -N 'http://127.0.0.1:3000/events?topic=kitchen'
//! ```
//!
//! `ADDR` is the address, `RETAIN` the number of events retained for clients that reconnect. With
//! `REDIS_URL` the events are in a Redis stream, `STREAM`, and any number of such servers act as
//! one.

use std::{env, error::Error, fmt::Display, sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{Html, IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use serde::Deserialize;
use serde_json::{Value, json};
use socket2::SockRef;
use sse_encoder::{LastEventId, ReconnectionTime, SseEncoder};
use sse_hub::{Hub, HubBuilder, Status};
use tokio::{net::TcpListener, signal::unix, time};

mod publish;

/// The most topics that one stream may name.
const MAX_TOPICS: usize = 32;

/// The longest time to wait for Redis before accepting connections.
const PATIENCE: Duration = Duration::from_secs(2);

/// The range of reconnection times for a client whose position this server does not know yet.
const SOON: ReconnectionTime = ReconnectionTime::from_secs(1).unwrap();
const LATER: ReconnectionTime = ReconnectionTime::from_secs(3).unwrap();

struct App {
    hub: Hub,
    retain: usize,
    keep_alive: Duration,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = env::var("ADDR").unwrap_or("127.0.0.1:3000".into());
    let retain = number("RETAIN", 1_024) as usize;
    let keep_alive = Duration::from_millis(number("KEEP_ALIVE_MS", 15_000));
    let hub = hub(Hub::builder().retain_events(retain)).await?;
    let app = Arc::new(App { hub: hub.clone(), retain, keep_alive });

    let router = Router::new()
        .route("/", get(async || Html(include_str!("page.html"))))
        .route("/events", get(events))
        .route("/publish", post(publish))
        .route("/stats", get(stats))
        .with_state(app);

    // Send each event at once, and detect clients that vanish without closing.
    let listener = TcpListener::bind(address).await?.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
        let _ = SockRef::from(&*socket).set_keepalive(true);
    });
    println!("listening on http://{}", axum::serve::Listener::local_addr(&listener)?);
    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    let closing = hub.clone();
    let server = axum::serve(listener, router).with_graceful_shutdown(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        // Each client gets the published events, and a reconnection time of its own.
        closing.close();
    });
    tokio::select! {
        served = server => Ok(served?),
        // A client that does not read cannot delay the shutdown.
        () = a_second_after_the_end(hub) => Ok(()),
    }
}

/// The hub, in memory or on Redis.
async fn hub(builder: HubBuilder) -> Result<Hub, sse_hub::Error> {
    let Ok(url) = env::var("REDIS_URL") else { return Ok(builder.build()) };
    let stream = env::var("STREAM").unwrap_or("events".into());
    let (hub, driver) = builder.redis(&url, &stream)?;
    tokio::spawn(
        driver
            .on_error(|error| eprintln!("{error:#}"))
            .on_rejected_entry(|entry| eprintln!("{entry}")),
    );
    let _ = time::timeout(PATIENCE, hub.live()).await;
    Ok(hub)
}

async fn a_second_after_the_end(hub: Hub) {
    hub.closed().await;
    time::sleep(Duration::from_secs(1)).await;
}

async fn events(
    State(app): State<Arc<App>>,
    Query(query): Query<Vec<(String, String)>>,
    last: LastEventId,
) -> Response {
    let topics: Vec<_> =
        query.iter().filter(|(name, _)| name == "topic").map(|(_, topic)| topic).collect();
    if topics.len() > MAX_TOPICS {
        return refuse(StatusCode::BAD_REQUEST, format!("more than {MAX_TOPICS} topics"));
    }
    // The client may have seen events from another server that this server does not have yet.
    if !app.hub.wait_for(&last).await && last.get().is_some() {
        return SseEncoder::retry_after(ReconnectionTime::jittered(SOON..=LATER)).into_response();
    }
    // This example lets every client hear every topic; a real service checks the client's identity.
    let subscriber = if topics.is_empty() {
        app.hub.subscribe(&last)
    } else {
        app.hub.subscribe_to(topics, &last)
    };
    SseEncoder::new(subscriber).keep_alive(app.keep_alive).into_response()
}

#[derive(Deserialize)]
struct Address {
    #[serde(default)]
    topic: String,
    key: Option<String>,
}

async fn publish(
    State(app): State<Arc<App>>,
    Query(address): Query<Address>,
    body: axum::body::Body,
) -> Response {
    let to = app.hub.to(&address.topic);
    let to = address.key.as_deref().map_or(to, |key| to.key(key));
    match publish::lines(to, body).await {
        Ok(published) => Json(json!({ "published": published })).into_response(),
        Err(error) if error.is_unavailable() => refuse(StatusCode::SERVICE_UNAVAILABLE, error),
        Err(error) => refuse(StatusCode::BAD_REQUEST, error),
    }
}

async fn stats(State(app): State<Arc<App>>) -> Json<Value> {
    let stats = app.hub.stats();
    Json(json!({
        "subscribers": stats.subscribers,
        "published": stats.published,
        "delivered": stats.delivered,
        "gaps": stats.gaps,
        "retained": stats.retained,
        "retained_bytes": stats.retained_bytes,
        "lag": stats.lag,
        "rejected": stats.rejected,
        "status": match app.hub.status() {
            Status::Live => "live",
            Status::Stale { .. } => "stale",
            _ => "ended",
        },
        "retain": app.retain,
    }))
}

fn refuse(status: StatusCode, reason: impl Display) -> Response {
    (status, format!("{reason}\n")).into_response()
}

fn number(variable: &str, default: u64) -> u64 {
    let value = env::var(variable).ok().and_then(|value| value.parse().ok());
    value.unwrap_or(default).max(1)
}
