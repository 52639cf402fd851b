use std::collections::VecDeque;

use bytes::Bytes;

use super::failure::Failure;
use crate::{
    buffer::{Buffer, Piece},
    encoder::Encoder,
    error::Error,
    event::{Encode, Internal},
    wire::Frames,
};

/// The state that some streams hold between two polls; most hold none.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The rest of a chunk that had long shared bytes.
    pieces: VecDeque<Bytes>,
    /// Follows the chunk that was gathered before it.
    pub(super) failure: Option<Failure>,
    /// The error of a prelude, for the policy.
    pub(super) invalid: Option<Error>,
    /// Frames to begin the next chunk with: a prelude, those that linger, those before a panic.
    passthrough: Option<Bytes>,
    buffer: Option<Box<Buffer>>,
}

impl Held {
    pub(super) fn next_piece(&mut self) -> Option<Bytes> {
        self.pieces.pop_front()
    }

    /// The number of chunks and errors that are certain to come.
    pub(super) fn ready(&self) -> usize {
        self.pieces.len() + usize::from(self.has_frames()) + usize::from(self.failure.is_some())
    }

    /// Whether the next poll begins with frames, or with an error for the policy: these can become
    /// any number of chunks.
    pub(super) fn has_beginning(&self) -> bool {
        self.has_frames() || self.invalid.is_some()
    }

    fn has_frames(&self) -> bool {
        self.passthrough.is_some() || self.buffer.is_some()
    }
}

/// The chunk of one poll. Frames that were not [taken](Self::take) when it is dropped are kept for
/// the next poll.
pub(super) struct Chunk<'a> {
    /// Frames that came encoded, as long as they are the only ones: they are passed on uncopied.
    passthrough: Option<Bytes>,
    /// The thread's, or one that was held.
    buffer: Option<Box<Buffer>>,
    /// The buffer was held.
    is_detached: bool,
    held: &'a mut Option<Box<Held>>,
}

impl<'a> Chunk<'a> {
    /// An empty chunk: [`resume`](Self::resume) begins it with the frames that are held.
    #[inline(always)]
    pub(super) fn new(held: &'a mut Option<Box<Held>>) -> Self {
        Self { passthrough: None, buffer: None, is_detached: false, held }
    }

    #[inline(always)]
    pub(super) fn has_held(&self) -> bool {
        self.held.is_some()
    }

    /// Appends the frames that are held. Returns the error of a prelude.
    #[cold]
    pub(super) fn resume(&mut self) -> Option<Error> {
        // All pieces, and a failure, were sent before.
        let Held { passthrough, buffer, invalid, .. } = *self.held.take()?;
        if self.is_empty() {
            (self.passthrough, self.buffer) = (passthrough, buffer);
            self.is_detached = self.buffer.is_some();
        } else {
            let frames = passthrough.or_else(|| buffer.map(Buffer::take_whole));
            frames.into_iter().for_each(|frames| self.push_encoded(frames));
        }
        invalid
    }

    /// Appends an item.
    #[inline(always)]
    pub(super) fn push<T: Encode>(
        &mut self,
        mut item: T,
        encoder: &mut Encoder,
    ) -> Result<(), Error> {
        match item.take_encoded(Internal(())) {
            Some(encoded) => {
                encoder.check(&encoded)?;
                self.push_encoded(encoded.into_bytes());
                Ok(())
            }
            // By reference, which moves nothing.
            None if !T::can_fail(Internal(())) => self.write(|frames| item.encode(frames), encoder),
            None => self.write(|frames| item.encode_owned(frames, Internal(())), encoder),
        }
    }

    /// Appends the frames that an item writes.
    #[inline(always)]
    pub(super) fn write(
        &mut self,
        item: impl FnOnce(&mut Frames<'_>) -> Result<(), Error>,
        encoder: &mut Encoder,
    ) -> Result<(), Error> {
        encoder.write(item, self.buffer())
    }

    /// Appends the frames of an item that gets no automatic id.
    pub(super) fn write_unnumbered(
        &mut self,
        item: impl FnOnce(&mut Frames<'_>) -> Result<(), Error>,
        encoder: &Encoder,
    ) -> Result<(), Error> {
        encoder.write_unnumbered(item, self.buffer())
    }

    #[inline(always)]
    fn buffer(&mut self) -> &mut Buffer {
        if self.passthrough.is_some() {
            self.copy_passthrough();
        }
        if self.buffer.is_none() {
            self.buffer = Some(Buffer::acquire());
        }
        // Present by now.
        self.buffer.get_or_insert_default()
    }

    /// Appends encoded frames.
    #[inline(always)]
    pub(super) fn push_encoded(&mut self, frames: Bytes) {
        if self.is_empty() {
            if !frames.is_empty() {
                self.passthrough = Some(frames);
            }
            return;
        }
        if self.passthrough.is_some() {
            self.copy_passthrough();
        }
        self.append(&frames);
    }

    fn append(&mut self, frames: &Bytes) {
        self.buffer.get_or_insert_with(Buffer::acquire).append(frames);
    }

    /// Copies frames that came encoded: others follow in the same chunk.
    #[cold]
    fn copy_passthrough(&mut self) {
        if let Some(frames) = self.passthrough.take() {
            self.append(&frames);
        }
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        self.passthrough.as_ref().map_or(0, Bytes::len)
            + self.buffer.as_ref().map_or(0, |buffer| buffer.committed_len())
    }

    /// Whether no item was encoded, not even one that wrote no frame.
    #[inline(always)]
    pub(super) fn is_unused(&self) -> bool {
        self.passthrough.is_none() && self.buffer.is_none()
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.passthrough.is_none()
            && self.buffer.as_ref().is_none_or(|buffer| buffer.committed_len() == 0)
    }

    /// Whether all frames came encoded, in one piece.
    #[inline(always)]
    pub(super) fn passes_through(&self) -> bool {
        self.passthrough.is_some()
    }

    /// Takes the chunk: its first piece. The others are held.
    #[inline(always)]
    pub(super) fn take(&mut self) -> Option<Piece> {
        if let Some(buffer) = self.buffer.take() {
            let held = &mut *self.held;
            let gathered =
                buffer.take(|piece| held.get_or_insert_default().pieces.push_back(piece));
            if gathered.is_some() {
                return gathered;
            }
        }
        self.passthrough.take().map(Piece::Shared)
    }

    #[cold]
    fn keep(&mut self) {
        let held = self.held.get_or_insert_default();
        held.passthrough = self.passthrough.take();
        let buffer = self.buffer.take();
        held.buffer = if self.is_detached { buffer } else { buffer.map(Buffer::detach) };
    }
}

impl Drop for Chunk<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.is_empty() {
            self.keep();
        }
    }
}
