//! One server of several: a hub and its driver.

use sse_hub::{Driver, Hub, HubBuilder, Status};
use tokio::task::JoinHandle;

use crate::until;

/// The name of the stream in all tests.
pub const STREAM: &str = "orders";

#[derive(Debug)]
pub struct Node {
    pub hub: Hub,
    driver: JoinHandle<()>,
}

impl Node {
    /// # Panics
    ///
    /// The URL is invalid.
    #[must_use]
    pub fn new(builder: HubBuilder, url: &str) -> Self {
        let (hub, driver) = builder.redis(url, STREAM).unwrap();
        Self::spawn(hub, driver)
    }

    #[must_use]
    pub fn spawn(hub: Hub, driver: Driver) -> Self {
        Self { hub, driver: tokio::spawn(driver) }
    }

    /// A node that has read its log.
    pub async fn live(builder: HubBuilder, url: &str) -> Self {
        let node = Self::new(builder, url);
        node.is_live().await;
        node
    }

    pub async fn is_live(&self) {
        until("the hub is live", || self.hub.status() == Status::Live).await;
    }

    /// Drops the driver, as a service may.
    pub fn drop_driver(&self) {
        self.driver.abort();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.driver.abort();
    }
}
