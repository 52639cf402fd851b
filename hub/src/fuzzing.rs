//! What the fuzzer reaches beside the public names.

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
