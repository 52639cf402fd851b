//! Publishing: an item is encoded, and appended to the log.

use std::{fmt, future::Future};

use sse_encoder::{Encode, EventId};

use crate::{
    error::Error,
    frame::encode,
    handle::Handle,
    log::{Append, Draft, Names},
};

/// The destination of an item: a topic, a key, or both; from [`Hub::to`](crate::Hub::to) and
/// [`Hub::key`](crate::Hub::key).
///
/// ```
/// use sse_encoder::Event;
/// use sse_hub::Hub;
///
/// let hub = Hub::new();
/// let acme = hub.to("prices").key("ACME");
/// for price in [1250, 1251] {
///     acme.try_publish(&Event::json(price))?;
/// }
/// assert_eq!(hub.stats().retained, 1);
/// # Ok::<(), sse_hub::Error>(())
/// ```
#[derive(Clone, Copy)]
#[must_use = "a target does nothing until something is published to it"]
pub struct Target<'a> {
    handle: &'a Handle,
    topic: &'a str,
    key: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) const fn new(handle: &'a Handle) -> Self {
        Self { handle, topic: "", key: None }
    }

    /// Sets the topic. The default is `""`, that of every item published without one.
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// hub.key("ACME").to("prices").try_publish(&Event::json(1250))?;
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub const fn to(mut self, topic: &'a str) -> Self {
        self.topic = topic;
        self
    }

    /// Sets the key: see [`Hub::key`](crate::Hub::key).
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// hub.to("prices").key("ACME").try_publish(&Event::json(1250))?;
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub const fn key(mut self, key: &'a str) -> Self {
        self.key = Some(key);
        self
    }

    /// Publishes the item there: see [`Hub::publish`](crate::Hub::publish).
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let id = block_on(hub.to("user:7").publish(&Event::text("a note")))?;
    /// assert!(id.is_some());
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Hub::publish`](crate::Hub::publish).
    pub fn publish<T: ?Sized + Encode>(
        self,
        item: &T,
    ) -> impl Future<Output = Result<Option<EventId>, Error>> + use<'a, T> {
        let draft = self.draft(item);
        async move { self.handle.log.append(draft?).await }
    }

    /// Publishes the item there, now: see [`Hub::try_publish`](crate::Hub::try_publish).
    ///
    /// # Errors
    ///
    /// As [`Hub::try_publish`](crate::Hub::try_publish).
    pub fn try_publish<T: ?Sized + Encode>(self, item: &T) -> Result<Option<EventId>, Error> {
        if !self.handle.log.is_in_memory() {
            return Err(Error::not_in_memory());
        }
        match self.handle.log.append(self.draft(item)?) {
            Append::Done(Some(outcome)) => outcome,
            _ => Err(Error::not_in_memory()),
        }
    }

    fn draft<T: ?Sized + Encode>(&self, item: &T) -> Result<Draft<'a>, Error> {
        let event = encode(item, self.handle.feed.settings.rules())?;
        Ok(Draft { topics: Names::One(self.topic), key: self.key, event })
    }
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, key, .. } = self;
        f.debug_struct("Target").field("topic", topic).field("key", key).finish_non_exhaustive()
    }
}
