//! An item as a single frame.

use sse_encoder::{Encode, Encoded, Encoder};

use crate::error::Error;

/// Encodes an item as a single frame, whose automatic id, if it wants one, is added later: no user
/// code runs while the log is locked.
pub(crate) fn encode(item: &(impl ?Sized + Encode), max_frame: usize) -> Result<Encoded, Error> {
    let mut encoder = Encoder::new().automatic_ids(false).max_frame(max_frame);
    let encoded = encoder.encode_once(item)?;
    if encoded.is_single() { Ok(encoded) } else { Err(Error::not_single_frame()) }
}
