//! The buffer of a stream: frames in, chunks out.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::{encoder::Encoder, error::Error, event::Encode, output::Output};

/// The least that is allocated for a chunk: one event of a quiet stream, which mostly fits.
///
/// Measured for the first event of a stream: with 128 one of 200 bytes takes a reallocation and 13 % more
/// instructions; 1024 saves 8 % for one of 900 bytes, and holds four times as much for a small one.
const SMALLEST: usize = 256;

/// Gathers frames into one buffer. It holds no memory while it is empty and [released](Self::release).
#[derive(Debug)]
pub(crate) struct Chunks {
    output: Output,
    /// What remains of a chunk that had shared bytes.
    pieces: VecDeque<Bytes>,
}

impl Chunks {
    pub(crate) fn new() -> Self {
        Self { output: Output::sharing(SMALLEST), pieces: VecDeque::new() }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.output.len()
    }

    /// Appends an item.
    #[inline]
    pub(crate) fn put<T: Encode>(&mut self, item: &T, encoder: &mut Encoder) -> Result<(), Error> {
        encoder.put(item, &mut self.output)
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
    ///
    /// The next chunk will resemble this one: the room for it is as much as this one took and a quarter
    /// more. That is one allocation for a busy stream's chunk, a small one for a quiet stream's, and after
    /// a giant again that of a chunk of `limit` bytes.
    pub(crate) fn take(&mut self, limit: usize) -> Option<Bytes> {
        if self.output.is_empty() {
            return None;
        }
        let len = self.output.own_len().min(limit);
        self.output.expect(len.saturating_add(len / 4).max(SMALLEST));
        let mut first = None;
        self.output.take(|piece| match first {
            None => first = Some(piece),
            Some(_) => self.pieces.push_back(piece),
        });
        first
    }

    /// Gives the memory back while nothing is there to be sent.
    pub(crate) fn release(&mut self) {
        self.output = Output::sharing(self.output.expected());
        self.pieces = VecDeque::new();
    }
}
