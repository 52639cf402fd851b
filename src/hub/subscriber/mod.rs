//! A subscription: a position in the log, and the stream of what comes after it.

mod poll;

use std::{
    fmt, iter,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    Delivery, Shared,
    publish::encode,
    resumption::Resumption,
    room::{Room, Seat},
    settings::OnGap,
    sync::{Ordering, read, write},
};
use crate::{
    encoder::Encoded,
    error::{Error, Kind, Refusal},
    event::Encode,
    last_event_id::LastEventId,
};

/// A subscription to a [`Hub`](super::Hub): a stream of frames, for
/// [`SseEncoder`](crate::SseEncoder), which passes each on without a copy.
///
/// It is a position in the hub's log and not a queue: one whose client does not read costs no more
/// than one whose client does. If it falls out of what is retained, the client gets an event of the
/// type [`gap`](super::GAP), and the stream goes on.
///
/// The first event is always one of the type [`checkpoint`](super::CHECKPOINT). When it is dropped
/// the subscription ends.
///
/// ```
/// use futures_executor::block_on;
/// use futures_util::StreamExt;
/// use sse_encoder::{Event, Hub, LastEventId};
///
/// let hub = Hub::new();
/// let mut subscriber = hub.subscribe(&LastEventId::none());
/// let id = hub.try_publish(&Event::text("hello"))?.unwrap();
///
/// let checkpoint = block_on(subscriber.next()).unwrap().into_bytes();
/// assert!(checkpoint.ends_with(b"data: {}\n\n"));
/// let hello = block_on(subscriber.next()).unwrap().into_bytes();
/// assert_eq!(hello, format!("id: {id}\nevent: message\ndata: hello\n\n"));
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[must_use = "streams do nothing unless polled"]
pub struct Subscriber {
    hub: Arc<Shared>,
    seats: Seats,
    /// All up to here has been given out.
    cursor: u64,
    /// The newest position that the client has an id of.
    client: u64,
    /// Where the subscription was taken: ephemeral events before it are not replayed.
    live_from: u64,
    deadline: Option<Instant>,
    resumption: Resumed,
    /// What leaves in the place of a replay.
    state: Option<Box<Encoded>>,
    delivered: u64,
    stage: Stage,
}

/// What comes out next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// The checkpoint.
    Checkpoint,
    /// The gap, or the state.
    Opening,
    /// What is in the log.
    Live,
    /// Nothing more.
    Ended,
}

/// [`Resumption`], in less memory.
enum Resumed {
    Fresh,
    Exact { missed: usize },
    No(Box<Resumption>),
}

/// At least one, and mostly just that.
struct Seats {
    first: (Arc<Room<Delivery>>, Seat),
    more: Box<[(Arc<Room<Delivery>>, Seat)]>,
}

impl Seats {
    fn iter(&self) -> impl Iterator<Item = &(Arc<Room<Delivery>>, Seat)> + Clone {
        iter::once(&self.first).chain(&self.more)
    }

    fn rooms(&self) -> impl Iterator<Item = u32> + Clone {
        self.iter().map(|(room, _)| room.id)
    }
}

/// What a subscription is to.
pub(super) enum Interest<T> {
    Topics(T),
    Everything,
}

impl Subscriber {
    pub(super) fn new<'a>(
        hub: Arc<Shared>,
        interest: Interest<impl Iterator<Item = &'a str>>,
        last: &LastEventId,
    ) -> Self {
        let mut log = write(&hub.log);
        if hub.settings.age.is_some() {
            log.expire(Instant::now());
        }
        let tip = log.tip();
        let mut rooms = match interest {
            Interest::Everything => vec![log.rooms.everything.clone()],
            Interest::Topics(topics) => topics.map(|topic| log.rooms.room(topic)).collect(),
        };
        rooms.sort_unstable_by_key(|room| room.id);
        rooms.dedup_by_key(|room| room.id);

        let ids = rooms.iter().map(|room| room.id);
        let requested = last.get();
        let place = requested.and_then(|id| log.locate(id));
        let lost = place.and_then(|place| log.lost_after(ids.clone(), place));
        let oldest = |lost| if hub.settings.on_gap == OnGap::Oldest { lost } else { tip };
        let (cursor, resumption) = match (requested, place, lost) {
            (None, ..) => (tip, Resumed::Fresh),
            (Some(_), Some(place), None) => {
                (place, Resumed::Exact { missed: log.count_after(ids, place) })
            }
            (Some(id), place, lost) => {
                hub.gaps.fetch_add(1, Ordering::Relaxed);
                let cursor = oldest(lost.unwrap_or(log.evicted()));
                let (requested, resumed_after) = (id.clone(), log.id_at(cursor));
                let resumption = match place {
                    Some(_) => Resumption::Gap { requested, resumed_after },
                    None => Resumption::Unknown { requested, resumed_after },
                };
                (cursor, Resumed::No(Box::new(resumption)))
            }
        };

        // While the log is held: none of the rooms can go.
        let sit = |room: Arc<Room<Delivery>>| {
            let seat = room.sit(cursor);
            (room, seat)
        };
        // Who hears nothing hears the end, still.
        let first = sit(rooms.pop().unwrap_or_else(|| log.rooms.nothing.clone()));
        let seats = Seats { first, more: rooms.into_iter().map(sit).collect() };
        hub.exits.enter();
        drop(log);

        let deadline = hub.settings.jittered_age().and_then(after_now);
        Self {
            hub,
            seats,
            cursor,
            client: cursor,
            live_from: tip,
            deadline,
            resumption,
            state: None,
            delivered: 0,
            stage: Stage::Checkpoint,
        }
    }

    /// Whether the subscription goes on where the client left off.
    ///
    /// ```
    /// use sse_encoder::{Hub, LastEventId, Resumption};
    ///
    /// let hub = Hub::new();
    /// let last = LastEventId::from_header(b"1700000000000000-7");
    /// let resumption = hub.subscribe(&last).resumption();
    /// assert!(matches!(resumption, Resumption::Unknown { .. }));
    /// assert!(resumption.needs_state());
    /// ```
    pub fn resumption(&self) -> Resumption {
        match &self.resumption {
            Resumed::Fresh => Resumption::Fresh,
            Resumed::Exact { missed } => Resumption::Exact { missed: *missed },
            Resumed::No(resumption) => Resumption::clone(resumption),
        }
    }

    /// Begins with this state, in the place of what was missed: for clients that first load what
    /// there is, and then follow what changes.
    ///
    /// Take the subscription, then load the state, then call this: the state leaves first, with the
    /// position at which the subscription was taken as its id, and what was published meanwhile
    /// follows. As some of that may be in the state already, the events must be such that applying
    /// one twice does no harm.
    ///
    /// The state is one item of one frame, of any size, without an id of its own.
    ///
    /// # Errors
    ///
    /// The item cannot be encoded, is not one frame, or has an id of its own or [no
    /// id](crate::Event::no_id); or the stream has been polled already.
    ///
    /// ```
    /// use sse_encoder::{Error, Event, Hub, LastEventId, SseEncoder, Subscriber};
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
            return Err(Kind::Refused(Refusal::Begun).into());
        }
        let state = encode(state, usize::MAX)?;
        if !state.lacks_id() {
            return Err(Kind::Refused(Refusal::NotThePosition).into());
        }
        let id = read(&self.hub.log).id_at(self.live_from);
        self.state = state.with_id(&id).map(Box::new);
        self.cursor = self.live_from;
        Ok(())
    }

    /// Ends the stream after this time, or earlier if an earlier end was set: when the
    /// authorization that it was given for ends, say. The client reconnects, and can be asked
    /// again.
    ///
    /// It is looked at whenever the stream is polled, before anything is given out; the keep-alive
    /// of [`SseEncoder`](crate::SseEncoder::keep_alive) polls quiet streams. The default is the
    /// hub's [`connection_age`](super::HubBuilder::connection_age).
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures_executor::block_on;
    /// use futures_util::StreamExt;
    /// use sse_encoder::{Hub, LastEventId};
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
}

impl fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let topics: Vec<_> = self.seats.iter().map(|(room, _)| &*room.name).collect();
        f.debug_struct("Subscriber")
            .field("topics", &topics)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

/// `None` for what no clock reaches.
fn after_now(time: Duration) -> Option<Instant> {
    Instant::now().checked_add(time)
}
