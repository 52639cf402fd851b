//! The floors' body: what is written by hand is gathered in a buffer of the thread's. Shared with
//! the packages `count` and `comparison`.

use std::{
    cell::Cell,
    convert::Infallible,
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sse_encoder::SseEncoder;

/// From this size on the floors send what they have, as ours does.
pub const CHUNK: usize = SseEncoder::DEFAULT_CHUNK_LIMIT;

/// From this size on a floor's chunk is not copied: the buffer itself leaves.
const LARGE: usize = 64 * 1024;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// A body by hand: all that is ready is written into the thread's buffer, which is taken out of its
/// cell, and leaves as an exact copy.
pub struct ByHand<S, W> {
    pub items: S,
    pub write: W,
}

impl<S, W> Stream for ByHand<S, W>
where
    S: Stream + Unpin,
    W: FnMut(S::Item, &mut Vec<u8>) + Unpin,
{
    type Item = Result<Bytes, Infallible>;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Self { items, write } = &mut *self;
        let mut buffer = BUFFER.take();
        let mut ended = false;
        while buffer.len() < CHUNK {
            match items.poll_next_unpin(cx) {
                Poll::Ready(Some(item)) => write(item, &mut buffer),
                Poll::Ready(None) => {
                    ended = true;
                    break;
                }
                Poll::Pending => break,
            }
        }
        let chunk = match buffer.len() {
            0 => None,
            LARGE.. => Some(mem::take(&mut buffer).into()),
            _ => Some(Bytes::copy_from_slice(&buffer)),
        };
        buffer.clear();
        BUFFER.set(buffer);
        match chunk {
            Some(chunk) => Poll::Ready(Some(Ok(chunk))),
            None if ended => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}
