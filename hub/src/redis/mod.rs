#![doc = include_str!("../../docs/redis.md")]

mod answer;
mod backoff;
mod connection;
mod driver;
mod endpoint;
mod follower;
mod link;
mod log;
mod queue;
mod reader;
mod record;
mod rejected;
mod route;
#[cfg(all(test, feature = "disk"))]
mod simulation;
mod source;
mod writer;

pub use self::{driver::Driver, rejected::RejectedEntry};
use self::{endpoint::Endpoint, link::Link, log::RedisLog, queue::Queue};
use crate::{
    builder::HubBuilder, error::Error, feed::Feed, handle::Handle, hub::Hub, log::Numbering,
};

impl HubBuilder {
    /// A hub whose log is a Redis stream: all servers that name the same stream are one hub. Spawn
    /// the [`Driver`] that comes with it.
    ///
    /// The stream keeps at least as many entries as the hub [retains](Self::retain_events): give
    /// all servers the same bounds. [The page on Redis](crate::redis) lists its promises and their
    /// limits.
    ///
    /// `url` is `redis://[[user]:password@]host[:port][/database]`, or `redis+unix:///path`; with
    /// the feature `redis-rustls` also `rediss://` for TLS. Of a cluster it names one server or
    /// several, `redis://a:6379,b:6379/`, and no database.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use sse_encoder::Event;
    /// use sse_hub::Hub;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sse_hub::Error> {
    /// let (hub, driver) = Hub::builder().redis("redis://127.0.0.1/", "orders")?;
    /// tokio::spawn(driver);
    /// // Clients that reconnect at once need not wait if the log has been read before.
    /// let _ = tokio::time::timeout(Duration::from_secs(2), hub.live()).await;
    /// hub.publish(&Event::json([1, 2])).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The URL is [invalid](Error::is_invalid_url), or needs TLS, for which the feature or a
    /// provider of cryptography is missing. Nothing is sent to Redis yet.
    pub fn redis(self, url: &str, stream: &str) -> Result<(Hub, Driver), Error> {
        let endpoint = Endpoint::new(url, stream)?;
        let feed = Feed::new(self.settings(), Numbering::Given);
        let link = Link::new();
        let (sender, queue) = Queue::new();
        let log = RedisLog::new(feed.clone(), link.clone(), sender);
        let driver = Driver::new(feed.clone(), link, endpoint, queue);
        Ok((Hub::on(Handle::new(feed, log)), driver))
    }
}

/// An entry's frame, topics and key, for the fuzzer.
#[cfg(fuzzing)]
pub(crate) fn read_entry<'a>(
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    settings: &crate::settings::Settings,
) -> Result<(Vec<u8>, Vec<String>, Option<String>), Error> {
    let fields = fields.map(|(name, value)| (name.to_vec(), value.to_vec())).collect();
    let entry = source::Entry::new((1, 1), fields);
    let _ = record::ending(&entry).transpose()?;
    let record = record::Record::read(&entry)?;
    let draft = record.draft(settings.rules())?;
    let topics = draft.topics.iter().map(str::to_owned).collect();
    Ok((draft.event.as_bytes().to_vec(), topics, draft.key.map(str::to_owned)))
}
