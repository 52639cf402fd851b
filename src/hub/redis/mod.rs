#![doc = include_str!("../../../docs/redis.md")]

mod backoff;
mod connection;
mod driver;
mod left_out;
mod publisher;
mod race;
mod reader;
mod record;
mod route;
mod source;
mod status;
mod tail;

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    pin::pin,
    time::Duration,
};

use tokio::{
    sync::{Notify, watch},
    time::timeout,
};

use self::{connection::Place, publisher::Publisher};
pub use self::{driver::Driver, left_out::LeftOut, status::Status};
use super::{
    Hub, Shared,
    log::Address,
    settings::HubBuilder,
    sync::{AtomicU64, Ordering, read},
};
use crate::{encoder::Published, error::Error, last_event_id::LastEventId, value::EventId};

/// How long a client that was ahead of this server waits for it at most.
const REACH: Duration = Duration::from_secs(1);

/// What a hub has of a log elsewhere.
pub(super) struct Remote {
    publisher: Publisher,
    status: watch::Sender<Status>,
    /// How many entries cannot be events.
    left_out: AtomicU64,
    /// Something has come.
    progress: Notify,
    closed: Notify,
}

// Each of its parts is whole after every change, so a panic elsewhere leaves nothing half done. A
// hub is both without this feature, too.
impl UnwindSafe for Remote {}
impl RefUnwindSafe for Remote {}

impl Remote {
    pub(super) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }

    /// The hub is closed.
    pub(super) fn close(&self) {
        self.closed.notify_one();
    }

    pub(super) async fn publish(
        &self,
        hub: &Shared,
        address: Address<'_>,
        published: Published,
    ) -> Result<Option<EventId>, Error> {
        self.publisher.publish(hub, address, published).await
    }
}

impl HubBuilder {
    /// A hub whose log is a Redis stream: all servers that name the same one are one hub. With it
    /// comes the [`Driver`], which is to be spawned.
    ///
    /// The stream keeps at least as many entries as the hub [retains](Self::retain_events): give
    /// all servers the same bounds. [The page on Redis](crate::hub::redis) says what is
    /// promised, and how far it reaches.
    ///
    /// `url` is `redis://[user[:password]@]host[:port][/database]`, or `redis+unix:///path`; with
    /// the feature `redis-rustls` also `rediss://` for TLS.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sse_encoder::{Event, Hub};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sse_encoder::Error> {
    /// let (hub, driver) = Hub::builder().redis("redis://127.0.0.1/", "orders")?;
    /// tokio::spawn(driver);
    /// // Who comes back at once is served better when the log is here; without it, too.
    /// let _ = tokio::time::timeout(Duration::from_secs(2), hub.live()).await;
    /// hub.publish(&Event::json([1, 2])).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The URL is none, or asks for what is not compiled in. Whether there is a Redis is not asked.
    pub fn redis(self, url: &str, stream: &str) -> Result<(Hub, Driver), Error> {
        let place = Place::new(url, stream)?;
        let settings = self.settings();
        let since = std::time::Instant::now();
        let remote = Remote {
            publisher: Publisher::new(&place, settings.events),
            status: watch::Sender::new(Status::Stale { since }),
            left_out: AtomicU64::new(0),
            progress: Notify::new(),
            closed: Notify::new(),
        };
        let hub = Hub::mirror(settings, Some(remote));
        let driver = Driver::new(hub.shared.0.clone(), place);
        Ok((hub, driver))
    }
}

impl Hub {
    /// Whether the hub has its log at hand; in memory it always has.
    ///
    /// ```
    /// use sse_encoder::{Hub, hub::Status};
    ///
    /// let (hub, driver) = Hub::builder().redis("redis://127.0.0.1/", "orders")?;
    /// match hub.status() {
    ///     Status::Live => println!("all is well"),
    ///     Status::Stale { since } => println!("no connection for {:?}", since.elapsed()),
    ///     _ => println!("the driver was dropped"),
    /// }
    /// # drop(driver);
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn status(&self) -> Status {
        self.shared.remote.as_ref().map_or(Status::Live, |remote| *remote.status.borrow())
    }

    /// Waits until the hub has its log at hand, or never will. At a server's start: wait for it,
    /// for a bounded time, before you accept connections. A client that comes earlier is served,
    /// too, but hears of a gap.
    ///
    /// ```
    /// use sse_encoder::{Hub, hub::Status};
    ///
    /// assert_eq!(futures_executor::block_on(Hub::new().live()), Status::Live);
    /// ```
    pub async fn live(&self) -> Status {
        let Some(remote) = &self.shared.remote else { return Status::Live };
        let mut status = remote.status.subscribe();
        let found = status.wait_for(|status| !matches!(status, Status::Stale { .. })).await;
        found.map_or(Status::Ended, |status| *status)
    }

    /// Waits until this server has read as far as the client had on another one, a second at most;
    /// call it before you subscribe. Whoever changes from one server to the other within
    /// milliseconds may be ahead of it, and would hear of a gap that is none.
    ///
    /// Whether it has come so far is the answer; in memory it always has.
    ///
    /// ```
    /// use sse_encoder::{Hub, LastEventId, SseEncoder, Subscriber};
    ///
    /// async fn events(hub: &Hub, last: &LastEventId) -> SseEncoder<Subscriber> {
    ///     hub.reach(last).await;
    ///     SseEncoder::new(hub.subscribe(last))
    /// }
    /// # drop(futures_executor::block_on(events(&Hub::new(), &LastEventId::none())));
    /// ```
    pub async fn reach(&self, last: &LastEventId) -> bool {
        let (Some(remote), Some(id)) = (&self.shared.remote, last.get()) else { return true };
        let has_reached = || read(&self.shared.log).has_reached(id);
        // Without a timer where there is nothing to wait for.
        if has_reached() {
            return true;
        }
        let reached = async {
            loop {
                let mut progress = pin!(remote.progress.notified());
                progress.as_mut().enable();
                if has_reached() {
                    return;
                }
                progress.await;
            }
        };
        timeout(REACH, reached).await.is_ok()
    }
}
