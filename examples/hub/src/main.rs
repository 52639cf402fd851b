//! One hub, many clients: publish from anywhere, listen from anywhere, lose nothing in between.
//!
//! ```console
//! $ cargo run -p example-hub
//! listening on http://127.0.0.1:3000
//! $ curl -d '{"type":"order","data":{"table":7}}' 'http://127.0.0.1:3000/publish?topic=kitchen'
//! {"ids":["1795728313163667-1"],"published":1}
//! $ curl -N 'http://127.0.0.1:3000/events?topic=kitchen'
//! ```
//!
//! | | |
//! |---|---|
//! | `POST /publish?topic=T&topic=U&key=K` | publishes the items of the body, one a line |
//! | `GET /events?topic=T&topic=U` | the stream, resumed after `Last-Event-ID` or `lastEventId=`; with `latest=1` it begins with the newest event of each key; with `owner=O` it is the stream of that owner, a user say, authorized at `authorized=M` (milliseconds since 1970, by default now) |
//! | `POST /end?owner=O`, `POST /end?topic=T` | ends these streams on every server: `{"ended":N}` of this one. With `reconnect=5000` the clients come back after so many milliseconds, with `reconnect=never` they get 204 |
//! | `GET /position` | from where to subscribe after loading a state |
//! | `GET /stats`, `GET /metrics` | figures, as JSON and for Prometheus |
//! | `GET /` | a page |
//!
//! `ADDR` is the address, `RETAIN` the number of events retained for clients that reconnect. With
//! `DATA`, a folder, the events are on disk, and a restart causes no gap. With `REDIS_URL` they are
//! in a Redis stream, `STREAM`, and any number of such servers act as one.

use std::{
    env,
    error::Error,
    fmt::Display,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{Html, IntoResponse, Response},
    routing::{get, post},
    serve::ListenerExt,
};
use serde_json::{Value, json};
use socket2::SockRef;
use sse_encoder::{EventId, LastEventId, ReconnectionTime, SseEncoder, StopReconnecting};
use sse_hub::{Hub, HubBuilder, Reconnect};
use tokio::{net::TcpListener, signal::unix, time};

mod figures;
mod publish;

/// How many connections may wait to be accepted: after a restart all clients come at once.
const BACKLOG: i32 = 4_096;

/// The most topics that one stream may name.
const MAX_TOPICS: usize = 32;

/// The most owners of one stream.
const MAX_OWNERS: usize = 8;

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
        .route("/end", post(end))
        .route("/position", get(position))
        .route("/stats", get(stats))
        .route("/metrics", get(metrics))
        .with_state(app);

    let listener = TcpListener::bind(&address).await?;
    // A second `listen` makes the queue longer.
    SockRef::from(&listener).listen(BACKLOG)?;
    // Send each event at once, and detect clients that vanish without closing.
    let listener = listener.tap_io(|socket| {
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

/// The hub, in memory, on disk or on Redis.
async fn hub(builder: HubBuilder) -> Result<Hub, sse_hub::Error> {
    let Ok(url) = env::var("REDIS_URL") else {
        let Some(folder) = env::var_os("DATA") else { return Ok(builder.build()) };
        return builder.disk(folder);
    };
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
    let topics: Vec<_> = named(&query, "topic").collect();
    if topics.len() > MAX_TOPICS {
        return refuse(StatusCode::BAD_REQUEST, format!("more than {MAX_TOPICS} topics"));
    }
    if named(&query, "owner").count() > MAX_OWNERS {
        return refuse(StatusCode::BAD_REQUEST, format!("more than {MAX_OWNERS} owners"));
    }
    // The client may have seen events from another server that this server does not have yet.
    if !app.hub.wait_for(&last).await && last.get().is_some() {
        return SseEncoder::retry_after(ReconnectionTime::jittered(SOON..=LATER)).into_response();
    }
    // This example lets every client hear every topic; a real service checks the client's identity.
    let mut subscriber = if topics.is_empty() {
        app.hub.subscribe(&last)
    } else {
        app.hub.subscribe_to(topics, &last)
    };
    // A real service takes both from the session, or from the token.
    let authorized = named(&query, "authorized").last().and_then(|millis| millis.parse().ok());
    let authorized_at =
        authorized.and_then(|millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis)));
    let authorized_at = authorized_at.unwrap_or_else(SystemTime::now);
    for owner in named(&query, "owner") {
        subscriber = subscriber.owner(owner, authorized_at);
    }
    if subscriber.ended() == Some(Reconnect::Never) {
        return StopReconnecting.into_response();
    }
    if named(&query, "latest").any(|latest| latest == "1") {
        // It has not been polled yet, so this cannot fail.
        let _ = subscriber.begin_with_latest();
    }
    SseEncoder::new(subscriber).keep_alive(app.keep_alive).into_response()
}

async fn publish(
    State(app): State<Arc<App>>,
    Query(query): Query<Vec<(String, String)>>,
    body: axum::body::Body,
) -> Response {
    let topics: Vec<_> = named(&query, "topic").collect();
    if topics.len() > MAX_TOPICS {
        return refuse(StatusCode::BAD_REQUEST, format!("more than {MAX_TOPICS} topics"));
    }
    let to = app.hub.to_all(&topics);
    let to = named(&query, "key").last().map_or(to, |key| to.key(key));
    match publish::lines((&app.hub, app.retain), to, body).await {
        Ok(ids) => Json(json!({ "published": ids.len(), "ids": texts(&ids) })).into_response(),
        Err(error) => refuse(error.status(), error),
    }
}

/// Ends the streams of owners and of topics. A real service checks who asks for that.
async fn end(State(app): State<Arc<App>>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let reconnect = match named(&query, "reconnect").last() {
        None => Reconnect::Soon,
        Some("never") => Reconnect::Never,
        Some(millis) => match millis.parse().ok().and_then(ReconnectionTime::from_millis) {
            Some(time) => Reconnect::After(time),
            None => return refuse(StatusCode::BAD_REQUEST, "`reconnect` is not a time"),
        },
    };
    let mut ended = 0;
    for (name, value) in &query {
        let outcome = match name.as_str() {
            "owner" => app.hub.end_owner(value, reconnect).await,
            "topic" => app.hub.end_topic(value, reconnect).await,
            _ => continue,
        };
        match outcome {
            Ok(streams) => ended += streams,
            // Those of this server have ended all the same: ask again.
            Err(error) => return refuse(publish::status(&error), error),
        }
    }
    Json(json!({ "ended": ended })).into_response()
}

/// The position, to subscribe from after the state was loaded.
async fn position(State(app): State<Arc<App>>) -> Response {
    if !app.hub.wait_for(&LastEventId::none()).await {
        return refuse(StatusCode::SERVICE_UNAVAILABLE, "the log has not been read yet");
    }
    Json(json!({ "id": app.hub.position().as_str() })).into_response()
}

async fn stats(State(app): State<Arc<App>>) -> Json<Value> {
    Json(figures::json(&app.hub, app.retain))
}

async fn metrics(State(app): State<Arc<App>>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], figures::prometheus(&app.hub))
}

/// The values of this parameter.
fn named<'a>(query: &'a [(String, String)], name: &str) -> impl Iterator<Item = &'a str> {
    query.iter().filter(move |(other, _)| other == name).map(|(_, value)| value.as_str())
}

fn texts(ids: &[Option<EventId>]) -> Vec<Option<&str>> {
    ids.iter().map(|id| id.as_ref().map(EventId::as_str)).collect()
}

fn refuse(status: StatusCode, reason: impl Display) -> Response {
    (status, format!("{reason}\n")).into_response()
}

fn number(variable: &str, default: u64) -> u64 {
    let value = env::var(variable).ok().and_then(|value| value.parse().ok());
    value.unwrap_or(default).max(1)
}
