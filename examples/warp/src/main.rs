//! A page and a stream of events in warp.
//!
//! ```console
//! $ cargo run -p example-warp
//! listening on http://127.0.0.1:3000
//! ```

use example_shared::{BACKLOG, KEEP_ALIVE, PAGE, Shutdown, address, announce, events};
use socket2::SockRef;
use sse_encoder::{LastEventId, SseEncoder};
use tokio::net::TcpListener;
use warp::{Filter, Reply, http::Method};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let shutdown = Shutdown::on_signal()?;
    let page = warp::path::end().map(|| warp::reply::html(PAGE));
    let streams = shutdown.clone();
    let ping = warp::path!("ping")
        .and(warp::method())
        .and(LastEventId::warp_filter())
        .map(move |method, last| ping(&method, &last, &streams));
    let get_or_head = warp::get().or(warp::head()).unify();

    // Send each event at once, and detect clients that vanish without closing: connections inherit
    // these settings from their listener.
    let listener = TcpListener::bind(address()).await?;
    // A second `listen` makes the queue longer.
    SockRef::from(&listener).listen(BACKLOG.into())?;
    SockRef::from(&listener).set_tcp_nodelay(true)?;
    SockRef::from(&listener).set_keepalive(true)?;
    announce(listener.local_addr()?);
    let server = warp::serve(get_or_head.and(page.or(ping))).incoming(listener);
    tokio::select! {
        () = server.graceful(shutdown.begun()).run() => {}
        () = shutdown.overdue() => {}
    }
    Ok(())
}

fn ping(method: &Method, last: &LastEventId, shutdown: &Shutdown) -> impl Reply + use<> {
    SseEncoder::new(events())
        .resume_after(last)
        .keep_alive(KEEP_ALIVE)
        .stop_on(shutdown.begun())
        .inspect_error(|error| eprintln!("a stream ended: {error:#}"))
        .into_reply_to(method)
}
