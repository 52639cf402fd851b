//! A page and a stream of events in hyper, on HTTP/1.1 and HTTP/2.
//!
//! ```console
//! $ cargo run -p example-hyper
//! listening on http://127.0.0.1:3000
//! ```

use std::{convert::Infallible, time::Duration};

use bytes::Bytes;
use example_shared::{BACKLOG, KEEP_ALIVE, PAGE, Shutdown, address, announce, events};
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
use socket2::SockRef;
use sse_encoder::{Error, LastEventId, SseEncoder};
use tokio::{net::TcpListener, time};

type Body = UnsyncBoxBody<Bytes, Error>;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shutdown = Shutdown::on_signal()?;
    let listener = TcpListener::bind(address()).await?;
    // A second `listen` makes the queue longer.
    SockRef::from(&listener).listen(BACKLOG.into())?;
    announce(listener.local_addr()?);
    let server = auto::Builder::new(TokioExecutor::new());
    let connections = GracefulShutdown::new();
    let mut begun = std::pin::pin!(shutdown.begun());
    loop {
        let socket = tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => socket,
                // The client has already disconnected, or too many files are open.
                Err(_) => {
                    time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
            },
            () = &mut begun => break,
        };
        // Send each event at once, and detect clients that vanish without closing.
        let _ = socket.set_nodelay(true);
        let _ = SockRef::from(&socket).set_keepalive(true);
        let shutdown = shutdown.clone();
        let service = service_fn(move |request| {
            let response = respond(&request, &shutdown);
            async { Ok::<_, Infallible>(response) }
        });
        let connection = server.serve_connection(TokioIo::new(socket), service);
        tokio::spawn(connections.watch(connection.into_owned()));
    }
    tokio::select! {
        () = connections.shutdown() => {}
        () = shutdown.overdue() => {}
    }
    Ok(())
}

fn respond(request: &Request<Incoming>, shutdown: &Shutdown) -> Response<Body> {
    match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/") => page(StatusCode::OK, PAGE),
        (&Method::GET | &Method::HEAD, "/ping") => ping(request, shutdown),
        _ => page(StatusCode::NOT_FOUND, "not found"),
    }
}

fn ping(request: &Request<Incoming>, shutdown: &Shutdown) -> Response<Body> {
    let last = LastEventId::from_http_request(request);
    SseEncoder::new(events())
        .resume_after(&last)
        .keep_alive(KEEP_ALIVE)
        .stop_on(shutdown.begun())
        .inspect_error(|error| eprintln!("a stream ended: {error:#}"))
        .into_http_response_to(request)
        .map(BodyExt::boxed_unsync)
}

fn page(status: StatusCode, html: &'static str) -> Response<Body> {
    let body = Full::from(html).map_err(|never| match never {}).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let html = HeaderValue::from_static("text/html; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, html);
    response
}
