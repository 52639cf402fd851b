//! How contenders of each kind run: ours, the peers, the floors.

use std::{io, mem, rc::Rc};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use sse_encoder::{Encode, Encoder, SseEncoder};

use crate::{
    body::{Gate, Sink, StreamBody, drain, drain_quiet},
    contender::{Contender, Role},
    fan_out::{self, Pass},
    peers::Peer,
    thread_buffer::{ByHand, CHUNK},
};

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
            drain(
                StreamBody::new(SseEncoder::with_encoder(events, encoder()).opening_comment(false)),
                sink,
            );
        })
    })
}

/// The same with one event per wake.
pub fn ours_quiet<E: Encode + 'static>(
    encoder: fn() -> Encoder,
    make: impl Fn(usize) -> E + Copy + Unpin + 'static,
) -> Contender {
    Contender::new(Role::Ours, "sse-encoder", move |events| {
        once(move |sink| {
            let gate = Gate::default();
            let items = gate.events((0..events).map(make));
            let body =
                StreamBody::new(SseEncoder::with_encoder(items, encoder()).opening_comment(false));
            drain_quiet(body, &gate, events, sink);
        })
    })
}

/// Ours without a stream: into a buffer of the caller's.
pub fn ours_into_buffer<T, I, E>(
    encoder: fn() -> Encoder,
    items: impl Fn(usize) -> I + 'static,
    make: impl Fn(T) -> E + Copy + 'static,
) -> Contender
where
    I: Iterator<Item = T> + 'static,
    E: Encode + 'static,
{
    Contender::new(Role::Ours, "sse-encoder, `Encoder::encode`", move |events| {
        let items = items(events);
        once(move |sink| {
            let mut encoder = encoder();
            into_buffer(items, sink, |item, buffer| {
                encoder.encode(&make(item), buffer).expect("the item can be encoded");
            });
        })
    })
}

/// A caller's buffer, which is written and emptied again and again.
fn into_buffer<T>(
    items: impl Iterator<Item = T>,
    sink: &mut Sink,
    mut write: impl FnMut(T, &mut BytesMut),
) {
    let mut buffer = BytesMut::with_capacity(2 * CHUNK);
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
            let response = SseEncoder::new(stream::iter(items.map(make)))
                .opening_comment(false)
                .into_response();
            drain(HttpBody::new(response.into_body()), sink);
        })
    })
}

/// The same with one event per wake.
#[cfg(feature = "axum")]
pub fn ours_quiet_in_axum<E: Encode + Send + 'static>(
    make: impl Fn(usize) -> E + Copy + Unpin + Send + 'static,
) -> Contender {
    use axum::response::IntoResponse;

    use crate::body::HttpBody;

    Contender::new(Role::Ours, "sse-encoder in axum", move |events| {
        once(move |sink| {
            let gate = Gate::default();
            let response = SseEncoder::new(gate.events((0..events).map(make)))
                .opening_comment(false)
                .into_response();
            drain_quiet(HttpBody::new(response.into_body()), &gate, events, sink);
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

/// The same with one event per wake.
pub fn peer_quiet<P: Peer, T, I>(
    items: impl Fn(usize) -> I + 'static,
    make: impl Fn(T) -> P::Event + Copy + Unpin + Send + Sync + 'static,
) -> Contender
where
    T: Send + Sync + 'static,
    I: Iterator<Item = T> + Unpin + Send + Sync + 'static,
{
    Contender::new(Role::Peer, P::NAME, move |events| {
        let items = items(events);
        once(move |sink| {
            let gate = Gate::default();
            let body = P::body(gate.events(items.map(make)));
            drain_quiet(body, &gate, events, sink);
        })
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

/// Frames written by hand into the thread's buffer.
pub fn floor_thread<T, I>(
    items: impl Fn(usize) -> I + 'static,
    write: impl Fn(T, &mut Vec<u8>) + Copy + Unpin + 'static,
) -> Contender
where
    I: Iterator<Item = T> + Unpin + 'static,
{
    Contender::new(Role::Floor, "floor: the thread's buffer", move |events| {
        let items = items(events);
        once(move |sink| {
            drain(StreamBody::new(ByHand { items: stream::iter(items), write }), sink);
        })
    })
}

/// The same with one event per wake.
pub fn floor_quiet(write: impl Fn(usize, &mut Vec<u8>) + Copy + Unpin + 'static) -> Contender {
    Contender::new(Role::Floor, "floor: the thread's buffer", move |events| {
        once(move |sink| {
            let gate = Gate::default();
            let body = StreamBody::new(ByHand { items: gate.events(0..events), write });
            drain_quiet(body, &gate, events, sink);
        })
    })
}

/// Frames written by hand into a buffer of the caller's: the floor of [`ours_into_buffer`].
pub fn floor_into_buffer<T, I>(
    items: impl Fn(usize) -> I + 'static,
    write: impl Fn(T, &mut Lean) + Copy + 'static,
) -> Contender
where
    I: Iterator<Item = T> + 'static,
{
    Contender::new(Role::Floor, CALLERS_BUFFER, move |events| {
        let items = items(events);
        once(move |sink| {
            into_buffer(items, sink, |item, buffer| {
                let mut lean = Lean(mem::take(buffer));
                write(item, &mut lean);
                *buffer = lean.0;
            });
        })
    })
}

/// What ends the names of those who encode in each stream, though one encoding could be shared, and
/// of those who clone what has been encoded.
pub const EACH: &str = ", each stream encodes";
pub const CLONED: &str = ", its events cloned";

pub const CALLERS_BUFFER: &str = "floor: a caller's `BytesMut`";

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
            let mut buffer = Lean(BytesMut::with_capacity(8 * CHUNK));
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
            $crate::contenders::floor_thread($items, |$item, $out: &mut Vec<u8>| $write),
            $crate::contenders::floor_each($items, |$item, $out: &mut $crate::contenders::Lean| {
                $write
            }),
        ]
    };
}

/// Copies what another contender wrote, from the cache into the cache.
pub fn floor_memcpy(of: &Contender) -> Contender {
    /// As many events as fit the first-level caches, or one.
    const SOURCE: u64 = 16 * 1024;

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

/// One event per wake, by a channel of tokio's.
pub fn channel_floor(write: impl Fn(usize, &mut Vec<u8>) + Copy + Unpin + 'static) -> Contender {
    Contender::new(Role::Floor, "floor: the thread's buffer", move |events| {
        fan_out::one_by_one(events, move |items| StreamBody::new(ByHand { items, write }))
    })
}

/// One event per wake, by a channel of tokio's.
pub fn channel_ours<E: Encode + 'static>(make: impl Fn(usize) -> E + Copy + 'static) -> Contender {
    Contender::new(Role::Ours, "sse-encoder", move |events| {
        fan_out::one_by_one(events, move |items| {
            StreamBody::new(SseEncoder::new(items.map(make)).opening_comment(false))
        })
    })
}

/// One event per wake, by a channel of tokio's.
pub fn channel_peer<P: Peer>(
    make: impl Fn(usize) -> P::Event + Copy + Send + Sync + 'static,
) -> Contender {
    Contender::new(Role::Peer, P::NAME, move |events| {
        fan_out::one_by_one(events, move |items| P::body(items.map(make)))
    })
}

/// One event to all streams of a peer, each of which encodes it.
pub fn broadcast_peer<P: Peer, T: Clone + Send + 'static>(
    item: impl Fn() -> T + Copy + 'static,
    make: impl Fn(T) -> P::Event + Copy + Send + Sync + 'static,
) -> Contender {
    Contender::new(Role::Peer, P::NAME, move |streams| {
        fan_out::pass(streams, item, move |items| {
            P::body(items.map(move |item| make(item.expect("no stream is behind"))))
        })
    })
}

/// The same where a peer's events can be cloned.
pub fn broadcast_peer_cloned<P: Peer<Event: Clone>>(
    make: impl Fn() -> P::Event + Copy + 'static,
) -> Contender {
    Contender::new(Role::Peer, format!("{}{CLONED}", P::NAME), move |streams| {
        fan_out::pass(streams, make, move |events| {
            P::body(events.map(|event| event.expect("no stream is behind")))
        })
    })
}

/// Broadcast as the peers do it, with our streams.
pub fn broadcast_ours_each<T: Clone + Send + 'static, E: Encode + 'static>(
    item: impl Fn() -> T + Copy + 'static,
    make: impl Fn(T) -> E + Copy + 'static,
) -> Contender {
    Contender::new(Role::Ours, format!("sse-encoder{EACH}"), move |streams| {
        fan_out::pass(streams, item, move |items| {
            StreamBody::new(
                SseEncoder::new(items.map(move |item| item.map(make))).opening_comment(false),
            )
        })
    })
}

/// Broadcast with one encoding, which our streams share.
pub fn broadcast_ours<E: Encode + 'static>(make: impl Fn() -> E + Copy + 'static) -> Contender {
    Contender::new(Role::Ours, "sse-encoder", move |streams| {
        let publish = move || Encoder::new().encode_once(&make()).expect("the item can be encoded");
        fan_out::pass(streams, publish, |frames| {
            StreamBody::new(SseEncoder::new(frames).opening_comment(false))
        })
    })
}

/// Broadcast with one encoding and nothing around it: the channel's stream of `Bytes` is the body.
pub fn broadcast_floor(write: impl Fn(&mut Vec<u8>) + Copy + 'static) -> Contender {
    Contender::new(Role::Floor, "floor: a bare `broadcast<Bytes>`", move |streams| {
        let publish = move || {
            let mut buffer = Vec::new();
            write(&mut buffer);
            Bytes::from(buffer)
        };
        fan_out::pass(streams, publish, StreamBody::new)
    })
}
