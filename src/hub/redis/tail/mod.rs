//! Keeps a hub's ring equal to the log's newest part, and says where something is missing.
//!
//! The one rule: the entry that was read last must still be there when what follows it is read.
//! Then nothing between them can have been trimmed, and the log was neither emptied nor replaced by
//! an older one. Otherwise every subscriber hears of a gap.

use std::sync::Arc;

use super::{
    left_out::Reporter,
    record::Record,
    source::{Entry, News, Source},
};
use crate::{
    error::Error,
    hub::{Shared, position::Position, sync::Ordering},
};

#[cfg(test)]
mod tests;

/// How many entries are read at once.
const PAGE: usize = 256;

/// Where the reader is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cursor {
    /// It has not read anything yet.
    Unknown,
    /// The log was empty when it was read last. Whether something has been lost since it had
    /// entries.
    Empty { is_lost: bool },
    /// The newest entry that was read.
    At(Position),
}

pub(super) struct Tail {
    hub: Arc<Shared>,
    cursor: Cursor,
    reporter: Reporter,
}

impl Tail {
    pub(super) fn new(hub: Arc<Shared>, reporter: Reporter) -> Self {
        Self { hub, cursor: Cursor::Unknown, reporter }
    }

    pub(super) fn reporter(&mut self) -> &mut Reporter {
        &mut self.reporter
    }

    /// Reads up to the newest entry: at the start, and after the connection was lost.
    pub(super) async fn catch_up<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        match self.cursor {
            Cursor::Unknown => self.warm_up(source).await,
            Cursor::Empty { .. } => {
                // What came in the meantime may be gone again.
                self.cursor = Cursor::Empty { is_lost: true };
                Ok(())
            }
            Cursor::At(position) => self.read_from(source, position).await,
        }
    }

    /// Waits for what is next, and takes it.
    pub(super) async fn follow<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let after = if let Cursor::At(position) = self.cursor { Some(position) } else { None };
        let News { entries, is_there } = source.wait(after, PAGE).await?;
        match (self.cursor, entries.first()) {
            (Cursor::At(_), None) if !is_there => return self.relocate(source).await,
            (_, None) => return Ok(()),
            (Cursor::At(_), Some(_)) if is_there => {}
            (Cursor::Empty { is_lost: false }, Some(_)) if source.is_complete().await? => {}
            (_, Some(first)) => self.lose(before(first.position))?,
        }
        self.ingest(entries)
    }

    /// Fills the ring with the newest entries.
    async fn warm_up<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let settings = &self.hub.settings;
        let (max_events, max_bytes) = (settings.events, settings.bytes);
        let mut newest_first: Vec<Entry> = Vec::new();
        let mut bytes = 0_usize;
        let is_whole = loop {
            let oldest = newest_first.last().map(|entry| entry.position);
            let page = source.newest(oldest, PAGE).await?;
            let is_last = page.len() < PAGE;
            bytes += page.iter().map(Entry::size).sum::<usize>();
            newest_first.extend(page);
            if newest_first.len() > max_events || bytes > max_bytes {
                break false;
            }
            if is_last {
                break true;
            }
        };
        newest_first.truncate(max_events.saturating_add(1));
        // The oldest one need not fit: who has it can go on after it.
        let base = if is_whole && newest_first.len() <= max_events {
            newest_first.last().map(|oldest| before(oldest.position))
        } else {
            newest_first.pop().map(|oldest| oldest.position)
        };
        let Some(base) = base else {
            // An id of its own: one that is the same for every empty log would be taken for known
            // when the log has been filled and emptied in between.
            let base = source.before_all().await?;
            self.lose(base)?;
            self.cursor = Cursor::Empty { is_lost: false };
            return Ok(());
        };
        self.lose(base)?;
        self.cursor = Cursor::At(base);
        newest_first.reverse();
        self.ingest(newest_first)
    }

    /// Reads what came after this position, page by page.
    async fn read_from<S: Source>(
        &mut self,
        source: &mut S,
        mut position: Position,
    ) -> Result<(), Error> {
        loop {
            // The entry itself is the first one, if it is still there.
            let mut page = source.from(position, PAGE + 1).await?;
            if page.first().is_none_or(|first| first.position != position) {
                return self.relocate(source).await;
            }
            let is_last = page.len() <= PAGE;
            page.remove(0);
            self.ingest(page)?;
            match self.cursor {
                Cursor::At(newest) if !is_last && newest > position => position = newest,
                _ => return Ok(()),
            }
        }
    }

    /// The entry that was read last is not there any more: finds where to go on.
    async fn relocate<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let Cursor::At(position) = self.cursor else { return Ok(()) };
        let newest = source.newest(None, 1).await?.pop();
        match newest.map(|entry| entry.position) {
            None => {
                self.cursor = Cursor::Empty { is_lost: true };
                Ok(())
            }
            // An older log is back.
            Some(newest) if newest < position => {
                self.lose(newest)?;
                self.cursor = Cursor::At(newest);
                Ok(())
            }
            Some(_) => {
                let page = source.from(position, PAGE).await?;
                // What there was may be gone by now: then the next wait finds out.
                let Some(first) = page.first() else { return Ok(()) };
                self.lose(before(first.position))?;
                self.ingest(page)
            }
        }
    }

    fn lose(&self, resumed_after: Position) -> Result<(), Error> {
        self.hub.lose(resumed_after)
    }

    /// Takes the entries into the ring. One that cannot be a frame is left out, counted, and
    /// reported if it is the first of its kind.
    fn ingest(&mut self, entries: Vec<Entry>) -> Result<(), Error> {
        for entry in entries {
            let max_frame = self.hub.settings.max_frame;
            let ingested = Record::read(&entry).and_then(|record| {
                let published = record.published(max_frame)?;
                self.hub.ingest(entry.position, record.address(), published)
            });
            self.cursor = Cursor::At(entry.position);
            match ingested {
                Ok(_) => {}
                Err(error) if error.is_closed() => return Err(error),
                Err(error) => {
                    if let Some(remote) = &self.hub.remote {
                        remote.left_out.fetch_add(1, Ordering::Relaxed);
                    }
                    self.reporter.left_out(entry.position, error);
                }
            }
        }
        if let Some(remote) = &self.hub.remote {
            remote.progress.notify_waiters();
        }
        Ok(())
    }
}

/// The position just before this one, so that nothing can be between them.
fn before(position: Position) -> Position {
    let Position { epoch, n } = position;
    match (epoch.checked_sub(1), n.checked_sub(1)) {
        (_, Some(n)) => Position { epoch, n },
        (Some(epoch), None) => Position { epoch, n: u64::MAX },
        (None, None) => position,
    }
}
