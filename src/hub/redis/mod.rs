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
mod runtime;
mod source;
mod tail;

use std::{
    panic::{RefUnwindSafe, UnwindSafe},
    pin::pin,
    sync::OnceLock,
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{Notify, watch},
    time::timeout,
};

use self::{connection::Place, publisher::Publisher, race::race, runtime::within};
pub use self::{driver::Driver, left_out::LeftOut};
use super::{
    Hub, Shared, Status,
    log::Address,
    settings::HubBuilder,
    sync::{AtomicU64, Ordering, read},
};
use crate::{encoder::Encoded, error::Error, last_event_id::LastEventId, value::EventId};

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
    /// One of the connections is there: the other one can be, too.
    connected: Notify,
    /// The connection to read by is lost: the one to publish by may be.
    doubt: Notify,
    closed: Notify,
    /// Where the driver runs.
    runtime: OnceLock<Handle>,
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
        if self.runtime.get().is_none() {
            // There is no driver that would end.
            self.status.send_replace(Status::Ended);
        }
    }

    pub(super) fn status(&self) -> Status {
        *self.status.borrow()
    }

    pub(super) async fn live(&self) -> Status {
        let mut status = self.status.subscribe();
        let found = status.wait_for(|status| !matches!(status, Status::Stale { .. })).await;
        found.map_or(Status::Ended, |status| *status)
    }

    pub(super) async fn reach(&self, hub: &Shared, last: &LastEventId) -> bool {
        let has_reached = || {
            let log = read(&hub.log);
            log.has_begun() && last.get().is_none_or(|id| log.has_reached(id))
        };
        // Without a timer where there is nothing to wait for.
        if has_reached() {
            return true;
        }
        let reached = async {
            loop {
                let mut progress = pin!(self.progress.notified());
                progress.as_mut().enable();
                if has_reached() {
                    return;
                }
                progress.await;
            }
        };
        // Without the driver nothing will come, and its runtime may be gone.
        let Some(runtime) = self.runtime.get() else { return false };
        let mut status = self.status.subscribe();
        let ended = async { status.wait_for(|status| *status == Status::Ended).await.is_err() };
        let waited = async { timeout(REACH, reached).await.is_ok() };
        let is_reached = within(runtime, race(ended, waited)).await;
        // One that is up to date would have it if it were one of this log's.
        is_reached || self.status() == Status::Live
    }

    /// The log is at hand.
    fn found(&self) {
        self.status.send_replace(Status::Live);
        self.progress.notify_waiters();
        self.connected.notify_waiters();
    }

    /// It is not, or not any more.
    fn lost(&self) {
        let stale = Status::Stale { since: Instant::now() };
        self.status.send_if_modified(|status| {
            let was_live = *status == Status::Live;
            if was_live {
                *status = stale;
            }
            was_live
        });
        self.doubt.notify_one();
    }

    pub(super) async fn publish(
        &self,
        hub: &Shared,
        address: Address<'_>,
        published: Encoded,
    ) -> Result<Option<EventId>, Error> {
        let publish = self.publisher.publish(hub, address, published);
        match self.runtime.get() {
            Some(runtime) => within(runtime, publish).await,
            // Without the driver it fails at once.
            None => publish.await,
        }
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
    /// `url` is `redis://[[user]:password@]host[:port][/database]`, or `redis+unix:///path`; with
    /// the feature `redis-rustls` also `rediss://` for TLS. Of a cluster it names one server or
    /// several, `redis://a:6379,b:6379/`, and no database.
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
        let since = Instant::now();
        let remote = Remote {
            publisher: Publisher::new(&place, settings.events),
            status: watch::Sender::new(Status::Stale { since }),
            left_out: AtomicU64::new(0),
            progress: Notify::new(),
            connected: Notify::new(),
            doubt: Notify::new(),
            closed: Notify::new(),
            runtime: OnceLock::new(),
        };
        let hub = Hub::mirror(settings, Some(remote));
        let driver = Driver::new(hub.shared.0.clone(), place);
        Ok((hub, driver))
    }
}
