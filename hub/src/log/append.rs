//! The interface of a log. [`Log::append`] writes an event. Readers use
//! [`Retained`](super::Retained), the newest part of the log, which every implementation keeps in
//! memory: so reading never waits, wherever the log itself is.

use std::{
    future::Future,
    panic::{RefUnwindSafe, UnwindSafe},
    pin::Pin,
    task::{Context, Poll},
};

use sse_encoder::{Encoded, EventId, LastEventId};

use crate::{ending::Ending, error::Error, status::Status};

/// An encoded event on its way into the log.
#[derive(Clone, Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) topics: Names<'a>,
    /// Within each of the topics.
    pub(crate) key: Option<&'a str>,
    pub(crate) event: Encoded,
}

/// The names of an event's topics. A name that is given twice counts once; an empty list is
/// the topic `""`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Names<'a> {
    One(&'a str),
    Several(&'a [&'a str]),
}

impl<'a> Names<'a> {
    pub(crate) fn iter(self) -> impl Iterator<Item = &'a str> {
        let (one, several) = match self {
            Self::One(name) => (Some(name), &[][..]),
            Self::Several([]) => (Some(""), &[][..]),
            Self::Several(names) => (None, names),
        };
        one.into_iter().chain(several.iter().copied())
    }
}

/// The event's id on the wire; `None` for an ephemeral one.
pub(crate) type Outcome = Result<Option<EventId>, Error>;

pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The ids of several events, in their order.
pub(crate) type Outcomes = Result<Vec<Option<EventId>>, Error>;

/// The future of an append: the event's id on the wire, or `None` for an ephemeral one.
pub(crate) enum Append<T = Outcome> {
    /// Done: a log in memory does not wait.
    Done(Option<T>),
    /// The log answers later.
    #[cfg_attr(
        not(any(feature = "disk", feature = "redis")),
        allow(dead_code, reason = "for a log elsewhere")
    )]
    Pending(BoxFuture<T>),
}

impl<T: Unpin> Future for Append<T> {
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match self.get_mut() {
            Self::Done(outcome) => outcome.take().map_or(Poll::Pending, Poll::Ready),
            Self::Pending(future) => future.as_mut().poll(cx),
        }
    }
}

/// A log of events. Only this crate implements it.
pub(crate) trait Log: Send + Sync + UnwindSafe + RefUnwindSafe {
    /// Appends an event, in the order of the log.
    fn append(&self, draft: Draft<'_>) -> Append;

    /// Appends all of these events, without others between them, or none.
    fn append_all(&self, drafts: Vec<Draft<'_>>) -> Append<Outcomes>;

    /// Records the end of some streams for this and for other servers. This server's streams are
    /// ended already.
    fn end(&self, ending: Ending) -> Append<Result<(), Error>>;

    /// Whether an append is done at once.
    fn is_in_memory(&self) -> bool;

    /// Whether [`Retained`](super::Retained) follows the log.
    fn status(&self) -> Status;

    /// Waits until [`Retained`](super::Retained) follows the log, or never will.
    fn live(&self) -> BoxFuture<Status>;

    /// Waits, for a bounded time, until the events after this id are known; whether they are.
    fn wait_for(&self, last: &LastEventId) -> BoxFuture<bool>;

    /// How many entries of the log cannot be events.
    fn rejected(&self) -> u64;

    /// How often the connection to the log was lost and found again.
    fn reconnects(&self) -> u64 {
        0
    }

    /// Ends the log with its hub.
    fn close(&self);
}
