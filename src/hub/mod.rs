#![doc = include_str!("../../docs/hub.md")]

mod exits;
mod ingest;
mod log;
#[cfg(not(feature = "redis"))]
mod no_remote;
mod notice;
mod position;
mod publish;
mod random;
#[cfg(feature = "redis")]
pub mod redis;
mod resumption;
mod ring;
mod room;
mod rooms;
mod settings;
mod stats;
mod status;
mod subscriber;
mod sync;
mod wake;

use std::{fmt, future::Future, mem, ops::Deref, sync::Arc};

#[cfg(not(feature = "redis"))]
use self::no_remote::Remote;
#[cfg(feature = "redis")]
use self::redis::Remote;
#[cfg(feature = "redis")]
pub use self::redis::{Driver, LeftOut};
use self::{
    exits::Exits,
    log::{Log, Numbering},
    settings::Settings,
    subscriber::Interest,
    sync::{AtomicBool, AtomicU64, Ordering, RwLock, write},
};
pub use self::{
    exits::{Closed, Drained},
    publish::To,
    resumption::Resumption,
    settings::{HubBuilder, OnGap},
    stats::HubStats,
    status::Status,
    subscriber::Subscriber,
};
use crate::{
    encoder::Encoded,
    error::Error,
    event::Encode,
    last_event_id::LastEventId,
    value::{EventId, EventType},
};

/// The type of the event that says a position and nothing else: the first one of every stream.
/// Nobody needs to listen to it.
///
/// ```
/// assert_eq!(sse_encoder::hub::CHECKPOINT, "checkpoint");
/// ```
pub const CHECKPOINT: EventType = EventType::from_static("checkpoint");

/// The type of the event that says that something is missing. Its data is a JSON object:
/// `requested` is the id after which something is missing (the first 256 bytes of it; `null` if it
/// is not known any more), `resumed_after` the position after which the stream goes on.
///
/// ```
/// assert_eq!(sse_encoder::hub::GAP, "gap");
/// ```
pub const GAP: EventType = EventType::from_static("gap");

/// One log of events, and all that listen to it: a handle, whose clones are the same hub.
///
/// What is published is encoded once, numbered, retained as far as the bounds allow, and handed to
/// every subscriber without being copied. A client that comes back goes on where it was, or is told
/// that something is missing. [The page on the hub](crate::hub) explains how.
///
/// ```
/// use futures_executor::block_on;
/// use sse_encoder::{Event, Hub, LastEventId, SseEncoder};
///
/// # block_on(async {
/// let hub = Hub::new();
///
/// // A handler of any framework: `last` is what the client sends in `Last-Event-ID`.
/// let handler = |hub: &Hub, last: LastEventId| SseEncoder::new(hub.subscribe(&last));
/// let stream = handler(&hub, LastEventId::none());
///
/// hub.publish(&Event::json([1, 2, 3])).await?;
/// hub.to("user:7").publish(&Event::text("a note")).await?;
/// # drop(stream);
/// # Ok::<(), sse_encoder::Error>(())
/// # }).unwrap();
/// ```
///
/// # Ids
///
/// An event gets the id `<epoch>-<n>`: the epoch is another one for each hub and each start of a
/// process, and `n` counts what is published. So an id of an earlier process is known as such.
///
/// An event with [an id of its own](crate::Event::id), a database's row say, keeps it. A client can
/// resume after it as long as the event is retained; after that it is unknown.
///
/// # Ephemeral events
///
/// An event with [no id](crate::Event::no_id), and a comment, is ephemeral: presence, progress,
/// whatever is worth nothing a moment later. It takes its place in the order, is never replayed,
/// and having missed it is no gap.
///
/// # The end
///
/// A hub ends when it is [closed](Self::close), or when its last handle is dropped: then nothing
/// more can come.
#[derive(Clone)]
pub struct Hub {
    shared: Arc<Handle>,
}

/// What the handles share and the subscribers do not: with the last of them the hub is closed.
struct Handle(Arc<Shared>);

impl Deref for Handle {
    type Target = Arc<Shared>;

    fn deref(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What all handles and subscribers of a hub share.
struct Shared {
    settings: Settings,
    log: RwLock<Log>,
    /// A client whose position is below this needs a checkpoint.
    renew: AtomicU64,
    published: AtomicU64,
    gaps: AtomicU64,
    is_closed: AtomicBool,
    exits: Exits,
    /// Where the log is, if it is not in memory.
    remote: Option<Remote>,
}

impl Shared {
    fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    fn close(&self) {
        let rooms: Vec<_> = {
            let mut log = write(&self.log);
            if mem::replace(&mut log.is_closed, true) {
                return;
            }
            self.is_closed.store(true, Ordering::Release);
            log.rooms.all().cloned().collect()
        };
        rooms.iter().for_each(|room| room.wake_all());
        self.exits.wake();
        if let Some(remote) = &self.remote {
            remote.close();
        }
    }
}

/// A frame on its way to those who wait.
#[derive(Clone)]
struct Delivery {
    frame: Encoded,
    is_ephemeral: bool,
}

impl Hub {
    /// A hub with the default bounds: 1,024 events and 8 MiB retained, frames of 64 KiB at most,
    /// reconnection times of one to five seconds.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Sets the bounds.
    pub const fn builder() -> HubBuilder {
        HubBuilder::new()
    }

    fn with_settings(settings: Settings) -> Self {
        Self::with_numbering(settings, Numbering::Counted { epoch: position::epoch() }, None)
    }

    fn with_numbering(settings: Settings, numbering: Numbering, remote: Option<Remote>) -> Self {
        let log = RwLock::new(Log::new(numbering, &settings));
        let shared = Shared {
            settings,
            log,
            renew: AtomicU64::new(0),
            published: AtomicU64::new(0),
            gaps: AtomicU64::new(0),
            is_closed: AtomicBool::new(false),
            exits: Exits::default(),
            remote,
        };
        Self { shared: Arc::new(Handle(Arc::new(shared))) }
    }

    /// Publishes the item to all that [subscribe](Self::subscribe) without naming topics. It is
    /// encoded at once, and appended to the log when the future is first polled; a log in memory
    /// has no need to wait.
    ///
    /// Gives the id that the event has on the wire; `None` if it is
    /// [ephemeral](Self#ephemeral-events).
    ///
    /// No subscriber is waited for, however slowly its client reads.
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use sse_encoder::{Event, EventId, Hub};
    ///
    /// let hub = Hub::new();
    /// let id = block_on(hub.publish(&Event::json([1, 2])))?.unwrap();
    /// assert!(id.as_str().ends_with("-1"));
    /// let row = Event::text("of a database").id(EventId::from_static("row-9"));
    /// assert_eq!(block_on(hub.publish(&row))?.unwrap(), "row-9");
    /// assert_eq!(block_on(hub.publish(&Event::text("typing").no_id()))?, None);
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The item cannot be encoded, or is larger than [`max_frame`](HubBuilder::max_frame); it
    /// writes no frame or more than one, as a cut within an item could not be resumed; its own id
    /// is empty, looks like one of the hub's own, or is that of [an event that is
    /// retained](crate::Error::is_duplicate_id); or the hub is [closed](crate::Error::is_closed).
    /// Nothing is published then, and no number is used up.
    #[cfg_attr(feature = "redis", doc = include_str!("redis/outcomes.md"))]
    pub fn publish<T: ?Sized + Encode>(
        &self,
        item: &T,
    ) -> impl Future<Output = Result<Option<EventId>, Error>> + use<'_, T> {
        To::new(self).publish(item)
    }

    /// Publishes the item now, as [`publish`](Self::publish) does: for code that is not async.
    ///
    /// ```
    /// use sse_encoder::{Event, Hub};
    ///
    /// let hub = Hub::new();
    /// hub.try_publish(&Event::text("hello"))?;
    /// assert_eq!(hub.stats().retained, 1);
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish); and where the log is not in memory.
    pub fn try_publish<T: ?Sized + Encode>(&self, item: &T) -> Result<Option<EventId>, Error> {
        To::new(self).try_publish(item)
    }

    /// Names a topic to publish to. Only who has named it hears of it, live or later:
    /// [`subscribe_to`](Self::subscribe_to), or [`subscribe_all`](Self::subscribe_all).
    ///
    /// ```
    /// use sse_encoder::{Event, Hub, LastEventId};
    ///
    /// let hub = Hub::new();
    /// let subscriber = hub.subscribe_to(["user:7", ""], &LastEventId::none());
    /// hub.to("user:7").try_publish(&Event::text("only for you"))?;
    /// hub.try_publish(&Event::text("for everybody"))?;
    /// # drop(subscriber);
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn to<'a>(&'a self, topic: &'a str) -> To<'a> {
        To::new(self).to(topic)
    }

    /// Names a key: the newest event with it, within its topic, takes the place of the older ones,
    /// which those who are behind then skip. For values of which only the last one counts: a price,
    /// a position.
    ///
    /// ```
    /// use sse_encoder::{Event, Hub, LastEventId, Resumption};
    ///
    /// let hub = Hub::new();
    /// let before = hub.try_publish(&Event::text("open"))?;
    /// for price in [1250, 1251, 1249] {
    ///     hub.key("ACME").try_publish(&Event::json(price))?;
    /// }
    /// let subscriber = hub.subscribe(&before.into());
    /// assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn key<'a>(&'a self, key: &'a str) -> To<'a> {
        To::new(self).key(key)
    }

    /// Subscribes to all that is published without a topic, after what the client has last seen.
    ///
    /// A client without a last event ID gets what is published from now on.
    ///
    /// ```
    /// use sse_encoder::{Hub, LastEventId, SseEncoder, Subscriber};
    ///
    /// fn handler(hub: &Hub, last: &LastEventId) -> SseEncoder<Subscriber> {
    ///     SseEncoder::new(hub.subscribe(last))
    /// }
    /// # drop(handler(&Hub::new(), &LastEventId::none()));
    /// ```
    pub fn subscribe(&self, last: &LastEventId) -> Subscriber {
        self.subscribe_to([""], last)
    }

    /// Subscribes to these topics and to nothing else, after what the client has last seen. The
    /// topic `""` is that of all that is published without one.
    ///
    /// The topics are the server's choice: check that the client may hear them. How many there are
    /// bounds the work of each poll.
    ///
    /// ```
    /// use sse_encoder::{Hub, LastEventId};
    ///
    /// let hub = Hub::new();
    /// let user = 7;
    /// let topics = [format!("user:{user}"), "news".into()];
    /// let subscriber = hub.subscribe_to(topics, &LastEventId::none());
    /// # drop(subscriber);
    /// ```
    pub fn subscribe_to<T: AsRef<str>>(
        &self,
        topics: impl IntoIterator<Item = T>,
        last: &LastEventId,
    ) -> Subscriber {
        // Whatever the caller's iterator does, it does so before the log is held.
        let topics: Vec<T> = topics.into_iter().collect();
        let topics: Vec<&str> = topics.iter().map(AsRef::as_ref).collect();
        Subscriber::new(self.shared.0.clone(), Interest::Topics(topics.into_iter()), last)
    }

    /// Subscribes to everything, whatever its topic: for a monitor, not for clients of whom each
    /// may hear something else.
    ///
    /// ```
    /// use sse_encoder::{Event, Hub, LastEventId};
    ///
    /// let hub = Hub::new();
    /// let monitor = hub.subscribe_all(&LastEventId::none());
    /// hub.to("user:7").try_publish(&Event::text("a note"))?;
    /// # drop(monitor);
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn subscribe_all(&self, last: &LastEventId) -> Subscriber {
        let everything = Interest::<std::iter::Empty<_>>::Everything;
        Subscriber::new(self.shared.0.clone(), everything, last)
    }

    /// Ends the hub: nothing more can be published, and each stream ends when all that has been
    /// published is sent, with a last reconnection time of its own. For a server's shutdown. Who
    /// subscribes after that gets what is retained, and the end.
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use sse_encoder::{Event, Hub, LastEventId};
    ///
    /// let hub = Hub::new();
    /// let subscriber = hub.subscribe(&LastEventId::none());
    /// hub.close();
    /// assert!(hub.try_publish(&Event::text("late")).unwrap_err().is_closed());
    /// drop(subscriber);
    /// block_on(hub.drained());
    /// ```
    pub fn close(&self) {
        self.shared.close();
    }

    /// Whether the hub has been [closed](Self::close).
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Waits until the hub has been [closed](Self::close): for what has to end with it.
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use sse_encoder::Hub;
    ///
    /// let hub = Hub::new();
    /// let closed = hub.closed();
    /// hub.close();
    /// block_on(closed);
    /// ```
    pub fn closed(&self) -> Closed {
        Closed::new(self.shared.0.clone())
    }

    /// Waits until the hub is closed and its last subscriber has gone. One whose client does not
    /// read stays as long as its connection: wait for a bounded time.
    ///
    /// ```
    /// use futures_util::future::select;
    /// use sse_encoder::Hub;
    ///
    /// async fn end(hub: Hub, a_second: impl Future + Unpin) {
    ///     hub.close();
    ///     select(hub.drained(), a_second).await;
    /// }
    /// # futures_executor::block_on(end(Hub::new(), std::future::ready(())));
    /// ```
    pub fn drained(&self) -> Drained {
        Drained::new(self.shared.0.clone())
    }

    /// The hub's figures. It looks at every subscriber: for a look each second, not for each event.
    ///
    /// ```
    /// use sse_encoder::{Event, Hub};
    ///
    /// let hub = Hub::new();
    /// hub.try_publish(&Event::text("hello"))?;
    /// let stats = hub.stats();
    /// assert_eq!((stats.published, stats.retained, stats.subscribers), (1, 1, 0));
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn stats(&self) -> HubStats {
        stats::of(&self.shared)
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subscribers = self.shared.exits.subscribers();
        f.debug_struct("Hub").field("subscribers", &subscribers).finish_non_exhaustive()
    }
}
