//! The driver: one task, which connects a hub to its log.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{join, runtime::Handle, select, time::sleep};

use super::{
    backoff::Backoff,
    endpoint::Endpoint,
    follower::Follower,
    link::Link,
    queue::Queue,
    reader::Reader,
    rejected::{RejectedEntry, Reporter},
    source::{Connector, Source},
    writer::Writer,
};
use crate::{error::Error, feed::Feed, log::BoxFuture};

/// Connects a hub to its log on Redis; from [`HubBuilder::redis`](crate::HubBuilder::redis). Spawn
/// it on a tokio runtime: without it nothing is read or published.
///
/// It ends when the hub is closed, once every event published before that has its answer. If it is
/// dropped, the hub continues with the events that it has, and its [status](crate::Hub::status) is
/// [`Ended`](crate::Status::Ended).
///
/// It holds two connections, each of which the Redis client runs as a task of its own; they end
/// with the driver.
///
/// # Panics
///
/// The first poll panics outside of a tokio runtime.
///
/// ```no_run
/// use sse_hub::Hub;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), sse_hub::Error> {
/// let (hub, driver) = Hub::builder().redis("redis://127.0.0.1/", "orders")?;
/// tokio::spawn(driver.on_error(|error| eprintln!("{error}")));
/// # drop(hub);
/// # Ok(())
/// # }
/// ```
#[must_use = "the hub has no log unless its driver is spawned"]
pub struct Driver {
    link: Arc<Link>,
    parts: Option<Parts>,
    run: Option<BoxFuture<()>>,
}

/// The parts that the first poll puts together.
struct Parts {
    feed: Arc<Feed>,
    endpoint: Endpoint,
    queue: Queue,
    reporter: Reporter,
}

impl Driver {
    pub(super) fn new(feed: Arc<Feed>, link: Arc<Link>, endpoint: Endpoint, queue: Queue) -> Self {
        let parts = Parts { feed, endpoint, queue, reporter: Reporter::default() };
        Self { link, parts: Some(parts), run: None }
    }

    /// Reports an entry of the log that cannot be an event: the first one of each kind. All of them
    /// are counted in [`Stats::rejected`](crate::Stats::rejected).
    ///
    /// ```
    /// # let (hub, driver) = sse_hub::Hub::builder().redis("redis://localhost/", "orders")?;
    /// let driver = driver.on_rejected_entry(|entry| eprintln!("{entry}"));
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn on_rejected_entry(mut self, hook: impl FnMut(RejectedEntry) + Send + 'static) -> Self {
        if let Some(Parts { reporter, .. }) = &mut self.parts {
            reporter.on_rejected_entry = Some(Box::new(hook));
        }
        self
    }

    /// Reports why the hub has no connection to its log: once for each loss, and once if there is
    /// no connection at the start. It also reports, once, that the [endings of
    /// streams](crate#ending-a-users-streams) cannot be read, for want of a right.
    ///
    /// ```
    /// # let (hub, driver) = sse_hub::Hub::builder().redis("redis://localhost/", "orders")?;
    /// let driver = driver.on_error(|error| eprintln!("{error}"));
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn on_error(mut self, hook: impl FnMut(Error) + Send + 'static) -> Self {
        if let Some(Parts { reporter, .. }) = &mut self.parts {
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
        if let Some(parts) = this.parts.take() {
            this.link.start(Handle::current());
            this.run = Some(Box::pin(drive(parts, this.link.clone())));
        }
        let Some(run) = &mut this.run else { return Poll::Ready(()) };
        let poll = run.as_mut().poll(cx);
        if poll.is_ready() {
            this.run = None;
            this.link.end();
        }
        poll
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.link.end();
    }
}

async fn drive(parts: Parts, link: Arc<Link>) {
    let Parts { feed, endpoint, queue, reporter } = parts;
    let follower = Follower::new(feed.clone(), link.clone(), reporter);
    let writer = Writer { endpoint: &endpoint, link: &link, queue, feed: &feed };
    let readers = Readers { endpoint: &endpoint, link: &link };
    let read = async {
        select! { () = feed.closed() => {}, () = read(&link, &readers, follower) => {} }
    };
    // The queue ends with the hub, once it is empty.
    join!(read, writer.run());
}

/// Makes connections that read.
struct Readers<'a> {
    endpoint: &'a Endpoint,
    link: &'a Link,
}

impl Connector for Readers<'_> {
    type Source = Reader;

    async fn open(&self, patience: Duration) -> Result<Reader, Error> {
        Ok(Reader::open(self.endpoint, patience).await?)
    }

    async fn pause(&self, time: Duration) {
        select! { () = sleep(time) => {}, () = self.link.connected.notified() => {} }
    }
}

/// Reads the log until the hub is closed.
pub(super) async fn read(link: &Link, connector: &impl Connector, mut follower: Follower) {
    let mut backoff = Backoff::new();
    let mut is_reported = false;
    loop {
        let error = match connector.open(follower.patience()).await {
            Ok(mut source) => {
                let error = match follower.catch_up(&mut source).await {
                    Ok(()) => {
                        link.found();
                        let followed = || (backoff, is_reported) = (Backoff::new(), false);
                        follow(&mut follower, &mut source, followed).await
                    }
                    Err(error) => Some(error),
                };
                // A page may be too large in any way: for the time, or for a buffer in Redis.
                if error.as_ref().is_some_and(|error| !error.is_closed()) && !source.has_moved() {
                    follower.shrink_page(source.is_slow());
                }
                // A moved stream is not a failure if it is found again.
                error.filter(|error| error.is_closed() || !source.has_moved())
            }
            Err(error) => Some(error),
        };
        if let Some(error) = error {
            if error.is_closed() {
                return;
            }
            link.lost();
            if !std::mem::replace(&mut is_reported, true) {
                follower.reporter().error(error);
            }
        }
        connector.pause(backoff.next()).await;
    }
}

/// Follows the log until there is an error, or a better connection to be had.
async fn follow<S: Source>(
    follower: &mut Follower,
    source: &mut S,
    mut followed: impl FnMut(),
) -> Option<Error> {
    let patience = follower.patience();
    loop {
        match follower.follow(source).await {
            Ok(()) => followed(),
            Err(error) => return Some(error),
        }
        // A connection that waits so long for an answer would notice a loss late.
        if follower.patience() < patience {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Waker};

    use futures_util::FutureExt;
    use sse_encoder::Event;

    use crate::Hub;

    use super::*;

    #[test]
    fn an_event_published_while_a_host_name_resolves_waits_for_the_connection() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let entered = runtime.enter();
        let (hub, driver) = Hub::builder().redis("redis://a-name.invalid/", "orders").unwrap();
        let mut cx = Context::from_waker(Waker::noop());
        let error = hub.publish(&Event::text("too early")).now_or_never().unwrap().unwrap_err();
        assert!(format!("{error:#}").contains("does not run yet"), "{error:#}");
        // The first poll begins to resolve the name.
        let mut driver = pin!(driver);
        assert!(driver.as_mut().poll(&mut cx).is_pending());
        assert!(hub.publish(&Event::text("waits")).now_or_never().is_none());
        drop(entered);
        runtime.shutdown_background();
    }
}
