//! What an idle connection takes of a server: all bytes that the server's thread has allocated for
//! it, the framework's buffers and tasks among them.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

use futures_util::stream::{self, Pending};
use hyper::server::conn::http1;
use hyper_util::{rt::TokioIo, service::TowerToHyperService};
use sse_encoder::{Event, SseEncoder};
use tokio::runtime::Builder;

use crate::{allocations, figures::SizeRow};

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The connections that are measured at once, after some that make what is made once.
const CONNECTIONS: usize = 200;

type Serve = fn(TcpListener) -> io::Result<()>;

const SERVERS: [(&str, Serve); 5] = [
    ("idle connection: axum, `axum::serve`", axum_serve),
    ("idle connection: axum's router on hyper's HTTP/1", axum_lean),
    ("idle connection: hyper's HTTP/1 alone", hyper_alone),
    ("idle connection: warp", warp),
    ("idle connection: actix-web", actix),
];

pub fn measure() -> io::Result<Vec<SizeRow>> {
    let row = |(what, serve): (&str, Serve)| {
        Ok(SizeRow { what: what.into(), bytes: measure_one(serve)?, peer: None })
    };
    SERVERS.into_iter().map(row).collect()
}

/// The server's thread ends with the process.
fn measure_one(serve: Serve) -> io::Result<f64> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    thread::spawn(move || serve(listener));
    let open = || request(address, "/events", ":\n");
    let first = (0..20).map(|_| open()).collect::<io::Result<Vec<_>>>()?;
    let before = live(address)?;
    let connections = (0..CONNECTIONS).map(|_| open()).collect::<io::Result<Vec<_>>>()?;
    let bytes = live(address)? - before;
    drop((first, connections));
    Ok((bytes / CONNECTIONS as f64).round())
}

/// The bytes that the server's thread holds.
fn live(address: SocketAddr) -> io::Result<f64> {
    // What a request before it has left is dropped meanwhile.
    thread::sleep(Duration::from_millis(100));
    let (_, answer) = request(address, "/live", ";")?;
    let digits = answer.rsplit("\r\n\r\n").next().unwrap_or_default().trim_end_matches(';');
    digits.parse().map_err(io::Error::other)
}

/// Sends a request, and reads until the body ends so.
fn request(address: SocketAddr, path: &str, end: &str) -> io::Result<(TcpStream, String)> {
    let mut socket = TcpStream::connect(address)?;
    socket.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(socket, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n")?;
    let mut answer = String::new();
    let mut bytes = [0; 1024];
    loop {
        let len = socket.read(&mut bytes)?;
        answer.push_str(&String::from_utf8_lossy(&bytes[..len]));
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        if body.trim_end_matches("\r\n").ends_with(end) {
            return Ok((socket, answer));
        }
        if len == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

fn events() -> SseEncoder<Pending<Event>> {
    SseEncoder::new(stream::pending()).keep_alive(KEEP_ALIVE)
}

fn live_text() -> String {
    format!("{};", allocations::count().live)
}

fn router() -> axum::Router {
    use axum::routing::get;

    axum::Router::new()
        .route("/events", get(async || events()))
        .route("/live", get(async || live_text()))
}

fn on_one_thread(serve: impl Future<Output = io::Result<()>>) -> io::Result<()> {
    Builder::new_current_thread().enable_all().build()?.block_on(serve)
}

fn axum_serve(listener: TcpListener) -> io::Result<()> {
    on_one_thread(async {
        axum::serve(tokio::net::TcpListener::from_std(listener)?, router()).await
    })
}

/// The cookbook's recipe.
fn axum_lean(listener: TcpListener) -> io::Result<()> {
    on_one_thread(async {
        let (listener, app) = (tokio::net::TcpListener::from_std(listener)?, router());
        loop {
            let (socket, _) = listener.accept().await?;
            let service = TowerToHyperService::new(app.clone());
            let server = http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(socket), service));
        }
    })
}

fn hyper_alone(listener: TcpListener) -> io::Result<()> {
    use axum::{body::Body, response::IntoResponse};
    use hyper::{Request, body::Incoming, service::service_fn};

    on_one_thread(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            let service = service_fn(async |request: Request<Incoming>| {
                Ok::<_, std::convert::Infallible>(match request.uri().path() {
                    "/live" => Body::from(live_text()).into_response(),
                    _ => events().into_response(),
                })
            });
            let server = http1::Builder::new();
            tokio::spawn(server.serve_connection(TokioIo::new(socket), service));
        }
    })
}

fn warp(listener: TcpListener) -> io::Result<()> {
    use warp::Filter;

    on_one_thread(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let events = warp::path!("events").map(events);
        let live = warp::path!("live").map(live_text);
        warp::serve(events.or(live)).incoming(listener).run().await;
        Ok(())
    })
}

fn actix(listener: TcpListener) -> io::Result<()> {
    use actix_web::{App, HttpServer, rt::System, web};

    let app = || {
        App::new()
            .route("/events", web::get().to(async || events()))
            .route("/live", web::get().to(async || live_text()))
    };
    System::new().block_on(async {
        HttpServer::new(app).workers(1).disable_signals().listen(listener)?.run().await
    })
}
