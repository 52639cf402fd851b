//! The log in memory: the retained events are the whole log.

use std::{future::ready, sync::Arc};

use sse_encoder::LastEventId;

use crate::{
    ending::Ending,
    error::Error,
    feed::Feed,
    log::{Append, BoxFuture, Draft, Log, Outcomes},
    status::Status,
};

pub(crate) struct Memory {
    feed: Arc<Feed>,
}

impl Memory {
    pub(crate) const fn new(feed: Arc<Feed>) -> Self {
        Self { feed }
    }
}

impl Log for Memory {
    fn append(&self, draft: Draft<'_>) -> Append {
        Append::Done(Some(self.feed.record(draft, None)))
    }

    fn append_all(&self, drafts: Vec<Draft<'_>>) -> Append<Outcomes> {
        Append::Done(Some(self.feed.record_all(drafts)))
    }

    fn end(&self, _: Ending) -> Append<Result<(), Error>> {
        // The feed keeps it.
        Append::Done(Some(Ok(())))
    }

    fn is_in_memory(&self) -> bool {
        true
    }

    fn status(&self) -> Status {
        Status::Live
    }

    fn live(&self) -> BoxFuture<Status> {
        Box::pin(ready(Status::Live))
    }

    fn wait_for(&self, _: &LastEventId) -> BoxFuture<bool> {
        Box::pin(ready(true))
    }

    fn rejected(&self) -> u64 {
        0
    }

    fn close(&self) {}
}
