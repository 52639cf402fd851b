//! What the handles of a hub share and its subscribers do not: with the last of them it is closed.

use std::sync::Arc;

use crate::{feed::Feed, log::Log};

pub(crate) struct Handle {
    pub(crate) feed: Arc<Feed>,
    pub(crate) log: Box<dyn Log>,
}

impl Handle {
    pub(crate) fn new(feed: Arc<Feed>, log: impl Log + 'static) -> Self {
        Self { feed, log: Box::new(log) }
    }

    pub(crate) fn close(&self) {
        if self.feed.close() {
            self.log.close();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.close();
    }
}
