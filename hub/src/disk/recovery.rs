//! Reading the log at the start.
//!
//! Each file names the position before its first event, and each batch its numbers. So a hole is
//! known wherever it is: after damage, or where a file is missing. Events before the newest hole
//! are dropped, and their positions are unknown: clients at these get a gap. Damage with nothing
//! after it is a batch whose write was cut off: no publisher and no client has heard of it.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::{
    files::Files,
    format::{BatchHeader, Batches, Damage, FILE_HEADER, FileHeader, NoHeader},
    record::Record,
    segments::{Segment, Segments, UNFINISHED, name, number},
};
use crate::{error::Error, feed::Feed, frame::check_type, log::Names, position::Position};

/// The log as it was read.
pub(super) struct Recovered {
    /// The newest position; `None` if there is none that can be read.
    pub(super) tip: Option<Position>,
    /// The epoch, if the log was closed after all of it was written.
    pub(super) clean_epoch: Option<u64>,
    /// Whether an unknown number of its newest events is lost.
    pub(super) has_lost_tip: bool,
    /// How many holes there are.
    pub(super) holes: u64,
}

/// Reads the files into the feed.
///
/// # Errors
///
/// A file is not this log's, has another version, or cannot be read. Then nothing is changed.
pub(super) fn recover<F: Files>(
    segments: &mut Segments<F>,
    feed: &Feed,
) -> Result<Recovered, Error> {
    let failed = |error| Error::io("the log cannot be read", error);
    // A file whose name is not synced could still vanish, with all that is written to it.
    segments.files.sync_folder().map_err(failed)?;
    let names = segments.files.list().map_err(failed)?;
    let headers = headers(segments, &names)?;
    let mut reading = Reading::new(feed);
    let mut retired = Vec::new();
    for (index, (number, header)) in headers.iter().enumerate() {
        let next = headers[index + 1..].iter().find_map(|(_, header)| *header);
        let bytes = segments.files.read(&name(*number), usize::MAX).map_err(failed)?;
        let previous = header.map(|header| header.previous);
        let known = previous.or(reading.tip).unwrap_or(Position::START);
        let header = FileHeader { log: segments.log, number: *number, previous: known };
        let mut segment = Segment { header, last: known, len: bytes.len(), is_damaged: false };
        if previous.is_some() && next.is_some_and(|next| next.previous <= known) {
            // The next file was written in its place.
            retired.push(segment);
            continue;
        }
        if let (true, Some(newest)) = (reading.begin(previous)?, segments.list.back_mut()) {
            newest.is_damaged = true;
        }
        let mut batches = Batches::new(header, &bytes);
        for batch in batches.by_ref() {
            segment.is_damaged |= reading.batch(batch)?;
        }
        segment.is_damaged |= reading.is_lost;
        segment.last = reading.tip.unwrap_or(known);
        let is_whole = previous.is_some() && !reading.is_torn;
        segments.at = is_whole.then_some(batches.end());
        segments.list.push_back(segment);
    }
    if names.iter().any(|name| name == UNFINISHED) {
        let _ = segments.files.remove(UNFINISHED);
    }
    let Reading { tip, base, closed, is_torn, is_lost, holes, .. } = reading;
    while let Some(first) = segments.list.front()
        && base.is_none_or(|base| first.last < base)
    {
        retired.extend(segments.list.pop_front());
    }
    if !retired.is_empty() {
        retired.into_iter().for_each(|segment| segments.retire(segment));
        // Or a power failure could bring them back.
        let _ = segments.files.sync_folder();
    }
    let clean_epoch = closed.filter(|_| !is_torn && !is_lost && holes == 0);
    Ok(Recovered { tip, clean_epoch, has_lost_tip: is_lost, holes })
}

type Headers = Vec<(u64, Option<FileHeader>)>;

/// The number of each file, and its header if that is not damaged.
fn headers<F: Files>(segments: &mut Segments<F>, names: &[String]) -> Result<Headers, Error> {
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| number(name)).collect();
    numbers.sort_unstable();
    segments.next_number = numbers.last().map_or(1, |newest| newest.saturating_add(1));
    let (mut log, mut likely_log) = (None, None);
    let mut headers = Vec::new();
    for number in numbers {
        let name = name(number);
        let bytes = segments.files.read(&name, FILE_HEADER);
        let bytes = bytes.map_err(|error| Error::io("the log cannot be read", error))?;
        headers.push(match FileHeader::read(&bytes) {
            Ok(header) if header.number != number => {
                return Err(Error::foreign_file(&name, "has been renamed"));
            }
            Ok(header) if *log.get_or_insert(header.log) != header.log => {
                return Err(Error::foreign_file(&name, "belongs to another log"));
            }
            Ok(header) => (number, Some(header)),
            Err(NoHeader::Damaged(log)) => {
                likely_log = Some(log);
                (number, None)
            }
            Err(NoHeader::Foreign) => {
                return Err(Error::foreign_file(&name, "is not a file of the log"));
            }
            Err(NoHeader::OtherVersion(version)) => {
                return Err(Error::other_version(&name, version));
            }
        });
    }
    segments.log = log.or(likely_log).unwrap_or(segments.log);
    Ok(headers)
}

struct Reading<'a> {
    feed: &'a Feed,
    now: (Instant, u64),
    /// The newest time of a batch, but for those in the future.
    time: u64,
    /// The newest position.
    tip: Option<Position>,
    /// The position before the oldest event after the newest hole.
    base: Option<Position>,
    /// The epoch, if the newest batch says that the log was closed.
    closed: Option<u64>,
    /// Whether there is damage after the newest batch of the file.
    is_torn: bool,
    /// Whether all of the file is damaged.
    is_lost: bool,
    holes: u64,
}

impl<'a> Reading<'a> {
    fn new(feed: &'a Feed) -> Self {
        Self {
            feed,
            now: (Instant::now(), now()),
            time: 0,
            tip: None,
            base: None,
            closed: None,
            is_torn: false,
            is_lost: false,
            holes: 0,
        }
    }

    /// Begins a file, whose header says what was before it, unless that is damaged. `true` if the
    /// newest events of the file before are lost.
    fn begin(&mut self, previous: Option<Position>) -> Result<bool, Error> {
        self.is_lost = previous.is_none();
        let is_hole = match previous {
            Some(previous) if self.tip != Some(previous) => self.continue_after(previous)?,
            _ => false,
        };
        Ok(std::mem::take(&mut self.is_torn) && is_hole)
    }

    /// Drops everything before this position. `true` if there was anything.
    fn continue_after(&mut self, base: Position) -> Result<bool, Error> {
        let is_hole = self.tip.is_some();
        self.holes += u64::from(is_hole);
        (self.tip, self.base) = (Some(base), Some(base));
        self.feed.record_gap(base)?;
        if base.n == 0 {
            self.feed.record_beginning();
        }
        Ok(is_hole)
    }

    /// Reads a batch. `true` if events before it are lost.
    fn batch(&mut self, batch: Result<(BatchHeader, &[u8]), Damage>) -> Result<bool, Error> {
        let next = self.tip.map(|tip| tip.n.saturating_add(1));
        let (batch, mut records) = match batch {
            Ok((batch, records)) if batch.first > 0 && next.is_none_or(|n| n <= batch.first) => {
                (batch, records)
            }
            _ => {
                self.is_torn = true;
                return Ok(false);
            }
        };
        let is_hole = next != Some(batch.first);
        if is_hole {
            self.continue_after(Position::new(batch.epoch, batch.first - 1))?;
        }
        (self.is_torn, self.is_lost) = (false, false);
        self.closed = (batch.count == 0).then_some(batch.epoch);
        if batch.count > 0 {
            // The event itself may have been replaced.
            self.feed.write().retained.note(batch.position(0));
        }
        // A clock that was set back makes nothing younger.
        self.time = self.time.max(batch.time).min(self.now.1);
        while !records.is_empty() {
            match Record::read(&mut records) {
                Some(record) => self.event(&record, batch.position(record.offset))?,
                None => {
                    // It cannot happen, as the checksum is right.
                    self.continue_after(batch.last())?;
                    break;
                }
            }
        }
        if batch.count > 0 {
            self.tip = Some(batch.last());
            self.feed.write().retained.note(batch.last());
        }
        Ok(is_hole)
    }

    fn event(&mut self, record: &Record, position: Position) -> Result<(), Error> {
        let age = Duration::from_millis(self.now.1 - self.time);
        if self.feed.settings.bounds.age.is_some_and(|longest| age >= longest) {
            return self.feed.record_gap(position);
        }
        // Where the clock does not reach so far back, the event is kept longer.
        let time = self.now.0.checked_sub(age).unwrap_or(self.now.0);
        let topics = record.topics();
        let reserved = &self.feed.settings.notice_types;
        let record_now = || {
            check_type(record.event(), reserved)?;
            self.feed.record_at(record.draft(&topics), Some(position), || time)
        };
        let recorded = record_now().or_else(|error| {
            if !error.is_duplicate_id() {
                return Err(error);
            }
            // The bounds have grown: when this event was written, the other one with its own id was
            // no longer retained.
            self.feed.record_gap(Position { n: position.n.saturating_sub(1), ..position })?;
            record_now()
        });
        if recorded.is_err() {
            // Of a type that is the hub's own by now.
            self.feed.record_loss(Names::Several(&topics), position)?;
        }
        Ok(())
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_millis()).unwrap_or(u64::MAX)
}
