//! How contenders of each kind run: ours, the peers, the floors.

use std::{
    cell::RefCell,
    io,
    pin::Pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll, Waker},
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::stream;
use sse_encoder::{Encode, Encoded, Encoder, SseEncoder};

use crate::{
    body::{Body, Sink, StreamBody, drain},
    contender::{Contender, Pass, Role},
    peers::Peer,
};

/// From this size on a coalescing floor sends what it has, as ours does.
const CHUNK: usize = 16 * 1024;

/// Something that is done once.
fn once(run: impl FnOnce(&mut Sink) + 'static) -> Pass {
    let mut run = Some(run);
    Box::new(move |sink| {
        let run = run.take().expect("a pass is run once");
        run(sink);
    })
}

/// Ours: `items` is made before the clock runs, `make` is what the user writes.
pub fn ours<T, I, E>(
    name: &str,
    encoder: fn() -> Encoder,
    items: impl Fn(usize) -> I + 'static,
    make: impl Fn(T) -> E + Copy + 'static,
) -> Contender
where
    I: Iterator<Item = T> + 'static,
    E: Encode + 'static,
{
    Contender::new(Role::Ours, name, move |events| {
        let items = items(events);
        once(move |sink| {
            let events = stream::iter(items.map(make));
            drain(StreamBody::new(SseEncoder::with_encoder(events, encoder())), sink);
        })
    })
}

/// Ours as the response of a handler in axum.
#[cfg(feature = "axum")]
pub fn ours_in_axum<T, I, E>(
    name: &str,
    items: impl Fn(usize) -> I + 'static,
    make: impl Fn(T) -> E + Copy + Send + 'static,
) -> Contender
where
    T: Send + 'static,
    I: Iterator<Item = T> + Send + 'static,
    E: Encode + Send + 'static,
{
    use axum::response::IntoResponse;

    use crate::body::HttpBody;

    Contender::new(Role::Ours, name, move |events| {
        let items = items(events);
        once(move |sink| {
            let response = SseEncoder::new(stream::iter(items.map(make))).into_response();
            drain(HttpBody::new(response.into_body()), sink);
        })
    })
}

/// A peer.
pub fn peer<P: Peer, T, I>(
    variant: &str,
    items: impl Fn(usize) -> I + 'static,
    make: impl Fn(T) -> P::Event + Copy + Send + Sync + 'static,
) -> Contender
where
    T: Send + Sync + 'static,
    I: Iterator<Item = T> + Send + Sync + 'static,
{
    Contender::new(Role::Peer, format!("{}{variant}", P::NAME), move |events| {
        let items = items(events);
        once(move |sink| drain(P::body(stream::iter(items.map(make))), sink))
    })
}

/// A writer for `serde_json` that does no more than it must.
pub struct Lean(BytesMut);

impl io::Write for Lean {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Frames written by hand into one buffer, which is used again for each chunk.
pub fn floor_coalesced<T, I>(
    items: impl Fn(usize) -> I + 'static,
    write: impl Fn(T, &mut Vec<u8>) + Copy + 'static,
) -> Contender
where
    I: Iterator<Item = T> + 'static,
{
    Contender::new(Role::Floor, "floor: one buffer", move |events| {
        let items = items(events);
        once(move |sink| {
            let mut buffer = Vec::with_capacity(2 * CHUNK);
            for item in items {
                write(item, &mut buffer);
                if buffer.len() >= CHUNK {
                    sink.chunk(&buffer);
                    buffer.clear();
                }
            }
            if !buffer.is_empty() {
                sink.chunk(&buffer);
            }
        })
    })
}

/// Frames written by hand, each a `Bytes`.
pub fn floor_each<T, I>(
    items: impl Fn(usize) -> I + 'static,
    write: impl Fn(T, &mut Lean) + Copy + 'static,
) -> Contender
where
    I: Iterator<Item = T> + 'static,
{
    Contender::new(Role::Floor, "floor: a `Bytes` each", move |events| {
        let items = items(events);
        once(move |sink| {
            let mut buffer = Lean(BytesMut::with_capacity(4 * CHUNK));
            for item in items {
                write(item, &mut buffer);
                let chunk = buffer.0.split().freeze();
                sink.chunk(&chunk);
            }
        })
    })
}

/// Both floors from one piece of code.
#[macro_export]
macro_rules! floors {
    ($items:expr, |$item:ident, $out:ident| $write:block) => {
        [
            $crate::contenders::floor_coalesced($items, |$item, $out: &mut Vec<u8>| $write),
            $crate::contenders::floor_each($items, |$item, $out: &mut $crate::contenders::Lean| {
                $write
            }),
        ]
    };
}

/// Copies what another contender wrote, from the cache into the cache.
pub fn floor_memcpy(of: &Contender) -> Contender {
    /// As many events as fit the first-level caches, or one.
    const SOURCE: u64 = CHUNK as u64;

    let mut sink = Sink::keeping();
    of.prepare(1)(&mut sink);
    let events = (SOURCE / sink.bytes.max(1)).max(1) as usize;
    let mut sink = Sink::keeping();
    of.prepare(events)(&mut sink);
    let output: Rc<[u8]> = sink.kept.unwrap_or_default().into();
    let mut contender =
        Contender::new(Role::Floor, "floor: `memcpy` of the output", move |wanted| {
            let output = Rc::clone(&output);
            let mut buffer = vec![0; output.len()];
            once(move |sink| {
                let mut left = wanted;
                while left > 0 {
                    let part = left.min(events);
                    let len = output.len() * part / events;
                    buffer[..len].copy_from_slice(&output[..len]);
                    sink.chunk(&buffer[..len]);
                    left -= part;
                }
            })
        });
    contender.checked = false;
    contender
}

/// Yields an item whenever one has been published: a subscriber of a broadcast.
struct Subscription<F> {
    published: Arc<AtomicU64>,
    seen: u64,
    make: F,
}

impl<T, F: Fn() -> T + Unpin> Stream for Subscription<F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        if self.seen == self.published.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        self.seen += 1;
        Poll::Ready(Some((self.make)()))
    }
}

/// Open streams, to all of which one event is sent in a pass, by `publish`.
fn broadcast<B: Body + 'static>(
    streams: usize,
    body: impl Fn(Arc<AtomicU64>) -> B,
    publish: impl Fn() + 'static,
) -> Pass {
    let published = Arc::new(AtomicU64::new(0));
    let mut bodies: Vec<B> = (0..streams).map(|_| body(Arc::clone(&published))).collect();
    let mut send = move |sink: &mut Sink| {
        let mut cx = Context::from_waker(Waker::noop());
        publish();
        published.fetch_add(1, Ordering::Relaxed);
        for body in &mut bodies {
            while let Poll::Ready(Some(chunk)) = body.poll_chunk(&mut cx) {
                sink.chunk(&chunk);
            }
        }
    };
    // Streams have been open for a while when an event comes.
    send(&mut Sink::default());
    Box::new(send)
}

/// Broadcast by a peer: each stream encodes.
pub fn broadcast_peer<P: Peer>(
    make: impl Fn() -> P::Event + Copy + Unpin + Send + Sync + 'static,
) -> Contender {
    Contender::new(Role::Peer, P::NAME, move |streams| {
        let body = move |published| P::body(Subscription { published, seen: 0, make });
        broadcast(streams, body, || {})
    })
}

/// Broadcast as the peers do it, with our streams.
pub fn broadcast_ours_each<E: Encode + 'static>(
    make: impl Fn() -> E + Copy + Unpin + 'static,
) -> Contender {
    Contender::new(Role::Ours, "sse-encoder, each stream encodes", move |streams| {
        let body = move |published| {
            StreamBody::new(SseEncoder::new(Subscription { published, seen: 0, make }))
        };
        broadcast(streams, body, || {})
    })
}

/// Broadcast with one encoding, which our streams share.
pub fn broadcast_ours<E: Encode + 'static>(make: impl Fn() -> E + Copy + 'static) -> Contender {
    Contender::new(Role::Ours, "sse-encoder", move |streams| {
        let slot = Rc::new(RefCell::new(Encoded::default()));
        let latest = Rc::clone(&slot);
        let body = move |published| {
            let latest = Rc::clone(&latest);
            let make = move || latest.borrow().clone();
            StreamBody::new(SseEncoder::new(Subscription { published, seen: 0, make }))
        };
        broadcast(streams, body, move || {
            *slot.borrow_mut() = Encoder::new().encode_once(&make()).expect("it can be encoded");
        })
    })
}

/// Broadcast with one encoding and nothing around it: a clone of a `Bytes` for each stream.
pub fn broadcast_floor(write: impl Fn(&mut Vec<u8>) + Copy + 'static) -> Contender {
    Contender::new(Role::Floor, "floor: a shared `Bytes`", move |streams| {
        let slot = Rc::new(RefCell::new(Bytes::new()));
        let latest = Rc::clone(&slot);
        let body = move |published| {
            let latest = Rc::clone(&latest);
            let make = move || Ok::<_, std::convert::Infallible>(latest.borrow().clone());
            StreamBody::new(Subscription { published, seen: 0, make })
        };
        broadcast(streams, body, move || {
            let mut buffer = Vec::new();
            write(&mut buffer);
            *slot.borrow_mut() = buffer.into();
        })
    })
}
