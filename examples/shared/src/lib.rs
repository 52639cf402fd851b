//! The common parts of the example servers: the page, its events, and a clean shutdown.

use std::{
    env, io,
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use futures_util::{Stream, stream};
use serde_json::json;
use sse_encoder::{Encode, Event};
use tokio::{signal, sync::watch, time};

/// The page that shows the events of `/ping`.
pub const PAGE: &str = include_str!("page.html");

/// The longest silence before a comment keeps a stream alive.
pub const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The number of connections that may wait to be accepted. After a restart all clients connect at
/// once: of these the standard library lets 128 wait, and the others try again after a second.
pub const BACKLOG: u16 = 4_096;

/// The address to listen on: `ADDR`, by default port 3000 of this machine.
pub fn address() -> String {
    env::var("ADDR").unwrap_or_else(|_| "127.0.0.1:3000".into())
}

/// Prints the server's address.
pub fn announce(address: SocketAddr) {
    // One write: a reader that waits for the first line may then close the pipe.
    let lines = format!("listening on http://{address}\ncurl -N http://{address}/ping");
    println!("{lines}");
}

/// Two events every `INTERVAL_MS` (by default a second): the time, and one of type `other`.
pub fn events() -> impl Stream<Item = impl Encode> {
    let interval = env::var("INTERVAL_MS").ok().and_then(|millis| millis.parse().ok());
    let interval = Duration::from_millis(interval.unwrap_or(1_000).max(1));
    stream::unfold(time::interval(interval), async |mut interval| {
        interval.tick().await;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let time = Event::json(json!({"time": time.as_millis() as u64}));
        let other = Event::merge(json!({"a": 1}), json!({"b": 2, "c": 3})).event_type("other");
        Some(((time, other), interval))
    })
}

/// The shutdown of the server, by SIGINT or SIGTERM. Clones share it.
#[derive(Clone, Debug)]
pub struct Shutdown(watch::Receiver<()>);

impl Shutdown {
    /// Handles the signals from now on.
    pub fn on_signal() -> io::Result<Self> {
        let signal = stop_signal()?;
        let (stop, stopped) = watch::channel(());
        tokio::spawn(async move {
            signal.await;
            drop(stop);
        });
        Ok(Self(stopped))
    }

    /// Ready when the signal arrives: the streams end, and the server accepts no more connections.
    pub fn begun(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stopped = self.0.clone();
        async move {
            let _ = stopped.changed().await;
        }
    }

    /// Ready a second later: a client that does not read must not delay the shutdown.
    pub fn overdue(&self) -> impl Future<Output = ()> + Send + use<> {
        let begun = self.begun();
        async {
            begun.await;
            time::sleep(Duration::from_secs(1)).await;
        }
    }
}

#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    let mut interrupt = signal::unix::signal(signal::unix::SignalKind::interrupt())?;
    let mut terminate = signal::unix::signal(signal::unix::SignalKind::terminate())?;
    Ok(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()> + Send> {
    Ok(async {
        let _ = signal::ctrl_c().await;
    })
}
