//! The files of the log in their order: where the next batch goes, and which files are let go.

use std::{collections::VecDeque, io};

use super::{
    files::Files,
    format::{BatchHeader, FILE_HEADER, FileHeader, aligned},
};
use crate::position::Position;

/// The least and the largest size of a file, but for one with a larger batch.
const SIZES: (usize, usize) = (1 << 20, 16 << 20);
/// So many files hold as many bytes as are retained.
const SHARES: usize = 8;

/// A file of the log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) header: FileHeader,
    /// The position of its newest event.
    pub(super) last: Position,
    pub(super) len: usize,
    /// Whether a part of it cannot be read: then it is put aside, and not removed.
    pub(super) is_damaged: bool,
}

/// Why a batch is not appended.
pub(super) enum Failure {
    /// Nothing of it counts.
    NotAppended(io::Error),
    /// It may be on the disk. The log can no longer be written: the system may have dropped what
    /// another sync would report as written.
    Unknown(io::Error),
}

pub(super) struct Segments<F> {
    files: F,
    log: u64,
    /// Oldest first; the newest one is written.
    list: VecDeque<Segment>,
    /// Where the next batch goes in it. `None`: to a new file.
    at: Option<usize>,
    is_synced: bool,
    next_number: u64,
    /// The size of a new file.
    size: usize,
}

impl<F: Files> Segments<F> {
    pub(super) fn new(files: F, recovered: Recovered, retain_bytes: usize) -> Self {
        let Recovered { log, segments: list, at, next_number, .. } = recovered;
        let size = (retain_bytes / SHARES).clamp(SIZES.0, SIZES.1);
        Self { files, log, list, at, is_synced: true, next_number, size }
    }

    /// Appends a batch whose records stand in `bytes` after the space for its header.
    pub(super) fn append(&mut self, batch: BatchHeader, bytes: &mut Vec<u8>) -> Result<(), Failure> {
        let len = aligned(bytes.len());
        let previous = Position { n: batch.first - 1, ..batch.last() };
        let mut segment = match (self.list.back(), self.at) {
            (Some(newest), Some(at)) if at + len <= newest.len => *newest,
            _ => self.begin(previous, len)?,
        };
        // Not there again if this fails: a part of the batch can be there.
        let at = self.at.take().unwrap_or(FILE_HEADER);
        batch.seal(&segment.header.seed(), bytes);
        let name = name(segment.header.number);
        self.files.write(&name, at as u64, bytes).map_err(Failure::NotAppended)?;
        (self.at, self.is_synced) = (Some(at + len), false);
        segment.last = batch.last();
        self.list.back_mut().map(|newest| *newest = segment);
        Ok(())
    }
pub(super) fn name(number: u64) -> String {
    format!("{number:020}.log")
}

/// The number of the file with this name; `None` of any other file.
pub(super) fn number(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".log")?;
    let is_plain = digits.len() == 20 && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_plain)
}
