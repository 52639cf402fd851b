//! A subscription: a position in the log, and the stream of the events after it.

mod poll;

use std::{
    fmt, iter,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use sse_encoder::{Encode, Encoded, LastEventId};

use crate::{
    ending::{MAX_NAME, Reconnect},
    error::Error,
    feed::{Feed, State},
    frame::{Rules, encode},
    log::{ClientPosition, Resumed, ToldLoss},
    owners::Membership,
    position::Position,
    resumption::{Resumption, is_new},
    settings::OnGap,
    topic::{NOTHING, TopicId},
    wait::{WaitList, WaiterId},
};

/// A subscription to a [`Hub`](crate::Hub): a stream of frames, for
/// [`SseEncoder`](sse_encoder::SseEncoder), which passes each on without a copy.
///
/// It is a position in the hub's log and not a queue: it costs no more when its client does not
/// read. If that position falls out of the retained events, the client gets an event of the type
/// [`gap`](crate::GAP), and the stream continues.
///
/// The first event, if the stream has not [ended](Self::ended), is one of the type
/// [`checkpoint`](crate::CHECKPOINT). Dropping the subscriber ends the subscription.
///
/// ```
/// use futures_executor::block_on;
/// use futures_util::StreamExt;
/// use sse_encoder::{Event, LastEventId};
/// use sse_hub::Hub;
///
/// let hub = Hub::new();
/// let mut subscriber = hub.subscribe(&LastEventId::none());
/// let id = hub.try_publish(&Event::text("hello"))?.unwrap();
///
/// let checkpoint = block_on(subscriber.next()).unwrap().into_bytes();
/// assert!(checkpoint.ends_with(b"data: {}\n\n"));
/// let hello = block_on(subscriber.next()).unwrap().into_bytes();
/// assert_eq!(hello, format!("id: {id}\nevent: message\ndata: hello\n\n"));
/// # Ok::<(), sse_hub::Error>(())
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Subscriber {
    feed: Arc<Feed>,
    seats: Seats,
    /// All entries up to here have been read.
    cursor: u64,
    /// The position whose id the client has, or an older one.
    client: ClientPosition,
    /// The newest entry at the time of subscribing: ephemeral events before it are not replayed,
    /// and a state contains what happened before it.
    live_from: ClientPosition,
    deadline: Option<Instant>,
    start: Start,
    /// Only some subscribers have one.
    extra: Option<Box<Extra>>,
    delivered: u64,
    /// The hub's number of endings when this stream last checked for its own.
    endings: u32,
    stage: Stage,
}

/// The state and the owners of a subscriber.
#[derive(Default)]
struct Extra {
    /// Sent in place of a replay.
    state: Option<FirstState>,
    /// Its owners.
    owners: Vec<Membership>,
}

/// The next thing to send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// The checkpoint.
    Checkpoint,
    /// The gap, or the state.
    Opening,
    /// The newest event of each key.
    Newest,
    /// The entries of the log.
    Live,
    /// Nothing more.
    Ended,
}

/// [`Resumption`], in less memory.
enum Start {
    Fresh,
    Exact { missed: usize },
    Returned(Box<Returned>),
    Inexact(Box<Inexact>),
}

/// The state that a subscription begins with.
enum FirstState {
    /// This one; its id is added when it is sent.
    Given(Encoded),
    /// The newest event of each key, as long as the log has counted no more losses than these.
    Newest { losses: u64 },
}

/// An exact start after a position that is older than the one that the client had before a gap.
struct Returned {
    missed: usize,
    had: Position,
}

/// A loss before the first event, which the gap tells.
struct Inexact {
    resumption: Resumption,
    loss: ToldLoss,
}

type Seat = (Arc<WaitList<Encoded>>, WaiterId);

/// The lists that the subscriber is in: usually exactly one.
struct Seats {
    first: Seat,
    more: Box<[Seat]>,
}

impl Seats {
    fn iter(&self) -> impl Iterator<Item = &Seat> + Clone {
        iter::once(&self.first).chain(&self.more)
    }

    fn topics(&self) -> impl Iterator<Item = TopicId> + Clone {
        self.iter().map(|(list, _)| list.topic)
    }
}

/// The topics of a subscription.
pub(crate) enum Interest<T> {
    Topics(T),
    Everything,
}

impl Subscriber {
    pub(crate) fn new<'a>(
        feed: Arc<Feed>,
        interest: Interest<impl Iterator<Item = &'a str> + Clone>,
        last: &LastEventId,
    ) -> Self {
        let (state, mut topics) = feed.watch(match interest {
            Interest::Everything => None,
            Interest::Topics(names) => Some(names),
        });
        let endings = feed.owners.endings();
        let live_from = state.retained.newest();
        let (cursor, start) = begin(&feed, &state, &topics, last);
        let client = match start {
            // It moves once the gap is told.
            Start::Inexact(_) => ClientPosition::NOTHING,
            _ => cursor,
        };
        let cursor = cursor.seq();

        // Under the lock of the log, so that no topic can be forgotten.
        let sit = |topic| state.join(topic, cursor);
        // A subscription to no topic waits for the end of the hub.
        let first = sit(topics.pop().unwrap_or(NOTHING));
        let seats = Seats { first, more: topics.into_iter().map(sit).collect() };
        feed.subscribers().add();
        drop(state);
        feed.tell_listeners(feed.names_to_tell(seats.topics()));

        let deadline = feed.settings.jittered_age().and_then(after_now);
        Self {
            feed,
            seats,
            cursor,
            client,
            live_from,
            deadline,
            start,
            extra: None,
            delivered: 0,
            endings,
            stage: Stage::Checkpoint,
        }
    }

    /// Whether the subscription continues where the client left off.
    ///
    /// ```
    /// use sse_encoder::LastEventId;
    /// use sse_hub::{Hub, Resumption};
    ///
    /// let hub = Hub::new();
    /// let last = LastEventId::from_headers([b"1700000000000000-7"]);
    /// let resumption = hub.subscribe(&last).resumption();
    /// assert!(matches!(resumption, Resumption::Unknown { .. }));
    /// assert!(resumption.needs_state());
    /// ```
    pub fn resumption(&self) -> Resumption {
        match &self.start {
            Start::Fresh => Resumption::Fresh,
            Start::Exact { missed } => Resumption::Exact { missed: *missed },
            Start::Returned(returned) => Resumption::Exact { missed: returned.missed },
            Start::Inexact(inexact) => inexact.resumption.clone(),
        }
    }

    /// Begins with this state, in place of the missed events: for clients that first load a state,
    /// and then follow its changes.
    ///
    /// Take the subscription, then load the state, then call this: the state is sent first, with
    /// the position at which the subscription was taken as its id, and the events published
    /// meanwhile follow. As some of these may be in the state already, applying an event twice must
    /// be harmless. If some of these are lost by then, the state has no id, and a gap follows it.
    ///
    /// The state is one item of one frame, of any size, without an id of its own.
    ///
    /// # Errors
    ///
    /// The item cannot be encoded, is not one frame, has a type of the hub's own, or has an id of
    /// its own or [no id](sse_encoder::Event::no_id); or the stream has been polled already.
    ///
    /// ```
    /// use sse_encoder::{Event, LastEventId, SseEncoder};
    /// use sse_hub::{Error, Hub, Subscriber};
    /// # async fn load() -> Vec<u32> { Vec::new() }
    ///
    /// async fn prices(hub: &Hub, last: &LastEventId) -> Result<SseEncoder<Subscriber>, Error> {
    ///     let mut subscriber = hub.subscribe_to(["prices"], last);
    ///     if subscriber.resumption().needs_state() {
    ///         let all = load().await;
    ///         subscriber.begin_with(&Event::json(all))?;
    ///     }
    ///     Ok(SseEncoder::new(subscriber))
    /// }
    /// # let hub = Hub::new();
    /// # assert!(futures_executor::block_on(prices(&hub, &LastEventId::none())).is_ok());
    /// ```
    pub fn begin_with<T: ?Sized + Encode>(&mut self, state: &T) -> Result<(), Error> {
        if self.stage != Stage::Checkpoint {
            return Err(Error::already_polled());
        }
        let rules = Rules { max_frame: usize::MAX, ..self.feed.settings.rules() };
        let state = encode(state, rules)?;
        if !state.lacks_id() {
            return Err(Error::state_id());
        }
        self.set_state(FirstState::Given(state));
        self.cursor = self.live_from.seq();
        Ok(())
    }

    /// Begins with the newest event of each [key](crate::Hub::key) of the subscription's topics,
    /// and goes on with the events published from now on: a client has the whole state and each of
    /// its changes, each once, without a state kept elsewhere.
    ///
    /// A client that [resumes exactly](Resumption::Exact) has the state, and gets the events that
    /// it has missed, as without this. All others get the state in place of the missed events.
    ///
    /// The state stands between two [checkpoints](crate::CHECKPOINT). The first one has the data
    /// `{"state":"begins"}`: a page then forgets the state that it has. The second one has the data
    /// `{"state":"whole"}`, and the position as its id. The events of the state have their own ids,
    /// in the order of the log: a client that is cut off within the state continues there.
    ///
    /// * An event of the type [`removed`](crate::REMOVED) removes its key: it reaches the
    ///   subscribers like all others, and the state has nothing of that key from then on.
    /// * Events without a key, and [ephemeral](crate::Hub#ephemeral-events) ones, are not part of
    ///   the state: give each event of such topics a key.
    /// * The newest events are kept even when they are no longer retained otherwise, for [as many
    ///   keys](crate::HubBuilder::retain_keys) as you allow. If one may have been dropped, or this
    ///   server does not know the log from its beginning, the client gets a [gap](crate::GAP) and
    ///   no part of the state.
    ///
    /// # Errors
    ///
    /// The stream has been polled already.
    ///
    /// ```
    /// use sse_encoder::{LastEventId, SseEncoder};
    /// use sse_hub::{Error, Hub, Subscriber};
    ///
    /// fn prices(hub: &Hub, last: &LastEventId) -> Result<SseEncoder<Subscriber>, Error> {
    ///     let mut subscriber = hub.subscribe_to(["prices"], last);
    ///     subscriber.begin_with_latest()?;
    ///     Ok(SseEncoder::new(subscriber))
    /// }
    /// # assert!(prices(&Hub::new(), &LastEventId::none()).is_ok());
    /// ```
    pub fn begin_with_latest(&mut self) -> Result<(), Error> {
        if self.stage != Stage::Checkpoint {
            return Err(Error::already_polled());
        }
        if matches!(self.start, Start::Exact { .. } | Start::Returned(_)) {
            return Ok(());
        }
        let feed = self.feed.clone();
        let state = feed.current();
        let log = &state.retained;
        if let Some(losses) = log.losses_of_whole(self.seats.topics()) {
            self.set_state(FirstState::Newest { losses });
            (self.cursor, self.client) = (0, ClientPosition::NOTHING);
            self.live_from = log.newest();
        } else if matches!(self.start, Start::Fresh) {
            let loss = log.tell(log.all_as_loss(), true);
            (self.cursor, self.client) = (loss.position.seq(), ClientPosition::NOTHING);
            let resumed_after = loss.id.get().clone();
            let resumption = Resumption::Unknown { requested: None, resumed_after };
            self.start = Start::Inexact(Box::new(Inexact { resumption, loss }));
            self.feed.count_gap();
        }
        Ok(())
    }

    /// Ends the stream after this time, or at an earlier end that is set already: when its
    /// authorization expires, for example. The client reconnects, and is authorized again.
    ///
    /// The time is checked at each poll, before anything is sent; the keep-alive of
    /// [`SseEncoder`](sse_encoder::SseEncoder::keep_alive) polls quiet streams. The default is the
    /// hub's [`connection_age`](crate::HubBuilder::connection_age).
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures_executor::block_on;
    /// use futures_util::StreamExt;
    /// use sse_encoder::LastEventId;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let mut subscriber = hub.subscribe(&LastEventId::none()).expires_in(Duration::ZERO);
    /// assert!(block_on(subscriber.next()).is_none());
    /// ```
    pub fn expires_in(mut self, time: Duration) -> Self {
        let deadline = after_now(time);
        self.deadline = [self.deadline, deadline].into_iter().flatten().min();
        self
    }

    /// Names an owner of the stream, and since when the client is authorized: for
    /// [`Hub::end_owner`](crate::Hub::end_owner), which ends the streams of a logout or a ban. Any
    /// text of at most 4 KiB is a name; a stream can have several owners: a user and a tenant, say.
    ///
    /// If the owner's streams, or those of a topic of the subscription, were ended since the
    /// authorization, this stream ends at its first poll, and gives no event: a client that was
    /// authorized before that, and subscribes after it, does not slip through. The stream also ends
    /// if the authorization is older than the hub's
    /// [`authorization_age`](crate::HubBuilder::authorization_age), or on Redis if the server has
    /// not read its log yet: [wait](crate::Hub::wait_for) for it. [Ask](Self::ended) before you
    /// answer.
    ///
    /// `authorized_at` is the time of this server's clock *before* it looks up the session; for a
    /// token that is not looked up, the time when the token was issued. A time in the future counts
    /// as now. The clocks of the servers that issue tokens and of those that end streams must
    /// agree: a token from a clock that is ahead stays valid for that much longer.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use sse_encoder::{LastEventId, SseEncoder, StopReconnecting};
    /// use sse_hub::{Hub, Reconnect, Subscriber};
    /// # struct Session { user: u32, tenant: u32 }
    /// # async fn session() -> Session { Session { user: 7, tenant: 3 } }
    ///
    /// /// Answer an error with 204, to which no `EventSource` comes back.
    /// async fn events(
    ///     hub: &Hub,
    ///     last: &LastEventId,
    /// ) -> Result<SseEncoder<Subscriber>, StopReconnecting> {
    ///     let authorized_at = SystemTime::now();
    ///     let Session { user, tenant } = session().await;
    ///     let subscriber = hub
    ///         .subscribe_to([format!("user:{user}")], last)
    ///         .owner(&format!("user:{user}"), authorized_at)
    ///         .owner(&format!("tenant:{tenant}"), authorized_at);
    ///     match subscriber.ended() {
    ///         Some(Reconnect::Never) => Err(StopReconnecting),
    ///         // At another end its only event is the time after which it comes back.
    ///         _ => Ok(SseEncoder::new(subscriber)),
    ///     }
    /// }
    /// # let hub = Hub::new();
    /// # let stream = futures_executor::block_on(events(&hub, &LastEventId::none()));
    /// # assert!(stream.is_ok());
    /// # let ended = futures_executor::block_on(hub.end_owner("tenant:3", Reconnect::Never));
    /// # assert_eq!(ended.unwrap(), 1);
    /// ```
    pub fn owner(mut self, owner: &str, authorized_at: SystemTime) -> Self {
        let (list, waiter) = self.seats.first.clone();
        let ended = if owner.len() > MAX_NAME {
            // Its streams could not be ended.
            Some(Reconnect::Soon)
        } else {
            let topics: Vec<_> = {
                let topics = &self.feed.read().topics;
                self.seats.topics().filter_map(|topic| topics.name(topic).cloned()).collect()
            };
            let seat = (list.clone(), waiter);
            let (membership, ended) =
                self.feed.owners.join(&owner.into(), topics.iter(), authorized_at.into(), seat);
            self.extra.get_or_insert_default().owners.push(membership);
            ended
        };
        if let Some(reconnect) = ended {
            // Not parked yet.
            list.end(waiter, reconnect.code(), &mut Vec::new());
            // So that the next poll checks.
            self.endings = self.endings.wrapping_sub(1);
        }
        self
    }

    /// How the client is to come back if the stream was ended: by
    /// [`Hub::end_owner`](crate::Hub::end_owner), by [`Hub::end_topic`](crate::Hub::end_topic), or
    /// because its authorization is no longer valid. `None` if it was not.
    ///
    /// The handler of a client that has just come back calls this, and answers
    /// [`StopReconnecting`](sse_encoder::StopReconnecting) at [`Reconnect::Never`]; see
    /// [`owner`](Self::owner). After the other endings, too, the authorization is no longer valid:
    /// a client that would send the same token again needs a new one.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use sse_encoder::LastEventId;
    /// use sse_hub::{Hub, Reconnect};
    ///
    /// # futures_executor::block_on(async {
    /// let hub = Hub::new();
    /// let last = LastEventId::none();
    /// let before = SystemTime::now();
    /// hub.end_owner("user:7", Reconnect::Never).await?;
    /// let late = hub.subscribe(&last).owner("user:7", before);
    /// assert_eq!(late.ended(), Some(Reconnect::Never));
    /// let other = hub.subscribe(&last).owner("user:8", before);
    /// assert_eq!(other.ended(), None);
    /// # drop((late, other));
    /// # Ok::<(), sse_hub::Error>(())
    /// # }).unwrap();
    /// ```
    pub fn ended(&self) -> Option<Reconnect> {
        let code = self.seats.iter().map(|(list, waiter)| list.ended(*waiter)).max();
        code.and_then(Reconnect::from_code)
    }

    fn state(&self) -> Option<&FirstState> {
        self.extra.as_ref()?.state.as_ref()
    }

    fn set_state(&mut self, state: FirstState) {
        self.extra.get_or_insert_default().state = Some(state);
    }

    fn take_state(&mut self) -> Option<FirstState> {
        let extra = self.extra.as_mut()?;
        let state = extra.state.take();
        if extra.owners.is_empty() {
            self.extra = None;
        }
        state
    }
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.feed.read();
        let topics: Vec<_> = self.seats.topics().map(|topic| state.topics.name(topic)).collect();
        f.debug_struct("Subscriber")
            .field("topics", &topics)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

/// The position to begin at, and the answer to the client's last event ID.
fn begin(
    feed: &Feed,
    State { retained, .. }: &State,
    topics: &[TopicId],
    last: &LastEventId,
) -> (ClientPosition, Start) {
    let topics = topics.iter().copied();
    if is_new(last) {
        feed.counts.fresh.add();
        return (retained.newest(), Start::Fresh);
    }
    let count = |position: ClientPosition| {
        feed.counts.exact.add();
        retained.count_after(topics.clone(), position.seq())
    };
    let (loss, is_unknown) = match retained.resume(topics.clone(), last.get()) {
        Resumed::Exact(position) => return (position, Start::Exact { missed: count(position) }),
        Resumed::Returned(position, had) => {
            let missed = count(position);
            return (position, Start::Returned(Box::new(Returned { missed, had })));
        }
        Resumed::Lost(loss) => (loss, false),
        Resumed::Unknown(loss) => (loss, true),
    };
    feed.count_gap();
    if is_unknown { &feed.counts.unknown } else { &feed.counts.late }.add();
    let loss = retained.tell(loss, feed.settings.on_gap == OnGap::Newest);
    let resumption = Resumption::inexact(is_unknown, last, &loss);
    (loss.position, Start::Inexact(Box::new(Inexact { resumption, loss })))
}

/// `None` beyond the reach of the clock.
fn after_now(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}
