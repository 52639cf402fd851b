//! Streams behind a channel of tokio's. Shared with the package `comparison`.

use std::task::{Context, Waker};

use tokio::sync::{broadcast, mpsc};
use tokio_stream::wrappers::{BroadcastStream, UnboundedReceiverStream};

use crate::body::{Body, Sink, pull};

/// What is timed. Whatever else there is to drop is dropped after the clock has stopped.
pub type Pass = Box<dyn FnMut(&mut Sink)>;

/// Opens so many streams, to all of which one item is sent in a pass.
pub fn pass<T: Clone + Send + 'static, B: Body + 'static>(
    streams: usize,
    publish: impl Fn() -> T + 'static,
    body: impl Fn(BroadcastStream<T>) -> B,
) -> Pass {
    let (sender, _) = broadcast::channel(16);
    let mut bodies: Vec<B> =
        (0..streams).map(|_| body(BroadcastStream::new(sender.subscribe()))).collect();
    let mut send = move |sink: &mut Sink| {
        let mut cx = Context::from_waker(Waker::noop());
        assert!(sender.send(publish()).is_ok(), "all of them are there");
        for body in &mut bodies {
            pull(body, &mut cx, sink);
        }
    };
    // Streams have been open for a while when an event comes.
    send(&mut Sink::default());
    Box::new(send)
}

/// One stream, to which so many items are sent in a pass, each when it is pending.
pub fn one_by_one<B: Body + 'static>(
    events: usize,
    body: impl Fn(UnboundedReceiverStream<usize>) -> B + 'static,
) -> Pass {
    Box::new(move |sink| {
        let mut cx = Context::from_waker(Waker::noop());
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut body = body(UnboundedReceiverStream::new(receiver));
        for index in 0..events {
            assert!(sender.send(index).is_ok(), "the stream is there");
            pull(&mut body, &mut cx, sink);
        }
    })
}
