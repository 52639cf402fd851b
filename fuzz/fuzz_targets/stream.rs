//! `SseEncoder` under scripted polls.
//!
//! A script says what the source does, and what happens outside while it is pending. Whenever the
//! stream is pending, or has ended, it must have given out all that the source has yielded so far.

#![no_main]

use std::{
    collections::VecDeque,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use sse_encoder::{
    Comment, Encode, Encoded, Encoder, Error, Event, Frames, OnError, ReconnectionTime, SseEncoder,
};

#[derive(Arbitrary, Debug)]
struct Script {
    bare: bool,
    opens: bool,
    chunk_limit: Option<u16>,
    max_frame: Option<u16>,
    linger: bool,
    retry: bool,
    greeting: Option<u8>,
    /// One answer for each error; then all are failures. Without one, the default.
    policy: Option<Vec<Policy>>,
    /// The size of what the stop signal says last; without it, it cannot be encoded.
    last: Option<u8>,
    steps: Vec<Step>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Policy {
    End,
    Fail,
    Replace(u8),
    ReplaceByTooLarge,
    Skip,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    Item(Item),
    /// Many of the same, so that a poll comes to its bound.
    Items(Item, u16),
    Pending(Outside),
    End,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Item {
    Comment(u8),
    Encoded,
    Failed,
    LongEncoded,
    LongJson(u8),
    LongText(u8),
    LongTexts,
    Nothing,
    Text(u8),
    Unserializable,
}

/// What happens before the next poll.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Outside {
    Linger,
    Nothing,
    Stop,
    Timer,
    TimerAndStop,
    Woken,
}

const LONG: usize = 40_000;

thread_local! {
    static LONG_TEXT: Bytes = "x".repeat(LONG + 256).into();
    static ENCODED: [Encoded; 2] = {
        let text = "y".repeat(LONG);
        [encoded(&Event::text("1\n2")), encoded(&Event::text(text))]
    };
}

fn encoded(event: &impl Encode) -> Encoded {
    Encoder::bare().encode_once(event).unwrap()
}

impl Item {
    fn is_long(self) -> bool {
        matches!(self, Self::LongEncoded | Self::LongJson(_) | Self::LongText(_) | Self::LongTexts)
    }
}

impl Encode for Item {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        let long = |len: u8| LONG_TEXT.with(|text| text.slice(..LONG + usize::from(len)));
        match self {
            Self::Comment(len) => Comment::new("c".repeat(usize::from(*len) + 1)).encode(frames),
            Self::Encoded => ENCODED.with(|encoded| encoded[0].encode(frames)),
            Self::Failed => unreachable!(),
            Self::LongEncoded => ENCODED.with(|encoded| encoded[1].encode(frames)),
            Self::LongJson(len) => Event::json("j".repeat(usize::from(*len) * 100)).encode(frames),
            Self::LongText(len) => Event::shared_text(long(*len)).encode(frames),
            Self::LongTexts => {
                Event::shared_text(long(0)).encode(frames)?;
                Event::shared_text(long(0)).encode(frames)
            }
            Self::Nothing => Event::new().encode(frames),
            Self::Text(len) => Event::text("t".repeat(usize::from(*len))).encode(frames),
            Self::Unserializable => Event::json(Fails).encode(frames),
        }
    }
}

struct Fails;

impl serde::Serialize for Fails {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeSeq;
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element("half")?;
        Err(serde::ser::Error::custom("fails"))
    }
}

/// What source, timer and stop signal share with the test.
#[derive(Default)]
struct World {
    script: VecDeque<Step>,
    /// The items that the source has yielded and the model has not seen yet.
    yielded: Vec<Item>,
    outside: Option<Outside>,
    source_polls: usize,
    source_pending: bool,
    source_ended: bool,
    source_dropped: bool,
    elapsed: bool,
    timer_spent: bool,
    timer_polled: bool,
    linger_elapsed: bool,
    lingers: bool,
    stop: bool,
    stop_said: bool,
}

/// Shared by one thread, though the stream asks for what can cross threads.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<World>>);

impl Shared {
    fn borrow_mut(&self) -> MutexGuard<'_, World> {
        self.0.try_lock().expect("not locked by another part")
    }
}

struct Source(Shared);

impl Drop for Source {
    fn drop(&mut self) {
        self.0.borrow_mut().source_dropped = true;
    }
}

impl Stream for Source {
    type Item = Result<Box<dyn Encode>, &'static str>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut world = self.0.borrow_mut();
        assert!(!world.source_ended, "polled after its end");
        assert!(!world.stop_said, "polled after the stop signal");
        assert!(!world.source_pending, "polled twice in one poll after it was pending");
        world.source_polls += 1;
        let item = match world.script.pop_front() {
            Some(Step::Item(item)) => item,
            Some(Step::Items(item, times)) => {
                let times = times % if item.is_long() { 8 } else { 2048 };
                if times > 0 {
                    world.script.push_front(Step::Items(item, times - 1));
                }
                item
            }
            Some(Step::End) => {
                world.source_ended = true;
                return Poll::Ready(None);
            }
            pending => {
                world.source_pending = true;
                world.outside = match pending {
                    Some(Step::Pending(outside)) => Some(outside),
                    _ => None,
                };
                if let Some(Outside::Woken) = world.outside {
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
        };
        world.yielded.push(item);
        Poll::Ready(Some(match item {
            Item::Failed => Err("failed"),
            // As they are, so that they can pass through.
            Item::Encoded => Ok(ENCODED.with(|encoded| Box::new(encoded[0].clone()) as _)),
            Item::LongEncoded => Ok(ENCODED.with(|encoded| Box::new(encoded[1].clone()) as _)),
            item => Ok(Box::new(item)),
        }))
    }
}

/// How long the stream lingers.
struct Linger(Shared);

impl Linger {
    /// A new interval.
    fn start(world: &Shared) -> Self {
        world.borrow_mut().linger_elapsed = false;
        Self(world.clone())
    }
}

impl Future for Linger {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut world = self.0.borrow_mut();
        world.lingers = !world.linger_elapsed;
        if world.linger_elapsed { Poll::Ready(()) } else { Poll::Pending }
    }
}

struct Clock(Shared);

impl Clock {
    /// A new interval.
    fn start(world: &Shared) -> Self {
        let clock = Self(world.clone());
        clock.clear();
        clock
    }

    fn clear(&self) {
        let mut world = self.0.borrow_mut();
        (world.elapsed, world.timer_spent) = (false, false);
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        self.clear();
    }
}

impl Future for Clock {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let mut world = self.0.borrow_mut();
        assert!(!world.timer_spent, "polled again without a reset");
        world.timer_polled = true;
        world.timer_spent = world.elapsed;
        if world.elapsed { Poll::Ready(()) } else { Poll::Pending }
    }
}

struct Stop(Shared, Option<Item>);

impl Future for Stop {
    type Output = Result<Item, &'static str>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        let mut world = self.0.borrow_mut();
        assert!(!world.stop_said, "polled after it was ready");
        world.stop_said = world.stop;
        if world.stop { Poll::Ready(self.1.ok_or("no last word")) } else { Poll::Pending }
    }
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// What must come out: bytes, with errors in between.
#[derive(Debug)]
enum Out {
    Bytes(Vec<u8>),
    Error,
}

struct Model {
    bare: bool,
    max_frame: usize,
    policy: Option<VecDeque<Policy>>,
    next_id: u64,
    is_last: bool,
    /// So many items in succession have been replaced.
    replaced: usize,
    out: VecDeque<Out>,
    ended: bool,
}

impl Model {
    fn put(&mut self, frames: &str) {
        if !frames.is_empty() {
            self.out.push_back(Out::Bytes(frames.into()));
        }
    }

    fn event(&mut self, data: &str) -> Option<String> {
        let head = if self.bare {
            String::new()
        } else if self.is_last {
            "event: message\n".into()
        } else {
            format!("id: {}\nevent: message\n", self.next_id)
        };
        let frame = format!("{head}data: {data}\n\n");
        if frame.len() > self.max_frame {
            return None;
        }
        self.next_id += 1;
        Some(frame)
    }

    /// The item's frames; `None` if it fails.
    fn frames(&mut self, item: Item) -> Option<String> {
        let next_id = self.next_id;
        let fits = |frame: String| (frame.len() <= self.max_frame).then_some(frame);
        let frames = match item {
            Item::Comment(len) => fits(format!(": {}\n", "c".repeat(usize::from(len) + 1))),
            Item::Encoded => fits("data: 1\ndata: 2\n\n".into()),
            Item::Failed | Item::Unserializable => None,
            Item::LongEncoded => fits(format!("data: {}\n\n", "y".repeat(LONG))),
            Item::LongJson(len) => {
                self.event(&format!("\"{}\"", "j".repeat(usize::from(len) * 100)))
            }
            Item::LongText(len) => self.event(&"x".repeat(LONG + usize::from(len))),
            Item::LongTexts => self
                .event(&"x".repeat(LONG))
                .and_then(|first| self.event(&"x".repeat(LONG)).map(|second| first + &second)),
            Item::Nothing => Some(String::new()),
            Item::Text(len) => self.event(&"t".repeat(usize::from(len))),
        };
        if frames.is_none() {
            self.next_id = next_id;
        }
        frames
    }

    fn item(&mut self, item: Item) {
        if let Some(frames) = self.frames(item) {
            self.put(&frames);
            self.replaced = 0;
            return;
        }
        self.fail();
    }

    /// The last item, or its error: it and its replacement have no automatic id.
    fn last(&mut self, item: Option<Item>) {
        let next_id = self.next_id;
        self.is_last = true;
        match item.and_then(|item| self.frames(item)) {
            Some(frames) => self.put(&frames),
            None => self.fail(),
        }
        self.is_last = false;
        self.next_id = next_id;
    }

    fn fail(&mut self) {
        if self.replaced == 32 {
            self.out.push_back(Out::Error);
            self.ended = true;
            return;
        }
        self.replaced += usize::from(matches!(
            self.policy.as_ref().and_then(VecDeque::front),
            Some(Policy::Replace(_) | Policy::ReplaceByTooLarge)
        ));
        let policy = match &mut self.policy {
            Some(policy) => policy.pop_front().unwrap_or(Policy::Fail),
            None if self.bare => Policy::Fail,
            None => Policy::End,
        };
        match policy {
            Policy::End => self.ended = true,
            Policy::Fail => self.out.push_back(Out::Error),
            Policy::Replace(len) => match self.frames(Item::Text(len)) {
                Some(frames) => self.put(&frames),
                None => self.out.push_back(Out::Error),
            },
            Policy::ReplaceByTooLarge => match self.frames(Item::LongJson(255)) {
                Some(frames) => self.put(&frames),
                None => self.out.push_back(Out::Error),
            },
            Policy::Skip => {}
        }
    }

    /// Takes a chunk out: all of it must have been due. `limit` is what the chunk may grow to
    /// before it takes a further item; long shared texts leave in pieces, which may end anywhere in
    /// an item.
    fn take(&mut self, chunk: &[u8], limit: usize) {
        assert!(!chunk.is_empty(), "an empty chunk");
        let mut rest = chunk;
        while !rest.is_empty() {
            let taken = chunk.len() - rest.len();
            let Some(Out::Bytes(due)) = self.out.front_mut() else { panic!("{rest:?} is not due") };
            let len = due.len().min(rest.len());
            assert!(taken == 0 || taken < limit, "beyond the chunk limit");
            assert!(due[..len] == rest[..len], "{:?} is due, not {rest:?}", self.out.front());
            if len < due.len() {
                assert!(due.len() > LONG, "an item was cut");
                due.drain(..len);
            } else {
                self.out.pop_front();
            }
            rest = &rest[len..];
        }
    }
}

fuzz_target!(|script: Script| {
    let world = Shared::default();
    world.borrow_mut().script = script.steps.into();
    let limit = script.chunk_limit.map_or(SseEncoder::DEFAULT_CHUNK_LIMIT, usize::from);
    let max_frame = script.max_frame.map_or(usize::MAX, usize::from);
    let mut model = Model {
        bare: script.bare,
        max_frame,
        policy: script.policy.clone().map(VecDeque::from),
        next_id: 1,
        is_last: false,
        replaced: 0,
        out: VecDeque::new(),
        ended: false,
    };

    let encoder = if script.bare { Encoder::bare() } else { Encoder::new() };
    let mut stream = SseEncoder::with_encoder(Source(world.clone()), encoder.max_frame(max_frame))
        .opening_comment(script.opens)
        .keep_alive({
            let world = world.clone();
            move || Clock::start(&world)
        })
        .stop_with(Stop(world.clone(), script.last.map(Item::Text)));
    if let Some(policy) = script.policy {
        let mut policy = VecDeque::from(policy);
        stream = stream.on_error(move |error| match policy.pop_front().unwrap_or(Policy::Fail) {
            Policy::End => OnError::End,
            Policy::Fail => OnError::Fail(error),
            Policy::Replace(len) => OnError::replace(Event::text("t".repeat(usize::from(len)))),
            Policy::ReplaceByTooLarge => OnError::replace(Event::json("j".repeat(25_500))),
            Policy::Skip => OnError::Skip,
        });
    }
    if script.opens {
        model.put(":\n");
    }
    if let Some(limit) = script.chunk_limit {
        stream = stream.chunk_limit(limit.into());
    }
    if script.retry {
        stream = stream.retry(ReconnectionTime::MAX);
        model.put("retry: 2147483647\n");
    }
    if let Some(padding) = script.greeting {
        stream = stream.padding(usize::from(padding) * 8 + 1);
        model.put(&format!(": {}\n", " ".repeat(usize::from(padding) * 8 + 1)));
    }
    let prelude = model.out.iter().map(|out| match out {
        Out::Bytes(bytes) => bytes.len(),
        Out::Error => 0,
    });
    // What it begins with leaves as one, whatever the limit.
    let later_limit = limit.max(1);
    let limit = later_limit.max(prelude.sum());

    if script.linger {
        let world = world.clone();
        stream = stream.linger(move || Linger::start(&world));
    }
    run(stream, &world, model, script.last, [limit, later_limit]);
});

/// Polls the stream to its end, next to the model.
fn run(
    stream: impl FusedStream<Item = Result<Bytes, Error>>,
    world: &Shared,
    mut model: Model,
    last: Option<u8>,
    [mut limit, later_limit]: [usize; 2],
) {
    let mut stream = Box::pin(stream);
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    let mut cx = Context::from_waker(&waker);
    let mut end = false;
    let mut idle = 0;
    // So many chunks have left since the last turn in which they can be written.
    let mut unwritten = 0;
    loop {
        {
            let mut world = world.borrow_mut();
            (world.source_pending, world.timer_polled, world.source_polls) = (false, false, 0);
            world.lingers = false;
            match world.outside.take() {
                Some(Outside::Linger) => world.linger_elapsed = true,
                Some(Outside::Stop) => world.stop = true,
                Some(Outside::Timer) => world.elapsed = true,
                Some(Outside::TimerAndStop) => (world.stop, world.elapsed) = (true, true),
                Some(Outside::Nothing | Outside::Woken) | None => {}
            }
        }
        let wakes = woken.0.load(Ordering::Relaxed);
        let was_stopped = world.borrow_mut().stop_said;
        let was_terminated = stream.is_terminated();
        let hint = stream.size_hint();
        let poll = stream.as_mut().poll_next(&mut cx);
        let mut state = world.borrow_mut();
        assert!(state.source_polls <= 1024, "a poll without bound");
        for item in std::mem::take(&mut state.yielded) {
            assert!(!model.ended && !was_stopped);
            model.item(item);
        }
        if state.stop_said && !was_stopped && !model.ended {
            model.last(last.map(Item::Text));
            model.ended = true;
        }
        model.ended |= state.source_ended;
        if state.source_pending {
            model.replaced = 0;
        }
        assert_eq!(state.source_dropped, model.ended, "the source lives until its end");
        let before = unwritten;
        unwritten = if matches!(poll, Poll::Ready(Some(Ok(_)))) { before + 1 } else { 0 };
        assert!(unwritten <= 64, "others get no turn");
        match poll {
            Poll::Ready(None) => {
                assert!(
                    model.ended && model.out.is_empty(),
                    "something is missing: {:?}",
                    model.out
                );
                assert!(stream.is_terminated());
                assert_eq!(stream.size_hint(), (0, Some(0)));
                if end {
                    break;
                }
                end = true;
            }
            Poll::Ready(Some(_)) if end || was_terminated => panic!("something after the end"),
            Poll::Ready(Some(Ok(chunk))) => {
                assert_ne!(hint, (0, Some(0)));
                if chunk == ":\n" && model.out.is_empty() {
                    assert!(model.out.is_empty(), "a keep-alive before what is due");
                    assert!(state.timer_polled && !model.ended);
                } else {
                    model.take(&chunk, limit);
                    limit = later_limit;
                }
                assert!(!state.elapsed || !state.timer_spent);
            }
            Poll::Ready(Some(Err(_))) => {
                assert!(before == 0, "an error before what was sent can be written");
                assert!(matches!(model.out.pop_front(), Some(Out::Error)), "no error is due");
            }
            Poll::Pending if before > 0 && matches!(model.out.front(), Some(Out::Error)) => {
                assert!(woken.0.load(Ordering::Relaxed) > wakes, "nobody will wake it");
            }
            // A turn for others, in which nobody was asked for anything.
            Poll::Pending if before == 64 && state.source_polls == 0 => {
                assert!(woken.0.load(Ordering::Relaxed) > wakes, "nobody will wake it");
            }
            Poll::Pending if state.lingers => {
                assert!(model.out.iter().all(|out| matches!(out, Out::Bytes(_))));
                assert!(!model.ended && state.source_pending);
                if state.outside.is_none() {
                    state.linger_elapsed = true;
                }
            }
            Poll::Pending => {
                assert!(model.out.is_empty(), "held back: {:?}", model.out);
                assert!(!model.ended && !end);
                assert!(!state.elapsed, "the timer was not asked");
                assert!(state.timer_polled, "the timer has no waker");
                let was_woken = woken.0.load(Ordering::Relaxed) > wakes;
                assert!(state.source_pending || was_woken, "nobody will wake it");
                if state.source_pending && state.outside.is_none() {
                    // The script is over: twice more, then the stop signal.
                    idle += 1;
                    state.stop |= idle > 2;
                }
            }
        }
    }
}
