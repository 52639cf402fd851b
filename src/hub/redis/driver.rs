//! The future that keeps a hub and its log together.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};

use super::{
    Remote,
    backoff::Backoff,
    connection::Place,
    left_out::{LeftOut, Reporter},
    race::race,
    source::Source,
    tail::Tail,
};
use crate::{
    error::Error,
    hub::{Shared, Status},
};

/// How often the connection to publish by is looked at while it is quiet.
const PROBE: Duration = Duration::from_secs(1);

/// After how many looks the other servers of a cluster are asked for.
const PROBES_TO_LEARN: u32 = 60;

/// Keeps a hub and its log on Redis together; from [`HubBuilder::redis`](crate::HubBuilder::redis).
/// Spawn it on a tokio runtime: nothing happens without it.
///
/// It ends when the hub is closed. When it is dropped the hub goes on with what it has, and its
/// [status](crate::Hub::status) says so.
///
/// It holds two connections, each of which the Redis client runs as a task of its own; they end
/// with the driver.
///
/// ```no_run
/// use sse_encoder::Hub;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sse_encoder::Error> {
/// let (hub, driver) = Hub::builder().redis("redis://127.0.0.1/", "orders")?;
/// tokio::spawn(driver.on_error(|error| eprintln!("{error}")));
/// # drop(hub);
/// # Ok(())
/// # }
/// ```
#[must_use = "the hub has no log unless its driver is spawned"]
pub struct Driver {
    hub: Arc<Shared>,
    parts: Option<(Place, Reporter)>,
    run: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl Driver {
    pub(super) fn new(hub: Arc<Shared>, place: Place) -> Self {
        Self { hub, parts: Some((place, Reporter::default())), run: None }
    }

    /// Tells of an entry in the log that cannot be an event: the first one of each kind. They are
    /// all counted in [`HubStats::left_out`](crate::HubStats::left_out).
    ///
    /// ```
    /// # let (hub, driver) = sse_encoder::Hub::builder().redis("redis://localhost/", "orders")?;
    /// let driver = driver.on_left_out(|entry| eprintln!("{entry}"));
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn on_left_out(mut self, hook: impl FnMut(LeftOut) + Send + 'static) -> Self {
        if let Some((_, reporter)) = &mut self.parts {
            reporter.on_left_out = Some(Box::new(hook));
        }
        self
    }

    /// Tells why the hub has no connection to its log: once each time that it loses it, and once if
    /// it does not get one at the start.
    ///
    /// ```
    /// # let (hub, driver) = sse_encoder::Hub::builder().redis("redis://localhost/", "orders")?;
    /// let driver = driver.on_error(|error| eprintln!("{error}"));
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn on_error(mut self, hook: impl FnMut(Error) + Send + 'static) -> Self {
        if let Some((_, reporter)) = &mut self.parts {
            reporter.on_error = Some(Box::new(hook));
        }
        self
    }
}

impl fmt::Debug for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver").finish_non_exhaustive()
    }
}

impl Future for Driver {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if let Some((place, reporter)) = this.parts.take() {
            this.run = Some(Box::pin(drive(this.hub.clone(), place, reporter)));
        }
        let Some(run) = &mut this.run else { return Poll::Ready(()) };
        let poll = run.as_mut().poll(cx);
        if poll.is_ready() {
            this.run = None;
            end(&this.hub);
        }
        poll
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        end(&self.hub);
    }
}

fn end(hub: &Shared) {
    if let Some(remote) = &hub.remote {
        remote.publisher.close("the driver has ended".into());
        remote.status.send_replace(Status::Ended);
    }
}

async fn drive(hub: Arc<Shared>, place: Place, reporter: Reporter) {
    let Some(remote) = &hub.remote else { return };
    let _ = remote.runtime.set(Handle::current());
    let tail = Tail::new(hub.clone(), reporter);
    let closed = async {
        while !hub.is_closed() {
            remote.closed.notified().await;
        }
    };
    race(closed, race(read(&hub, &place, tail), keep_publisher(remote, &place))).await;
}

/// Reads the log for ever.
async fn read(hub: &Shared, place: &Place, mut tail: Tail) {
    let Some(remote) = &hub.remote else { return };
    let mut backoff = Backoff::new();
    let mut is_told = false;
    loop {
        let error = match place.reader(tail.patience()).await {
            Ok(mut reader) => {
                let error = match tail.catch_up(&mut reader).await {
                    Ok(()) => {
                        remote.found();
                        let followed = || (backoff, is_told) = (Backoff::new(), false);
                        let follow = follow(&mut tail, &mut reader, followed);
                        let moving = async {
                            remote.publisher.moving().await;
                            None
                        };
                        race(follow, moving).await
                    }
                    Err(error) => Some(error),
                };
                if reader.is_slow() {
                    tail.be_patient();
                }
                // A stream that has moved is no failure, if it is found again.
                error.filter(|error| error.is_closed() || !reader.is_left())
            }
            Err(failure) => Some(failure.into()),
        };
        if let Some(error) = error {
            if error.is_closed() {
                return;
            }
            remote.lost();
            if !std::mem::replace(&mut is_told, true) {
                tail.reporter().error(error);
            }
        }
        race(sleep(backoff.next()), remote.connected.notified()).await;
    }
}

/// Follows the log until there is an error, or a better connection to be had.
async fn follow<S: Source>(
    tail: &mut Tail,
    source: &mut S,
    mut followed: impl FnMut(),
) -> Option<Error> {
    let patience = tail.patience();
    loop {
        match tail.follow(source).await {
            Ok(()) => followed(),
            Err(error) => return Some(error),
        }
        // One that waits so long for an answer is late to see that none will come.
        if tail.patience() < patience {
            return None;
        }
    }
}

/// Keeps a connection to publish by, for ever.
async fn keep_publisher(remote: &Remote, place: &Place) {
    let publisher = &remote.publisher;
    let mut backoff = Backoff::new();
    loop {
        match place.publisher().await {
            Ok(connection) => {
                publisher.open(connection);
                let since = Instant::now();
                remote.connected.notify_waiters();
                for probe in 1_u32.. {
                    if !publisher.is_alive(since).await {
                        break;
                    }
                    backoff = Backoff::new();
                    if probe.is_multiple_of(PROBES_TO_LEARN) {
                        publisher.learn().await;
                    }
                    // Sooner if a publish has failed, or the other connection has.
                    let reason = race(publisher.given_up(), remote.doubt.notified());
                    let _ = timeout(PROBE, reason).await;
                }
            }
            Err(failure) => publisher.close(failure.to_string()),
        }
        race(sleep(backoff.next()), remote.connected.notified()).await;
    }
}
