//! Response bodies, polled by hand: no server, no network.

use std::{
    hint::black_box,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_core::Stream;

/// Where a body's bytes go.
#[derive(Debug, Default)]
pub struct Sink {
    pub bytes: u64,
    pub chunks: u64,
    /// Keeps what came, to be checked.
    pub kept: Option<Vec<u8>>,
}

impl Sink {
    pub fn keeping() -> Self {
        Self { kept: Some(Vec::new()), ..Self::default() }
    }

    #[inline]
    pub fn chunk(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        self.chunks += 1;
        black_box(chunk.as_ptr());
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(chunk);
        }
    }
}

/// The body of a response, as a server polls it.
pub trait Body {
    /// # Panics
    ///
    /// If the body fails: no workload has an item that may.
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>>;
}

/// Polls a body to its end. One that is always ready may be pending now and then, to let others
/// run.
pub fn drain(mut body: impl Body, sink: &mut Sink) {
    let mut cx = Context::from_waker(Waker::noop());
    loop {
        match body.poll_chunk(&mut cx) {
            Poll::Ready(Some(chunk)) => sink.chunk(&chunk),
            Poll::Ready(None) => break,
            Poll::Pending => {}
        }
    }
}

/// Where the events of a quiet stream come from: as many as have been [let through](Gate::open),
/// and then it is pending.
pub struct Gated<I> {
    items: I,
    taken: u64,
    gate: Gate,
}

/// Lets events through, one by one.
#[derive(Clone, Debug, Default)]
pub struct Gate(Arc<AtomicU64>);

impl Gate {
    pub fn open(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub fn events<I: Iterator>(&self, items: I) -> Gated<I> {
        Gated { items, taken: 0, gate: self.clone() }
    }
}

impl<I: Iterator + Unpin> Stream for Gated<I> {
    type Item = I::Item;

    #[inline]
    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<I::Item>> {
        if self.taken == self.gate.0.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.taken += 1;
        Poll::Ready(self.items.next())
    }
}

/// Polls a body as a server does whose client gets an event now and then: for each of them until it
/// is pending.
pub fn drain_quiet(mut body: impl Body, gate: &Gate, events: usize, sink: &mut Sink) {
    let mut cx = Context::from_waker(Waker::noop());
    for _ in 0..events {
        gate.open();
        pull(&mut body, &mut cx, sink);
    }
}

/// Polls a body until it is pending.
#[inline]
pub fn pull(body: &mut impl Body, cx: &mut Context<'_>, sink: &mut Sink) {
    while let Poll::Ready(Some(chunk)) = body.poll_chunk(cx) {
        sink.chunk(&chunk);
    }
}

/// A stream of chunks is a body.
pub struct StreamBody<S>(Pin<Box<S>>);

impl<S> StreamBody<S> {
    pub fn new(stream: S) -> Self {
        Self(Box::pin(stream))
    }
}

impl<S, E> Body for StreamBody<S>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: std::fmt::Debug,
{
    #[inline]
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.0.as_mut().poll_next(cx).map(|chunk| chunk.map(|chunk| chunk.expect("no error")))
    }
}

/// So is what hyper takes for one.
pub struct HttpBody<B>(Pin<Box<B>>);

impl<B> HttpBody<B> {
    pub fn new(body: B) -> Self {
        Self(Box::pin(body))
    }
}

impl<B> Body for HttpBody<B>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    #[inline]
    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.0.as_mut().poll_frame(cx).map(|frame| {
            frame.map(|frame| frame.expect("no error").into_data().expect("no trailers"))
        })
    }
}
