//! The servers of the interop suite: axum, actix-web, warp and hyper at once, or those that are
//! named; `http3`, which is axum over QUIC, is to be named.
//!
//! ```console
//! $ cargo run -p test-interop -- axum hyper
//! axum http://127.0.0.1:40001
//! hyper http://127.0.0.1:40002
//! ```
//!
//! Each serves the same streams, from the same source: `respond` is all that a request meets. What
//! a framework does itself is in its `impl Framework`.

mod http3;
mod script;

use std::{
    collections::HashMap,
    convert::Infallible,
    env,
    error::Error as StdError,
    hash::{BuildHasher, RandomState},
    pin::Pin,
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use serde::{Deserialize, Serialize, Serializer, ser};
use serde_json::{Value, json};
use sse_encoder::{
    Comment, Encode, Error, Event, EventType, Frames, LastEventId, OnError, SseEncoder,
    StopReconnecting, data,
};
use tokio::{
    signal::unix,
    sync::{Semaphore, watch},
    time,
};

const GOODBYE: EventType = EventType::from_static("goodbye");
const REPLACED: EventType = EventType::from_static("replaced");

const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

type BoxError = Box<dyn StdError + Send + Sync>;

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), BoxError> {
    let named: Vec<_> = env::args().skip(1).collect();
    let wanted = |name| named.is_empty() || named.iter().any(|named| named == name);
    let (stop, stopped) = watch::channel(());
    let shared = || {
        Arc::new(Shared {
            stats: Mutex::default(),
            giants: Semaphore::new(0),
            stopped: stopped.clone(),
        })
    };

    let mut servers = tokio::task::JoinSet::new();
    if named.iter().any(|name| name == "http3") {
        let shared = shared();
        let stopped = shared.stopped();
        servers.spawn(http3::serve("http3", axum::app(shared), stopped)?);
    }
    if wanted("axum") {
        servers.spawn(axum::serve("axum", shared()).await?);
    }
    if wanted("actix") {
        // Its future is not `Send`.
        let server = actix::serve("actix", shared())?;
        let (handle, mut stopped) = (server.handle(), stopped.clone());
        tokio::spawn(async move {
            let _ = stopped.changed().await;
            handle.stop(true).await;
        });
        servers.spawn(async { Ok(server.await?) });
    }
    if wanted("warp") {
        servers.spawn(warp::serve("warp", shared()).await?);
    }
    if wanted("hyper") {
        servers.spawn(hyper::serve("hyper", shared()).await?);
    }

    let mut interrupt = unix::signal(unix::SignalKind::interrupt())?;
    let mut terminate = unix::signal(unix::SignalKind::terminate())?;
    tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    drop(stop);
    while let Some(served) = servers.join_next().await {
        served??;
    }
    Ok(())
}

/// A source that every framework takes.
trait Events: Stream<Item: Encode> + Send + 'static {}

impl<S: Stream<Item: Encode> + Send + 'static> Events for S {}

/// What differs from one framework to the next.
trait Framework {
    type Response;

    /// The stream is the response.
    fn stream<S: Events>(self, stream: SseEncoder<S>) -> Self::Response;

    /// The same with `cache-control` replaced and `x-more` added.
    fn with_headers<S: Events>(self, stream: SseEncoder<S>) -> Self::Response;

    fn stop(self) -> Self::Response;

    fn content(self, content_type: &'static str, content: String) -> Self::Response;

    /// A stream that is idle but for keep-alives, as the framework itself has it; by hand where it
    /// has nothing.
    fn own_idle(self, interval: Duration) -> Self::Response;
}

fn respond<F: Framework>(
    framework: F,
    path: &str,
    query: &str,
    last: &LastEventId,
    shared: &Arc<Shared>,
) -> F::Response {
    if let Some(path) = path.strip_prefix("/script/") {
        return script::respond(framework, path, last, shared);
    }
    if let Some(path) = path.strip_prefix("/files/") {
        return script::file(framework, path);
    }
    let query = Query::new(query);
    let tag = query.text("tag");
    shared.count_request(tag);
    let keep_alive = query.millis("keep_alive").unwrap_or(Duration::MAX);
    let stopped = shared.stopped();
    match path.strip_prefix("/compressed").unwrap_or(path) {
        "/cases" => framework.stream(
            SseEncoder::new(cases(query.is("then", "end")))
                .chunk_limit(query.number("chunk").unwrap_or(SseEncoder::DEFAULT_CHUNK_LIMIT))
                .stop_on(stopped),
        ),
        "/count" => {
            let stream = SseEncoder::new(Tracked::new(count(last, &query), tag, shared))
                .resume_after(last)
                .keep_alive(keep_alive)
                .retry(query.retry("retry"));
            if query.is("goodbye", "1") {
                framework.stream(stream.stop_with(async move {
                    stopped.await;
                    goodbye()
                }))
            } else {
                framework.stream(stream.stop_on(stopped))
            }
        }
        // Counts on until the connection is cut: by itself after so many events, or from outside.
        "/cut" => {
            let events = count(last, &query).map(Ok).take(query.number("after").unwrap_or(5));
            let cut = stream::once(async { Err(BoxError::from("cut")) });
            let stream = SseEncoder::new(events.chain(cut)).resume_after(last);
            framework.stream(stream.retry(query.retry("retry")).on_error(OnError::Fail))
        }
        // At the first request with the tag nothing but a failure.
        path @ ("/fails-first" | "/serialize-fails-first" | "/panics-first")
            if shared.requests(tag) <= 1 =>
        {
            match path {
                "/fails-first" => framework.stream(query.encoder(stream::once(async {
                    Err::<Event, _>(BoxError::from("fails first"))
                }))),
                "/serialize-fails-first" => {
                    framework.stream(query.encoder(stream::iter([Event::json(Broken::Fails)])))
                }
                _ => framework.stream(query.encoder(stream::iter([Event::json(Broken::Panics)]))),
            }
        }
        "/fails-first" | "/serialize-fails-first" | "/panics-first" => {
            framework.stream(SseEncoder::new(count(last, &query)).stop_on(stopped))
        }
        // Silent, with or without an opening comment.
        "/quiet" => framework.stream(
            SseEncoder::new(stream::pending::<Event>())
                .opening_comment(!query.is("opening", "0"))
                .stop_on(stopped),
        ),
        "/headers" => framework.with_headers(SseEncoder::new(count(last, &query)).stop_on(stopped)),
        "/idle" => framework.stream(
            SseEncoder::new(Tracked::new(stream::pending::<Event>(), tag, shared))
                .keep_alive(keep_alive)
                .stop_on(stopped),
        ),
        // For memory: nothing but what the framework's own has, too.
        "/plain-idle" => {
            framework.stream(SseEncoder::new(stream::pending::<Event>()).keep_alive(keep_alive))
        }
        "/own-idle" => framework.own_idle(keep_alive),
        "/error" => {
            let stream = query.encoder(failing(&query)).stop_on(stopped);
            match query.text("policy") {
                "fail" => framework.stream(stream.on_error(OnError::Fail)),
                "skip" => framework.stream(stream.on_error(|_| OnError::Skip)),
                "end" => framework.stream(stream.on_error(|_| OnError::End)),
                "replace" => framework.stream(stream.on_error(|error| {
                    OnError::replace(Event::text(error.to_string()).event_type(REPLACED).no_id())
                })),
                _ => framework.stream(stream),
            }
        }
        // Text beyond ASCII, when it was made, and the types that a browser takes for its own.
        "/readers" => {
            let events: [Event; 4] = [
                Event::text("✅ é 日本").into(),
                Event::json(unix_millis()).into(),
                Event::text("e").event_type("error").into(),
                Event::text("o").event_type("open").into(),
            ];
            framework.stream(SseEncoder::bare(stream::iter([events])).stop_on(stopped))
        }
        // The frames are of one size, and so what a stream has taken is known in bytes.
        "/endless" => framework.stream(
            SseEncoder::bare(Tracked::new(Endless(shared.taken(tag)), tag, shared))
                .chunk_limit(query.number("chunk").unwrap_or(SseEncoder::DEFAULT_CHUNK_LIMIT))
                .stop_on(stopped),
        ),
        "/giant" => framework.stream(
            SseEncoder::new(Tracked::new(giants(shared, &query), tag, shared))
                .keep_alive(keep_alive)
                .stop_on(stopped),
        ),
        "/release" => {
            shared.giants.add_permits(query.number("giants").unwrap_or(1));
            framework.content(JSON, "{}".into())
        }
        "/later" => framework.stream(SseEncoder::retry_after(query.retry("retry"))),
        "/stop" => framework.stop(),
        "/stats" => framework.content(JSON, shared.stats()),
        // Long enough for compression middleware.
        "/page" => framework.content(HTML, format!("<!doctype html>{}", "<p>interop".repeat(100))),
        _ => framework.content(HTML, "no such page".into()),
    }
}

struct Query(HashMap<String, String>);

impl Query {
    /// The suite's values need no decoding.
    fn new(query: &str) -> Self {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (name.into(), value.into())).collect())
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn is(&self, name: &str, value: &str) -> bool {
        self.text(name) == value
    }

    fn number<T: std::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name).parse().ok()
    }

    fn millis(&self, name: &str) -> Option<Duration> {
        self.number(name).map(Duration::from_millis)
    }

    /// With `bare=1` a bare stream, whose default policy is another one.
    fn encoder<S: Events>(&self, source: S) -> SseEncoder<S> {
        if self.is("bare", "1") { SseEncoder::bare(source) } else { SseEncoder::new(source) }
    }

    fn retry(&self, name: &str) -> Duration {
        self.millis(name).unwrap_or(Duration::from_millis(100))
    }
}

/// Counted events after the last event ID; up to `max`, one each `interval`, or all at once.
fn count(last: &LastEventId, query: &Query) -> impl Stream<Item = Event> + Send + use<> {
    let max = query.number("max").unwrap_or(u64::MAX);
    let interval = query.millis("interval").filter(|interval| !interval.is_zero());
    let next = last.as_u64().unwrap_or(0) + 1;
    let events = stream::unfold(
        (next, interval.map(time::interval)),
        move |(next, mut interval)| async move {
            if next > max {
                return None;
            }
            if let Some(interval) = &mut interval {
                interval.tick().await;
            }
            let event = Event::json(json!({"n": next, "at": unix_millis()})).into_owned();
            Some((event, (next + 1, interval)))
        },
    );
    then(events, query.is("then", "end"))
}

fn then<T: Send>(items: impl Stream<Item = T> + Send, end: bool) -> impl Stream<Item = T> + Send {
    items.chain(stream::pending().take(if end { 0 } else { 1 }))
}

/// Four events with an error in the middle, with a pause before each but the first.
fn failing(query: &Query) -> impl Stream<Item = Result<Event, BoxError>> + Send + use<> {
    let pause = query.millis("pause");
    let items = ["1", "2", "error", "3", "4"];
    stream::iter(items).enumerate().then(move |(index, text)| async move {
        if let (Some(pause), true) = (pause, index > 0) {
            time::sleep(pause).await;
        }
        if text == "error" {
            Err("no such item".into())
        } else {
            Ok(Event::text(text).into_owned())
        }
    })
}

/// What no JSON can be made of.
enum Broken {
    Fails,
    Panics,
}

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Fails => Err(ser::Error::custom("no JSON")),
            Self::Panics => panic!("a `Serialize` of the suite that panics"),
        }
    }
}

/// Always ready; counts what was taken.
struct Endless(Arc<AtomicU64>);

impl Stream for Endless {
    type Item = Event<data::Text<&'static str>>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Some(Event::text("0123456789")))
    }
}

/// A small event, then up to `max` of a mebibyte, each when it is released; the stream that has
/// waited longest is the first.
fn giants(
    shared: &Arc<Shared>,
    query: &Query,
) -> impl Stream<Item = Event<data::Text<&'static str>>> + Send + use<> {
    static GIANT: LazyLock<String> = LazyLock::new(|| "0123456789abcdef".repeat(64 * 1024));
    let giants = stream::unfold(Arc::clone(shared), async |shared| {
        shared.giants.acquire().await.ok()?.forget();
        Some((Event::text(GIANT.as_str()), shared))
    });
    let giants = giants.take(query.number("max").unwrap_or(usize::MAX));
    then(stream::iter([Event::text("small")]).chain(giants), query.is("then", "end"))
}

/// The last event of a stream, with the time to come back spread out over a second.
fn goodbye() -> Event {
    let random = RandomState::new().hash_one(()) % 1_000;
    let retry = Duration::from_millis(1_000 + random);
    Event::text("{}").event_type(GOODBYE).retry(retry).into()
}

fn cases(end: bool) -> impl Stream<Item = &'static Item> + Send {
    static CASES: LazyLock<Vec<Item>> = LazyLock::new(|| {
        let cases: Vec<Case> =
            serde_json::from_str(include_str!("../cases.json")).expect("the cases are JSON");
        cases.into_iter().map(|case| case.item().expect("a case can be sent")).collect()
    });
    then(stream::iter(CASES.iter()), end)
}

/// A case of `cases.json`, as far as it says what to send.
#[derive(Deserialize)]
struct Case {
    /// Plain text, or a text and how many times it is repeated.
    text: Option<Text>,
    /// The same, shared: a long line of it is not copied.
    shared_text: Option<Text>,
    json: Option<Value>,
    /// An item as JSON text, which can be what JSON in JSON cannot.
    item: Option<String>,
    merge: Option<(Value, Value)>,
    spread: Option<(Value, Value)>,
    comment: Option<Text>,
    retry: Option<u64>,
    #[serde(rename = "type")]
    event_type: Option<String>,
    #[serde(default)]
    no_type: bool,
    id: Option<String>,
    #[serde(default)]
    no_id: bool,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Text {
    Plain(String),
    Repeated(String, usize),
}

enum Item {
    Comment(String),
    Event(Event),
}

impl Text {
    fn into_string(self) -> String {
        match self {
            Self::Plain(text) => text,
            Self::Repeated(text, times) => text.repeat(times),
        }
    }
}

impl Case {
    fn item(mut self) -> Result<Item, BoxError> {
        if let Some(comment) = self.comment {
            return Ok(Item::Comment(comment.into_string()));
        }
        let event = if let Some(text) = self.shared_text.take() {
            Event::shared_text(text.into_string())
        } else if let Some(text) = self.text.take() {
            Event::text(text.into_string()).into_owned()
        } else if let Some(json) = self.json.take() {
            Event::json(json).into_owned()
        } else if let Some(item) = self.item.take() {
            item.parse()?
        } else if let Some((data, other)) = self.merge.take() {
            Event::merge(data, other).into_owned()
        } else if let Some((data, other)) = self.spread.take() {
            Event::spread(data, other).into_owned()
        } else {
            Event::new()
        };
        Ok(Item::Event(self.with_fields(event)))
    }

    fn with_fields(self, mut event: Event) -> Event {
        if let Some(id) = self.id {
            event = event.id(id);
        }
        if self.no_id {
            event = event.no_id();
        }
        if let Some(event_type) = self.event_type {
            event = event.event_type(event_type);
        }
        if self.no_type {
            event = event.no_event_type();
        }
        if let Some(retry) = self.retry {
            event = event.retry(Duration::from_millis(retry));
        }
        event
    }
}

impl Encode for Item {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        match self {
            Self::Comment(text) => Comment::new(text).encode(frames),
            Self::Event(event) => event.encode(frames),
        }
    }
}

/// What the requests of one server share.
struct Shared {
    stats: Mutex<Stats>,
    /// How many more giant events may be sent.
    giants: Semaphore,
    stopped: watch::Receiver<()>,
}

#[derive(Default)]
struct Stats {
    open: u64,
    dropped: u64,
    /// By the tag that a request has in its query.
    requests: HashMap<String, u64>,
    /// When the source of a stream was dropped, by its tag.
    drops: HashMap<String, Vec<f64>>,
    /// How many items were taken from the endless sources, by tag.
    taken: HashMap<String, Arc<AtomicU64>>,
    /// When scripts were asked for, and after which event, by tag.
    asked: HashMap<String, Vec<(f64, Option<u64>)>>,
}

impl Shared {
    fn stats_mut(&self, change: impl FnOnce(&mut Stats)) {
        change(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn count_request(&self, tag: &str) {
        if !tag.is_empty() {
            self.stats_mut(|stats| *stats.requests.entry(tag.into()).or_default() += 1);
        }
    }

    /// Notes a request for a script, and after which event it goes on; how many there are by now.
    fn asked(&self, tag: &str, last: Option<u64>) -> u64 {
        let mut requests = 0;
        self.stats_mut(|stats| {
            let asked = stats.asked.entry(tag.into()).or_default();
            asked.push((unix_millis(), last));
            requests = asked.len() as u64;
        });
        requests
    }

    /// How many requests there were with this tag.
    fn requests(&self, tag: &str) -> u64 {
        let mut requests = 0;
        self.stats_mut(|stats| requests = stats.requests.get(tag).copied().unwrap_or(0));
        requests
    }

    /// The counter of what is taken from the sources with this tag.
    fn taken(&self, tag: &str) -> Arc<AtomicU64> {
        let mut counter = Arc::default();
        if !tag.is_empty() {
            self.stats_mut(|stats| {
                counter = Arc::clone(stats.taken.entry(tag.into()).or_default());
            });
        }
        counter
    }

    fn stats(&self) -> String {
        let mut text = String::new();
        self.stats_mut(|stats| {
            let Stats { open, dropped, requests, drops, taken, asked } = stats;
            let now = unix_millis();
            let taken: HashMap<_, _> =
                taken.iter().map(|(tag, items)| (tag, items.load(Ordering::Relaxed))).collect();
            text = json!({
                "now": now,
                "open": open,
                "dropped": dropped,
                "requests": requests,
                "drops": drops,
                "taken": taken,
                "asked": asked,
            })
            .to_string();
        });
        text
    }

    fn stopped(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopped = self.stopped.clone();
        async move {
            let _ = stopped.changed().await;
        }
    }
}

/// A source that says when it is dropped.
struct Tracked<S> {
    stream: Pin<Box<S>>,
    tag: Box<str>,
    shared: Arc<Shared>,
}

impl<S> Tracked<S> {
    fn new(stream: S, tag: &str, shared: &Arc<Shared>) -> Self {
        shared.stats_mut(|stats| stats.open += 1);
        Self { stream: Box::pin(stream), tag: tag.into(), shared: Arc::clone(shared) }
    }
}

impl<S> Drop for Tracked<S> {
    fn drop(&mut self) {
        self.shared.stats_mut(|stats| {
            stats.open -= 1;
            stats.dropped += 1;
            if !self.tag.is_empty() {
                stats.drops.entry(self.tag.as_ref().into()).or_default().push(unix_millis());
            }
        });
    }
}

impl<S: Stream> Stream for Tracked<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        self.stream.as_mut().poll_next(cx)
    }
}

fn unix_millis() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64() * 1_000.0
}

/// What a keep-alive by hand sends, for a framework that has no event type of its own.
fn comments<E>(interval: Duration) -> impl Stream<Item = Result<Bytes, E>> + Send {
    let start = time::Instant::now() + interval;
    stream::unfold(time::interval_at(start, interval), |mut interval| async move {
        interval.tick().await;
        Some((Ok(Bytes::from_static(b":\n")), interval))
    })
}

mod axum {
    use std::convert::Infallible;

    use ::axum::{
        Router,
        extract::{RawQuery, State},
        http::{Uri, header::CONTENT_TYPE},
        response::{IntoResponse, Response, Sse, sse},
        routing::{any, get},
        serve::ListenerExt,
    };
    use tokio::net::TcpListener;
    use tower_http::compression::CompressionLayer;

    use super::*;

    struct Axum;

    impl Framework for Axum {
        type Response = Response;

        fn stream<S: Events>(self, stream: SseEncoder<S>) -> Response {
            stream.into_response()
        }

        fn with_headers<S: Events>(self, stream: SseEncoder<S>) -> Response {
            ([("cache-control", "no-store"), ("x-more", "1")], stream).into_response()
        }

        fn stop(self) -> Response {
            StopReconnecting.into_response()
        }

        fn content(self, content_type: &'static str, content: String) -> Response {
            ([(CONTENT_TYPE, content_type)], content).into_response()
        }

        fn own_idle(self, interval: Duration) -> Response {
            let stream = stream::pending::<Result<sse::Event, Infallible>>();
            Sse::new(stream).keep_alive(sse::KeepAlive::new().interval(interval)).into_response()
        }
    }

    async fn handler(
        uri: Uri,
        RawQuery(query): RawQuery,
        last: LastEventId,
        State(shared): State<Arc<Shared>>,
    ) -> Response {
        respond(Axum, uri.path(), &query.unwrap_or_default(), &last, &shared)
    }

    pub(super) fn app(shared: Arc<Shared>) -> Router {
        let compressed =
            Router::new().route("/compressed/{*path}", get(handler)).layer(CompressionLayer::new());
        compressed.fallback(any(handler)).with_state(shared)
    }

    pub(super) async fn serve(
        name: &'static str,
        shared: Arc<Shared>,
    ) -> Result<impl Future<Output = Result<(), BoxError>> + Send, BoxError> {
        let stopped = shared.stopped();
        let app = app(shared);
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{name} http://{}", listener.local_addr()?);
        let listener = listener.tap_io(|socket| {
            let _ = socket.set_nodelay(true);
        });
        Ok(async move { Ok(::axum::serve(listener, app).with_graceful_shutdown(stopped).await?) })
    }
}

mod actix {
    use actix_web::{
        App, HttpRequest, HttpResponse, HttpServer, Responder, body::BoxBody, dev::Server,
        middleware::Compress, rt::net::TcpStream, web,
    };

    use super::*;

    struct Actix<'a>(&'a HttpRequest);

    impl Framework for Actix<'_> {
        type Response = HttpResponse<BoxBody>;

        fn stream<S: Events>(self, stream: SseEncoder<S>) -> Self::Response {
            stream.respond_to(self.0).map_into_boxed_body()
        }

        fn with_headers<S: Events>(self, stream: SseEncoder<S>) -> Self::Response {
            let stream = stream.customize().insert_header(("cache-control", "no-store"));
            stream.insert_header(("x-more", "1")).respond_to(self.0).map_into_boxed_body()
        }

        fn stop(self) -> Self::Response {
            StopReconnecting.respond_to(self.0)
        }

        fn content(self, content_type: &'static str, content: String) -> Self::Response {
            HttpResponse::Ok().content_type(content_type).body(content)
        }

        fn own_idle(self, interval: Duration) -> Self::Response {
            HttpResponse::Ok()
                .content_type("text/event-stream")
                .streaming(comments::<Infallible>(interval))
        }
    }

    async fn handler(
        request: HttpRequest,
        last: LastEventId,
        shared: web::Data<Shared>,
        // A request whose body nobody reads is answered with `Connection: close`.
        _: Bytes,
    ) -> HttpResponse {
        respond(Actix(&request), request.path(), request.query_string(), &last, &shared)
    }

    pub(super) fn serve(name: &'static str, shared: Arc<Shared>) -> Result<Server, BoxError> {
        let shared = web::Data::from(shared);
        let app = move || {
            App::new()
                .app_data(shared.clone())
                .service(
                    web::scope("/compressed")
                        .wrap(Compress::default())
                        .default_service(web::to(handler)),
                )
                .default_service(web::to(handler))
        };
        let server = HttpServer::new(app)
            .workers(2)
            // Or a client that closes an idle stream is taken for one that only has nothing more to
            // say.
            .h1_allow_half_closed(false)
            .on_connect(|socket, _| {
                if let Some(socket) = socket.downcast_ref::<TcpStream>() {
                    let _ = socket.set_nodelay(true);
                }
            })
            .disable_signals()
            .shutdown_timeout(1)
            .bind_auto_h2c("127.0.0.1:0")?;
        for address in server.addrs() {
            println!("{name} http://{address}");
        }
        Ok(server.run())
    }
}

mod warp {
    use ::warp::{
        Filter, Reply,
        http::Method,
        method,
        path::{self, FullPath},
        query, reply,
        reply::Response,
        sse,
    };
    use socket2::SockRef;
    use tokio::net::TcpListener;

    use super::*;

    /// With the request's method, which a reply does not see.
    struct Warp(Method);

    impl Framework for Warp {
        type Response = Response;

        fn stream<S: Events>(self, stream: SseEncoder<S>) -> Response {
            stream.into_reply_to(&self.0)
        }

        fn with_headers<S: Events>(self, stream: SseEncoder<S>) -> Response {
            let reply = reply::with_header(self.stream(stream), "cache-control", "no-store");
            reply::with_header(reply, "x-more", "1").into_response()
        }

        fn stop(self) -> Response {
            StopReconnecting.into_response()
        }

        fn content(self, content_type: &'static str, content: String) -> Response {
            reply::with_header(content, "content-type", content_type).into_response()
        }

        fn own_idle(self, interval: Duration) -> Response {
            let stream = stream::pending::<Result<sse::Event, Infallible>>();
            sse::reply(sse::keep_alive().interval(interval).stream(stream)).into_response()
        }
    }

    pub(super) async fn serve(
        name: &'static str,
        shared: Arc<Shared>,
    ) -> Result<impl Future<Output = Result<(), BoxError>> + Send, BoxError> {
        let stopped = shared.stopped();
        let query = query::raw().or(::warp::any().map(String::new)).unify();
        let routes = method().and(path::full()).and(query).and(LastEventId::warp_filter()).map(
            move |method, path: FullPath, query: String, last| {
                respond(Warp(method), path.as_str(), &query, &last, &shared)
            },
        );
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        SockRef::from(&listener).set_tcp_nodelay(true)?;
        println!("{name} http://{}", listener.local_addr()?);
        let server = ::warp::serve(routes).incoming(listener).graceful(stopped);
        Ok(async move {
            server.run().await;
            Ok(())
        })
    }
}

mod hyper {
    use ::hyper::{
        Request, Response,
        body::{Frame, Incoming},
        header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue},
        service::service_fn,
    };
    use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
    use hyper_util::{
        rt::{TokioExecutor, TokioIo},
        server::{conn::auto, graceful::GracefulShutdown},
    };
    use tokio::net::TcpListener;

    use super::*;

    struct Hyper<'a>(&'a Request<Incoming>);

    impl Framework for Hyper<'_> {
        type Response = Response<UnsyncBoxBody<Bytes, Error>>;

        fn stream<S: Events>(self, stream: SseEncoder<S>) -> Self::Response {
            stream.into_http_response_to(self.0).map(BodyExt::boxed_unsync)
        }

        fn with_headers<S: Events>(self, stream: SseEncoder<S>) -> Self::Response {
            let mut response = self.stream(stream);
            let headers = response.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(HeaderName::from_static("x-more"), HeaderValue::from_static("1"));
            response
        }

        fn stop(self) -> Self::Response {
            let response: Response<Empty<Bytes>> = StopReconnecting.into_http_response();
            response.map(|body| body.map_err(|never| match never {}).boxed_unsync())
        }

        fn content(self, content_type: &'static str, content: String) -> Self::Response {
            let body = Full::from(content).map_err(|never| match never {});
            let mut response = Response::new(body.boxed_unsync());
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            response
        }

        fn own_idle(self, interval: Duration) -> Self::Response {
            let body = StreamBody::new(comments(interval).map(|chunk| chunk.map(Frame::data)));
            let mut response = Response::new(body.boxed_unsync());
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
            response
        }
    }

    pub(super) async fn serve(
        name: &'static str,
        shared: Arc<Shared>,
    ) -> Result<impl Future<Output = Result<(), BoxError>> + Send, BoxError> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{name} http://{}", listener.local_addr()?);
        Ok(async move {
            let mut server = auto::Builder::new(TokioExecutor::new());
            if let Some(bytes) =
                env::var("MAX_SEND_BUFFER").ok().and_then(|bytes| bytes.parse().ok())
            {
                server.http2().max_send_buf_size(bytes);
            }
            let connections = GracefulShutdown::new();
            let mut stopped = std::pin::pin!(shared.stopped());
            loop {
                let socket = tokio::select! {
                    accepted = listener.accept() => accepted?.0,
                    () = &mut stopped => break,
                };
                socket.set_nodelay(true)?;
                let shared = Arc::clone(&shared);
                let service = service_fn(move |request| {
                    let last = LastEventId::from_http_request(&request);
                    let (path, query) = (request.uri().path(), request.uri().query());
                    let response =
                        respond(Hyper(&request), path, query.unwrap_or_default(), &last, &shared);
                    async move { Ok::<_, Infallible>(response) }
                });
                let connection = server.serve_connection(TokioIo::new(socket), service);
                tokio::spawn(connections.watch(connection.into_owned()));
            }
            let _ = time::timeout(Duration::from_secs(1), connections.shutdown()).await;
            Ok(())
        })
    }
}
