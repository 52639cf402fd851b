//! The events of old files that are still retained, for a file that takes their place.

use super::{
    format::{BATCH_HEADER, BatchHeader, FILE_HEADER, FileHeader, aligned},
    record::Record,
};
use crate::position::Position;

/// Batches, each with space for its header. They take the same numbers as before.
#[derive(Clone, Default)]
pub(super) struct Kept(Vec<(BatchHeader, Vec<u8>)>);

impl Kept {
    /// Adds the events of a batch that are kept. `false` if it cannot be read.
    pub(super) fn add(
        &mut self,
        mut batch: BatchHeader,
        mut records: &[u8],
        is_kept: impl Fn(Position) -> bool,
    ) -> bool {
        if batch.count == 0 {
            return true;
        }
        // A batch without events leaves its numbers to the next one.
        let (first, is_empty) = (batch.first, |bytes: &Vec<u8>| bytes.len() == BATCH_HEADER);
        if let Some((before, _)) = self.0.pop_if(|(before, bytes)| {
            let is_next = before.epoch == batch.epoch && before.count < u32::MAX - batch.count;
            is_next && is_empty(bytes)
        }) {
            (batch.first, batch.count) = (before.first, before.count + batch.count);
        }
        let mut bytes = vec![0; BATCH_HEADER];
        while !records.is_empty() {
            let Some(mut record) = Record::read(&mut records) else { return false };
            let position = Position::new(batch.epoch, first + u64::from(record.offset));
            if is_kept(position) {
                record.offset += (first - batch.first) as u32;
                record.write(&mut bytes);
            }
        }
        self.0.push((batch, bytes));
        true
    }

    /// The length of a file with these.
    pub(super) fn len(&self) -> usize {
        FILE_HEADER + self.0.iter().map(|(_, bytes)| aligned(bytes.len())).sum::<usize>()
    }

    /// The file with this header.
    pub(super) fn to_bytes(&self, header: FileHeader) -> Vec<u8> {
        let mut file = header.to_bytes().to_vec();
        for (batch, bytes) in &self.0 {
            let mut bytes = bytes.clone();
            batch.seal(&header.seed(), &mut bytes);
            file.extend_from_slice(&bytes);
            file.resize(aligned(file.len()), 0);
        }
        file
    }
}
