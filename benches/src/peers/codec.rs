//! Codecs of `tokio_util`, whose users write events through a `FramedWrite`.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use tokio_util::codec::Encoder;

use crate::body::Body;

/// From this size on a `FramedWrite` flushes.
const BOUNDARY: usize = 8 * 1024;

/// What a `FramedWrite` does, with chunks for writes.
pub struct CodecBody<S, C> {
    events: Pin<Box<S>>,
    codec: C,
    buffer: BytesMut,
}

impl<S, C> CodecBody<S, C> {
    pub fn new(events: S, codec: C) -> Self {
        Self { events: Box::pin(events), codec, buffer: BytesMut::with_capacity(BOUNDARY) }
    }
}

impl<S, C> Body for CodecBody<S, C>
where
    S: Stream,
    C: Encoder<S::Item>,
    C::Error: std::fmt::Debug,
{
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let mut pending = false;
        while self.buffer.len() < BOUNDARY {
            match self.events.as_mut().poll_next(cx) {
                Poll::Ready(Some(event)) => {
                    self.codec.encode(event, &mut self.buffer).expect("no error");
                }
                Poll::Ready(None) => break,
                Poll::Pending => {
                    pending = true;
                    break;
                }
            }
        }
        if !self.buffer.is_empty() {
            Poll::Ready(Some(self.buffer.split().freeze()))
        } else if pending {
            Poll::Pending
        } else {
            Poll::Ready(None)
        }
    }
}
