//! A page and a stream of events in actix-web.
//!
//! ```console
//! $ cargo run -p example-actix
//! listening on http://127.0.0.1:3000
//! ```

use actix_web::{
    App, HttpServer, Responder, get, route,
    rt::{self, net::TcpStream},
    web::{Data, Html},
};
use example_shared::{BACKLOG, KEEP_ALIVE, PAGE, Shutdown, address, announce, events};
use socket2::SockRef;
use sse_encoder::{LastEventId, SseEncoder};

#[actix_web::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shutdown = Shutdown::on_signal()?;
    let begun = shutdown.begun();
    let shutdown = Data::new(shutdown);
    let app = move || App::new().app_data(shutdown.clone()).service(page).service(ping);
    let server = HttpServer::new(app)
        // Send each event at once, and detect clients that vanish without closing.
        .on_connect(|socket, _| {
            if let Some(socket) = socket.downcast_ref::<TcpStream>() {
                let _ = socket.set_nodelay(true);
                let _ = SockRef::from(socket).set_keepalive(true);
            }
        })
        // A client that closes its side counts as gone, even while nothing is sent.
        .h1_allow_half_closed(false)
        .disable_signals()
        .backlog(BACKLOG.into())
        // A client that does not read must not delay the shutdown.
        .shutdown_timeout(1)
        .bind(address())?;
    server.addrs().into_iter().for_each(announce);
    let server = server.run();
    let handle = server.handle();
    rt::spawn(async move {
        begun.await;
        handle.stop(true).await;
    });
    Ok(server.await?)
}

#[get("/")]
async fn page() -> impl Responder {
    Html::new(PAGE)
}

#[route("/ping", method = "GET", method = "HEAD")]
async fn ping(last: LastEventId, shutdown: Data<Shutdown>) -> impl Responder {
    SseEncoder::new(events())
        .resume_after(&last)
        .keep_alive(KEEP_ALIVE)
        .stop_on(shutdown.begun())
        .inspect_error(|error| eprintln!("a stream ended: {error:#}"))
}
