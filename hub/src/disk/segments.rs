//! The files of the log in their order: where the next batch goes, and which files are removed.

use std::{collections::VecDeque, io, mem};

use super::{
    files::Files,
    format::{BatchHeader, Batches, Damage, FILE_HEADER, FileHeader, aligned},
    kept::Kept,
};
use crate::{error::Error, position::Position};

/// The least and the largest size of a file, but for one with a larger batch.
const SIZES: (usize, usize) = if cfg!(test) { (1 << 9, 1 << 10) } else { (1 << 20, 16 << 20) };
/// How many files hold as many bytes as are retained.
const SHARES: usize = 8;
/// How many files may exist beside those that are needed, and how many are rewritten at once.
const SPARE_FILES: usize = 4;
/// The name of a file until it is whole.
pub(super) const UNFINISHED: &str = "unfinished";

/// A file of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) header: FileHeader,
    /// The position of its newest event.
    pub(super) last: Position,
    pub(super) len: usize,
    /// Whether a part of it cannot be read: it is put aside, and not removed.
    pub(super) is_damaged: bool,
}

/// Why events are not appended.
pub(super) enum Failure {
    /// Nothing of them counts.
    NotAppended(io::Error),
    /// They may be on the disk. Nothing can be appended any more: after a failed sync the system
    /// may have dropped what the next one reports as written.
    Unknown(io::Error),
}

impl Failure {
    /// The error of an event that was to be appended; an ephemeral one never is.
    pub(super) fn error(&self, is_ephemeral: bool) -> Error {
        match self {
            Self::Unknown(error) if !is_ephemeral => Error::outcome_unknown(error.to_string()),
            Self::Unknown(error) | Self::NotAppended(error) => {
                Error::not_appended(error.to_string())
            }
        }
    }

    pub(super) fn into_io(self) -> io::Error {
        match self {
            Self::NotAppended(error) | Self::Unknown(error) => error,
        }
    }
}

/// The files, oldest first. The newest one is written.
pub(super) struct Segments<F> {
    pub(super) files: F,
    pub(super) log: u64,
    pub(super) list: VecDeque<Segment>,
    /// Where the next batch goes; `None`: to a new file.
    pub(super) at: Option<usize>,
    pub(super) next_number: u64,
    is_synced: bool,
    /// The size of a new file.
    size: usize,
    /// The number of the file that is rewritten next; `None` once it is unknown what a failure has
    /// left behind.
    hand: Option<u64>,
    /// Whether a file has been begun since their total size was last checked.
    has_grown: bool,
}

impl<F: Files> Segments<F> {
    /// No files yet, of this log.
    pub(super) fn new(files: F, log: u64, retain_bytes: usize) -> Self {
        let size = (retain_bytes / SHARES).clamp(SIZES.0, SIZES.1);
        let list = VecDeque::new();
        Self {
            files,
            log,
            list,
            at: None,
            next_number: 1,
            is_synced: true,
            size,
            hand: Some(0),
            has_grown: false,
        }
    }

    /// Appends a batch whose records stand in `bytes` after the space for its header.
    pub(super) fn append(
        &mut self,
        batch: BatchHeader,
        previous: Position,
        bytes: &mut [u8],
    ) -> Result<(), Failure> {
        let len = aligned(bytes.len());
        if !matches!((self.at, self.list.back()), (Some(at), Some(file)) if at + len <= file.len) {
            self.sync()?;
            self.begin(previous, len).map_err(Failure::NotAppended)?;
        }
        // If the write fails, a part of the batch can be there: the next one goes to a new file,
        // which says what came before it.
        let (Some(at), Some(newest)) = (self.at.take(), self.list.back_mut()) else {
            return Err(Failure::NotAppended(io::ErrorKind::NotFound.into()));
        };
        batch.seal(&newest.header.seed(), bytes);
        let name = name(newest.header.number);
        self.files.write(&name, at as u64, bytes).map_err(Failure::NotAppended)?;
        (self.at, self.is_synced) = (Some(at + len), false);
        newest.last = batch.last();
        Ok(())
    }

    /// Forces all batches to the disk.
    pub(super) fn sync(&mut self) -> Result<(), Failure> {
        if let (false, Some(newest)) = (self.is_synced, self.list.back()) {
            self.files.sync(&name(newest.header.number)).map_err(Failure::Unknown)?;
        }
        self.is_synced = true;
        Ok(())
    }

    /// Begins a file with room for a batch of this length.
    pub(super) fn begin(&mut self, previous: Position, len: usize) -> io::Result<()> {
        let header = FileHeader { log: self.log, number: self.next_number, previous };
        let mut bytes = vec![0; self.size.max(FILE_HEADER + len)];
        bytes[..FILE_HEADER].copy_from_slice(&header.to_bytes());
        self.prepare(&bytes)?;
        // Even if this fails in part, the next batch goes to a file after this one.
        self.next_number += 1;
        self.at = None;
        self.publish(header.number)?;
        (self.at, self.is_synced, self.has_grown) = (Some(FILE_HEADER), true, true);
        let segment = Segment { header, last: previous, len: bytes.len(), is_damaged: false };
        self.list.push_back(segment);
        Ok(())
    }

    /// Writes a file, without its name.
    fn prepare(&mut self, bytes: &[u8]) -> io::Result<()> {
        let files = &mut self.files;
        let mut prepare = || {
            files.create(UNFINISHED)?;
            files.write(UNFINISHED, 0, bytes)?;
            files.sync(UNFINISHED)
        };
        let prepared = prepare();
        if prepared.is_err() {
            // It takes room on a disk that may be full.
            let _ = self.files.remove(UNFINISHED);
        }
        prepared
    }

    /// Gives the prepared file its name.
    fn publish(&mut self, number: u64) -> io::Result<()> {
        self.files.rename(UNFINISHED, &name(number))?;
        self.files.sync_folder()
    }

    /// Removes the files up to this position, but never the newest one.
    pub(super) fn trim(&mut self, evicted: Position) {
        while let (Some(first), true) = (self.list.front(), self.list.len() > 1)
            && first.last <= evicted
        {
            self.list.pop_front().into_iter().for_each(|segment| self.retire(segment));
        }
    }

    /// Rewrites some old files without the events that are no longer retained, if all files
    /// together take more than twice the retained bytes and [`SPARE_FILES`]. It does so at each new
    /// file.
    pub(super) fn compact(
        &mut self,
        retained: usize,
        is_kept: impl Fn(Position) -> bool,
    ) -> Result<(), Failure> {
        if !mem::take(&mut self.has_grown) {
            return Ok(());
        }
        let limit = 2 * retained + SPARE_FILES * self.size;
        for _ in 0..SPARE_FILES {
            let total: usize = self.list.iter().map(|segment| segment.len).sum();
            // A clock's hand: each but the newest one in turn.
            let old = self.list.len().saturating_sub(1);
            let Some(hand) = self.hand.filter(|_| total > limit && old > 0) else { break };
            let next = self.list.iter().position(|file| file.header.number >= hand);
            let index = next.filter(|index| *index < old).unwrap_or(0);
            // The newer events must be on the disk before those that they replace are removed.
            self.sync()?;
            if self.rewrite(index, &is_kept).is_err() {
                break;
            }
        }
        Ok(())
    }

    /// Rewrites this file, and if there is room for both, the next one.
    fn rewrite(&mut self, index: usize, is_kept: &impl Fn(Position) -> bool) -> io::Result<()> {
        let (first, next) = (self.list[index], self.list[index + 1]);
        self.hand = Some(next.header.number);
        let mut kept = Kept::default();
        if first.is_damaged || !self.read_kept(first, is_kept, &mut kept)? {
            return Ok(());
        }
        let (mut both, mut replaced) = (kept.clone(), first);
        let can_merge = index + 2 < self.list.len() && !next.is_damaged;
        if can_merge && self.read_kept(next, is_kept, &mut both)? && both.len() <= self.size {
            (kept, replaced) = (both, next);
        }
        let header = FileHeader { previous: first.header.previous, ..replaced.header };
        let bytes = kept.to_bytes(header);
        if bytes.len() >= replaced.len {
            return Ok(());
        }
        self.prepare(&bytes)?;
        let hand = self.hand.take();
        self.publish(header.number)?;
        self.hand = hand;
        let segment = Segment { header, len: bytes.len(), ..replaced };
        if header.number == next.header.number {
            self.list.remove(index).into_iter().for_each(|first| self.retire(first));
        }
        self.list[index] = segment;
        Ok(())
    }

    /// Adds the events of a file that are kept. `false` if a part of it cannot be read.
    fn read_kept(
        &mut self,
        Segment { header, .. }: Segment,
        is_kept: &impl Fn(Position) -> bool,
        kept: &mut Kept,
    ) -> io::Result<bool> {
        let bytes = self.files.read(&name(header.number), usize::MAX)?;
        Ok(Batches::new(header, &bytes).all(|batch| match batch {
            Ok((batch, records)) => kept.add(batch, records, is_kept),
            Err(Damage) => false,
        }))
    }

    /// Removes a file, or puts it aside. If that fails, the next start finds and trims it again.
    pub(super) fn retire(&mut self, segment: Segment) {
        let name = name(segment.header.number);
        let _ = if segment.is_damaged {
            self.files.rename(&name, &format!("{name}.damaged"))
        } else {
            self.files.remove(&name)
        };
    }
}

pub(super) fn name(number: u64) -> String {
    format!("{number:020}.log")
}

/// The number of the file with this name; `None` of a file that is not the log's.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
    let is_plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}
