//! The end of a stream: its source, its guards, a soft refusal.

use std::{pin::pin, rc::Rc, sync::Arc, time::Duration};

use futures_core::FusedStream;
use futures_util::{FutureExt, Stream, StreamExt};
use sse_encoder::{ReconnectionTime, SseEncoder};

use crate::{
    bare, frames, number,
    support::{Item, Script, assert_chunk, assert_end, poll, ready_chunks, text},
};

#[test]
fn the_source_is_dropped_when_it_ends_and_the_stream_is_fused() {
    let script = Script::new([Item(number(1))]);
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(bare(script));
    assert!(!stream.is_terminated());
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(alive.upgrade().is_none());
    for _ in 0..3 {
        assert_end(poll(stream.as_mut()));
        assert!(stream.is_terminated());
        assert!(stream.get_ref().is_none());
    }
}

#[test]
fn the_source_is_accessible_until_it_ends() {
    let mut stream = SseEncoder::new(futures_util::stream::iter([number(1), number(2)]));
    assert!(stream.get_ref().is_some_and(|source| source.size_hint().0 == 2));
    assert!(stream.get_mut().is_some_and(|source| source.next().now_or_never().is_some()));
    let debug = format!("{stream:?}");
    assert!(debug.starts_with("SseEncoder { ended: false, encoder: Encoder {"), "{debug}");
    assert_eq!(stream.into_inner().map(|source| source.size_hint()), Some((1, Some(1))));
}

#[test]
fn guards_are_dropped_with_the_stream_and_not_with_the_source() {
    let (one, two) = (Arc::new(()), Arc::new(()));
    let mut stream =
        Box::pin(bare(Script::new([Item(number(1))])).guard(one.clone()).guard(two.clone()));
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert_end(poll(stream.as_mut()));
    assert_eq!((Arc::strong_count(&one), Arc::strong_count(&two)), (2, 2));
    drop(stream);
    assert_eq!((Arc::strong_count(&one), Arc::strong_count(&two)), (1, 1));
}

#[test]
fn a_soft_refusal_sends_a_reconnection_time_and_ends() {
    let later = ReconnectionTime::from_millis(30_000).unwrap();
    for stream in [SseEncoder::retry_after(later), SseEncoder::retry_after(Duration::from_secs(30))]
    {
        let goodbye = ":\nevent: goodbye\nretry: 30000\ndata: {}\n\n";
        assert_eq!(text(&ready_chunks(stream)), goodbye);
    }
}
