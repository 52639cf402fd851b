//! The handle of a hub.

use std::{fmt, future::Future, sync::Arc};

use sse_encoder::{Encode, EventId, LastEventId};

use crate::{
    ending::{Ending, Kind, Reconnect},
    error::Error,
    handle::Handle,
    history::History,
    owners::When,
    publish::{self, Target},
    stats::Stats,
    status::Status,
    subscriber::{Interest, Subscriber},
};

/// One log of events and its subscribers. This is a handle: its clones are the same hub.
///
/// Each event is encoded once, numbered, retained within the bounds, and handed to every subscriber
/// without a copy. A client that reconnects continues where it was, or is told that events are
/// missing. [The page on the hub](crate) explains how.
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
/// In memory an event gets the id `<epoch>-<n>`: each hub has an epoch of its own, another one
/// after each start of the process, and `n` counts published events. So the ids of an earlier
/// process are recognized.
///
/// An event with [an id of its own](sse_encoder::Event::id), a database's row say, keeps it. A
/// client can resume after it while the event is retained; later the id is unknown.
///
/// # Ephemeral events
///
/// An event with [no id](sse_encoder::Event::no_id), or a comment, is ephemeral: for presence,
/// progress, or anything else that is worthless a moment later. It has its place in the order, but
/// is never replayed, and missing it is not a gap.
///
/// # The end
///
/// A hub ends when it is [closed](Self::close), or when its last handle is dropped: then nothing
/// more can be published.
#[derive(Clone)]
pub struct Hub {
    handle: Arc<Handle>,
}

impl Hub {
    pub(crate) fn on(handle: Handle) -> Self {
        Self { handle: Arc::new(handle) }
    }

    /// Publishes the item without a topic, for subscribers [without topics](Self::subscribe). It is
    /// encoded at once, and appended to the log when the future is first polled; with a log in
    /// memory the future is ready then.
    ///
    /// Gives the id that the event has on the wire; `None` if it is
    /// [ephemeral](Self#ephemeral-events).
    ///
    /// Publishing never waits for a subscriber, however slowly its client reads.
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
    /// The item cannot be encoded, or is larger than [`max_frame`](crate::HubBuilder::max_frame);
    /// it writes no frame or more than one, as a cut within an item could not be resumed; its type
    /// is one of [the hub's own](crate::HubBuilder::notice_types); its own id is empty, looks like
    /// one of the hub's own, or is that of [an event that is
    /// retained](crate::Error::is_duplicate_id); or the hub is [closed](crate::Error::is_closed).
    /// Nothing is published then, and no number is used up.
    ///
    /// With a log on disk or on Redis there are two more errors. The event is [not
    /// appended](crate::Error::is_not_appended): the log refused it or cannot be reached. Or the
    /// [outcome is unknown](crate::Error::is_outcome_unknown): the disk failed while it wrote, or
    /// Redis did not answer. The hub does not send such an event again, as that could publish it
    /// twice.
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

    /// Publishes several items as one, in their order: all of them or none, and no other event
    /// between them. Gives the id of each. They are encoded at once, before the future is polled;
    /// the log is locked once, and each subscriber is woken once. On Redis it is one transaction.
    ///
    /// Each item is an event with its own id, so a client that is cut off between two of them
    /// continues with the next one.
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let ids = block_on(hub.publish_all([Event::json([1]), Event::json([2])]))?;
    /// assert_eq!(ids[1], Some(hub.position()));
    ///
    /// // One that cannot be encoded: none is published.
    /// let items = [Event::text("good"), Event::text("bad").id("two\nlines")];
    /// assert!(block_on(hub.publish_all(items)).is_err());
    /// assert_eq!(hub.stats().published, 2);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish`](Self::publish) for each item; and if two of them have the same id of their
    /// own, even in different topics, or they are [more than the hub
    /// retains](crate::Error::is_batch_too_long). No item is published then, unless the outcome is
    /// unknown: then all are, or no item is.
    pub fn publish_all<I>(
        &self,
        items: I,
    ) -> impl Future<Output = Result<Vec<Option<EventId>>, Error>> + use<'_, I>
    where
        I: IntoIterator<Item: Encode>,
    {
        Target::new(&self.handle).publish_all(items)
    }

    /// Publishes several items as one, as [`publish_all`](Self::publish_all) does, and now: for
    /// code that is not async.
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// hub.to("kitchen").try_publish_all(["one", "two"].map(Event::text))?;
    /// assert_eq!(hub.stats().published, 2);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish_all`](Self::publish_all); and where the log is not in memory.
    pub fn try_publish_all(
        &self,
        items: impl IntoIterator<Item: Encode>,
    ) -> Result<Vec<Option<EventId>>, Error> {
        Target::new(&self.handle).try_publish_all(items)
    }

    /// Publishes several items as one, as [`publish_all`](Self::publish_all) does, each to the
    /// topics and with the key of its own [`Target`]: for a change that concerns several of them,
    /// and is published as a whole or not at all.
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let ids = block_on(hub.publish_each_to([
    ///     (hub.to("account:7").key("balance"), Event::json(90)),
    ///     (hub.to("account:8").key("balance"), Event::json(110)),
    /// ]))?;
    /// assert_eq!(ids[1], Some(hub.position()));
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish_all`](Self::publish_all).
    pub fn publish_each_to<'a, I, T: Encode>(
        &'a self,
        items: I,
    ) -> impl Future<Output = Result<Vec<Option<EventId>>, Error>> + use<'a, I, T>
    where
        I: IntoIterator<Item = (Target<'a>, T)>,
    {
        publish::publish_all(&self.handle, items)
    }

    /// Publishes several items as one, as [`publish_each_to`](Self::publish_each_to) does, and now:
    /// for code that is not async.
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let [from, to] = ["account:7", "account:8"].map(|topic| hub.to(topic));
    /// let ids = hub.try_publish_each_to([(from, Event::json(90)), (to, Event::json(110))])?;
    /// assert_eq!(ids[1], Some(hub.position()));
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`publish_each_to`](Self::publish_each_to); and where the log is not in memory.
    pub fn try_publish_each_to<'a, T: Encode>(
        &'a self,
        items: impl IntoIterator<Item = (Target<'a>, T)>,
    ) -> Result<Vec<Option<EventId>>, Error> {
        publish::try_publish_all(&self.handle, items)
    }

    /// Names a topic to publish to. Only its subscribers get the event, live or replayed: those by
    /// [`subscribe_to`](Self::subscribe_to) and by [`subscribe_all`](Self::subscribe_all).
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

    /// Names several topics to publish to: one event, with one id, which a subscriber of several of
    /// them gets once. Without any it is the topic `""`.
    ///
    /// A subscriber of any one of them gets it: do not add a wider topic to an event that only the
    /// subscribers of a narrower one may have. Topics that are `String`s are given as `&[&a, &b]`.
    ///
    /// ```
    /// use sse_encoder::{Event, LastEventId};
    /// use sse_hub::{Hub, Resumption};
    ///
    /// let hub = Hub::new();
    /// let before = hub.position();
    /// let id = hub.to_all(&["order:7", "kitchen"]).try_publish(&Event::text("ready"))?;
    /// let both = hub.subscribe_to(["kitchen", "order:7"], &before.into());
    /// assert_eq!(both.resumption(), Resumption::Exact { missed: 1 });
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn to_all<'a>(&'a self, topics: &'a [&'a str]) -> Target<'a> {
        Target::new(&self.handle).to_all(topics)
    }

    /// Names a key: the newest event with it, within its topic, replaces the older ones, which
    /// subscribers that are behind then skip. For values of which only the latest counts: a price,
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

    /// Subscribes to the events published without a topic, after the last one that the client has
    /// seen.
    ///
    /// A client without a last event ID gets the events published from now on.
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

    /// Subscribes to these topics only, after the last event that the client has seen. The topic
    /// `""` is that of the events published without one.
    ///
    /// Check that the client may have these topics. Each poll takes time in proportion to their
    /// number.
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
        // The caller's iterator must not run while the log is locked.
        let topics: Vec<T> = topics.into_iter().collect();
        let topics: Vec<&str> = topics.iter().map(AsRef::as_ref).collect();
        Subscriber::new(self.handle.feed.clone(), Interest::Topics(topics.into_iter()), last)
    }

    /// Subscribes to all topics: for a monitor, not for clients with different rights.
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

    /// Some of the retained events of these topics, at once: for a page that shows the last twenty.
    /// If the client has a last event ID, these are the first ones after it, otherwise the newest;
    /// the oldest comes first. There are at most `limit`, of which 0 counts as 1. The topic `""` is
    /// that of the events published without one.
    ///
    /// Check that the client may have these topics. The events have no part in the
    /// [figures](Self::stats). [`History::position`] is where to read on, or to subscribe from. The
    /// cost grows with the events that are given, and not with those that are retained.
    ///
    /// ```
    /// use sse_encoder::{Event, LastEventId};
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// for n in 0..50 {
    ///     hub.to("room:7").try_publish(&Event::json(n))?;
    /// }
    /// let history = hub.history(["room:7"], &LastEventId::none(), 20);
    /// let position = history.position().clone();
    /// assert_eq!(history.len(), 20);
    /// // Later, or in the page, which sends it as `lastEventId`.
    /// let subscriber = hub.subscribe_to(["room:7"], &position.into());
    /// # drop(subscriber);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn history<T: AsRef<str>>(
        &self,
        topics: impl IntoIterator<Item = T>,
        last: &LastEventId,
        limit: usize,
    ) -> History {
        // The caller's iterator must not run while the log is locked.
        let topics: Vec<T> = topics.into_iter().collect();
        let topics: Vec<&str> = topics.iter().map(AsRef::as_ref).collect();
        History::read(&self.handle.feed, topics.into_iter(), last, limit)
    }

    /// How many subscribers of this server have named the topic, those that do not read included.
    /// It takes the same time however many there are. The topic `""` is that of the events
    /// published without one; [`subscribe_all`](Self::subscribe_all) names none.
    ///
    /// A user with two tabs has two. Other servers have their own: see
    /// [`on_listeners`](crate::HubBuilder::on_listeners) for presence.
    ///
    /// ```
    /// use sse_encoder::LastEventId;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let subscriber = hub.subscribe_to(["user:7", "news"], &LastEventId::none());
    /// assert_eq!((hub.listeners("user:7"), hub.listeners("user:8")), (1, 0));
    /// # drop(subscriber);
    /// ```
    pub fn listeners(&self, topic: &str) -> usize {
        self.handle.feed.listeners(topic)
    }

    /// Ends the streams that have this [owner](crate::Subscriber::owner): for a logout, a ban, new
    /// rights, or a tenant that moves. Gives how many streams of *this* server it has ended.
    ///
    /// They end at once, on Redis on every server, and give no more events. The last one is a
    /// [checkpoint](crate::CHECKPOINT) with the reconnection time, as when the hub is
    /// [closed](Self::close), or nothing with [`Reconnect::Never`]. Authorizations from before this
    /// call are invalid for streams of the owner; the hub remembers that for
    /// [`authorization_age`](crate::HubBuilder::authorization_age). **Close the door first**:
    /// change the session or the right in your database, then call this, as the client comes back
    /// by itself.
    ///
    /// It takes time in proportion to the owner's streams, and not to all. Nothing is ended until
    /// the future is polled. On disk and on Redis it is done once the log has the record, which a
    /// restart does not lose.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use futures_util::StreamExt;
    /// use sse_encoder::{Event, LastEventId};
    /// use sse_hub::{Hub, Reconnect};
    ///
    /// # futures_executor::block_on(async {
    /// let hub = Hub::new();
    /// let last = LastEventId::none();
    /// let mut subscriber = hub.subscribe(&last).owner("user:7", SystemTime::now());
    /// hub.publish(&Event::text("too late for it")).await?;
    /// assert_eq!(hub.end_owner("user:7", Reconnect::Never).await?, 1);
    /// assert!(subscriber.next().await.is_none());
    /// # Ok::<(), sse_hub::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// The name is [longer than 4 KiB](crate::Error::is_name_too_long), and nothing was ended.
    ///
    /// With a log on disk or on Redis: the hub is [closed](crate::Error::is_closed), or the record
    /// is [not appended](crate::Error::is_not_appended), or that is
    /// [unknown](crate::Error::is_outcome_unknown). Then the streams of this server have ended all
    /// the same: call it again until it succeeds.
    pub async fn end_owner(&self, owner: &str, reconnect: Reconnect) -> Result<usize, Error> {
        self.end(Ending::new(Kind::Owner, owner, reconnect)?).await
    }

    /// Ends the streams that have named this topic, whether or not they have an
    /// [owner](crate::Subscriber::owner): for a room that is closed. A stream of several topics
    /// ends with each of them. All else is as with [`end_owner`](Self::end_owner).
    ///
    /// A stream that begins later ends, too, if it [says](crate::Subscriber::owner) that it was
    /// authorized before; one without an owner says nothing. Streams [of all
    /// topics](Self::subscribe_all) stay.
    ///
    /// ```
    /// use sse_encoder::LastEventId;
    /// use sse_hub::{Hub, Reconnect};
    ///
    /// # futures_executor::block_on(async {
    /// let hub = Hub::new();
    /// let subscriber = hub.subscribe_to(["room:7", "news"], &LastEventId::none());
    /// assert_eq!(hub.end_topic("room:7", Reconnect::Soon).await?, 1);
    /// assert_eq!(subscriber.ended(), Some(Reconnect::Soon));
    /// # Ok::<(), sse_hub::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`end_owner`](Self::end_owner).
    pub async fn end_topic(&self, topic: &str, reconnect: Reconnect) -> Result<usize, Error> {
        self.end(Ending::new(Kind::Topic, topic, reconnect)?).await
    }

    async fn end(&self, ending: Ending) -> Result<usize, Error> {
        // Here at once, also if the log cannot be reached.
        let ended = self.handle.feed.end(&ending, When::Now);
        self.handle.log.end(ending).await?;
        Ok(ended)
    }

    /// Ends the hub, for a server's shutdown: nothing more can be published. Each stream sends the
    /// published events, then a last [checkpoint](crate::CHECKPOINT) with a reconnection time of
    /// its own, and ends. A later subscription gets the retained events, and ends, too.
    ///
    /// On Redis the published events are those that this server has read: a client gets the others
    /// where it reconnects.
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

    /// Waits until the hub has been [closed](Self::close): for tasks that end with it.
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

    /// Waits until the hub is closed and its last subscriber is dropped; with a log on disk also
    /// until the events that were published before are written. A subscriber whose client does not
    /// read stays as long as its connection: limit the wait.
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

    /// The hub's figures. It takes no lock, and its cost does not depend on the number of
    /// subscribers, topics or events.
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

    /// How many entries the slowest subscriber is behind the newest one. A large number means a
    /// client that does not read.
    ///
    /// It looks at every subscriber, 256 at a time, so that no publisher waits for it: call it once
    /// a second, not for each event.
    ///
    /// ```
    /// use sse_encoder::{Event, LastEventId};
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let subscriber = hub.subscribe(&LastEventId::none());
    /// hub.try_publish(&Event::text("not read"))?;
    /// assert_eq!(hub.lag(), 1);
    /// # drop(subscriber);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn lag(&self) -> u64 {
        self.handle.feed.lag(false)
    }

    /// As [`lag`](Self::lag), but only of the subscribers whose missing entries are all retained.
    /// One whose client does not read is soon further behind, and gets a gap.
    ///
    /// A publisher that waits for its readers needs no figure: see [`caught_up`](Self::caught_up).
    ///
    /// ```
    /// use sse_encoder::{Event, LastEventId};
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::builder().retain_events(2).build();
    /// let subscriber = hub.subscribe(&LastEventId::none());
    /// for n in 0..3 {
    ///     hub.try_publish(&Event::json(n))?;
    /// }
    /// assert_eq!((hub.lag(), hub.retained_lag()), (3, 0));
    /// # drop(subscriber);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn retained_lag(&self) -> u64 {
        self.handle.feed.lag(true)
    }

    /// Waits until the subscribers that read are at most `max_lag` entries behind the newest one,
    /// for a publisher of many events: no reader then loses one. It is ready at once if no reader
    /// is further behind, or once the hub is [closed](Self::close).
    ///
    /// Limit the wait. If the future is dropped before it is ready, subscribers that have read
    /// nothing since its first poll are not waited for again until they read: a client that does
    /// not read costs one such wait, and gets a [gap](crate::GAP) later. A subscriber that has
    /// already lost events is not waited for.
    ///
    /// Choose at most half of [`retain_events`](crate::HubBuilder::retain_events): subscribers are
    /// checked only after up to `max_lag` new entries, and show their progress after each 32
    /// events. So the call is cheap, before each event or every few dozen, as long as all keep up.
    /// On Redis it waits for this server's subscribers, and the server has to read its own events
    /// from Redis first: [wait](Self::wait_for) for the newest id before.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sse_encoder::Event;
    /// use sse_hub::{Error, Hub};
    /// use tokio::time::timeout;
    ///
    /// async fn publish_each(hub: &Hub, texts: &[String]) -> Result<(), Error> {
    ///     for text in texts {
    ///         // After a second, publish all the same; return an error here to give up instead.
    ///         let _ = timeout(Duration::from_secs(1), hub.caught_up(512)).await;
    ///         hub.publish(&Event::text(text)).await?;
    ///     }
    ///     Ok(())
    /// }
    /// # let mut runtime = tokio::runtime::Builder::new_current_thread();
    /// # let runtime = runtime.enable_time().build().unwrap();
    /// # runtime.block_on(publish_each(&Hub::new(), &vec!["a".into(); 100])).unwrap();
    /// ```
    pub fn caught_up(&self, max_lag: u64) -> impl Future<Output = ()> + Send + Unpin + use<> {
        self.handle.feed.caught_up(max_lag)
    }

    /// The position after the newest event, as an id from which a client can subscribe; also while
    /// there is no event yet.
    ///
    /// For a page that first loads a state, and then follows its changes: take the position, *then*
    /// load the state, and give both to the page, which subscribes from there. An event published
    /// in between is delivered, and may be in the state already. Taken after the state, the
    /// position would skip it. [The page on the hub](crate#the-state-and-then-its-changes) has the
    /// recipe.
    ///
    /// On Redis it is this server's position. If this server has read nothing since its start,
    /// clients that subscribe from it get a gap: [wait](Self::wait_for) for the log first.
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::{Hub, Resumption};
    ///
    /// let hub = Hub::new();
    /// let position = hub.position();
    /// // Here the state is loaded.
    /// hub.try_publish(&Event::text("meanwhile"))?;
    /// let subscriber = hub.subscribe(&position.into());
    /// assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub fn position(&self) -> EventId {
        let retained = &self.handle.feed.read().retained;
        retained.newest_id(None).get().clone()
    }

    /// Whether the hub is connected to its log; in memory it always is.
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

    /// Waits until the hub has read its log, or never will; in memory it is ready at once. At a
    /// server's start, wait for it, for a bounded time, before accepting connections.
    ///
    /// ```
    /// use sse_hub::{Hub, Status};
    ///
    /// assert_eq!(futures_executor::block_on(Hub::new().live()), Status::Live);
    /// ```
    pub async fn live(&self) -> Status {
        self.handle.log.live().await
    }

    /// Waits, a second at most, until this server knows the events after the client's last event
    /// ID; call it before subscribing. A client that changes servers within milliseconds may be
    /// ahead of the new one, and would get a needless gap.
    ///
    /// With a log in memory or on disk it is `true` at once; on Redis, if the id is known here. If
    /// it is not, only a read of the log that begins after this call shows whether the log has it,
    /// and whether the log is still the one that this server has read: that takes up to 0.8 s.
    ///
    /// `false` means that the log cannot be read: better send the client away for a while, with
    /// [`SseEncoder::retry_after`](sse_encoder::SseEncoder::retry_after). If it is subscribed all
    /// the same, it gets a gap that may be needless, and maybe events that it has.
    ///
    /// ```
    /// use sse_encoder::{LastEventId, SseEncoder};
    /// use sse_hub::{Hub, Subscriber};
    ///
    /// /// Answer `None` with `SseEncoder::retry_after`.
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
