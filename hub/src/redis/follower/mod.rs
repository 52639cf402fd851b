//! Keeps the retained events equal to the newest part of the log, and records a gap where some are
//! missing.
//!
//! The one rule: the entry that was read last must still be there, and be the same, when the
//! entries after it are read. Then nothing between them can have been trimmed, and the log was
//! neither emptied nor replaced by an older one. Otherwise every subscriber gets a gap.
//!
//! The entries that were read and are lost lie before that gap. The position after which the reader
//! then continues is not that of an entry: a client that has the last entry before the loss, and no
//! more, must be told of the loss, too.

use std::{
    collections::{HashSet, VecDeque},
    mem,
    sync::Arc,
    time::Duration,
};

use super::{
    endpoint::ANSWER,
    link::Link,
    record::{self, Record, is_mark},
    rejected::Reporter,
    source::{Entry, Hash, News, Source},
};
use crate::{
    ending::{Ending, Time},
    error::Error,
    feed::Feed,
    mutant,
    owners::When,
    position::{Check, Position},
};

#[cfg(test)]
mod tests;

/// How many entries are read at once, on a fast connection.
const PAGE: usize = 256;
/// How many bytes of entries are read at once, if they are as large as those before.
const PAGE_BYTES: usize = 4 << 20;
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
    /// The entries that were read last.
    recent: VecDeque<Position>,
    /// How many of these, the newest ones, were read since the last hole: older entries were read,
    /// or a gap has told of them.
    run: usize,
    /// Whether there may be newer entries than those that were just read.
    is_behind: bool,
    /// Whether it was reported that the endings of streams cannot be read.
    has_told_refusal: bool,
    /// Whether endings of streams may be missing: nothing was read yet, or there is a hole.
    lacks_endings: bool,
    /// The newest ending that was read: all those before it were, too.
    newest_ending: Option<Ending>,
    page: usize,
    patience: Duration,
    reporter: Reporter,
}

impl Follower {
    pub(super) fn new(feed: Arc<Feed>, link: Arc<Link>, reporter: Reporter) -> Self {
        let (cursor, recent) = (Cursor::Unknown, VecDeque::new());
        let (run, is_behind, lacks_endings, page) = (0, true, true, PAGE);
        let patience = ANSWER;
        Self {
            feed,
            link,
            cursor,
            recent,
            run,
            is_behind,
            has_told_refusal: false,
            lacks_endings,
            newest_ending: None,
            page,
            patience,
            reporter,
        }
    }

    /// How long an answer may take.
    pub(super) const fn patience(&self) -> Duration {
        self.patience
    }

    /// A read has failed, perhaps because of its size: the next page is smaller, or may take longer
    /// if the answer did not come in time.
    pub(super) fn shrink_page(&mut self, is_slow: bool) {
        if self.page > 1 {
            self.page /= 2;
        } else if is_slow {
            self.patience = (self.patience * 2).min(MOST_PATIENCE);
        }
    }

    /// Entries as large as these fill the next page.
    fn fit_page(&mut self, entries: &[Entry]) {
        let largest = entries.iter().map(Entry::size).max().unwrap_or(0).max(1);
        self.page = self.page.min(PAGE_BYTES / largest).max(1);
    }

    pub(super) fn reporter(&mut self) -> &mut Reporter {
        &mut self.reporter
    }

    /// Reads up to the newest entry: at the start, and after the connection was lost.
    pub(super) async fn catch_up<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let read = self.link.begin_read();
        match self.cursor {
            Cursor::Unknown => self.warm_up(source).await?,
            Cursor::Empty { .. } => {
                // Entries may have been appended and removed meanwhile.
                self.cursor = Cursor::Empty { is_lost: true };
                return Ok(());
            }
            Cursor::At(position) => {
                self.read_from(source, position).await?;
                if self.is_behind {
                    return Ok(());
                }
            }
        }
        self.link.end_read(read);
        Ok(())
    }

    /// Waits for the next entries, and records them.
    pub(super) async fn follow<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let read = self.link.begin_read();
        self.read_next(source).await?;
        // Only now: a page that grows too early makes the same attempt fail again and again.
        self.page = (self.page * 2).min(PAGE);
        self.patience = ANSWER;
        if !self.is_behind {
            self.link.end_read(read);
        }
        Ok(())
    }

    async fn read_next<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let after = if let Cursor::At(position) = self.cursor { Some(position) } else { None };
        let News { entries, last } = source.wait(after, self.page).await?;
        self.is_behind = entries.len() >= self.page;
        self.fit_page(&entries);
        match (self.cursor, entries.first()) {
            (Cursor::At(_), _) if last.is_none_or(|last| !self.has_read(&last)) => {
                return self.relocate(source).await;
            }
            (Cursor::At(_), _) | (_, None) => {}
            // A server whose clock is behind may have given lower positions.
            (Cursor::Empty { is_lost: false }, Some(first))
                if first.position > self.feed.read().retained.tip_position()
                    && !entries.iter().any(|entry| self.may_have_read(entry))
                    && source.is_complete().await?
                    && is_still_there(source, first).await? =>
            {
                self.run = 0;
            }
            (Cursor::Empty { .. }, Some(_)) => return self.relocate(source).await,
            (Cursor::Unknown, Some(first)) => self.begin_at(first)?,
        }
        self.ingest(source, entries, When::Now).await
    }

    /// Records the newest entries.
    async fn warm_up<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let mut newest = self.newest(source).await?;
        if newest.entries.is_empty() && source.mark().await? {
            newest = self.newest(source).await?;
        }
        for _ in 0..RELOCATIONS {
            // Two pages may be of two logs, the older page of the newer one.
            match newest.entries.first() {
                Some(first) if newest.pages > 1 && !is_still_there(source, first).await? => {
                    newest = self.newest(source).await?;
                }
                _ => break,
            }
        }
        let Newest { mut entries, is_whole, .. } = newest;
        let base = match entries.last() {
            // The oldest one need not be retained: a client that has it can resume after it.
            Some(_) if !is_whole => entries.pop().map(|oldest| {
                self.note(&oldest);
                oldest.position
            }),
            oldest => oldest.map(before),
        };
        let Some(base) = base else { return self.begin_empty(source).await };
        // If this fails, the log counts as unread: a second record of its beginning would be a gap.
        self.read_endings(source).await?;
        self.feed.record_gap(base)?;
        if is_whole {
            self.record_beginning(source).await;
        }
        self.cursor = Cursor::At(base);
        entries.reverse();
        self.ingest(source, entries, When::Before).await
    }

    /// As many of the newest entries as are retained, and one more. Ephemeral and replaced ones do
    /// not count.
    async fn newest<S: Source>(&mut self, source: &mut S) -> Result<Newest, Error> {
        let bounds = &self.feed.settings.bounds;
        let (max_events, max_bytes) = (bounds.events, bounds.bytes);
        let mut entries: Vec<Entry> = Vec::new();
        let (mut count, mut bytes, mut keys) = (0, 0_usize, HashSet::new());
        let mut pages = 0;
        loop {
            pages += 1;
            let oldest = entries.last().map(|entry| entry.position);
            let page = source.newest(oldest, self.page).await?;
            let is_last = page.len() < self.page;
            self.fit_page(&page);
            for entry in page {
                if record::is_retained(&entry, &mut keys) {
                    count += 1;
                    bytes += entry.size();
                }
                entries.push(entry);
                if count > max_events || bytes > max_bytes {
                    return Ok(Newest { entries, pages, is_whole: false });
                }
            }
            if is_last {
                return Ok(Newest { entries, pages, is_whole: true });
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
                self.is_behind = !is_last;
                self.fit_page(&page);
                page.remove(0);
                self.ingest(source, page, When::Before).await?;
                self.page = (self.page * 2).min(PAGE);
            } else if relocations < RELOCATIONS {
                relocations += 1;
                self.relocate(source).await?;
            } else {
                (is_last, self.is_behind) = (true, true);
            }
            match self.cursor {
                Cursor::At(newest) if !is_last => position = newest,
                _ => return Ok(()),
            }
        }
    }

    /// The entry that was read last is gone: finds where to continue.
    async fn relocate<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        self.is_behind = true;
        let known = match (self.cursor, self.recent.back()) {
            (Cursor::At(lost), _) => {
                let after = just_after(lost.numbers());
                let before = after.map(|(epoch, n)| Position::new(epoch, n));
                self.newest_known(source, before).await?.map(|known| (known, lost))
            }
            // The log was empty, and an older one may be there again.
            (_, Some(&lost)) => self.newest_known(source, None).await?.map(|known| (known, lost)),
            (_, None) => None,
        };
        if let Some((known, lost)) = known {
            return self.continue_after(source, known, lost).await;
        }
        let mut page = source.from(Position::START, self.page).await?;
        if page.is_empty() && source.mark().await? {
            page = source.from(Position::START, self.page).await?;
        }
        // An older log is there by now, or its positions are higher than the one read last.
        if let Some(&lost) = self.recent.back()
            && page.iter().any(|entry| self.may_have_read(entry))
        {
            return match self.newest_known(source, None).await? {
                Some(known) => self.continue_after(source, known, lost).await,
                None => Ok(()),
            };
        }
        match page.first() {
            Some(first) => self.begin_at(first)?,
            None => return self.begin_empty(source).await,
        }
        self.is_behind = page.len() >= self.page;
        self.ingest(source, page, When::Before).await
    }

    /// Continues after an entry that has been read, as the last one, `lost`, is gone.
    async fn continue_after<S: Source>(
        &mut self,
        source: &mut S,
        known: Position,
        lost: Position,
    ) -> Result<(), Error> {
        let lacks_this = mutant::lacks(39);
        self.record_gap(if lacks_this { known } else { after_loss(known, lost) })?;
        self.cursor = Cursor::At(known);
        let mut page = source.from(known, self.page + 1).await?;
        // If it is gone by now, the next wait notices.
        if page.first().is_some_and(|first| self.has_read(first)) {
            self.is_behind = page.len() > self.page;
            page.remove(0);
            self.ingest(source, page, When::Before).await?;
        }
        Ok(())
    }

    /// Entries before this one, the first one that is there, may never have been read.
    fn begin_at(&mut self, first: &Entry) -> Result<(), Error> {
        if !mutant::lacks(49) {
            self.run = 0;
        }
        self.record_gap(before(first))
    }

    /// The log is empty, and has no mark.
    async fn begin_empty<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        // A unique position: a fixed one would seem to be known after the log was filled and
        // emptied in between.
        let base = source.before_all().await?;
        self.read_endings(source).await?;
        // They are read again before the first entry: until then the log can be filled and emptied.
        self.record_gap(base)?;
        self.record_beginning(source).await;
        self.cursor = Cursor::Empty { is_lost: false };
        self.is_behind = false;
        Ok(())
    }

    /// The newest entry before this position that has been read, or may have been: entries after
    /// it are new, even if their positions are lower than one that was read.
    async fn newest_known<S: Source>(
        &mut self,
        source: &mut S,
        mut before: Option<Position>,
    ) -> Result<Option<Position>, Error> {
        loop {
            let older = source.newest(before, self.page).await?;
            if let Some(known) = older.iter().find(|entry| self.may_have_read(entry)) {
                self.note(known);
                return Ok(Some(known.position));
            }
            let Some(oldest) = older.last() else { return Ok(None) };
            before = Some(oldest.position);
        }
    }

    /// Whether this very entry is among those read last.
    fn has_read(&self, entry: &Entry) -> bool {
        self.recent.iter().rev().any(|position| *position == entry.position)
    }

    /// Whether the entry is among those read last, or comes before all since the last hole: then it
    /// may have been read, or is one of those that were missed. A restored log may have it again,
    /// but a client that has it from another server can lack what this one has read since. So it
    /// must not be read as a new one.
    fn may_have_read(&self, entry: &Entry) -> bool {
        let is_before = |position: &Position| entry.position.numbers() < position.numbers();
        self.has_read(entry)
            || self.run > 0 && self.recent.iter().rev().take(self.run).all(is_before)
    }

    /// Remembers an entry as one that has been read.
    fn note(&mut self, entry: &Entry) {
        if self.recent.len() == PAGE {
            self.recent.pop_front();
        }
        self.recent.push_back(entry.position);
        self.run = (self.run + 1).min(PAGE);
    }

    /// Records that the whole log is read, if the server says that it is all that was ever in it.
    async fn record_beginning<S: Source>(&mut self, source: &mut S) {
        // Without the right to ask, that is unknown.
        if matches!(source.is_complete().await, Ok(true)) {
            self.feed.record_beginning();
        }
    }

    fn record_gap(&mut self, resumed_after: Position) -> Result<(), Error> {
        self.lacks_endings |= !mutant::lacks(52);
        self.feed.record_gap(resumed_after)
    }

    /// Ends the streams whose end may not have been read from the log.
    async fn read_endings<S: Source>(&mut self, source: &mut S) -> Result<(), Error> {
        let entries = match source.endings().await? {
            Ok(entries) => entries,
            Err(refusal) => {
                // Without them no stream with an owner can begin; all others can.
                if !mem::replace(&mut self.has_told_refusal, true) {
                    let text = format!("the endings of streams cannot be read: {refusal}");
                    self.reporter.error(Error::connection(text));
                }
                self.lacks_endings = false;
                return Ok(());
            }
        };
        let feed = self.feed.clone();
        let is_full = entries.len() >= feed.owners.most();
        let mut endings = Vec::with_capacity(entries.len());
        for entry in entries {
            match record::ending(&entry) {
                Some(Ok(ending)) => endings.push(ending),
                Some(Err(error)) => self.reject(entry.position, error),
                None => {}
            }
        }
        let knows_older =
            self.newest_ending.as_ref().is_some_and(|newest| endings.contains(newest));
        if let Some(oldest) = endings.first().filter(|_| is_full && !knows_older) {
            feed.forget_endings(oldest.at.min(Time::now()));
        }
        endings.iter().for_each(|ending| _ = feed.end(ending, When::Before));
        self.newest_ending = endings.pop();
        feed.owners.set_known();
        self.lacks_endings = false;
        Ok(())
    }

    fn reject(&mut self, position: Position, error: Error) {
        self.link.count_rejected();
        self.reporter.rejected_entry(position, error);
    }

    /// Records the entries. One that cannot be an event is rejected, counted, and reported if it is
    /// the first of its kind. If it is one, and only too large for this server, its subscribers get
    /// a gap.
    ///
    /// `when` says whether the entries were appended just now.
    async fn ingest<S: Source>(
        &mut self,
        source: &mut S,
        entries: Vec<Entry>,
        when: When,
    ) -> Result<(), Error> {
        let feed = self.feed.clone();
        let when = if self.lacks_endings { When::Before } else { when };
        if self.lacks_endings {
            // Before any event, so that no stream gets it that was ended before.
            self.read_endings(source).await?;
        }
        for entry in entries {
            self.note(&entry);
            self.cursor = Cursor::At(entry.position);
            if is_mark(&entry) {
                continue;
            }
            match record::ending(&entry) {
                None => {}
                Some(Ok(ending)) => {
                    feed.end(&ending, when);
                    self.newest_ending = Some(ending);
                    continue;
                }
                Some(Err(error)) => {
                    self.reject(entry.position, error);
                    continue;
                }
            }
            let outcome = Record::read(&entry).and_then(|record| {
                let draft = record.draft(feed.settings.rules());
                let is_lost = draft.as_ref().is_err_and(is_too_large) && !record.is_ephemeral();
                if is_lost && !mutant::lacks(46) {
                    feed.record_loss(record.topics(), entry.position)?;
                }
                feed.record(draft?, Some(entry.position))
            });
            match outcome {
                Ok(_) => {}
                Err(error) if error.is_closed() => return Err(error),
                Err(error) => self.reject(entry.position, error),
            }
        }
        self.link.signal.notify();
        Ok(())
    }
}

/// Whether the entry is still there: then all reads since it was read were of the same log.
async fn is_still_there<S: Source>(source: &mut S, entry: &Entry) -> Result<bool, Error> {
    let found = source.from(entry.position, 1).await?;
    Ok(found.first().is_some_and(|found| found.position == entry.position))
}

/// The newest entries, the newest one first.
struct Newest {
    entries: Vec<Entry>,
    pages: usize,
    /// Whether these are all.
    is_whole: bool,
}

/// A position before all events from this entry on, after which there is nothing else. It is the
/// same on each server that begins with this entry.
fn before(entry: &Entry) -> Position {
    if is_mark(entry) {
        return entry.position;
    }
    let (epoch, n) = just_before(entry.position.numbers());
    Position { epoch, n, check: gap_check(&[entry.position]) }
}

/// The position after this entry, once later ones, the last of which was `lost`, are lost. It is
/// the same on each server that has read that one.
fn after_loss(known: Position, lost: Position) -> Position {
    let (epoch, n) = just_after(known.numbers()).unwrap_or(known.numbers());
    Position { epoch, n, check: gap_check(&[known, lost]) }
}

fn gap_check(positions: &[Position]) -> Check {
    let add = |hash: Hash, position: &Position| {
        hash.number(position.epoch).number(position.n).number(position.check.bits())
    };
    Check::of_gap(positions.iter().fold(Hash::default(), add).finish())
}

fn is_too_large(error: &Error) -> bool {
    error.encode_error().is_some_and(sse_encoder::Error::is_too_large)
}

fn just_after((epoch, n): (u64, u64)) -> Option<(u64, u64)> {
    match (n.checked_add(1), epoch.checked_add(1)) {
        (Some(n), _) => Some((epoch, n)),
        (None, Some(epoch)) => Some((epoch, 0)),
        (None, None) => None,
    }
}

/// The numbers just before these, so that nothing can be between them.
fn just_before((epoch, n): (u64, u64)) -> (u64, u64) {
    match (epoch.checked_sub(1), n.checked_sub(1)) {
        (_, Some(n)) => (epoch, n),
        (Some(epoch), None) => (epoch, u64::MAX),
        (None, None) => (epoch, n),
    }
}
