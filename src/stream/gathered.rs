use std::{collections::VecDeque, mem};

use bytes::Bytes;

use crate::{
    encoder::Encoder,
    error::Error,
    event::{Encode, Internal},
    output::Output,
};

/// What one poll gathers, to leave as one chunk. Between polls it is empty and holds no buffer, but
/// for the pieces of a long chunk, and for what [lingers](Self::keep).
#[derive(Debug)]
pub(super) struct Gathered {
    /// Frames that came encoded, as long as they are all there is: they leave without being copied.
    passthrough: Bytes,
    output: Output,
    /// What is left of a chunk that had long shared bytes.
    #[allow(clippy::box_collection, reason = "each stream has one, and it is seldom used")]
    pieces: Option<Box<VecDeque<Bytes>>>,
}

impl Gathered {
    pub(super) const fn new() -> Self {
        Self { passthrough: Bytes::new(), output: Output::new(), pieces: None }
    }

    /// Appends an item.
    #[inline(always)]
    pub(super) fn push<T: Encode>(
        &mut self,
        item: &mut T,
        encoder: &mut Encoder,
    ) -> Result<(), Error> {
        match item.take_encoded(Internal(())) {
            Some(encoded) => {
                encoder.check(&encoded)?;
                self.push_encoded(encoded.into_bytes());
                Ok(())
            }
            None => self.encode(item, encoder),
        }
    }

    /// Encodes an item.
    #[inline]
    pub(super) fn encode<T: ?Sized + Encode>(
        &mut self,
        item: &T,
        encoder: &mut Encoder,
    ) -> Result<(), Error> {
        if !self.passthrough.is_empty() {
            self.copy_passthrough();
        }
        encoder.write(item, &mut self.output).map(drop)
    }

    /// Appends frames that came encoded.
    #[inline(always)]
    pub(super) fn push_encoded(&mut self, frames: Bytes) {
        if self.is_empty() {
            self.passthrough = frames;
            return;
        }
        if !self.passthrough.is_empty() {
            self.copy_passthrough();
        }
        self.output.append(&frames);
    }

    /// Something follows: both leave together.
    #[cold]
    fn copy_passthrough(&mut self) {
        self.output.append(&mem::take(&mut self.passthrough));
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.passthrough.len() + self.output.len()
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.passthrough.is_empty() && self.output.is_empty()
    }

    /// Whether all that has been gathered came encoded, in one piece.
    #[inline(always)]
    pub(super) fn passes_through(&self) -> bool {
        !self.passthrough.is_empty()
    }

    /// Takes all that has been gathered: the first piece of the chunk.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<Bytes> {
        let pieces = &mut self.pieces;
        let chunk = self.output.take(|piece| pieces.get_or_insert_default().push_back(piece));
        if self.passthrough.is_empty() { chunk } else { Some(mem::take(&mut self.passthrough)) }
    }

    /// The next piece of a chunk that was taken.
    #[inline(always)]
    pub(super) fn next_piece(&mut self) -> Option<Bytes> {
        if self.pieces.is_some() { self.pop_piece() } else { None }
    }

    #[cold]
    fn pop_piece(&mut self) -> Option<Bytes> {
        let pieces = self.pieces.as_mut()?;
        let piece = pieces.pop_front();
        if pieces.is_empty() {
            self.pieces = None;
        }
        piece
    }

    /// How many pieces there are for sure.
    pub(super) fn ready(&self) -> usize {
        self.pieces.as_ref().map_or(0, |pieces| pieces.len()) + usize::from(!self.is_empty())
    }

    /// Keeps what has been gathered for a later poll, without the thread's buffer. Whether there is
    /// room of its own for it.
    pub(super) fn keep(&mut self) -> bool {
        self.output.keep();
        !self.output.is_empty()
    }
}
