//! The buffer of a stream: frames in, chunks out.

use std::{collections::VecDeque, mem};

use bytes::{Bytes, BytesMut};

use crate::{encoder::Encoder, error::Error, event::Encode, frames::Shared};

/// The least that is allocated for a chunk: one event of a quiet stream.
const SMALLEST: usize = 256;

/// Gathers frames into one buffer. It holds no memory while it is empty and [released](Self::release).
#[derive(Debug, Default)]
pub(crate) struct Chunks {
    buffer: BytesMut,
    /// Long shared bytes that belong into the buffer's run of bytes without being copied there.
    shared: Vec<Shared>,
    /// What remains of a chunk that had shared bytes.
    pieces: VecDeque<Bytes>,
    /// The length of the last chunk, which the next one will resemble.
    last_len: usize,
}

impl Chunks {
    pub(crate) fn len(&self) -> usize {
        self.buffer.len() + self.shared.iter().map(|shared| shared.bytes.len()).sum::<usize>()
    }

    /// Appends an item. `limit` is the size of a chunk, beyond which none is expected to grow.
    #[inline]
    pub(crate) fn put<T: Encode>(
        &mut self,
        item: &T,
        encoder: &mut Encoder,
        limit: usize,
    ) -> Result<(), Error> {
        if self.buffer.is_empty() {
            self.make_room(limit);
        }
        encoder.put(item, &mut self.buffer, Some(&mut self.shared))
    }

    /// As much as the last chunk took and a quarter more: one allocation for a busy stream's chunk, a
    /// small one for a quiet stream's. After a giant the room is again that of a chunk.
    fn make_room(&mut self, limit: usize) {
        let room =
            self.last_len.saturating_add(self.last_len / 4).min(limit.saturating_add(limit / 4));
        let room = room.max(SMALLEST);
        if self.buffer.capacity() < room {
            self.buffer.reserve(room);
        }
    }

    /// The next piece of a chunk that was taken.
    #[inline]
    pub(crate) fn next_piece(&mut self) -> Option<Bytes> {
        self.pieces.pop_front()
    }

    /// How many pieces there are for sure.
    pub(crate) fn ready(&self) -> usize {
        self.pieces.len() + usize::from(!self.is_empty())
    }

    /// Takes all that has been gathered, if anything has: its first piece.
    pub(crate) fn take(&mut self) -> Option<Bytes> {
        if self.is_empty() {
            return None;
        }
        self.last_len = self.buffer.len();
        let mut taken = 0;
        for Shared { at, bytes } in mem::take(&mut self.shared) {
            if at > taken {
                self.pieces.push_back(self.buffer.split_to(at - taken).freeze());
                taken = at;
            }
            self.pieces.push_back(bytes);
        }
        if self.pieces.is_empty() {
            return Some(self.buffer.split().freeze());
        }
        if !self.buffer.is_empty() {
            self.pieces.push_back(self.buffer.split().freeze());
        }
        self.next_piece()
    }

    /// Gives the memory back while nothing is there to be sent.
    pub(crate) fn release(&mut self) {
        self.buffer = BytesMut::new();
        self.pieces = VecDeque::new();
    }

    fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.shared.is_empty()
    }
}
