//! The buffer of a stream: frames in, chunks out.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{encoder::Encoder, error::Error, event::Encode, output::Output};

/// The least that is allocated for a chunk: one event of a quiet stream.
const SMALLEST: usize = 256;

/// Gathers frames into one buffer. It holds no memory while it is empty and [released](Self::release).
#[derive(Debug)]
pub(crate) struct Chunks {
    output: Output,
    /// What remains of a chunk that had shared bytes.
    pieces: VecDeque<Bytes>,
    /// The length of the last chunk, which the next one will resemble.
    last_len: usize,
}

impl Chunks {
    pub(crate) fn new() -> Self {
        Self { output: Output::sharing(), pieces: VecDeque::new(), last_len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.output.len()
    }

    /// Appends an item. `limit` is the size of a chunk, beyond which none is expected to grow.
    #[inline]
    pub(crate) fn put<T: Encode>(
        &mut self,
        item: &T,
        encoder: &mut Encoder,
        limit: usize,
    ) -> Result<(), Error> {
        if self.output.is_empty() {
            self.make_room(limit);
        }
        encoder.put(item, &mut self.output)
    }

    /// As much as the last chunk took and a quarter more: one allocation for a busy stream's chunk, a
    /// small one for a quiet stream's. After a giant the room is again that of a chunk.
    fn make_room(&mut self, limit: usize) {
        let room =
            self.last_len.saturating_add(self.last_len / 4).min(limit.saturating_add(limit / 4));
        self.output.reserve(room.max(SMALLEST));
    }

    /// The next piece of a chunk that was taken.
    #[inline]
    pub(crate) fn next_piece(&mut self) -> Option<Bytes> {
        self.pieces.pop_front()
    }

    /// How many pieces there are for sure.
    pub(crate) fn ready(&self) -> usize {
        self.pieces.len() + usize::from(!self.output.is_empty())
    }

    /// Takes all that has been gathered, if anything has: its first piece.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        if self.output.is_empty() {
            return None;
        }
        self.last_len = self.output.len();
        let mut first = None;
        self.output.take(|piece| match first {
            None => first = Some(piece),
            Some(_) => self.pieces.push_back(piece),
        });
        first
    }

    /// Gives the memory back while nothing is there to be sent.
    pub(crate) fn release(&mut self) {
        self.output = Output::sharing();
        self.pieces = VecDeque::new();
    }
}
