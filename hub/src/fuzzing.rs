//! The names that the fuzz targets use beside the public ones.

use crate::{builder::HubBuilder, position::Position, redis::read_entry};

/// The text as a position, written again.
pub fn position(text: &str) -> Option<String> {
    text.parse::<Position>().ok().map(|position| position.to_string())
}

/// An entry's frame, topics and key.
pub fn entry<'a>(
    fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<(Vec<u8>, Vec<String>, Option<String>), crate::Error> {
    read_entry(fields, &HubBuilder::default().settings())
}

/// The events in a file of a log on disk, as their frames; `None` if it is not such a file. With
/// `seals`, the bytes after the file's header are the records of one batch, with right checksums.
#[cfg(feature = "disk")]
pub fn disk_file(bytes: &[u8], seals: bool) -> Option<Vec<Vec<u8>>> {
    crate::disk::read_file(bytes, seals)
}
