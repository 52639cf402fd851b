//! The handle of a hub.

use std::{fmt, future::Future, sync::Arc};

use sse_encoder::{Encode, EventId, LastEventId};

use crate::{
    error::Error,
    handle::Handle,
    publish::Target,
    stats::Stats,
    status::Status,
    subscriber::{Interest, Subscriber},
};

/// One log of events, and all that listen to it: a handle, whose clones are the same hub.
///
/// What is published is encoded once, numbered, retained as far as the bounds allow, and handed to
/// every subscriber without being copied. A client that comes back goes on where it was, or is told
/// that something is missing. [The page on the hub](crate) explains how.
///
/// ```
/// use futures_executor::block_on;
/// use sse_encoder::{Event, LastEventId, SseEncoder};
/// use sse_hub::Hub;
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
/// # Ok::<(), sse_hub::Error>(())
/// # }).unwrap();
/// ```
///
/// # Ids
///
/// An event gets the id `<epoch>-<n>`: the epoch is another one for each hub and each start of a
/// process, and `n` counts what is published. So an id of an earlier process is known as such.
///
/// An event with [an id of its own](sse_encoder::Event::id), a database's row say, keeps it. A client can
/// resume after it as long as the event is retained; after that it is unknown.
///
/// # Ephemeral events
///
/// An event with [no id](sse_encoder::Event::no_id), and a comment, is ephemeral: presence, progress,
/// whatever is worth nothing a moment later. It takes its place in the order, is never replayed,
/// and having missed it is no gap.
///
/// # The end
///
/// A hub ends when it is [closed](Self::close), or when its last handle is dropped: then nothing
/// more can come.
#[derive(Clone)]
pub struct Hub {
    handle: Arc<Handle>,
}

impl Hub {
    pub(crate) fn on(handle: Handle) -> Self {
        Self { handle: Arc::new(handle) }
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
    /// use sse_encoder::{Event, EventId};
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let id = block_on(hub.publish(&Event::json([1, 2])))?.unwrap();
    /// assert!(id.as_str().ends_with("-1"));
    /// let row = Event::text("of a database").id(EventId::from_static("row-9"));
    /// assert_eq!(block_on(hub.publish(&row))?.unwrap(), "row-9");
    /// assert_eq!(block_on(hub.publish(&Event::text("typing").no_id()))?, None);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The item cannot be encoded, or is larger than [`max_frame`](crate::HubBuilder::max_frame); it
    /// writes no frame or more than one, as a cut within an item could not be resumed; its own id
    /// is empty, looks like one of the hub's own, or is that of [an event that is
    /// retained](crate::Error::is_duplicate_id); or the hub is [closed](crate::Error::is_closed).
    /// Nothing is published then, and no number is used up.
    #[cfg_attr(feature = "redis", doc = include_str!("redis/outcomes.md"))]
    pub fn publish<T: ?Sized + Encode>(
        &self,
        item: &T,
    ) -> impl Future<Output = Result<Option<EventId>, Error>> + use<'_, T> {
        Target::new(&self.handle).publish(item)
    }

    /// Publishes the item now, as [`publish`](Self::publish) does: for code that is not async.
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// hub.try_publish(&Event::text("hello"))?;
    /// assert_eq!(hub.stats().retained, 1);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish); and where the log is not in memory.
    pub fn try_publish<T: ?Sized + Encode>(&self, item: &T) -> Result<Option<EventId>, Error> {
        Target::new(&self.handle).try_publish(item)
    }

    /// Names a topic to publish to. Only who has named it hears of it, live or later:
    /// [`subscribe_to`](Self::subscribe_to), or [`subscribe_all`](Self::subscribe_all).
    ///
    /// ```
    /// use sse_encoder::{Event, LastEventId};
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let subscriber = hub.subscribe_to(["user:7", ""], &LastEventId::none());
    /// hub.to("user:7").try_publish(&Event::text("only for you"))?;
    /// hub.try_publish(&Event::text("for everybody"))?;
    /// # drop(subscriber);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn to<'a>(&'a self, topic: &'a str) -> Target<'a> {
        Target::new(&self.handle).to(topic)
    }

    /// Names a key: the newest event with it, within its topic, takes the place of the older ones,
    /// which those who are behind then skip. For values of which only the last one counts: a price,
    /// a position.
    ///
    /// ```
    /// use sse_encoder::{Event, LastEventId};
    /// use sse_hub::{Hub, Resumption};
    ///
    /// let hub = Hub::new();
    /// let before = hub.try_publish(&Event::text("open"))?;
    /// for price in [1250, 1251, 1249] {
    ///     hub.key("ACME").try_publish(&Event::json(price))?;
    /// }
    /// let subscriber = hub.subscribe(&before.into());
    /// assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn key<'a>(&'a self, key: &'a str) -> Target<'a> {
        Target::new(&self.handle).key(key)
    }

    /// Subscribes to all that is published without a topic, after what the client has last seen.
    ///
    /// A client without a last event ID gets what is published from now on.
    ///
    /// ```
    /// use sse_encoder::{LastEventId, SseEncoder};
    /// use sse_hub::{Hub, Subscriber};
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
    /// use sse_encoder::LastEventId;
    /// use sse_hub::Hub;
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
        Subscriber::new(self.handle.feed.clone(), Interest::Topics(topics.into_iter()), last)
    }

    /// Subscribes to everything, whatever its topic: for a monitor, not for clients of whom each
    /// may hear something else.
    ///
    /// ```
    /// use sse_encoder::{Event, LastEventId};
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let monitor = hub.subscribe_all(&LastEventId::none());
    /// hub.to("user:7").try_publish(&Event::text("a note"))?;
    /// # drop(monitor);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn subscribe_all(&self, last: &LastEventId) -> Subscriber {
        let everything = Interest::<std::iter::Empty<_>>::Everything;
        Subscriber::new(self.handle.feed.clone(), everything, last)
    }

    /// Ends the hub: nothing more can be published, and each stream ends when all that has been
    /// published is sent, with a last reconnection time of its own. For a server's shutdown. Who
    /// subscribes after that gets what is retained, and the end.
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use sse_encoder::{Event, LastEventId};
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let subscriber = hub.subscribe(&LastEventId::none());
    /// hub.close();
    /// assert!(hub.try_publish(&Event::text("late")).unwrap_err().is_closed());
    /// drop(subscriber);
    /// block_on(hub.drained());
    /// ```
    pub fn close(&self) {
        self.handle.close();
    }

    /// Whether the hub has been [closed](Self::close).
    pub fn is_closed(&self) -> bool {
        self.handle.feed.is_closed()
    }

    /// Waits until the hub has been [closed](Self::close): for what has to end with it.
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let closed = hub.closed();
    /// hub.close();
    /// block_on(closed);
    /// ```
    pub fn closed(&self) -> impl Future<Output = ()> + Send + Unpin + use<> {
        self.handle.feed.closed()
    }

    /// Waits until the hub is closed and its last subscriber has gone. One whose client does not
    /// read stays as long as its connection: wait for a bounded time.
    ///
    /// ```
    /// use futures_util::future::select;
    /// use sse_hub::Hub;
    ///
    /// async fn end(hub: Hub, a_second: impl Future + Unpin) {
    ///     hub.close();
    ///     select(hub.drained(), a_second).await;
    /// }
    /// # futures_executor::block_on(end(Hub::new(), std::future::ready(())));
    /// ```
    pub fn drained(&self) -> impl Future<Output = ()> + Send + Unpin + use<> {
        self.handle.feed.drained()
    }

    /// The hub's figures. It looks at every subscriber: for a look each second, not for each event.
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// hub.try_publish(&Event::text("hello"))?;
    /// let stats = hub.stats();
    /// assert_eq!((stats.published, stats.retained, stats.subscribers), (1, 1, 0));
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn stats(&self) -> Stats {
        Stats::of(&self.handle)
    }

    /// Whether the hub has its log at hand; in memory it always has.
    ///
    /// ```
    /// use sse_hub::{Hub, Status};
    ///
    /// fn health(hub: &Hub) -> String {
    ///     match hub.status() {
    ///         Status::Live => "all is well".into(),
    ///         Status::Stale { since } => format!("no connection for {:?}", since.elapsed()),
    ///         _ => "the driver was dropped".into(),
    ///     }
    /// }
    /// assert_eq!(health(&Hub::new()), "all is well");
    /// ```
    pub fn status(&self) -> Status {
        self.handle.log.status()
    }

    /// Waits until the hub has its log at hand, or never will; in memory it has. At a server's
    /// start: wait for it, for a bounded time, before you accept connections.
    ///
    /// ```
    /// use sse_hub::{Hub, Status};
    ///
    /// assert_eq!(futures_executor::block_on(Hub::new().live()), Status::Live);
    /// ```
    pub async fn live(&self) -> Status {
        self.handle.log.live().await
    }

    /// Waits until this server can tell what comes after the client's last event ID, a second at
    /// most; call it before you subscribe. Whoever changes from one server to the other within
    /// milliseconds may be ahead of it, and would hear of a gap that is none.
    ///
    /// In memory it can always tell, at once. `false` if the log is elsewhere and out of reach, and
    /// this server has not read it since it started, or not as far as the client: better send the
    /// client away for a while, with
    /// [`SseEncoder::retry_after`](sse_encoder::SseEncoder::retry_after). If you subscribe it
    /// nevertheless, it hears of a gap that may be none.
    ///
    /// An id that is none of the log's takes the second, too.
    ///
    /// ```
    /// use sse_encoder::{LastEventId, SseEncoder};
    /// use sse_hub::{Hub, Subscriber};
    ///
    /// /// `None` is to be answered with `SseEncoder::retry_after`.
    /// async fn events(hub: &Hub, last: &LastEventId) -> Option<SseEncoder<Subscriber>> {
    ///     hub.wait_for(last).await.then(|| SseEncoder::new(hub.subscribe(last)))
    /// }
    /// # let events = futures_executor::block_on(events(&Hub::new(), &LastEventId::none()));
    /// # assert!(events.is_some());
    /// ```
    pub async fn wait_for(&self, last: &LastEventId) -> bool {
        self.handle.log.wait_for(last).await
    }
}

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subscribers = self.handle.feed.subscribers().get();
        f.debug_struct("Hub").field("subscribers", &subscribers).finish_non_exhaustive()
    }
}
