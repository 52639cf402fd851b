//! What a stream allocates, and what it holds.

mod allocations;

use std::{
    collections::{BTreeMap, VecDeque},
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use allocations::{BYTES, COUNT};
use bytes::Bytes;
use futures_core::Stream;
use sse_encoder::{
    Encode, Encoded, Encoder, Error, Event, EventId, EventType, Frames, SseEncoder,
    data::SharedText,
};

/// Runs `work` and tells how many allocations it made.
fn allocations(work: impl FnOnce()) -> usize {
    let before = COUNT.get();
    work();
    COUNT.get() - before
}

/// Yields its items, with a pause where there is `None`.
struct Script<T>(VecDeque<Option<T>>);

impl<T: Unpin> Stream for Script<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        match self.0.pop_front() {
            Some(Some(item)) => Poll::Ready(Some(item)),
            _ => Poll::Pending,
        }
    }
}

type Chunk = Poll<Option<Result<Bytes, Error>>>;

fn poll(stream: Pin<&mut impl Stream<Item = Result<Bytes, Error>>>) -> Chunk {
    stream.poll_next(&mut Context::from_waker(Waker::noop()))
}

fn chunk(stream: Pin<&mut impl Stream<Item = Result<Bytes, Error>>>) -> Bytes {
    match poll(stream) {
        Poll::Ready(Some(Ok(chunk))) => chunk,
        other => panic!("{other:?} in place of a chunk"),
    }
}

/// Lets this thread make its buffer, and what it needs to merge, which it keeps.
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
    let mut dst = bytes::BytesMut::with_capacity(4096);
    let count = allocations(|| {
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
    // The one that spells a lone surrogate makes its text.
    assert_eq!(count, 10 * 2);
}

#[test]
fn a_chunk_is_one_allocation_of_exactly_its_size() {
    warm_up();
    let items: VecDeque<_> = (0..100_000).map(|n| Some(Event::json(n))).collect();
    let mut stream = pin!(SseEncoder::new(Script(items)));
    for _ in 0..50 {
        let bytes = BYTES.get();
        let mut held = None;
        let count = allocations(|| held = Some(chunk(stream.as_mut())));
        let len = held.map_or(0, |chunk| chunk.len());
        assert!(len > 8_000);
        assert_eq!((count, BYTES.get() - bytes), (1, 0), "it has been dropped again");
    }
    // A consumer that keeps its chunks holds nothing but them.
    let bytes = BYTES.get();
    let mut chunks = Vec::with_capacity(13);
    let own = chunks.capacity() * size_of::<Bytes>();
    chunks.extend((0..13).map(|_| chunk(stream.as_mut())));
    let len: usize = chunks.iter().map(Bytes::len).sum();
    assert_eq!(BYTES.get() - bytes, (own + len) as isize);
}

#[test]
fn a_long_chunk_is_the_buffer_itself_and_has_no_slack() {
    for text in ["x".repeat(100_000), "a line\n".repeat(10_000)] {
        let items: VecDeque<_> = (0..20).map(|_| Some(Event::text(text.as_str()))).collect();
        let mut stream = pin!(SseEncoder::bare(Script(items)));
        for _ in 0..10 {
            let bytes = BYTES.get();
            let mut held = None;
            let count = allocations(|| held = Some(chunk(stream.as_mut())));
            let len = held.as_ref().map_or(0, Bytes::len);
            assert_eq!(BYTES.get() - bytes, len as isize);
            // Its first room, the room for all of it or as much again, and the end cut off.
            assert!(count <= 4, "{count}");
        }
    }
}

#[test]
fn a_quiet_streams_event_is_one_allocation_of_exactly_its_size() {
    warm_up();
    let text = "x".repeat(200);
    let items: VecDeque<_> =
        (0..4).flat_map(|_| [Some(Event::text(text.as_str())), None, None]).collect();
    let mut stream = pin!(SseEncoder::new(Script(items)));
    for event in 1..=4 {
        let bytes = BYTES.get();
        let mut held = None;
        let count = allocations(|| held = Some(chunk(stream.as_mut())));
        assert_eq!(count, 1, "event {event}");
        let len = held.as_ref().map_or(0, Bytes::len);
        assert_eq!(BYTES.get() - bytes, len as isize, "event {event}");
        drop(held);
        assert!(poll(stream.as_mut()).is_pending());
    }
}

#[test]
fn an_event_encoded_once_is_passed_on_without_an_allocation() {
    let once = Encoder::new().encode_once(&Event::text("once")).unwrap();
    // What counts the owners of the bytes is made with the second one.
    let items: VecDeque<_> =
        (0..4).flat_map(|_| [Some(Ok::<_, Error>(once.clone())), None]).collect();
    let mut stream = pin!(SseEncoder::new(Script(items)));
    let count = allocations(|| {
        for _ in 0..4 {
            assert_eq!(chunk(stream.as_mut()).as_ptr(), once.as_bytes().as_ptr());
            assert!(poll(stream.as_mut()).is_pending());
        }
    });
    assert_eq!(count, 0);
}

/// The buffer between polls is the thread's, also after items of every kind.
#[test]
fn a_thread_keeps_one_buffer_for_all_streams() {
    warm_up();
    let before = BYTES.get();
    let mut streams: Vec<_> = (0..100)
        .map(|n| Box::pin(SseEncoder::new(Script(VecDeque::from([Some(Event::json(n)), None])))))
        .collect();
    let made = BYTES.get();
    for stream in &mut streams {
        drop(chunk(stream.as_mut()));
        assert!(poll(stream.as_mut()).is_pending());
    }
    assert_eq!(BYTES.get(), made);
    drop(streams);
    assert_eq!(BYTES.get(), before);
}

/// Whoever encodes meanwhile on the same thread has the thread's buffer.
#[test]
fn what_lingers_is_its_streams_own_and_about_its_size() {
    warm_up();
    let text = "x".repeat(200);
    let items = VecDeque::from([Some(Event::text(text.as_str())), None, None]);
    let mut stream = pin!(SseEncoder::bare(Script(items)).linger(std::future::pending::<()>));
    let bytes = BYTES.get();
    assert!(poll(stream.as_mut()).is_pending());
    assert!((200..=512).contains(&(BYTES.get() - bytes)), "{}", BYTES.get() - bytes);
    let mut encoder = Encoder::new();
    let mut dst = bytes::BytesMut::with_capacity(1_024);
    let count = allocations(|| encoder.encode(&Event::text(text.as_str()), &mut dst).unwrap());
    assert_eq!(count, 0);
}

#[test]
fn an_idle_stream_holds_no_buffer() {
    let before = BYTES.get();
    let script: Script<Event<sse_encoder::data::Text<String>>> = Script(VecDeque::new());
    let mut stream = pin!(SseEncoder::new(script));
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!(BYTES.get() - before, 0);
}

#[test]
fn after_a_giant_nothing_of_it_is_held() {
    warm_up();
    let giant = "x\n".repeat(1 << 19);
    let items = [Some(Event::text(giant.as_str())), None, Some(Event::text("small")), None, None];
    let mut stream = pin!(SseEncoder::new(Script(VecDeque::from(items))));
    let before = BYTES.get();
    assert!(chunk(stream.as_mut()).len() > 1 << 20);
    assert!(poll(stream.as_mut()).is_pending());
    // The thread's buffer, too, has left with the giant.
    assert!(BYTES.get() <= before);
    let before = BYTES.get();
    let small = chunk(stream.as_mut());
    assert!(BYTES.get() - before <= 256, "{}", BYTES.get() - before);
    drop(small);
    assert!(poll(stream.as_mut()).is_pending());
}

enum Sent {
    Giant,
    GiantThenOnce(Encoded),
    GiantThenShared(SharedText),
    Once(Encoded),
    Small,
}

impl Encode for Sent {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        match self {
            Self::Giant => {
                // Fills its buffer but for some hundred bytes, in which a small one has a place.
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

/// A client may read no more once it has got the giant.
#[test]
fn a_giants_buffer_goes_with_the_giant_whatever_follows() {
    let mut encoder = Encoder::new();
    let once = encoder.encode_once(&Event::text("once")).unwrap();
    let long = "x".repeat(40_000);
    let long_once = encoder.encode_once(&Event::text(long.as_str())).unwrap();
    let long = SharedText::from(long);
    let busy = || (0..5_000).map(|_| Sent::Small).collect::<Vec<_>>();
    for (name, giant, next) in [
        ("a small one", Sent::Giant, vec![Sent::Small]),
        ("one that was encoded once", Sent::Giant, vec![Sent::Once(once)]),
        ("many", Sent::Giant, busy()),
        ("a small one after a long one", Sent::GiantThenOnce(long_once), vec![Sent::Small]),
        ("a small one after shared text", Sent::GiantThenShared(long), vec![Sent::Small]),
    ] {
        let items = std::iter::once(giant).chain(next).map(Some).collect();
        let mut stream = pin!(SseEncoder::new(Script(items)));
        let before = BYTES.get();
        assert!(chunk(stream.as_mut()).len() > 1 << 20);
        while stream.size_hint().0 > 0 {
            drop(chunk(stream.as_mut()));
        }
        let next = chunk(stream.as_mut());
        assert!(BYTES.get() - before <= 32 * 1024, "{name}: {}", BYTES.get() - before);
        drop(next);
        assert!(BYTES.get() - before <= 32 * 1024, "{name}: {}", BYTES.get() - before);
    }
}

#[test]
fn a_stream_is_small() {
    assert!(size_of::<SseEncoder<()>>() <= 192, "{}", size_of::<SseEncoder<()>>());
}
