//! What a stream allocates, and what it holds.

#[path = "support/allocations.rs"]
mod allocations;
mod support;

use std::{collections::BTreeMap, pin::pin};

use allocations::{Counting, count};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use sse_encoder::{
    Comment, Encode, Encoded, Encoder, Error, Event, EventId, EventType, Frames, SseEncoder,
    data::Text,
};
use support::{Item, Pending, Script, chunk, poll};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A numbered stream without its opening comment.
fn numbered<S: Stream<Item: Encode>>(source: S) -> SseEncoder<S> {
    SseEncoder::new(source).opening_comment(false)
}

/// The allocations that `work` makes.
fn calls(work: impl FnOnce()) -> u64 {
    let before = count().calls;
    work();
    count().calls - before
}

/// The bytes that this thread holds.
fn live() -> i64 {
    count().live
}

/// Makes this thread's buffer and its space for a merge, which it keeps.
fn warm_up() {
    let text = "x".repeat(16 * 1024);
    drop(Encoder::new().encode_once(&Event::text(text)));
    drop(
        Encoder::new()
            .encode_once(&Event::spread("abc", BTreeMap::from([("some", 1), ("members", 2)]))),
    );
}

#[test]
fn encoding_allocates_nothing_once_the_buffer_is_warm() {
    #[derive(serde::Serialize)]
    struct Small {
        a: u32,
        b: &'static str,
    }
    const TICK: EventType = EventType::from_static("tick");
    warm_up();
    let small = Small { a: 1, b: "x" };
    let mut encoder = Encoder::new();
    let mut dst = BytesMut::with_capacity(4096);
    let count = calls(|| {
        for n in 0_u64..10 {
            dst.clear();
            encoder.encode(&Event::json(&small), &mut dst).unwrap();
            encoder.encode(&Event::merge(&small, &small), &mut dst).unwrap();
            encoder.encode(&Event::spread("a😀", &small), &mut dst).unwrap();
            encoder.encode(&Event::text("a\nb").event_type(TICK), &mut dst).unwrap();
            encoder.encode(&Event::text("a\nb").id("7f3a").event_type("tock"), &mut dst).unwrap();
            encoder
                .encode(
                    &Event::text("a").id(n).event_type(EventId::from(n).as_str().len() as u64),
                    &mut dst,
                )
                .unwrap();
        }
    });
    // `spread` alone allocates: a text for the lone surrogates.
    assert_eq!(count, 10 * 2);
}

#[test]
fn a_chunk_is_the_buffer_cut_to_exactly_its_size() {
    let items = (0..100_000).map(|n| Item(Event::json(n)));
    let mut stream = pin!(numbered(Script::new(items)));
    // The thread's buffer grows with the first one.
    drop(chunk(stream.as_mut()));
    for _ in 0..50 {
        let bytes = live();
        let mut held = None;
        let count = calls(|| held = Some(chunk(stream.as_mut())));
        let len = held.as_ref().map_or(0, Bytes::len);
        assert!(len > 8_000);
        assert_eq!(live() - bytes, len as i64);
        // The buffer, which is as large as the chunk before it, and the cut.
        assert!((1..=2).contains(&count), "{count}");
    }
    // A consumer that keeps its chunks holds no other bytes.
    let bytes = live();
    let mut chunks = Vec::with_capacity(13);
    let own = chunks.capacity() * size_of::<Bytes>();
    chunks.extend((0..13).map(|_| chunk(stream.as_mut())));
    let len: usize = chunks.iter().map(Bytes::len).sum();
    assert_eq!(live() - bytes, (own + len) as i64);
}

/// Also where chunks of any size follow each other: a buffer that is too large is cut.
#[test]
fn a_threads_next_buffer_is_as_large_as_its_last_chunks() {
    let mut encoder = Encoder::bare();
    let mut allocated = |len: usize| {
        let before = count();
        let frames = encoder.encode_once(&Event::text("x".repeat(len))).unwrap();
        let bytes = count().bytes - before.bytes;
        (frames, bytes as usize)
    };
    let long = 20_000;
    drop(allocated(long));
    for (len, chunks) in [(long, 1), (6_000, 200)] {
        for _ in 0..chunks {
            drop(allocated(len));
        }
        let (frames, bytes) = allocated(len);
        let frames = frames.as_bytes().len();
        // The text, the buffer, and its cut.
        assert!(bytes <= len + frames + frames / 32 + frames, "{bytes}");
    }
}

#[test]
fn a_long_chunk_is_the_buffer_itself_without_slack() {
    for text in ["x".repeat(100_000), "a line\n".repeat(10_000)] {
        let items = (0..20).map(|_| Item(Event::text(text.as_str())));
        let mut stream = pin!(SseEncoder::bare(Script::new(items)));
        // The first one makes the thread's buffer.
        drop(chunk(stream.as_mut()));
        for _ in 0..10 {
            let bytes = live();
            let mut held = None;
            let count = calls(|| held = Some(chunk(stream.as_mut())));
            let len = held.as_ref().map_or(0, Bytes::len);
            assert_eq!(live() - bytes, len as i64);
            // The buffer, at most two larger ones, and the cut to length.
            assert!(count <= 4, "{count}");
        }
    }
}

#[test]
fn a_quiet_streams_event_is_one_allocation_of_exactly_its_size() {
    warm_up();
    let text = "x".repeat(200);
    let items = (0..4).flat_map(|_| [Item(Event::text(text.as_str())), Pending, Pending]);
    let mut stream = pin!(numbered(Script::new(items)));
    for event in 1..=4 {
        let bytes = live();
        let mut held = None;
        let count = calls(|| held = Some(chunk(stream.as_mut())));
        assert_eq!(count, 1, "event {event}");
        let len = held.as_ref().map_or(0, Bytes::len);
        assert_eq!(live() - bytes, len as i64, "event {event}");
        drop(held);
        assert!(poll(stream.as_mut()).is_pending());
    }
}

#[test]
fn an_encoded_event_is_passed_on_without_an_allocation() {
    let once = Encoder::new().encode_once(&Event::text("once")).unwrap();
    // The second clone of the bytes allocates their reference count.
    let items = (0..4).flat_map(|_| [Item(Ok::<_, Error>(once.clone())), Pending]);
    let mut stream = pin!(numbered(Script::new(items)));
    let count = calls(|| {
        for _ in 0..4 {
            assert_eq!(chunk(stream.as_mut()).as_ptr(), once.as_bytes().as_ptr());
            assert!(poll(stream.as_mut()).is_pending());
        }
    });
    assert_eq!(count, 0);
}

/// Between polls the buffer belongs to the thread.
#[test]
fn a_thread_keeps_one_buffer_for_all_streams() {
    warm_up();
    let before = live();
    let mut streams: Vec<_> = (0..100)
        .map(|n| Box::pin(numbered(Script::new([Item(Event::json(n)), Pending, Pending]))))
        .collect();
    let made = live();
    for stream in &mut streams {
        drop(chunk(stream.as_mut()));
        assert!(poll(stream.as_mut()).is_pending());
    }
    assert_eq!(live(), made);
    drop(streams);
    assert_eq!(live(), before);
}

/// Another encoder on the same thread finds the thread's buffer free.
#[test]
fn a_lingering_chunk_belongs_to_its_stream_and_has_little_slack() {
    warm_up();
    let text = "x".repeat(200);
    let script = Script::new([Item(Event::text(text.as_str())), Pending, Pending]);
    let mut stream = pin!(SseEncoder::bare(script).linger(std::future::pending::<()>));
    let bytes = live();
    assert!(poll(stream.as_mut()).is_pending());
    assert!((200..=640).contains(&(live() - bytes)), "{}", live() - bytes);
    let mut encoder = Encoder::new();
    let mut dst = BytesMut::with_capacity(1_024);
    let count = calls(|| encoder.encode(&Event::text(text.as_str()), &mut dst).unwrap());
    assert_eq!(count, 0);
}

#[test]
fn an_idle_stream_holds_no_buffer() {
    let script = Script::<Event<Text<String>>>::new([Pending]);
    let before = live();
    let mut stream = pin!(numbered(script));
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!(live() - before, 0);
}

#[test]
fn a_giant_chunk_is_released_with_its_buffer() {
    warm_up();
    let giant = "x\n".repeat(1 << 19);
    let [giant, small] = [giant.as_str(), "small"].map(|text| Item(Event::text(text)));
    let mut stream = pin!(numbered(Script::new([giant, Pending, small, Pending, Pending])));
    let before = live();
    assert!(chunk(stream.as_mut()).len() > 1 << 20);
    assert!(poll(stream.as_mut()).is_pending());
    // The thread's buffer was handed over with the chunk, and the next one is no larger than
    // before.
    assert!(live() <= before);
    let small = chunk(stream.as_mut());
    assert!(live() - before <= 256, "{}", live() - before);
    drop(small);
    assert!(poll(stream.as_mut()).is_pending());
}

enum Sent {
    Giant,
    GiantThenOnce(Encoded),
    GiantThenShared(Bytes),
    Once(Encoded),
    Small,
}

impl Encode for Sent {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        match self {
            Self::Giant => {
                // Fills its buffer but for some hundred bytes: room for a small event.
                let lines = format!("{}\n", "x".repeat(47)).repeat(25_000);
                Event::text(lines + &"x".repeat(4_000)).encode(frames)
            }
            Self::GiantThenOnce(event) => {
                Self::Giant.encode(frames)?;
                event.encode(frames)
            }
            Self::GiantThenShared(text) => {
                Self::Giant.encode(frames)?;
                Event::shared_text(text.clone()).encode(frames)
            }
            Self::Once(event) => event.encode(frames),
            Self::Small => Event::text("small").encode(frames),
        }
    }
}

/// A client may stop reading after the giant event.
#[test]
fn a_giant_chunks_buffer_is_released_whatever_follows() {
    let mut encoder = Encoder::new();
    let once = encoder.encode_once(&Event::text("once")).unwrap();
    let long = "x".repeat(40_000);
    let long_once = encoder.encode_once(&Event::text(long.as_str())).unwrap();
    let long = Bytes::from(long);
    let busy = || (0..5_000).map(|_| Sent::Small).collect::<Vec<_>>();
    for (name, giant, next) in [
        ("a small one", Sent::Giant, vec![Sent::Small]),
        ("an encoded one", Sent::Giant, vec![Sent::Once(once)]),
        ("many", Sent::Giant, busy()),
        ("a small one after a long one", Sent::GiantThenOnce(long_once), vec![Sent::Small]),
        ("a small one after shared text", Sent::GiantThenShared(long), vec![Sent::Small]),
    ] {
        let items = std::iter::once(giant).chain(next).map(Item).chain([Pending]);
        let mut stream = pin!(numbered(Script::new(items)));
        let before = live();
        assert!(chunk(stream.as_mut()).len() > 1 << 20);
        while stream.size_hint().0 > 0 {
            drop(chunk(stream.as_mut()));
        }
        let next = chunk(stream.as_mut());
        assert!(live() - before <= 32 * 1024, "{name}: {}", live() - before);
        drop(next);
        assert!(live() - before <= 32 * 1024, "{name}: {}", live() - before);
    }
}

/// Refused text is not written first, nor are its lines, which can be eight times as long.
#[test]
fn the_frame_limit_bounds_the_buffer() {
    let limit = 64 * 1024;
    let keys: BTreeMap<_, _> = (0..2_000).map(|index| (format!("{index:010000}"), 0)).collect();
    let long = "x".repeat(1 << 20);
    let items: [(&str, &dyn Encode); 5] = [
        ("text", &Event::text(long.as_str())),
        ("lines", &Event::text("\n".repeat(60_000))),
        ("comment", &Comment::new(long.as_str())),
        ("json", &Event::json(&keys)),
        ("merged", &Event::merge(&keys, ())),
    ];
    for (name, item) in items {
        let mut stream = BytesMut::new();
        let before = count().bytes;
        let result = Encoder::new().max_frame(limit).encode(item, &mut stream);
        let allocated = count().bytes - before;
        assert!(result.unwrap_err().is_too_large(), "{name}");
        assert!(allocated <= 4 * limit as u64, "{name}: {allocated}");
    }
}

#[test]
fn a_thread_keeps_no_space_of_a_giant_merge() {
    warm_up();
    let event = Event::merge((), BTreeMap::from([("giant", "x".repeat(1 << 20))]));
    let before = live();
    drop(Encoder::new().encode_once(&event));
    assert!(live() - before <= 256, "{}", live() - before);
}

#[test]
fn an_sse_encoder_is_at_most_72_bytes() {
    // And the span that it was made in, where errors are logged.
    let span = if cfg!(feature = "tracing") { 40 } else { 0 };
    assert!(size_of::<SseEncoder<()>>() <= 72 + span, "{}", size_of::<SseEncoder<()>>());
}

#[test]
fn the_opening_comment_allocates_nothing() {
    let mut stream = pin!(SseEncoder::new(Script::<Event>::new([Pending])));
    let before = live();
    let count = calls(|| assert_eq!(chunk(stream.as_mut()), ":\n"));
    assert_eq!((count, live() - before), (0, 0));
}
