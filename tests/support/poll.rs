use std::{
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_core::Stream;
use sse_encoder::Error;

type Chunk = Result<Bytes, Error>;

pub fn poll<S: Stream>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(Waker::noop()))
}

/// The chunk that one poll must give.
#[track_caller]
pub fn chunk(stream: Pin<&mut impl Stream<Item = Chunk>>) -> Bytes {
    match poll(stream) {
        Poll::Ready(Some(Ok(chunk))) => chunk,
        other => panic!("{other:?} in place of a chunk"),
    }
}

#[track_caller]
pub fn assert_chunk(poll: Poll<Option<Chunk>>, expected: &str) {
    match poll {
        Poll::Ready(Some(Ok(chunk))) => assert_eq!(chunk, expected),
        other => panic!("{other:?} in place of {expected:?}"),
    }
}

#[track_caller]
pub fn assert_error(poll: Poll<Option<Chunk>>, expected: &str) {
    match poll {
        Poll::Ready(Some(Err(error))) => assert_eq!(error.to_string(), expected),
        other => panic!("{other:?} in place of the error {expected:?}"),
    }
}

#[track_caller]
pub fn assert_end(poll: Poll<Option<Chunk>>) {
    assert!(matches!(poll, Poll::Ready(None)), "{poll:?} in place of the end");
}

/// All chunks of a stream that must never be pending.
#[track_caller]
pub fn ready_chunks(stream: impl Stream<Item = Chunk>) -> Vec<Bytes> {
    let mut pending = 0;
    let chunks = all_chunks(stream, || pending += 1);
    assert_eq!(pending, 0);
    chunks
}

/// All chunks up to the end; `pending` is called for each poll in between without one.
#[track_caller]
pub fn all_chunks(stream: impl Stream<Item = Chunk>, mut pending: impl FnMut()) -> Vec<Bytes> {
    let mut stream = pin!(stream);
    let mut chunks = Vec::new();
    loop {
        match poll(stream.as_mut()) {
            Poll::Ready(Some(chunk)) => chunks.push(chunk.unwrap()),
            Poll::Ready(None) => return chunks,
            Poll::Pending => pending(),
        }
    }
}

/// The text of these chunks.
pub fn text(chunks: &[Bytes]) -> String {
    String::from_utf8(chunks.concat()).unwrap()
}
