//! A page and a stream of events in axum.
//!
//! ```console
//! $ cargo run -p example-axum
//! listening on http://127.0.0.1:3000
//! ```

use axum::{
    Router,
    extract::State,
    response::{Html, IntoResponse},
    routing::get,
    serve::{Listener, ListenerExt},
};
use example_shared::{BACKLOG, KEEP_ALIVE, PAGE, Shutdown, address, announce, events};
use socket2::SockRef;
use sse_encoder::{LastEventId, SseEncoder};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shutdown = Shutdown::on_signal()?;
    let app = Router::new()
        .route("/", get(Html(PAGE)))
        .route("/ping", get(ping))
        .with_state(shutdown.clone());

    let listener = TcpListener::bind(address()).await?;
    // A second `listen` makes the queue longer.
    SockRef::from(&listener).listen(BACKLOG.into())?;
    // Send each event at once, and detect clients that vanish without closing.
    let listener = listener.tap_io(|socket| {
        let _ = socket.set_nodelay(true);
        let _ = SockRef::from(&*socket).set_keepalive(true);
    });
    announce(listener.local_addr()?);
    tokio::select! {
        served = axum::serve(listener, app).with_graceful_shutdown(shutdown.begun()) => served?,
        () = shutdown.overdue() => {}
    }
    Ok(())
}

async fn ping(last: LastEventId, State(shutdown): State<Shutdown>) -> impl IntoResponse {
    SseEncoder::new(events())
        .resume_after(&last)
        .keep_alive(KEEP_ALIVE)
        .stop_on(shutdown.begun())
        .inspect_error(|error| eprintln!("a stream ended: {error:#}"))
}
