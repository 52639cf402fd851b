//! A server of each framework, with one handler, on a free port. It ends with the test.

use std::net::SocketAddr;

use ::axum::{Router, routing::MethodRouter};
use ::hyper::{body::Incoming, service::service_fn};
use ::warp::{Filter, Reply, filters::BoxedFilter};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

pub(crate) async fn axum<S>(handler: MethodRouter<S>, state: S) -> SocketAddr
where
    S: Clone + Send + Sync + 'static,
{
    router(Router::new().route("/", handler).with_state(state)).await
}

pub(crate) async fn router(app: Router) -> SocketAddr {
    let (listener, address) = listener().await;
    tokio::spawn(async move { ::axum::serve(listener, app).await.unwrap() });
    address
}

pub(crate) async fn actix(
    handler: impl Fn() -> actix_web::Route + Clone + Send + 'static,
) -> SocketAddr {
    let app = move || actix_web::App::new().route("/", handler());
    let server = actix_web::HttpServer::new(app).workers(1).disable_signals();
    let server = server.bind("127.0.0.1:0").unwrap();
    let address = server.addrs()[0];
    tokio::spawn(server.run());
    address
}

pub(crate) async fn warp<R: Reply + 'static>(handler: BoxedFilter<(R,)>) -> SocketAddr {
    let (listener, address) = listener().await;
    tokio::spawn(::warp::serve(handler.boxed()).incoming(listener).run());
    address
}

/// A connection each for as many requests as there are.
pub(crate) async fn hyper<B>(
    handler: impl Fn(&http::Request<Incoming>) -> http::Response<B> + Clone + Send + Sync + 'static,
) -> SocketAddr
where
    B: http_body::Body<Data = bytes::Bytes, Error: Into<Box<dyn std::error::Error + Send + Sync>>>,
    B: Send + 'static,
{
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let handler = handler.clone();
            let service = service_fn(move |request| {
                let response = handler(&request);
                async { Ok::<_, std::convert::Infallible>(response) }
            });
            let server = ::hyper::server::conn::http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(socket), service));
        }
    });
    address
}

pub(crate) async fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}
