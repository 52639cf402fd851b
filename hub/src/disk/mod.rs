#![doc = include_str!("../../docs/disk.md")]
// A simulation implements `files::Files` (`fake::Disk` does), opens a `Writer` on it with a feed,
// and calls `append` with commands itself, in place of the thread in `log`: each answer is ready
// when that returns. Dropping the writer is a crash, `close` a clean end,
// `fake::Disk::power_failure` loses what is not synced, and `fake::Disk::fail` lets an operation
// fail or write a part.

mod answer;
mod endings;
#[cfg(test)]
pub(crate) mod fake;
mod files;
mod format;
mod kept;
mod log;
mod queue;
mod record;
mod recovery;
mod segments;
#[cfg(test)]
mod tests;
mod writer;

/// The parts that the simulation runs.
#[cfg(all(test, feature = "redis"))]
pub(crate) mod parts {
    pub(crate) use super::{answer::answer, queue::Command, record::Record, writer::Writer};
}

use std::{path::Path, time::Duration};

use self::{files::Folder, log::DiskLog, writer::Writer};
use crate::{
    builder::HubBuilder, error::Error, feed::Feed, handle::Handle, hub::Hub, log::Numbering,
};

/// The frames in a file; with `seals`, of these records.
#[cfg(fuzzing)]
pub(crate) fn read_file(bytes: &[u8], seals: bool) -> Option<Vec<Vec<u8>>> {
    use self::{
        format::{BATCH_HEADER, BatchHeader, Batches, FileHeader},
        record::Record,
    };
    use crate::position::Position;

    let mut file = bytes.to_vec();
    if seals {
        let header = FileHeader { log: 7, number: 1, previous: Position::START };
        let mut batch = vec![0; BATCH_HEADER];
        batch.extend_from_slice(bytes);
        BatchHeader { epoch: 5, first: 1, time: 0, count: 9 }.seal(&header.seed(), &mut batch);
        file = header.to_bytes().to_vec();
        file.extend_from_slice(&batch);
    }
    let header = FileHeader::read(&file).ok()?;
    let mut frames = Vec::new();
    for (_, mut records) in Batches::new(header, &file).flatten() {
        while let Some(record) = Record::read(&mut records) {
            let mut again = Vec::new();
            record.write(&mut again);
            // A record that was read is written in a form that can be read.
            assert!(Record::read(&mut &again[..]).is_some());
            frames.push(record.event().as_bytes().to_vec());
        }
    }
    Some(frames)
}

impl HubBuilder {
    /// A hub whose log is in this folder: a restart, also by `kill -9`, causes no gap. The folder
    /// is created if there is none, and belongs to this hub alone until the hub ends.
    ///
    /// [`publish`](Hub::publish) is done once the event is on the disk; events that are published
    /// at the same time share the wait. A thread of the hub's own writes: no runtime is needed.
    /// [`try_publish`](Hub::try_publish) cannot wait, and is refused. [The page on the
    /// disk](crate::disk) lists the promises and their limits.
    ///
    /// The log is read before this returns, some 0.2 s for 100,000 events: call it at the start of
    /// the process. Dropping the last handle of the hub waits until all events in the queue are on
    /// the disk.
    ///
    /// ```
    /// use sse_encoder::Event;
    /// use sse_hub::{Hub, Resumption};
    ///
    /// # futures_executor::block_on(async {
    /// # let folder = std::env::temp_dir().join(format!("sse-hub-{}", std::process::id()));
    /// let hub = Hub::builder().disk(&folder)?;
    /// let id = hub.publish(&Event::text("kept")).await?.unwrap();
    /// hub.publish(&Event::text("missed")).await?;
    /// drop(hub);
    ///
    /// let hub = Hub::builder().disk(&folder)?;
    /// let subscriber = hub.subscribe(&id.into());
    /// assert_eq!(subscriber.resumption(), Resumption::Exact { missed: 1 });
    /// # drop((hub, subscriber));
    /// # std::fs::remove_dir_all(folder).unwrap();
    /// # Ok::<(), sse_hub::Error>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [Another hub](Error::is_in_use) has the folder; it has files of [another
    /// version](Error::is_other_version) or [of something else](Error::is_foreign_file); or the
    /// [file system](Error::is_io) refuses. A damaged file is no error: the hub continues after the
    /// damage, and clients from before it get a gap.
    pub fn disk(self, folder: impl AsRef<Path>) -> Result<Hub, Error> {
        let settings = self.settings();
        let sync_every = settings.sync_every;
        let feed = Feed::new(settings, Numbering::Continued);
        let folder = Folder::lock(folder.as_ref())?;
        let writer = Writer::open(folder, feed.clone(), sync_every)?;
        let log = DiskLog::start(feed.clone(), writer)?;
        Ok(Hub::on(Handle::new(feed, log)))
    }

    /// How often a log on [disk](Self::disk) forces its events to the disk. The default is before
    /// each answer: [`publish`](Hub::publish) is done when the event is there.
    ///
    /// With a time, it is done once the operating system has the event, which is
    /// [faster](crate::disk#speed). The end of the process, also by `kill -9`, still loses nothing.
    /// If the machine or its power fails, the events of that time can be lost, although they were
    /// published and delivered: clients that had them get a gap, and to all others it is as if they
    /// had never been.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sse_hub::Hub;
    ///
    /// # let folder = std::env::temp_dir().join(format!("sse-hub-every-{}", std::process::id()));
    /// let hub = Hub::builder().sync_every(Duration::from_millis(100)).disk(&folder)?;
    /// # drop(hub);
    /// # std::fs::remove_dir_all(folder).unwrap();
    /// # Ok::<(), sse_hub::Error>(())
    /// ```
    pub const fn sync_every(mut self, time: Duration) -> Self {
        self.settings_mut().sync_every = Some(time);
        self
    }
}
