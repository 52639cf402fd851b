//! The servers, each with the same handler, on a free port.

use std::{
    error::Error as StdError,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    sync::Arc,
    thread,
};

use futures_util::{Stream, stream};
use socket2::SockRef;
use sse_encoder::{Encode, Event, SseEncoder};
use tokio::{
    runtime::Builder,
    sync::{oneshot, watch},
};

use crate::{
    client::{Client, End},
    decode::decode,
    soon,
};

/// The path of a request that only checks whether the server still responds.
const ALIVE: &str = "/alive";

/// Below this path the stream is the body of the framework's own response, without the adapter.
const RAW: &str = "/raw";

const CONTENT_TYPE: (&str, &str) = sse_encoder::header::CONTENT_TYPE;

pub(crate) type Item = Result<Box<dyn Encode + Send>, BoxError>;
pub(crate) type Items = Pin<Box<dyn Stream<Item = Item> + Send>>;
pub(crate) type Response = SseEncoder<Items>;

type BoxError = Box<dyn StdError + Send + Sync>;
type Handler = Arc<dyn Fn(&str) -> Response + Send + Sync>;

/// An item that is not an error.
pub(crate) fn item(item: impl Encode + Send + 'static) -> Item {
    Ok(Box::new(item))
}

pub(crate) fn items(items: impl IntoIterator<Item = Item, IntoIter: Send + 'static>) -> Items {
    Box::pin(stream::iter(items))
}

/// A response with automatic ids.
pub(crate) fn response(items: Items) -> Response {
    SseEncoder::new(items)
}

/// A response without automatic ids and default types.
pub(crate) fn bare(items: Items) -> Response {
    SseEncoder::bare(items)
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    ActixWeb,
    Axum,
    Hyper,
    Warp,
}

/// A server on a free port, on a thread of its own, so that the test's deadlines hold if it hangs.
pub(crate) struct Server {
    address: SocketAddr,
    stop: watch::Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Server {
    /// Starts a server that answers each path by `handler`.
    pub(crate) fn start(
        kind: Kind,
        handler: impl Fn(&str) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::start_on(kind, listener(), handler)
    }

    pub(crate) fn start_on(
        kind: Kind,
        listener: TcpListener,
        handler: impl Fn(&str) -> Response + Send + Sync + 'static,
    ) -> Self {
        Self::start_in(Builder::new_current_thread(), kind, listener, handler)
    }

    /// The same in a runtime of two threads, except for actix-web, whose workers have one each.
    pub(crate) fn start_in_two_threads(
        kind: Kind,
        handler: impl Fn(&str) -> Response + Send + Sync + 'static,
    ) -> Self {
        let mut runtime = Builder::new_multi_thread();
        runtime.worker_threads(2);
        Self::start_in(runtime, kind, listener(), handler)
    }

    fn start_in(
        mut runtime: Builder,
        kind: Kind,
        listener: TcpListener,
        handler: impl Fn(&str) -> Response + Send + Sync + 'static,
    ) -> Self {
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(());
        let (end, ended) = oneshot::channel();
        let handler: Handler = Arc::new(move |path| match path {
            ALIVE => bare(items([item(Event::text("alive"))])),
            _ => handler(path),
        });
        thread::spawn(move || {
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(serve(kind, listener, handler, stopped));
            drop(runtime);
            end.send(())
        });
        Self { address, stop, ended }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client that has requested this path.
    pub(crate) async fn get(&self, path: &str) -> Client {
        Client::connect(self.address, None).await.ask(path).await
    }

    /// The same with a receive buffer of this size in the kernel.
    pub(crate) async fn get_with(&self, path: &str, receive_buffer: usize) -> Client {
        Client::connect(self.address, Some(receive_buffer)).await.ask(path).await
    }

    /// Checks that a new connection gets a response.
    pub(crate) async fn assert_alive(&self) {
        let (body, end) = self.get(ALIVE).await.rest().await;
        assert_eq!(decode(&body)[0].data, "alive");
        assert_eq!(end, End::Clean);
    }

    /// Shuts down; the clients of all connections have gone.
    pub(crate) async fn end(self) {
        drop(self.stop);
        soon("the server ends", self.ended).await.unwrap();
    }
}

/// A listener on a free port.
fn listener() -> TcpListener {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    listener
}

/// A listener whose sockets have a send buffer of this size in the kernel; and its actual size,
/// with the kernel's own share.
pub(crate) fn listener_with(send_buffer: usize) -> (TcpListener, usize) {
    let listener = listener();
    let socket = SockRef::from(&listener);
    socket.set_send_buffer_size(send_buffer).unwrap();
    let size = socket.send_buffer_size().unwrap();
    (listener, size)
}

type Stopped = watch::Receiver<()>;

async fn serve(kind: Kind, listener: TcpListener, handler: Handler, mut stopped: Stopped) {
    let stopped = async move {
        let _ = stopped.changed().await;
    };
    match kind {
        Kind::ActixWeb => actix_web::serve(listener, handler, stopped).await,
        Kind::Axum => axum::serve(listener.try_into().unwrap(), handler, stopped).await,
        Kind::Hyper => hyper::serve(listener.try_into().unwrap(), handler, stopped).await,
        Kind::Warp => warp::serve(listener.try_into().unwrap(), handler, stopped).await,
    }
}

mod axum {
    use ::axum::{Router, body::Body, http::Uri, response::IntoResponse, routing::any};
    use tokio::net::TcpListener;

    use super::{CONTENT_TYPE, Handler, RAW};

    pub(super) async fn serve(
        listener: TcpListener,
        handler: Handler,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) {
        let handler = async move |uri: Uri| match handler(uri.path()) {
            raw if uri.path().starts_with(RAW) => {
                ([CONTENT_TYPE], Body::from_stream(raw)).into_response()
            }
            response => response.into_response(),
        };
        let app = Router::new().fallback(any(handler));
        ::axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap();
    }
}

mod actix_web {
    use std::net::TcpListener;

    use ::actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, web};

    use super::{CONTENT_TYPE, Handler, RAW};

    pub(super) async fn serve(
        listener: TcpListener,
        handler: Handler,
        stopped: impl Future<Output = ()>,
    ) {
        let app = move || {
            let handler = handler.clone();
            App::new().default_service(web::to(move |request: HttpRequest| {
                let response = match handler(request.path()) {
                    raw if request.path().starts_with(RAW) => {
                        HttpResponse::Ok().insert_header(CONTENT_TYPE).streaming(raw)
                    }
                    response => response.respond_to(&request).map_into_boxed_body(),
                };
                async { response }
            }))
        };
        let server = HttpServer::new(app)
            .workers(1)
            // Otherwise a client that closes an idle stream counts as one that has merely finished
            // sending.
            .h1_allow_half_closed(false)
            .disable_signals()
            .listen_auto_h2c(listener)
            .unwrap()
            .run();
        let handle = server.handle();
        let server = tokio::spawn(server);
        stopped.await;
        handle.stop(true).await;
        server.await.unwrap().unwrap();
    }
}

mod hyper {
    use std::{convert::Infallible, pin::pin};

    use ::hyper::{
        Request, Response,
        body::{Frame, Incoming},
        service::service_fn,
    };
    use futures_util::TryStreamExt;
    use http_body_util::{BodyExt, StreamBody};
    use hyper_util::{
        rt::{TokioExecutor, TokioIo},
        server::{conn::auto, graceful::GracefulShutdown},
    };
    use tokio::net::TcpListener;

    use super::{CONTENT_TYPE, Handler, RAW};

    pub(super) async fn serve(
        listener: TcpListener,
        handler: Handler,
        stopped: impl Future<Output = ()>,
    ) {
        let server = auto::Builder::new(TokioExecutor::new());
        let connections = GracefulShutdown::new();
        let mut stopped = pin!(stopped);
        loop {
            let socket = tokio::select! {
                accepted = listener.accept() => accepted.unwrap().0,
                () = &mut stopped => break,
            };
            let handler = handler.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let response = match handler(request.uri().path()) {
                    raw if request.uri().path().starts_with(RAW) => {
                        let body = StreamBody::new(raw.map_ok(Frame::data)).boxed_unsync();
                        let (name, value) = CONTENT_TYPE;
                        Response::builder().header(name, value).body(body).unwrap()
                    }
                    response => response.into_http_response_to(&request).map(BodyExt::boxed_unsync),
                };
                async { Ok::<_, Infallible>(response) }
            });
            let connection = server.serve_connection(TokioIo::new(socket), service);
            tokio::spawn(connections.watch(connection.into_owned()));
        }
        connections.shutdown().await;
    }
}

mod warp {
    use std::sync::Mutex;

    use ::warp::{Filter, Reply, method, path, path::FullPath, reply};
    use futures_util::{StreamExt, stream};
    use tokio::net::TcpListener;

    use super::{CONTENT_TYPE, Handler, RAW};

    pub(super) async fn serve(
        listener: TcpListener,
        handler: Handler,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) {
        let routes = method().and(path::full()).map(move |method, path: FullPath| {
            match handler(path.as_str()) {
                raw if path.as_str().starts_with(RAW) => {
                    // warp asks for a stream that is `Sync`.
                    let mut raw = Mutex::new(raw);
                    let raw = stream::poll_fn(move |cx| raw.get_mut().unwrap().poll_next_unpin(cx));
                    let (name, value) = CONTENT_TYPE;
                    reply::with_header(reply::stream(raw), name, value).into_response()
                }
                response => response.into_reply_to(&method),
            }
        });
        ::warp::serve(routes).incoming(listener).graceful(stopped).run().await;
    }
}
