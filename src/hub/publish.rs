//! Publishing: an item becomes a frame, the frame an entry, and those who wait are woken.

use std::{fmt, future::Future};

use super::{
    Hub, Shared,
    log::Address,
    position::Position,
    sync::{Ordering, write},
    wake::wake_all,
};
use crate::{
    encoder::{Encoded, Encoder},
    error::{Error, Kind, Refusal},
    event::Encode,
    value::EventId,
};

/// Where an item is published: a topic, a key, or both; from [`Hub::to`] and [`Hub::key`].
///
/// ```
/// use sse_encoder::{Event, Hub};
///
/// let hub = Hub::new();
/// let acme = hub.to("prices").key("ACME");
/// for price in [1250, 1251] {
///     acme.try_publish(&Event::json(price))?;
/// }
/// assert_eq!(hub.stats().retained, 1);
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[derive(Clone, Copy)]
#[must_use = "an address does nothing until something is published to it"]
pub struct To<'a> {
    hub: &'a Hub,
    address: Address<'a>,
}

impl<'a> To<'a> {
    pub(super) fn new(hub: &'a Hub) -> Self {
        Self { hub, address: Address::default() }
    }

    /// Sets the topic. The default is `""`, that of all who name none.
    pub const fn to(mut self, topic: &'a str) -> Self {
        self.address.topic = topic;
        self
    }

    /// Sets the key: see [`Hub::key`].
    pub const fn key(mut self, key: &'a str) -> Self {
        self.address.key = Some(key);
        self
    }

    /// Publishes the item there: see [`Hub::publish`].
    ///
    /// # Errors
    ///
    /// As [`Hub::try_publish`].
    pub fn publish<T: ?Sized + Encode>(
        self,
        item: &T,
    ) -> impl Future<Output = Result<Option<EventId>, Error>> + use<'a, T> {
        let published = self.hub.shared.encode(item);
        async move {
            let hub = &self.hub.shared;
            match &hub.remote {
                None => hub.append(self.address, published?, None),
                Some(remote) => remote.publish(hub, self.address, published?).await,
            }
        }
    }

    /// Publishes the item there, now: see [`Hub::try_publish`].
    ///
    /// # Errors
    ///
    /// As [`Hub::publish`].
    pub fn try_publish<T: ?Sized + Encode>(self, item: &T) -> Result<Option<EventId>, Error> {
        let hub = &self.hub.shared;
        if hub.remote.is_some() {
            return Err(Kind::Refused(Refusal::NotInMemory).into());
        }
        hub.append(self.address, hub.encode(item)?, None)
    }
}

impl fmt::Debug for To<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Address { topic, key } = self.address;
        f.debug_struct("To").field("topic", &topic).field("key", &key).finish_non_exhaustive()
    }
}

/// Encodes an item as a single frame, whose automatic id, if it wants one, is not yet known: no
/// code of a user runs while the log is held.
pub(super) fn encode(item: &(impl ?Sized + Encode), max_frame: usize) -> Result<Encoded, Error> {
    let mut encoder = Encoder::new().automatic_ids(false).max_frame(max_frame);
    let encoded = encoder.encode_once(item)?;
    if encoded.is_single() { Ok(encoded) } else { Err(Kind::Refused(Refusal::Frames).into()) }
}

impl Shared {
    fn encode(&self, item: &(impl ?Sized + Encode)) -> Result<Encoded, Error> {
        encode(item, self.settings.max_frame)
    }

    /// The way of every item into the log. `given` is its position in a log elsewhere.
    pub(super) fn append(
        &self,
        address: Address<'_>,
        published: Encoded,
        given: Option<Position>,
    ) -> Result<Option<EventId>, Error> {
        let mut wakers = Vec::new();
        let mut news = {
            let mut log = write(&self.log);
            let subscribers = self.exits.subscribers();
            let news = log.append(address, published, given, subscribers, &mut wakers)?;
            self.renew.store(news.renew, Ordering::Relaxed);
            news
        };
        self.published.fetch_add(1, Ordering::Relaxed);
        let id = news.id.take();
        news.announce();
        wake_all(&mut wakers);
        Ok(id)
    }
}
