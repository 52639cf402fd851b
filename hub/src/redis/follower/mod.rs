//! Keeps the retained events equal to the newest part of the log, and records a gap where some are
//! missing.
//!
//! The one rule: the entry that was read last must still be there, and be the same, when what
//! follows it is read. Then nothing between them can have been trimmed, and the log was neither
//! emptied nor replaced by an older one. Otherwise every subscriber gets a gap.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use super::{
    endpoint::ANSWER,
    link::Link,
    record::{Record, is_mark},
    rejected::Reporter,
    source::{Entry, News, Source},
};
use crate::{error::Error, feed::Feed, position::Position};

#[cfg(test)]
mod tests;

/// How many entries are read at once, on a fast connection.
const PAGE: usize = 256;
/// How often the reader looks for a place to continue at, while the log changes.
const RELOCATIONS: usize = 3;
/// How long an answer may take if even a single entry is slow.
const MOST_PATIENCE: Duration = Duration::from_secs(60);

/// The place of the reader.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Cursor {
    /// Nothing has been read yet.
    Unknown,
    /// The log was empty when it was read last. `is_lost`: whether entries may have been lost.
    Empty { is_lost: bool },
    /// The newest entry that was read.
    At(Position),
}

pub(super) struct Follower {
    feed: Arc<Feed>,
    link: Arc<Link>,
    cursor: Cursor,
    /// The digests of the entries that were read last.
    digests: VecDeque<(Position, u64)>,
    page: usize,
    patience: Duration,
    reporter: Reporter,
}

impl Follower {
    pub(super) fn new(feed: Arc<Feed>, link: Arc<Link>, reporter: Reporter) -> Self {
        let (cursor, digests) = (Cursor::Unknown, VecDeque::new());
        Self { feed, link, cursor, digests, page: PAGE, patience: ANSWER, reporter }
    }

    /// How long an answer may take.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// An answer has not come in time: the next page is smaller, or may take longer.
    pub(super) fn shrink_page(&mut self) {
        if self.page > 1 {
            self.page /= 2;
        } else {
            self.patience = (self.patience * 2).min(MOST_PATIENCE);
        }
    }

    pub(super) fn reporter(&mut self) -> &mut Reporter {
        &mut self.reporter
    }

    /// Reads up to the newest entry: at the start, and after the connection was lost.
    pub(super) async fn catch_up<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        match self.cursor {
            Cursor::Unknown => self.warm_up(source).await,
            Cursor::Empty { .. } => {
                // Entries may have been appended and removed meanwhile.
                self.cursor = Cursor::Empty { is_lost: true };
                Ok(())
            }
            Cursor::At(position) => self.read_from(source, position).await,
        }
    }

    /// Waits for the next entries, and records them.
    pub(super) async fn follow<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let after = if let Cursor::At(position) = self.cursor { Some(position) } else { None };
        let News { entries, last } = source.wait(after, self.page).await?;
        self.page = (self.page * 2).min(PAGE);
        self.patience = ANSWER;
        match (self.cursor, entries.first()) {
            (Cursor::At(_), _) if last.is_none_or(|last| !self.has_read(&last)) => {
                return self.relocate(source).await;
            }
            (Cursor::At(_), _) | (_, None) => {}
            // A server whose clock is behind may have given lower positions.
            (Cursor::Empty { is_lost: false }, Some(first))
                if first.position > self.feed.read().retained.tip_position()
                    && source.is_complete().await? => {}
            (_, Some(first)) => self.record_gap(before(first))?,
        }
        self.ingest(entries)
    }

    /// Records the newest entries.
    async fn warm_up<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let mut newest = self.newest(source).await?;
        if newest.entries.is_empty() && source.mark().await? {
            newest = self.newest(source).await?;
        }
        let Newest { mut entries, is_whole } = newest;
        let base = match entries.last() {
            // The oldest one need not be retained: a client that has it can resume after it.
            Some(_) if !is_whole => entries.pop().map(|oldest| {
                self.note(&oldest);
                oldest.position
            }),
            oldest => oldest.map(before),
        };
        let Some(base) = base else {
            // A unique position: a fixed one would seem to be known after the log was filled and
            // emptied in between.
            let base = source.before_all().await?;
            self.record_gap(base)?;
            self.cursor = Cursor::Empty { is_lost: false };
            return Ok(());
        };
        self.record_gap(base)?;
        self.cursor = Cursor::At(base);
        entries.reverse();
        self.ingest(entries)
    }

    /// As many of the newest entries as are retained, and one more.
    async fn newest<S: Source>(&mut self, source: &mut S) -> Result<Newest, Error> {
        let bounds = &self.feed.settings.bounds;
        let (max_events, max_bytes) = (bounds.events, bounds.bytes);
        let mut entries: Vec<Entry> = Vec::new();
        let mut bytes = 0_usize;
        loop {
            let oldest = entries.last().map(|entry| entry.position);
            let page = source.newest(oldest, self.page).await?;
            let is_last = page.len() < self.page;
            bytes += page.iter().map(Entry::size).sum::<usize>();
            entries.extend(page);
            if entries.len() > max_events || bytes > max_bytes {
                entries.truncate(max_events.saturating_add(1));
                return Ok(Newest { entries, is_whole: false });
            }
            if is_last {
                return Ok(Newest { entries, is_whole: true });
            }
        }
    }

    /// Reads the entries after this position, page by page.
    async fn read_from<S: Source>(
        &mut self,
        source: &mut S,
        mut position: Position,
    ) -> Result<(), Error> {
        let mut relocations = 0;
        loop {
            // The entry itself is the first one, if it is still there.
            let mut page = source.from(position, self.page + 1).await?;
            let is_there = |first: &Entry| first.position == position && self.has_read(first);
            let mut is_last = false;
            if page.first().is_some_and(is_there) {
                is_last = page.len() <= self.page;
                page.remove(0);
                self.ingest(page)?;
            } else if relocations < RELOCATIONS {
                relocations += 1;
                self.relocate(source).await?;
            } else {
                is_last = true;
            }
            match self.cursor {
                Cursor::At(newest) if !is_last => position = newest,
                _ => return Ok(()),
            }
        }
    }

    /// The entry that was read last is gone: finds where to continue.
    async fn relocate<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let Cursor::At(position) = self.cursor else { return Ok(()) };
        let mut before_this = just_after(position);
        // Entries after one that has been read are new, even if their positions are lower.
        let known = loop {
            let older = source.newest(before_this, self.page).await?;
            if let Some(known) = older.iter().find(|e| self.has_read(e) || self.is_old(e)) {
                self.note(known);
                break Some(known.position);
            }
            match older.last() {
                Some(oldest) => before_this = Some(oldest.position),
                None => break None,
            }
        };
        if let Some(known) = known {
            self.record_gap(known)?;
            self.cursor = Cursor::At(known);
            let mut page = source.from(known, self.page + 1).await?;
            // If it is gone by now, the next wait notices.
            if page.first().is_some_and(|first| self.has_read(first)) {
                page.remove(0);
                self.ingest(page)?;
            }
            return Ok(());
        }
        let mut page = source.from(Position::START, self.page).await?;
        if page.is_empty() && source.mark().await? {
            page = source.from(Position::START, self.page).await?;
        }
        match page.first() {
            Some(first) => self.record_gap(before(first))?,
            None => self.cursor = Cursor::Empty { is_lost: true },
        }
        self.ingest(page)
    }

    /// Whether this very entry is among those read last.
    fn has_read(&self, entry: &Entry) -> bool {
        let same = self.digests.iter().rev().find(|(position, _)| *position == entry.position);
        same.is_some_and(|(_, digest)| *digest == entry.digest())
    }

    /// Whether the entry comes before those that were read last: if it has been read, it must not
    /// be read again.
    fn is_old(&self, entry: &Entry) -> bool {
        self.digests.iter().all(|(position, _)| entry.position < *position)
    }

    /// Remembers an entry as one that has been read.
    fn note(&mut self, entry: &Entry) {
        if self.digests.len() == PAGE {
            self.digests.pop_front();
        }
        self.digests.push_back((entry.position, entry.digest()));
    }

    fn record_gap(&self, resumed_after: Position) -> Result<(), Error> {
        self.feed.record_gap(resumed_after)
    }

    /// Records the entries. One that cannot be an event is rejected, counted, and reported if it is
    /// the first of its kind.
    fn ingest(&mut self, entries: Vec<Entry>) -> Result<(), Error> {
        let max_frame = self.feed.settings.max_frame;
        for entry in entries {
            self.note(&entry);
            self.cursor = Cursor::At(entry.position);
            if is_mark(&entry) {
                continue;
            }
            let recorded = Record::read(&entry).and_then(|record| {
                self.feed.record(record.draft(max_frame)?, Some(entry.position))
            });
            match recorded {
                Ok(_) => {}
                Err(error) if error.is_closed() => return Err(error),
                Err(error) => {
                    self.link.count_rejected();
                    self.reporter.rejected_entry(entry.position, error);
                }
            }
        }
        self.link.signal.notify();
        Ok(())
    }
}

/// The newest entries, the newest one first.
struct Newest {
    entries: Vec<Entry>,
    /// Whether these are all.
    is_whole: bool,
}

/// A position before all events from this entry on, after which there is nothing else.
fn before(entry: &Entry) -> Position {
    if is_mark(entry) { entry.position } else { just_before(entry.position) }
}

fn just_after(position: Position) -> Option<Position> {
    let Position { epoch, n } = position;
    match (n.checked_add(1), epoch.checked_add(1)) {
        (Some(n), _) => Some(Position { epoch, n }),
        (None, Some(epoch)) => Some(Position { epoch, n: 0 }),
        (None, None) => None,
    }
}

/// The position just before this one, so that nothing can be between them.
fn just_before(position: Position) -> Position {
    let Position { epoch, n } = position;
    match (epoch.checked_sub(1), n.checked_sub(1)) {
        (_, Some(n)) => Position { epoch, n },
        (Some(epoch), None) => Position { epoch, n: u64::MAX },
        (None, None) => position,
    }
}
