//! The state that a hub's handles share, and its subscribers do not. Dropping it closes the hub.

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
