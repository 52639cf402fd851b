//! Appends to the log: all events that wait are one batch, one write and one sync. Only then are
//! they retained and delivered, and their publishers answered.

use std::{
    collections::{HashSet, VecDeque},
    io, mem,
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    endings::Endings,
    files::Files,
    format::{BATCH_HEADER, BatchHeader},
    queue::{Command, EndingCommand, refuse},
    record::{RECORD_HEADER, Record},
    recovery::{Recovered, now, recover},
    segments::{Failure, Segments},
};
use crate::{
    error::Error,
    feed::Feed,
    position::{self, Position},
    random,
};

/// How many events of a batch are recorded under one lock, and wake each subscriber once. Between
/// two such parts, the subscribers can read.
const PART: usize = 256;

/// How much memory is kept for the next batch.
const SPARE: usize = 1 << 20;

/// Every part of the log but the thread: a simulation calls it itself.
pub(crate) struct Writer<F> {
    feed: Arc<Feed>,
    segments: Segments<F>,
    endings: Endings,
    /// The newest position.
    tip: Position,
    /// The epoch of the next events.
    epoch: u64,
    /// The longest time between two syncs; `None`: each batch is synced.
    sync_every: Option<Duration>,
    /// When the oldest unsynced batch was written.
    unsynced_since: Option<Instant>,
    /// Whether a batch is on the disk after the mark of the last close.
    is_marked_open: bool,
    holes: u64,
    bytes: Vec<u8>,
}

impl<F: Files> Writer<F> {
    /// Reads the log into the feed, or begins one.
    ///
    /// # Errors
    ///
    /// The files are not a log that can be read and written.
    pub(crate) fn open(
        files: F,
        feed: Arc<Feed>,
        sync_every: Option<Duration>,
    ) -> Result<Self, Error> {
        let retain_bytes = feed.settings.bounds.bytes;
        let mut segments = Segments::new(files, random::number(), retain_bytes);
        let Recovered { tip, clean_epoch, has_lost_tip, holes } = recover(&mut segments, &feed)?;
        let endings = Endings::open(&mut segments.files, &feed)?;
        let newer = position::epoch().max(tip.map_or(0, |tip| tip.epoch.saturating_add(1)));
        let epoch = clean_epoch.unwrap_or(newer);
        let tip = match tip {
            Some(tip) if !has_lost_tip => tip,
            _ => {
                // No client has been told this position yet.
                let tip = Position::new(epoch, tip.map_or(0, |tip| tip.n));
                feed.record_gap(tip)?;
                if tip.n == 0 {
                    feed.record_beginning();
                }
                mem::take(&mut segments.list).into_iter().for_each(|file| segments.retire(file));
                let begun = segments.begin(tip, 0);
                begun.map_err(unwritable)?;
                tip
            }
        };
        if feed.settings.bounds.age.is_some() {
            feed.write().trim(Some(Instant::now()));
        }
        let mut writer = Self {
            feed,
            segments,
            endings,
            tip,
            epoch,
            sync_every,
            unsynced_since: None,
            is_marked_open: false,
            holes: holes + u64::from(has_lost_tip),
            bytes: Vec::new(),
        };
        match writer.trim() {
            Ok(()) => Ok(writer),
            Err(failure) => Err(unwritable(failure.into_io())),
        }
    }

    /// How many holes the log had when it was read.
    pub(crate) const fn holes(&self) -> u64 {
        self.holes
    }

    /// Appends events and answers their publishers. `false` if some could not be written. An error
    /// is the reason why nothing can be appended any more.
    pub(crate) fn append(&mut self, commands: Vec<Command>) -> Result<bool, String> {
        let mut is_whole = true;
        let mut commands = VecDeque::from(commands);
        while !commands.is_empty() {
            let (mut ids, mut batch) = (HashSet::new(), Vec::new());
            while let Some(first) = commands.front() {
                let len = 1 + first.companions;
                let group = || commands.iter().take(len);
                let own_ids = || group().filter_map(|command| command.record.event().id());
                // The second event with an id is refused once the first one is retained.
                if own_ids().any(|id| ids.contains(&id)) {
                    break;
                }
                ids.extend(own_ids());
                let refusal = group().find_map(|command| self.check(command).err());
                let group = commands.drain(..len.min(commands.len()));
                match refusal {
                    None => batch.extend(group),
                    Some(error) => {
                        group.for_each(|command| command.promise.resolve(Err(error.clone())));
                    }
                }
            }
            match self.append_batch(batch) {
                Ok(()) => {}
                Err(Failure::NotAppended(_)) => is_whole = false,
                Err(Failure::Unknown(error)) => {
                    let reason = failed(&error);
                    refuse(commands, &reason);
                    return Err(reason);
                }
            }
        }
        match self.sync_if_due() {
            Err(failure) => Err(failed(&failure.into_io())),
            Ok(()) => Ok(is_whole),
        }
    }

    /// Keeps the endings of streams, and answers their callers. After a failure the next endings
    /// are another attempt.
    pub(crate) fn end(&mut self, commands: Vec<EndingCommand>) {
        if commands.is_empty() {
            return;
        }
        let (endings, promises): (Vec<_>, Vec<_>) = commands.into_iter().unzip();
        let kept = self.endings.append(&mut self.segments.files, &self.feed, &endings);
        for promise in promises {
            promise.resolve(match &kept {
                Ok(()) => Ok(None),
                Err(error) => Err(Error::not_appended(error.to_string())),
            });
        }
    }

    fn check(&self, command: &Command) -> Result<(), Error> {
        let Some(id) = command.record.event().id() else { return Ok(()) };
        self.feed.read().check_id(&id, command.record.draft(&command.record.topics()).topics)
    }

    /// Appends a batch: all of it or nothing.
    fn append_batch(&mut self, mut batch: Vec<Command>) -> Result<(), Failure> {
        let mut bytes = mem::take(&mut self.bytes);
        bytes.clear();
        bytes.shrink_to(SPARE);
        bytes.resize(BATCH_HEADER, 0);
        let mut count = 0;
        for Command { record, .. } in batch.iter_mut().filter(|command| !command.is_ephemeral()) {
            record.offset = count;
            record.write(&mut bytes);
            count += 1;
        }
        let header = BatchHeader { epoch: self.epoch, first: self.tip.n + 1, time: now(), count };
        let written = if count > 0 { self.write(header, &mut bytes) } else { Ok(()) };
        self.bytes = bytes;
        if let Err(failure) = &written {
            batch.into_iter().for_each(|command| {
                let error = failure.error(command.is_ephemeral());
                command.promise.resolve(Err(error));
            });
            return written;
        }
        while !batch.is_empty() {
            let rest = batch.split_off(batch.len().min(PART));
            self.publish(mem::replace(&mut batch, rest), header);
        }
        self.trim()
    }

    /// Retains and delivers events, and answers their publishers. One that is on the disk is
    /// published even if the hub has been closed meanwhile.
    fn publish(&mut self, commands: Vec<Command>, header: BatchHeader) {
        let position_of =
            |record: &Record| (!record.is_ephemeral()).then(|| header.position(record.offset));
        let topics: Vec<_> = commands.iter().map(|command| command.record.topics()).collect();
        let drafts = commands
            .iter()
            .zip(&topics)
            .map(|(Command { record, .. }, topics)| (record.draft(topics), position_of(record)));
        let recorded = self.feed.record_each(drafts.collect()).map(drop);
        drop(topics);
        for Command { record, promise, .. } in commands {
            let position = position_of(&record);
            self.tip = position.unwrap_or(self.tip);
            promise.resolve(match position {
                Some(position) => Ok(record.event().id().or_else(|| Some(position.to_id()))),
                None => recorded.clone().map(|()| None),
            });
        }
    }

    fn write(&mut self, header: BatchHeader, bytes: &mut [u8]) -> Result<(), Failure> {
        self.segments.append(header, self.tip, bytes)?;
        if self.sync_every.is_none() || !self.is_marked_open {
            self.segments.sync()?;
            self.is_marked_open = true;
        } else {
            self.unsynced_since.get_or_insert_with(Instant::now);
        }
        Ok(())
    }

    /// Removes files, and events from files, of which nothing is retained.
    fn trim(&mut self) -> Result<(), Failure> {
        // A closed feed records no more events, and so does not know which are old.
        if self.feed.is_closed() {
            return Ok(());
        }
        let (evicted, (events, bytes)) = {
            let retained = &self.feed.read().retained;
            (retained.evicted_position(), retained.size())
        };
        self.segments.trim(evicted);
        let retained = bytes + events * (BATCH_HEADER + RECORD_HEADER);
        self.segments.compact(retained, |position| self.feed.read().retained.keeps(position))
    }

    /// When [`append`](Self::append) is to be called at the latest, even without events.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.unsynced_since?.checked_add(self.sync_every?)
    }

    fn sync_if_due(&mut self) -> Result<(), Failure> {
        if self.due().is_some_and(|due| due <= Instant::now()) {
            self.segments.sync()?;
            self.unsynced_since = None;
        }
        Ok(())
    }

    /// Ends the log with a mark, so that the next start continues its epoch.
    pub(crate) fn close(mut self) {
        let first = self.tip.n + 1;
        let header = BatchHeader { epoch: self.epoch, first, time: now(), count: 0 };
        let mut bytes = [0; BATCH_HEADER];
        // Without the mark, the next start begins a new epoch.
        let _ =
            self.segments.append(header, self.tip, &mut bytes).and_then(|()| self.segments.sync());
    }
}

fn failed(error: &io::Error) -> String {
    format!("a write to the disk has failed before: {error}")
}

fn unwritable(error: io::Error) -> Error {
    Error::io("the log cannot be written", error)
}
