//! The bytes of a file: a header, batches, and zeros up to the end.
//!
//! Numbers are little-endian. A batch begins at a multiple of eight bytes and counts whole or not
//! at all. Its checksums begin with the log's id and the file's number, so no batch of another file
//! is taken for one of this file, and no event's bytes can pass for a batch.

use crc32fast::Hasher;

use crate::position::Position;

const MAGIC: [u8; 8] = *b"sse-hub\n";
const VERSION: u32 = 1;

/// The length of a file's header. In later versions too, it ends with its checksum.
pub(super) const FILE_HEADER: usize = 64;
/// The length of a batch's header.
pub(super) const BATCH_HEADER: usize = 40;

/// The header of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct FileHeader {
    pub(super) log: u64,
    pub(super) number: u64,
    /// The position before all events of the file.
    pub(super) previous: Position,
}

/// Why a file has no header that can be read.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum NoHeader {
    /// The log's id may be this one.
    Damaged(u64),
    Foreign,
    OtherVersion(u32),
}

impl FileHeader {
    pub(super) fn to_bytes(self) -> [u8; FILE_HEADER] {
        let mut bytes = [0; FILE_HEADER];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        let (epoch, n) = self.previous.numbers();
        for (field, number) in bytes[16..48].chunks_mut(8).zip([self.log, self.number, epoch, n]) {
            field.copy_from_slice(&number.to_le_bytes());
        }
        let checksum = Self::checksum(&bytes);
        bytes[FILE_HEADER - 4..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    pub(super) fn read(bytes: &[u8]) -> Result<Self, NoHeader> {
        // If the write was cut off, the file has a part of the magic number.
        let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let is_ours = bytes.starts_with(&MAGIC) || MAGIC.starts_with(&bytes[..end]);
        let number = |at| u64_at(bytes, at).unwrap_or(0);
        match bytes.first_chunk() {
            Some(header) if u32_at(header, FILE_HEADER - 4) == Some(Self::checksum(header)) => {
                match u32_at(header, 8).unwrap_or(0) {
                    VERSION => {
                        let previous = Position::new(number(32), number(40));
                        Ok(Self { log: number(16), number: number(24), previous })
                    }
                    version => Err(NoHeader::OtherVersion(version)),
                }
            }
            _ if is_ours => Err(NoHeader::Damaged(number(16))),
            _ => Err(NoHeader::Foreign),
        }
    }

    /// Over the right magic number: damage to that alone does no harm.
    fn checksum(bytes: &[u8; FILE_HEADER]) -> u32 {
        let mut hasher = Hasher::new();
        hasher.update(&MAGIC);
        hasher.update(&bytes[MAGIC.len()..FILE_HEADER - 4]);
        hasher.finalize()
    }

    /// The state in which the checksums of this file's batches begin.
    pub(super) fn seed(self) -> Hasher {
        let mut hasher = Hasher::new();
        hasher.update(&self.log.to_le_bytes());
        hasher.update(&self.number.to_le_bytes());
        hasher
    }
}

/// The header of a batch: its length, the checksum of its records, these fields, and its own
/// checksum.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct BatchHeader {
    pub(super) epoch: u64,
    /// The number of its first event.
    pub(super) first: u64,
    /// Milliseconds since 1970.
    pub(super) time: u64,
    /// How many numbers it takes. Zero says that the log was closed.
    pub(super) count: u32,
}

impl BatchHeader {
    /// The position so many numbers after the first one.
    pub(super) const fn position(&self, offset: u32) -> Position {
        Position::new(self.epoch, self.first.saturating_add(offset as u64))
    }

    /// The position of its last event; of a batch without events the one before it.
    pub(super) fn last(&self) -> Position {
        Position::new(self.epoch, self.position(self.count).n.saturating_sub(1))
    }

    /// Completes a batch whose records stand in `bytes` after the space for its header.
    pub(super) fn seal(&self, seed: &Hasher, bytes: &mut [u8]) {
        let mut hasher = seed.clone();
        hasher.update(&bytes[BATCH_HEADER..]);
        let len = bytes.len() as u32;
        bytes[..4].copy_from_slice(&len.to_le_bytes());
        bytes[4..8].copy_from_slice(&hasher.finalize().to_le_bytes());
        for (field, number) in bytes[8..32].chunks_mut(8).zip([self.epoch, self.first, self.time]) {
            field.copy_from_slice(&number.to_le_bytes());
        }
        bytes[32..36].copy_from_slice(&self.count.to_le_bytes());
        let mut hasher = seed.clone();
        hasher.update(&bytes[..BATCH_HEADER - 4]);
        bytes[BATCH_HEADER - 4..BATCH_HEADER].copy_from_slice(&hasher.finalize().to_le_bytes());
    }

    /// The header at the beginning of `bytes`, and the length of the batch.
    fn read(seed: &Hasher, bytes: &[u8]) -> Option<(Self, usize)> {
        let bytes = bytes.first_chunk::<BATCH_HEADER>()?;
        let mut hasher = seed.clone();
        hasher.update(&bytes[..BATCH_HEADER - 4]);
        if u32_at(bytes, BATCH_HEADER - 4)? != hasher.finalize() {
            return None;
        }
        let [epoch, first, time] = [8, 16, 24].map(|at| u64_at(bytes, at).unwrap_or(0));
        let len = u32_at(bytes, 0)? as usize;
        let header = Self { epoch, first, time, count: u32_at(bytes, 32)? };
        (len >= BATCH_HEADER).then_some((header, len))
    }
}

/// The batches of a file.
pub(super) struct Batches<'a> {
    bytes: &'a [u8],
    seed: Hasher,
    at: usize,
}

/// These bytes are neither a batch nor the end.
#[derive(Debug)]
pub(super) struct Damage;

impl<'a> Batches<'a> {
    pub(super) fn new(header: FileHeader, bytes: &'a [u8]) -> Self {
        Self { bytes, seed: header.seed(), at: FILE_HEADER }
    }

    /// The end of the batches.
    pub(super) const fn end(&self) -> usize {
        self.at
    }
}

impl<'a> Iterator for Batches<'a> {
    type Item = Result<(BatchHeader, &'a [u8]), Damage>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..)?;
        if let Some((header, len)) = BatchHeader::read(&self.seed, rest) {
            let batch = rest.get(..len);
            self.at = self.at.saturating_add(aligned(len));
            let records = batch.map(|batch| &batch[BATCH_HEADER..]).filter(|records| {
                let mut hasher = self.seed.clone();
                hasher.update(records);
                Some(hasher.finalize()) == u32_at(rest, 4)
            });
            return Some(records.map(|records| (header, records)).ok_or(Damage));
        }
        if rest.iter().all(|byte| *byte == 0) {
            return None;
        }
        // The length cannot be trusted: the next batch begins at the next header.
        let is_header = |at: &usize| BatchHeader::read(&self.seed, &rest[*at..]).is_some();
        let next = (8..rest.len()).step_by(8).find(is_header);
        self.at += next.unwrap_or(rest.len());
        Some(Err(Damage))
    }
}

/// The beginning of the next batch.
pub(super) const fn aligned(len: usize) -> usize {
    len.saturating_add(7) & !7
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_counts_in_its_own_file_alone() {
        let header = FileHeader { log: 7, number: 1, previous: Position::START };
        let mut batch = vec![0; BATCH_HEADER + 3];
        BatchHeader { epoch: 5, first: 1, time: 0, count: 1 }.seal(&header.seed(), &mut batch);
        let file = [&header.to_bytes()[..], &batch].concat();
        let is_read = |header| Batches::new(header, &file).all(|batch| batch.is_ok());
        assert!(is_read(header));
        assert!(!is_read(FileHeader { number: 2, ..header }));
        assert!(!is_read(FileHeader { log: 8, ..header }));
    }
}
