// What one version does: this file is compiled once for each of them, and keeps to what is the same
// in both. The crate `sse_encoder` is whatever stands above this.

use bytes::BytesMut;
use futures_util::{StreamExt, stream};

use self::sse_encoder::{Encode, Encoder, Event, EventType, SseEncoder};
use super::{
    body::{Gate, Sink, StreamBody, drain, drain_quiet},
    fan_out::{self, Pass},
    items,
    thread_buffer::CHUNK,
};

const TICK: EventType = EventType::from_static("tick");

pub const SIZE: usize = size_of::<SseEncoder<()>>();

/// What the workload of this name does in a pass of so many events.
pub fn pass(name: &str, events: usize) -> Pass {
    let tick = |index| Event::json(items::tick(index)).event_type(TICK);
    let order = |index| Event::json(items::order(index)).event_type(TICK);
    let text = |index| Event::text(items::delta_text(index));
    match name {
        "quiet" => quiet(events, Encoder::new, tick),
        "quiet, by a channel" => fan_out::one_by_one(events, move |items| {
            StreamBody::new(SseEncoder::new(items.map(tick)).opening_comment(false))
        }),
        "quiet text" => quiet(events, Encoder::bare, text),
        "quiet page" => quiet(events, Encoder::bare, |_| Event::text(items::page())),
        "small" => together(events, Encoder::new, tick),
        "merge, structs" => together(events, Encoder::new, |index| {
            Event::merge(items::order(index), items::extra(index)).event_type(TICK)
        }),
        "merge, one overridden" => together(events, Encoder::new, |index| {
            Event::merge(items::order(index), items::override_(index)).event_type(TICK)
        }),
        "merge, `Value`s" => together(events, Encoder::new, |index| {
            Event::merge(items::order_value(index), items::extra_value(index)).event_type(TICK)
        }),
        "token, serialized" => {
            together(events, Encoder::bare, |index| Event::json(items::delta(index)))
        }
        "token, ready text" => together(events, Encoder::bare, text),
        "16 KiB of lines" => together(events, Encoder::bare, |_| Event::text(items::lines())),
        "mixed ends of line" => {
            together(events, Encoder::bare, |_| Event::text(items::mixed_ends()))
        }
        "1 MiB, `text`" => together(events, Encoder::bare, |_| Event::text(items::long_line())),
        "1 MiB, `shared_text`" => {
            together(events, Encoder::bare, |_| Event::shared_text(items::long_line()))
        }
        "frames, ready together" => {
            let frame = Encoder::new().encode_once(&order(0)).expect("it can be encoded");
            Box::new(move |sink| {
                let frames = stream::iter((0..events).map(|_| frame.clone()));
                drain(StreamBody::new(SseEncoder::new(frames).opening_comment(false)), sink);
            })
        }
        "frame to 1,000 streams" | "frame to 10,000 streams" => {
            let publish = move || Encoder::new().encode_once(&order(0)).expect("it can be encoded");
            fan_out::pass(events, publish, |frames| StreamBody::new(SseEncoder::new(frames).opening_comment(false)))
        }
        "each of 1,000 encodes" => fan_out::pass(
            events,
            || 0,
            move |items| StreamBody::new(SseEncoder::new(items.map(move |item| item.map(order))).opening_comment(false)),
        ),
        "encode, small" => into_buffer(events, Encoder::new, tick),
        "encode, ready text" => into_buffer(events, Encoder::bare, text),
        "encode, 1 MiB" => into_buffer(events, Encoder::bare, |_| Event::text(items::long_line())),
        _ => unreachable!("{name} is no workload"),
    }
}

fn together<E: Encode + 'static>(
    events: usize,
    encoder: fn() -> Encoder,
    make: impl Fn(usize) -> E + Copy + 'static,
) -> Pass {
    Box::new(move |sink| {
        let events = stream::iter((0..events).map(make));
        drain(StreamBody::new(SseEncoder::with_encoder(events, encoder()).opening_comment(false)), sink);
    })
}

fn quiet<E: Encode + 'static>(
    events: usize,
    encoder: fn() -> Encoder,
    make: impl Fn(usize) -> E + Copy + Unpin + 'static,
) -> Pass {
    Box::new(move |sink| {
        let gate = Gate::default();
        let items = gate.events((0..events).map(make));
        let body = StreamBody::new(SseEncoder::with_encoder(items, encoder()).opening_comment(false));
        drain_quiet(body, &gate, events, sink);
    })
}

fn into_buffer<E: Encode + 'static>(
    events: usize,
    encoder: fn() -> Encoder,
    make: impl Fn(usize) -> E + Copy + 'static,
) -> Pass {
    Box::new(move |sink: &mut Sink| {
        let mut encoder = encoder();
        let mut buffer = BytesMut::with_capacity(2 * CHUNK);
        for index in 0..events {
            encoder.encode(&make(index), &mut buffer).expect("it can be encoded");
            if buffer.len() >= CHUNK {
                sink.chunk(&buffer);
                buffer.clear();
            }
        }
        sink.chunk(&buffer);
    })
}
