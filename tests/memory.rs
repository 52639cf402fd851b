//! What a stream allocates, and what it holds.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    collections::VecDeque,
    pin::{Pin, pin},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use futures_core::Stream;
use sse_encoder::{
    Encode, Encoded, Encoder, Error, Event, EventId, EventType, Frames, SseEncoder,
    data::SharedText,
};

thread_local! {
    static COUNT: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<isize> = const { Cell::new(0) };
}

/// Counts what this thread allocates.
struct Counting;

// The allocator's trait is unsafe by itself; this passes everything on.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        BYTES.set(BYTES.get() + layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.set(BYTES.get() - layout.size() as isize);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

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

#[test]
fn encoding_allocates_nothing_once_the_buffer_is_warm() {
    #[derive(serde::Serialize)]
    struct Small {
        a: u32,
        b: &'static str,
    }
    const TICK: EventType = EventType::from_static("tick");
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
fn a_busy_stream_allocates_per_chunk_at_most_and_nothing_once_it_is_warm() {
    let items: VecDeque<_> = (0..100_000).map(|n| Some(Event::json(n))).collect();
    let mut stream = pin!(SseEncoder::new(Script(items)));
    let cold = allocations(|| drop(chunk(stream.as_mut())));
    assert!(cold <= 10, "{cold}");
    // The second chunk finds the right size.
    drop(chunk(stream.as_mut()));
    let warm = allocations(|| {
        for _ in 0..50 {
            drop(chunk(stream.as_mut()));
        }
    });
    assert_eq!(warm, 0);
    // A consumer that keeps its chunks makes the stream allocate one buffer for each.
    let mut chunks = Vec::with_capacity(50);
    let kept = allocations(|| chunks.extend((0..50).map(|_| chunk(stream.as_mut()))));
    assert!(kept <= 2 * 50, "{kept}");
}

#[test]
fn chunks_beyond_the_limit_allocate_nothing_either_once_the_stream_is_warm() {
    for text in ["x".repeat(100_000), "a line\n".repeat(10_000)] {
        let items: VecDeque<_> = (0..20).map(|_| Some(Event::text(text.as_str()))).collect();
        let mut stream = pin!(SseEncoder::bare(Script(items)));
        drop(chunk(stream.as_mut()));
        drop(chunk(stream.as_mut()));
        let warm = allocations(|| (0..10).for_each(|_| drop(chunk(stream.as_mut()))));
        assert_eq!(warm, 0);
    }
}

#[test]
fn a_quiet_streams_event_takes_one_buffer_of_about_its_size() {
    let text = "x".repeat(200);
    let items: VecDeque<_> =
        (0..4).flat_map(|_| [Some(Event::text(text.as_str())), None, None]).collect();
    let mut stream = pin!(SseEncoder::new(Script(items)));
    for event in 1..=4 {
        let bytes = BYTES.get();
        let mut held = None;
        let count = allocations(|| held = Some(chunk(stream.as_mut())));
        // The buffer, and what counts its owners.
        assert_eq!(count, 2, "event {event}");
        assert!(BYTES.get() - bytes <= 384, "event {event}: {}", BYTES.get() - bytes);
        drop(held);
        assert!(poll(stream.as_mut()).is_pending());
    }
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
    let giant = "x\n".repeat(1 << 19);
    let items = [Some(Event::text(giant.as_str())), None, Some(Event::text("small")), None, None];
    let mut stream = pin!(SseEncoder::new(Script(VecDeque::from(items))));
    let before = BYTES.get();
    assert!(chunk(stream.as_mut()).len() > 1 << 20);
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!(BYTES.get() - before, 0);
    // The next chunk is not made the giant's size.
    let small = chunk(stream.as_mut());
    assert!(BYTES.get() - before <= 32 * 1024, "{}", BYTES.get() - before);
    drop(small);
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!(BYTES.get() - before, 0);
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
    assert!(size_of::<SseEncoder<()>>() <= 320, "{}", size_of::<SseEncoder<()>>());
}
