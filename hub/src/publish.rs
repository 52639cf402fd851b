//! Publishing: an item is encoded, and appended to the log.

use std::{collections::HashSet, fmt, future::Future};

use sse_encoder::{Encode, EventId};

use crate::{
    error::Error,
    frame::encode,
    handle::Handle,
    log::{Append, Draft, Names, Outcomes},
};

/// The destination of an item: a topic or several, a key, or both; from
/// [`Hub::to`](crate::Hub::to), [`Hub::to_all`](crate::Hub::to_all) and
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
    topics: Names<'a>,
    key: Option<&'a str>,
}

impl<'a> Target<'a> {
    pub(crate) const fn new(handle: &'a Handle) -> Self {
        Self { handle, topics: Names::One(""), key: None }
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
        self.topics = Names::One(topic);
        self
    }

    /// Sets the topics: see [`Hub::to_all`](crate::Hub::to_all).
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// hub.key("order-7").to_all(&["kitchen", "bar"]).try_publish(&Event::text("ready"))?;
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub const fn to_all(mut self, topics: &'a [&'a str]) -> Self {
        self.topics = Names::Several(topics);
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
        async move {
            let outcome = match draft {
                Ok(draft) => self.handle.log.append(draft).await,
                Err(error) => Err(error),
            };
            counted(self.handle, outcome)
        }
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
        let outcome = self.draft(item).and_then(|draft| match self.handle.log.append(draft) {
            Append::Done(Some(outcome)) => outcome,
            _ => Err(Error::not_in_memory()),
        });
        counted(self.handle, outcome)
    }

    /// Publishes the items there, as one: see [`Hub::publish_all`](crate::Hub::publish_all).
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// let hub = Hub::new();
    /// let steps = ["ordered", "paid"].map(Event::text);
    /// let ids = block_on(hub.to("user:7").publish_all(steps))?;
    /// assert_eq!(ids.len(), 2);
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Hub::publish_all`](crate::Hub::publish_all).
    pub fn publish_all<I>(
        self,
        items: I,
    ) -> impl Future<Output = Result<Vec<Option<EventId>>, Error>> + use<'a, I>
    where
        I: IntoIterator<Item: Encode>,
    {
        publish_all(self.handle, items.into_iter().map(move |item| (self, item)))
    }

    /// Publishes the items there, as one and now: see
    /// [`Hub::try_publish_all`](crate::Hub::try_publish_all).
    ///
    /// # Errors
    ///
    /// As [`Hub::try_publish_all`](crate::Hub::try_publish_all).
    pub fn try_publish_all(
        self,
        items: impl IntoIterator<Item: Encode>,
    ) -> Result<Vec<Option<EventId>>, Error> {
        try_publish_all(self.handle, items.into_iter().map(move |item| (self, item)))
    }

    fn draft<T: ?Sized + Encode>(&self, item: &T) -> Result<Draft<'a>, Error> {
        let event = encode(item, self.handle.feed.settings.rules())?;
        Ok(Draft { topics: self.topics, key: self.key, event })
    }
}

/// Publishes the items as one, each to its own destination.
pub(crate) fn publish_all<'a, I, T: Encode>(
    handle: &'a Handle,
    items: I,
) -> impl Future<Output = Outcomes> + use<'a, I, T>
where
    I: IntoIterator<Item = (Target<'a>, T)>,
{
    let drafts = drafts(handle, items);
    async move {
        let outcomes = match drafts {
            Ok(drafts) => handle.log.append_all(drafts).await,
            Err(error) => Err(error),
        };
        counted(handle, outcomes)
    }
}

/// [`publish_all`], now.
pub(crate) fn try_publish_all<'a, T: Encode>(
    handle: &Handle,
    items: impl IntoIterator<Item = (Target<'a>, T)>,
) -> Outcomes {
    if !handle.log.is_in_memory() {
        return Err(Error::not_in_memory());
    }
    let append_all = |drafts| match handle.log.append_all(drafts) {
        Append::Done(Some(outcomes)) => outcomes,
        _ => Err(Error::not_in_memory()),
    };
    counted(handle, drafts(handle, items).and_then(append_all))
}

/// All of them are encoded before anything is locked.
fn drafts<'a, T: Encode>(
    handle: &Handle,
    items: impl IntoIterator<Item = (Target<'a>, T)>,
) -> Result<Vec<Draft<'a>>, Error> {
    let bounds = &handle.feed.settings.bounds;
    let (mut drafts, mut bytes, mut own_ids) = (Vec::new(), 0_usize, HashSet::new());
    for (target, item) in items {
        let event = encode(&item, handle.feed.settings.rules())?;
        if event.id().is_some_and(|id| !own_ids.insert(id)) {
            return Err(Error::duplicate_id());
        }
        let Target { topics, key, .. } = target;
        let names: usize = topics.iter().chain(key).map(str::len).sum();
        bytes = bytes.saturating_add(event.as_bytes().len() + names);
        drafts.push(Draft { topics, key, event });
        // The newest event is retained however long it is.
        if drafts.len() > bounds.events || (drafts.len() > 1 && bytes > bounds.bytes) {
            return Err(Error::batch_too_long());
        }
    }
    Ok(drafts)
}

/// Counts a failure for the figures.
fn counted<T>(handle: &Handle, outcome: Result<T, Error>) -> Result<T, Error> {
    if let Err(error) = &outcome {
        let counts = &handle.feed.counts;
        let is_unknown = error.is_outcome_unknown();
        if is_unknown { &counts.outcome_unknown } else { &counts.refused }.add();
    }
    outcome
}

impl fmt::Debug for Target<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topics, key, .. } = self;
        f.debug_struct("Target").field("topics", topics).field("key", key).finish_non_exhaustive()
    }
}
