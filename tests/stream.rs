//! `SseEncoder` under scripted polls, without a runtime: what comes out of each poll, and what was
//! asked of the source.

use std::{
    cell::{Cell, RefCell},
    collections::VecDeque,
    convert::Infallible,
    future::{Future, Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use sse_encoder::{
    Comment, Encode, Encoded, Encoder, Error, Event, EventId, EventType, Frames, KeepAlive,
    LastEventId, OnError, ReconnectionTime, SseEncoder, Timer,
    data::SharedText,
    stream::{IntoTimer, Never, NoSignal},
};

/// What one poll of the source gives.
enum Step<T> {
    Pending,
    Ready(T),
}

use Step::{Pending, Ready as Item};

/// A source that plays a script, then ends, and must not be polled after that.
struct Script<T> {
    steps: VecDeque<Step<T>>,
    polls: Rc<Cell<usize>>,
    ended: bool,
    // Its count falls when the source is dropped.
    alive: Rc<()>,
}

impl<T> Script<T> {
    fn new(steps: impl IntoIterator<Item = Step<T>>) -> Self {
        let steps = steps.into_iter().collect();
        Self { steps, polls: Rc::default(), ended: false, alive: Rc::default() }
    }
}

impl<T: Unpin> Stream for Script<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        assert!(!self.ended, "polled after the end");
        self.polls.set(self.polls.get() + 1);
        match self.steps.pop_front() {
            Some(Item(item)) => Poll::Ready(Some(item)),
            Some(Pending) => Poll::Pending,
            None => {
                self.ended = true;
                Poll::Ready(None)
            }
        }
    }
}

/// An item of any type, next to others.
fn boxed(item: impl Encode + 'static) -> Step<Box<dyn Encode>> {
    Item(Box::new(item))
}

/// An item with a frame of its number and nothing else.
fn number(n: u32) -> Event<sse_encoder::data::Json<u32>> {
    Event::json(n)
}

/// The frames of these numbers in a bare stream.
fn frames(numbers: impl IntoIterator<Item = u32>) -> String {
    numbers.into_iter().map(|n| format!("data: {n}\n\n")).collect()
}

fn poll<S: Stream>(stream: Pin<&mut S>) -> Poll<Option<S::Item>> {
    stream.poll_next(&mut Context::from_waker(Waker::noop()))
}

#[track_caller]
fn assert_chunk(poll: Poll<Option<Result<Bytes, Error>>>, expected: &str) {
    match poll {
        Poll::Ready(Some(Ok(chunk))) => assert_eq!(chunk, expected),
        other => panic!("{other:?} in place of {expected:?}"),
    }
}

#[track_caller]
fn assert_error(poll: Poll<Option<Result<Bytes, Error>>>, expected: &str) {
    match poll {
        Poll::Ready(Some(Err(error))) => assert_eq!(error.to_string(), expected),
        other => panic!("{other:?} in place of the error {expected:?}"),
    }
}

#[track_caller]
fn assert_end(poll: Poll<Option<Result<Bytes, Error>>>) {
    assert!(matches!(poll, Poll::Ready(None)), "{poll:?} in place of the end");
}

#[test]
fn all_that_is_ready_leaves_in_one_chunk_and_nothing_is_held_back() {
    let script = Script::new([Item(number(1)), Item(number(2)), Pending, Pending, Item(number(3))]);
    let polls = script.polls.clone();
    let mut stream = pin!(SseEncoder::bare(script));
    assert_chunk(poll(stream.as_mut()), &frames([1, 2]));
    assert_eq!(polls.get(), 3);
    assert!(poll(stream.as_mut()).is_pending());
    assert_chunk(poll(stream.as_mut()), &frames([3]));
    assert_end(poll(stream.as_mut()));
}

#[test]
fn the_source_is_dropped_as_soon_as_it_ends_and_the_stream_is_fused() {
    let script = Script::new([Item(number(1))]);
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(SseEncoder::bare(script));
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
fn an_empty_source_makes_no_chunk() {
    let mut stream = pin!(SseEncoder::new(Script::<Event>::new([])));
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_chunk_takes_no_further_item_from_its_limit_on() {
    let frame = frames([0]).len();
    for (limit, per_chunk) in [(0, 1), (1, 1), (frame, 1), (frame + 1, 2), (3 * frame, 3)] {
        let script = Script::new((0..6).map(|n| Item(number(n))));
        let mut stream = pin!(SseEncoder::bare(script).chunk_limit(limit));
        for start in (0..6).step_by(per_chunk) {
            let expected = frames(start..(start + per_chunk as u32).min(6));
            assert_chunk(poll(stream.as_mut()), &expected);
        }
        assert_end(poll(stream.as_mut()));
    }
}

#[test]
fn the_default_limit_bounds_a_chunk_of_a_source_that_is_always_ready() {
    let text = "x".repeat(1_000);
    let endless = std::iter::repeat_with(|| Item(Event::text(text.as_str()))).take(1_000);
    let mut stream = pin!(SseEncoder::bare(Script::new(endless)));
    let Poll::Ready(Some(Ok(chunk))) = poll(stream.as_mut()) else { panic!() };
    let limit = 8 * 1024;
    assert_eq!(SseEncoder::DEFAULT_CHUNK_LIMIT, limit);
    assert!((limit..limit + 1_010).contains(&chunk.len()), "{}", chunk.len());
}

#[test]
fn one_poll_takes_a_bounded_number_of_items_however_small() {
    let script = Script::new((0..10_000).map(|_| Item(number(0))));
    let polls = script.polls.clone();
    let mut stream = pin!(SseEncoder::bare(script).chunk_limit(usize::MAX));
    let mut len = 0;
    while let Poll::Ready(Some(Ok(chunk))) = poll(stream.as_mut()) {
        assert!(polls.get() <= 1024, "{}", polls.get());
        polls.set(0);
        len += chunk.len();
    }
    assert_eq!(len, frames([0]).len() * 10_000);
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn items_that_write_nothing_bound_a_poll_too_and_wake_it() {
    let script = Script::new((0..3_000).map(|_| Item(Event::new())));
    let polls = script.polls.clone();
    let mut stream = pin!(SseEncoder::new(script));
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let waker = Waker::from(wakes.clone());
    let mut pending = 0;
    while stream.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending() {
        pending += 1;
        assert!(polls.get() <= 1024 * pending);
        assert_eq!(wakes.0.load(Ordering::Relaxed), pending);
    }
    assert_eq!(pending, 2);
}

#[test]
fn a_pending_stream_leaves_the_waking_to_its_source() {
    let mut stream = pin!(SseEncoder::bare(Script::new([Pending, Item(number(1))])));
    let wakes = Arc::new(Wakes(AtomicUsize::new(0)));
    let waker = Waker::from(wakes.clone());
    assert!(stream.as_mut().poll_next(&mut Context::from_waker(&waker)).is_pending());
    assert_eq!(wakes.0.load(Ordering::Relaxed), 0);
}

type Failing = Result<Event<sse_encoder::data::Json<u32>>, String>;

fn failing() -> Script<Failing> {
    Script::new([
        Item(Ok(number(1))),
        Item(Err("first".into())),
        Item(Err("second".into())),
        Item(Ok(number(2))),
        Pending,
        Item(Err("third".into())),
        Item(Ok(number(3))),
    ])
}

#[test]
fn an_error_comes_out_in_its_items_place_and_the_next_items_follow() {
    let mut stream = pin!(SseEncoder::bare(failing()));
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "first");
    assert_error(poll(stream.as_mut()), "second");
    assert_chunk(poll(stream.as_mut()), &frames([2]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "third");
    assert_chunk(poll(stream.as_mut()), &frames([3]));
    assert_end(poll(stream.as_mut()));
}

/// A server drops what it has not written when it meets an error, and it writes when the stream is
/// pending.
#[test]
fn between_a_chunk_and_an_error_the_stream_is_pending_once_and_wakes_its_task() {
    let counter = Arc::new(Wakes::default());
    let waker = Waker::from(counter.clone());
    let mut cx = Context::from_waker(&waker);
    // The chunk is one poll's, and the error another's.
    let script = Script::new([Item(Ok(number(1))), Item(Err("no"))]);
    let mut stream = pin!(SseEncoder::bare(script).chunk_limit(0));
    assert_chunk(stream.as_mut().poll_next(&mut cx), &frames([1]));
    assert!(stream.as_mut().poll_next(&mut cx).is_pending());
    assert_eq!(counter.0.load(Ordering::Relaxed), 1);
    assert!(!stream.is_terminated());
    assert_error(stream.as_mut().poll_next(&mut cx), "no");
    assert_end(stream.as_mut().poll_next(&mut cx));

    // After a turn without a chunk it is not.
    let script = Script::new([Item(Ok(number(1))), Pending, Pending, Item(Err("no"))]);
    let mut stream = pin!(SseEncoder::bare(script));
    assert_chunk(stream.as_mut().poll_next(&mut cx), &frames([1]));
    assert!(stream.as_mut().poll_next(&mut cx).is_pending());
    assert_error(stream.as_mut().poll_next(&mut cx), "no");
}

#[test]
fn a_failing_item_is_skipped_where_the_policy_says_so() {
    let reported = RefCell::new(Vec::new());
    let mut stream = pin!(SseEncoder::bare(failing()).on_error(|error| {
        reported.borrow_mut().push(error.to_string());
        OnError::Skip
    }));
    assert_chunk(poll(stream.as_mut()), &frames([1, 2]));
    assert_chunk(poll(stream.as_mut()), &frames([3]));
    assert_end(poll(stream.as_mut()));
    assert_eq!(*reported.borrow(), ["first", "second", "third"]);
}

#[test]
fn a_failing_item_is_replaced_where_the_policy_says_so() {
    let mut stream = pin!(
        SseEncoder::bare(failing())
            .on_error(|error| { OnError::replace(Event::text(error.to_string())) })
    );
    let expected = "data: 1\n\ndata: first\n\ndata: second\n\ndata: 2\n\n";
    assert_chunk(poll(stream.as_mut()), expected);
    assert_chunk(poll(stream.as_mut()), "data: third\n\ndata: 3\n\n");
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_replacement_that_fails_itself_is_a_failure() {
    let encoder = Encoder::bare().max_frame(12);
    let mut stream = pin!(
        SseEncoder::with_encoder(failing(), encoder)
            .on_error(|_| { OnError::replace(Event::text("too long a text")) })
    );
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "the frame is larger than 12 bytes");
    assert_error(poll(stream.as_mut()), "the frame is larger than 12 bytes");
    assert_chunk(poll(stream.as_mut()), &frames([2]));
}

#[test]
fn any_item_can_replace_one_that_failed() {
    let mut stream = pin!(SseEncoder::new(failing()).on_error(|error| {
        OnError::replace((Comment::new("left out"), Event::text(error.to_string())))
    }));
    let Poll::Ready(Some(Ok(chunk))) = poll(stream.as_mut()) else { panic!() };
    assert!(chunk.ends_with(b"\n: left out\n\nid: 3\nevent: message\ndata: second\n\nid: 4\nevent: message\ndata: 2\n\n"));
}

#[test]
fn last_words_are_sent_and_then_the_stream_ends_cleanly() {
    let script = failing();
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(SseEncoder::bare(script).on_error(|error| {
        OnError::end_with([
            Event::text(error.to_string()).event_type("failure").into_owned(),
            Event::text("[DONE]").into(),
        ])
    }));
    let last = "event: failure\ndata: first\n\ndata: [DONE]\n\n";
    assert_chunk(poll(stream.as_mut()), &(frames([1]) + last));
    assert!(alive.upgrade().is_none());
    assert_end(poll(stream.as_mut()));
}

#[test]
fn last_words_that_fail_are_an_error_and_then_the_end() {
    let encoder = Encoder::bare().max_frame(12);
    let mut stream = pin!(
        SseEncoder::with_encoder(failing(), encoder)
            .on_error(|_| OnError::end_with(Event::text("too long a text")))
    );
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "the frame is larger than 12 bytes");
    assert_end(poll(stream.as_mut()));
}

/// One that fails for ever would flood its client.
#[test]
fn a_source_of_nothing_but_errors_is_replaced_some_times_and_then_cut() {
    let script = Script::new((0..100).map(|n| Item(Err::<Event, _>(n.to_string()))));
    let alive = Rc::downgrade(&script.alive);
    let seen = Cell::new(0);
    let mut stream = pin!(
        SseEncoder::bare(script)
            .inspect_error(|_| seen.set(seen.get() + 1))
            .on_error(|_| OnError::replace(Event::json(0)))
    );
    assert_chunk(poll(stream.as_mut()), &frames([0; 32]));
    assert!(alive.upgrade().is_none());
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "32");
    assert_end(poll(stream.as_mut()));
    assert_eq!(seen.get(), 33);
    // One that goes well between, or a moment without any, makes it another run.
    for between in [|| Item(Ok(number(1))), || Pending] {
        let fails = |n: usize| (0..n).map(|_| Item(Err("no")));
        let script = Script::new(fails(32).chain([between()]).chain(fails(32)));
        let stream = SseEncoder::bare(script).on_error(|_| OnError::replace(Event::json(0)));
        let mut sent = String::new();
        let mut stream = pin!(stream);
        loop {
            match poll(stream.as_mut()) {
                Poll::Ready(Some(chunk)) => sent += str::from_utf8(&chunk.unwrap()).unwrap(),
                Poll::Ready(None) => break,
                Poll::Pending => {}
            }
        }
        assert_eq!(sent.matches("data: 0").count(), 64);
    }
}

#[test]
fn errors_can_be_looked_at_without_choosing_and_in_any_order() {
    let seen = RefCell::new(Vec::new());
    let see = |name: &'static str| {
        let seen = &seen;
        move |error: &Error| seen.borrow_mut().push(format!("{name}: {error}"))
    };
    let stream = SseEncoder::bare(failing()).inspect_error(see("a"));
    let mut stream = pin!(stream);
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "first");
    assert_eq!(seen.take(), ["a: first"]);

    // A choice made afterwards leaves it looking on.
    let stream = SseEncoder::bare(failing())
        .inspect_error(see("a"))
        .on_error(|_| OnError::Skip)
        .inspect_error(see("b"));
    assert_chunk(poll(pin!(stream)), &frames([1, 2]));
    let mut both = seen.take();
    both.sort();
    assert_eq!(both, ["a: first", "a: second", "b: first", "b: second"]);
}

#[test]
fn the_policy_gets_the_callers_own_error_and_can_take_it_out() {
    let error = std::io::Error::other("disk");
    let script = Script::new([Item(Err::<Event, _>(error))]);
    let taken = Cell::new(false);
    let stream = SseEncoder::new(script).inspect_error(|_| ()).on_error(|error| {
        taken.set(error.into_inner().is_ok_and(|cause| cause.is::<std::io::Error>()));
        OnError::End
    });
    assert_end(poll(pin!(stream)));
    assert!(taken.get());
}

#[test]
fn a_failing_item_ends_the_stream_where_the_policy_says_so() {
    let script = failing();
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(SseEncoder::bare(script).on_error(|_| OnError::End));
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(alive.upgrade().is_none());
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_failing_item_uses_up_no_automatic_id() {
    let bad = std::collections::BTreeMap::from([((), 1)]);
    let good = std::collections::BTreeMap::new();
    let script = Script::new([&good, &bad, &good].map(|data| Item(Event::json(data))));
    let mut stream = pin!(SseEncoder::new(script));
    assert_chunk(poll(stream.as_mut()), "id: 1\nevent: message\ndata: {}\n\n");
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "`data` cannot be serialized: key must be a string");
    assert_chunk(poll(stream.as_mut()), "id: 2\nevent: message\ndata: {}\n\n");
    assert_eq!(stream.encoder().next_id(), Some(3));
}

#[test]
fn an_error_of_the_callers_comes_back_untouched() {
    let error = std::io::Error::other("disk");
    let script = Script::new([Item(Err::<Event, _>(error))]);
    let mut stream = pin!(SseEncoder::new(script));
    let Poll::Ready(Some(Err(error))) = poll(stream.as_mut()) else { panic!() };
    let source = error.into_inner().unwrap();
    assert_eq!(source.downcast_ref::<std::io::Error>().unwrap().to_string(), "disk");
}

#[test]
fn errors_that_cannot_be_are_items_too() {
    let script = Script::new([Item(Ok::<_, Infallible>(number(1)))]);
    assert_chunk(poll(pin!(SseEncoder::bare(script))), &frames([1]));
}

#[test]
fn the_prelude_leaves_at_once() {
    let retry = ReconnectionTime::from_millis(500).unwrap();
    let prelude = ": hello\n\nretry: 500\n\n";
    let script = Script::new([Pending, Item(number(1))]);
    let mut stream = pin!(SseEncoder::bare(script).comment("hello").retry(retry));
    assert_chunk(poll(stream.as_mut()), prelude);
    assert_chunk(poll(stream.as_mut()), &frames([1]));

    let script = Script::new([Item(number(1))]);
    let stream = pin!(SseEncoder::bare(script).comment("hello").retry(retry));
    assert_chunk(poll(stream), &(prelude.to_owned() + &frames([1])));

    let stream = pin!(SseEncoder::bare(Script::<Event>::new([Pending])).padding(2048));
    assert_chunk(poll(stream), &format!(": {}\n\n", " ".repeat(2048)));
}

#[test]
fn ids_go_on_after_the_last_event_id() {
    for (last, expected) in [("41", "id: 42\n"), ("other", "id: 7\n"), ("", "id: 7\n")] {
        let last = LastEventId::from_header(last.as_bytes());
        let script = Script::new([Item(number(1))]);
        let stream = pin!(SseEncoder::new(script).first_id(7).resume_after(&last));
        let Poll::Ready(Some(Ok(chunk))) = poll(stream) else { panic!() };
        assert!(chunk.starts_with(expected.as_bytes()), "{chunk:?}");
    }
}

/// A timer that elapses when the test says so.
#[derive(Clone, Default)]
struct Fake {
    elapsed: Rc<Cell<bool>>,
    resets: Rc<Cell<usize>>,
    polls: Rc<Cell<usize>>,
}

impl Timer for Fake {
    fn reset(self: Pin<&mut Self>) {
        self.elapsed.set(false);
        self.resets.set(self.resets.get() + 1);
    }

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        self.polls.set(self.polls.get() + 1);
        if self.elapsed.get() { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[test]
fn a_keep_alive_is_sent_when_the_source_is_silent_and_begins_anew_with_every_chunk() {
    let timer = Fake::default();
    let script =
        Script::new([Pending, Pending, Item(number(1)), Pending, Pending, Item(number(2))]);
    let stream = SseEncoder::bare(script).keep_alive(KeepAlive::with_timer(timer.clone()));
    let mut stream = pin!(stream);
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!((timer.polls.get(), timer.resets.get()), (1, 0));
    timer.elapsed.set(true);
    assert_chunk(poll(stream.as_mut()), ":\n\n");
    assert_eq!(timer.resets.get(), 1);
    // A chunk that is ready goes before a keep-alive that is due, which then is not due any more.
    timer.elapsed.set(true);
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert_eq!(timer.resets.get(), 2);
    assert!(poll(stream.as_mut()).is_pending());
    assert_chunk(poll(stream.as_mut()), &frames([2]));
    assert_end(poll(stream.as_mut()));
    assert_end(poll(stream.as_mut()));
}

#[test]
fn after_a_stall_one_keep_alive_follows() {
    let timer = Fake::default();
    let script = Script::<Event>::new((0..9).map(|_| Pending));
    let mut stream = pin!(SseEncoder::new(script).keep_alive(KeepAlive::with_timer(timer.clone())));
    timer.elapsed.set(true);
    assert_chunk(poll(stream.as_mut()), ":\n\n");
    for _ in 0..5 {
        assert!(poll(stream.as_mut()).is_pending());
    }
}

#[test]
fn a_timer_of_any_type_can_be_boxed() {
    let timer = Fake::default();
    let boxed: Pin<Box<dyn Timer>> = Box::pin(timer.clone());
    let script = Script::<Event>::new((0..3).map(|_| Pending));
    let mut stream = pin!(SseEncoder::new(script).keep_alive(KeepAlive::with_timer(boxed)));
    assert!(poll(stream.as_mut()).is_pending());
    timer.elapsed.set(true);
    assert_chunk(poll(stream.as_mut()), ":\n\n");
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!((timer.polls.get(), timer.resets.get()), (3, 1));
}

#[test]
fn a_keep_alive_can_be_an_event_and_moves_no_counter() {
    let timer = Fake::default();
    const PING: EventType = EventType::from_static("ping");
    let keep_alive =
        KeepAlive::with_timer(timer.clone()).item(&Event::text("").event_type(PING)).unwrap();
    let script = Script::new([Pending, Item(number(1))]);
    let mut stream = pin!(SseEncoder::new(script).keep_alive(keep_alive));
    timer.elapsed.set(true);
    assert_chunk(poll(stream.as_mut()), "event: ping\ndata: \n\n");
    assert_chunk(poll(stream.as_mut()), "id: 1\nevent: message\ndata: 1\n\n");

    let comment = KeepAlive::with_timer(timer.clone()).item(&Comment::new("still here")).unwrap();
    let mut stream = pin!(SseEncoder::new(Script::<Event>::new([Pending])).keep_alive(comment));
    timer.elapsed.set(true);
    assert_chunk(poll(stream.as_mut()), ": still here\n\n");
}

#[test]
fn a_keep_alive_of_nothing_is_no_empty_chunk() {
    let timer = Fake::default();
    let keep_alive = KeepAlive::with_timer(timer.clone()).item(&Event::new()).unwrap();
    let mut stream = pin!(SseEncoder::new(Script::<Event>::new([Pending])).keep_alive(keep_alive));
    timer.elapsed.set(true);
    assert!(poll(stream.as_mut()).is_pending());
}

#[test]
fn any_closure_that_makes_a_future_is_a_timer() {
    let made = Rc::new(Cell::new(0));
    let count = made.clone();
    let sleep = move || -> Ready<()> {
        count.set(count.get() + 1);
        ready(())
    };
    let mut stream =
        pin!(SseEncoder::new(Script::<Event>::new([Pending, Pending])).keep_alive(sleep));
    assert_chunk(poll(stream.as_mut()), ":\n\n");
    assert_chunk(poll(stream.as_mut()), ":\n\n");
    assert_eq!(made.get(), 2);
}

/// A signal that comes when the test says so.
#[derive(Clone, Default)]
struct Signal(Rc<Cell<bool>>);

impl Future for Signal {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0.get() { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[test]
fn a_stop_signal_ends_the_stream_between_two_frames() {
    let signal = Signal::default();
    let script = Script::new((0..100).map(|n| Item(number(n))));
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(SseEncoder::bare(script).chunk_limit(1).stop_on(signal.clone()));
    assert_chunk(poll(stream.as_mut()), &frames([0]));
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    signal.0.set(true);
    assert_end(poll(stream.as_mut()));
    assert!(alive.upgrade().is_none());
    assert!(stream.is_terminated());
}

#[test]
fn stop_signals_add_up_and_the_first_that_is_ready_counts() {
    for first in 0..3 {
        let signals: [Signal; 3] = Default::default();
        let goodbye = |signal: &Signal, text: &'static str| {
            let signal = signal.clone();
            async move {
                signal.await;
                Event::text(text)
            }
        };
        let failing = |signal: &Signal| {
            let signal = signal.clone();
            async move {
                signal.await;
                Err::<Event, _>("no last item")
            }
        };
        let script = Script::new((0..9).map(|_| Pending::<Event>));
        let stream = SseEncoder::bare(script)
            .stop_on(signals[0].clone())
            .stop_with(goodbye(&signals[1], "goodbye"))
            .stop_with(failing(&signals[2]));
        let mut stream = pin!(stream);
        assert!(poll(stream.as_mut()).is_pending());
        signals[first].0.set(true);
        match first {
            0 => {}
            1 => assert_chunk(poll(stream.as_mut()), "data: goodbye\n\n"),
            _ => assert_error(poll(stream.as_mut()), "no last item"),
        }
        assert_end(poll(stream.as_mut()));
        // None of them is polled again.
        signals.iter().for_each(|signal| signal.0.set(true));
        assert_end(poll(stream.as_mut()));
    }
}

#[test]
fn guards_are_dropped_with_the_stream_and_not_with_the_source() {
    let (one, two) = (Rc::new(()), Rc::new(()));
    let mut stream = Box::pin(
        SseEncoder::bare(Script::new([Item(number(1))])).guard(one.clone()).guard(two.clone()),
    );
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert_end(poll(stream.as_mut()));
    assert_eq!((Rc::strong_count(&one), Rc::strong_count(&two)), (2, 2));
    drop(stream);
    assert_eq!((Rc::strong_count(&one), Rc::strong_count(&two)), (1, 1));
}

/// Whoever polls in a loop would otherwise have no time for anything else.
#[test]
fn a_source_that_is_always_ready_gives_others_a_turn() {
    let script = Script::new((0..1_000).map(|n| Item(number(n))));
    let counter = Arc::new(Wakes::default());
    let waker = Waker::from(counter.clone());
    let mut stream = pin!(SseEncoder::bare(script).chunk_limit(0));
    let (mut chunks, mut turns) = (0, 0);
    loop {
        match stream.as_mut().poll_next(&mut Context::from_waker(&waker)) {
            Poll::Ready(Some(chunk)) => {
                assert_chunk(Poll::Ready(Some(chunk)), &frames([chunks]));
                chunks += 1;
            }
            Poll::Ready(None) => break,
            Poll::Pending => turns += 1,
        }
        assert!(chunks <= 64 * (turns + 1));
        assert_eq!(counter.0.load(Ordering::Relaxed), turns as usize);
    }
    assert_eq!((chunks, turns), (1_000, 15));
}

/// A stream that lingers for as long as the test says.
fn lingering<S: Stream>(
    source: S,
    timer: &Fake,
) -> SseEncoder<S, Never, NoSignal, fn(Error) -> OnError, Fake>
where
    S::Item: sse_encoder::Item,
{
    struct Given(Fake);
    impl IntoTimer for Given {
        type Timer = Fake;
        fn into_timer(self) -> Fake {
            self.0
        }
    }
    SseEncoder::bare(source).linger(Given(timer.clone()))
}

#[test]
fn what_lingers_waits_for_more_until_the_timer_has_elapsed() {
    let timer = Fake::default();
    let script = Script::new([
        Pending,
        Item(number(1)),
        Pending,
        Item(number(2)),
        Item(number(3)),
        Pending,
        Pending,
        Item(number(4)),
        Pending,
    ]);
    let mut stream = pin!(lingering(script, &timer));
    // Nothing is there that could wait.
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!((timer.polls.get(), timer.resets.get()), (0, 0));
    // The interval begins with the first item, and goes on with the next.
    assert!(poll(stream.as_mut()).is_pending());
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!((timer.polls.get(), timer.resets.get()), (2, 1));
    assert_eq!(stream.size_hint(), (1, None));
    timer.elapsed.set(true);
    assert_chunk(poll(stream.as_mut()), &frames([1, 2, 3]));
    // And anew with the next chunk's first.
    assert!(poll(stream.as_mut()).is_pending());
    assert_eq!(timer.resets.get(), 2);
    assert_end_of(stream.as_mut(), &frames([4]));
}

/// The last chunk, and then the end.
#[track_caller]
fn assert_end_of(mut stream: Pin<&mut impl Stream<Item = Result<Bytes, Error>>>, expected: &str) {
    assert_chunk(poll(stream.as_mut()), expected);
    assert_end(poll(stream));
}

#[test]
fn the_end_an_error_a_stop_signal_and_the_limit_end_the_wait_at_once() {
    let timer = Fake::default();
    let one = || [Item(Ok(number(1))), Pending];

    let mut stream = pin!(lingering(Script::new(one().into_iter().take(1)), &timer));
    assert_end_of(stream.as_mut(), &frames([1]));

    let script = Script::new(one().into_iter().chain([Item(Err("no")), Item(Ok(number(2)))]));
    let mut stream = pin!(lingering(script, &timer));
    assert!(poll(stream.as_mut()).is_pending());
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "no");

    let signal = Signal::default();
    let script = Script::new(one().into_iter().chain([Pending]));
    let mut stream = pin!(lingering(script, &timer).stop_on(signal.clone()));
    assert!(poll(stream.as_mut()).is_pending());
    signal.0.set(true);
    assert_end_of(stream.as_mut(), &frames([1]));

    let script = Script::new(one().into_iter().chain([Item(Ok(number(2))), Pending]));
    let mut stream = pin!(lingering(script, &timer).chunk_limit(frames([1, 2]).len()));
    assert!(poll(stream.as_mut()).is_pending());
    assert_chunk(poll(stream.as_mut()), &frames([1, 2]));
}

#[test]
fn frames_that_came_encoded_linger_too() {
    let timer = Fake::default();
    let once = Encoder::bare().encode_once(&Event::text("once")).unwrap();
    let script = Script::new([Item(once.clone()), Pending, Item(once), Pending, Pending]);
    let mut stream = pin!(lingering(script, &timer));
    assert!(poll(stream.as_mut()).is_pending());
    assert!(poll(stream.as_mut()).is_pending());
    timer.elapsed.set(true);
    assert_chunk(poll(stream.as_mut()), "data: once\n\ndata: once\n\n");
}

#[test]
fn a_stop_signal_can_bring_a_last_item() {
    let signal = Signal::default();
    let last = {
        let signal = signal.clone();
        async move {
            signal.await;
            Event::text("goodbye")
        }
    };
    let script = Script::new([Item(number(0)), Pending, Pending]);
    let mut stream = pin!(SseEncoder::new(script).stop_with(last));
    assert_chunk(poll(stream.as_mut()), "id: 1\nevent: message\ndata: 0\n\n");
    assert!(poll(stream.as_mut()).is_pending());
    signal.0.set(true);
    assert_chunk(poll(stream.as_mut()), "id: 2\nevent: message\ndata: goodbye\n\n");
    assert_end(poll(stream.as_mut()));
}

#[test]
fn after_a_last_item_that_panics_is_the_end() {
    struct Panics;
    impl Encode for Panics {
        fn encode(&self, _: &mut Frames<'_>) -> Result<(), Error> {
            panic!("the item's own")
        }
    }
    let script = Script::new([Item(number(1)), Item(number(2))]);
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(SseEncoder::bare(script).stop_with(async { Panics }));
    assert!(catch_unwind(AssertUnwindSafe(|| poll(stream.as_mut()))).is_err());
    assert_eq!(alive.strong_count(), 0);
    // The signal, which has come, is not polled again.
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_last_item_that_fails_is_an_error_and_then_the_end() {
    let mut stream = pin!(
        SseEncoder::new(Script::<Event>::new([Pending]))
            .comment("open")
            .stop_with(async { Err::<Event, _>("no last item") })
    );
    assert_chunk(poll(stream.as_mut()), ": open\n\n");
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "no last item");
    assert_end(poll(stream.as_mut()));
}

/// Two frames of a long text, with another between.
struct Pages(SharedText);

impl Encode for Pages {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::shared_text(self.0.clone()).encode(frames)?;
        Event::text("between").encode(frames)?;
        Event::shared_text(self.0.clone()).encode(frames)
    }
}

fn collect(stream: impl Stream<Item = Result<Bytes, Error>>) -> (Vec<usize>, String) {
    let mut stream = pin!(stream);
    let (mut lens, mut text) = (Vec::new(), String::new());
    while let Poll::Ready(Some(chunk)) = poll(stream.as_mut()) {
        let chunk = chunk.unwrap();
        lens.push(chunk.len());
        text += str::from_utf8(&chunk).unwrap();
    }
    (lens, text)
}

#[test]
fn a_long_shared_line_leaves_in_a_chunk_of_its_own_without_being_copied() {
    let long = "x".repeat(32 * 1024);
    let text = SharedText::from(long.clone());
    let frame = format!("data: {long}\n\n");
    let script = Script::new([Item(Pages(text.clone())), Item(Pages(text.clone()))]);
    let mut stream = pin!(SseEncoder::bare(script).chunk_limit(1 << 20));
    let Poll::Ready(Some(Ok(chunk))) = poll(stream.as_mut()) else { panic!() };
    assert_eq!(chunk, "data: ");
    assert_eq!(stream.size_hint(), (8, Some(8)));
    let Poll::Ready(Some(Ok(chunk))) = poll(stream.as_mut()) else { panic!() };
    assert_eq!(chunk.as_ptr(), text.as_bytes().as_ptr());
    let (lens, rest) = collect(stream);
    assert_eq!(lens.len(), 7);
    let pages = format!("{frame}data: between\n\n{frame}");
    assert_eq!(format!("data: {long}{rest}"), pages.repeat(2));
}

#[test]
fn shared_text_of_many_lines_or_few_bytes_is_as_any_text() {
    let short = "x".repeat(32 * 1024 - 1);
    for text in ["short".to_owned(), short, "two\nlines".repeat(10_000)] {
        let shared =
            collect(SseEncoder::new(Script::new([Item(Event::shared_text(text.clone()))])));
        let copied = collect(SseEncoder::new(Script::new([Item(Event::text(text))])));
        assert_eq!(shared, copied);
    }
}

#[test]
fn shared_text_counts_for_the_chunk_limit() {
    let text = SharedText::from("x".repeat(40_000));
    let script = Script::new((0..7).map(|_| Item(Event::shared_text(text.clone()))));
    let polls = Rc::clone(&script.polls);
    let mut stream = pin!(SseEncoder::bare(script).chunk_limit(100_000));
    assert_chunk(poll(stream.as_mut()), "data: ");
    assert_eq!(polls.get(), 3);
}

/// Fails after a long shared text.
struct Torn(SharedText);

impl Encode for Torn {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::shared_text(self.0.clone()).encode(frames)?;
        Err(Error::other("torn"))
    }
}

#[test]
fn a_failing_item_leaves_none_of_its_shared_text() {
    let torn = || boxed(Torn("x".repeat(40_000).into()));
    let script = Script::new([torn(), Pending, torn(), boxed(number(1))]);
    let mut stream = pin!(SseEncoder::bare(script));
    assert_error(poll(stream.as_mut()), "torn");
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "torn");
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_frame_limit_counts_shared_text_too() {
    let text = SharedText::from("x".repeat(40_000));
    let frame = "data: ".len() + 40_000 + "\n\n".len();
    for (limit, fits) in [(40_000, false), (frame - 1, false), (frame, true)] {
        // Each frame by itself, also where several leave together.
        let script = Script::new((0..3).map(|_| Item(Event::shared_text(text.clone()))));
        let encoder = Encoder::bare().max_frame(limit);
        let mut stream = pin!(SseEncoder::with_encoder(script, encoder).chunk_limit(1 << 20));
        if fits {
            assert_eq!(collect(stream).1.len(), 3 * frame);
        } else {
            let expected = format!("the frame is larger than {limit} bytes");
            assert_error(poll(stream.as_mut()), &expected);
        }
    }
}

#[test]
fn an_event_encoded_once_is_the_same_in_every_stream() {
    let mut encoder = Encoder::new();
    encoder.set_next_id(5);
    for text in ["short".to_owned(), "x".repeat(50_000)] {
        let event = encoder.encode_once(&Event::text(text.as_str())).unwrap();
        let expected = str::from_utf8(event.as_bytes()).unwrap().to_owned();
        for _subscriber in 0..3 {
            let (_, sent) = collect(SseEncoder::new(Script::new([Item(event.clone())])));
            assert_eq!(sent, expected);
        }
    }
}

/// An event that was encoded once leaves at once, and is copied only to leave together with others
/// that were ready with it.
#[test]
fn an_event_encoded_once_passes_through_and_a_burst_is_gathered() {
    let once = Encoder::bare().encode_once(&Event::text("once")).unwrap();
    let one = || boxed(once.clone());
    let empty = || boxed(Encoded::default());
    let other = || boxed(number(1));
    let torn = || boxed(Torn("x".repeat(40_000).into()));
    // Each chunk's frames; in capitals where it is the very bytes that were encoded.
    for (items, expected) in [
        (vec![one()], "O"),
        (vec![one(), torn()], "O"),
        (vec![one(), empty()], "O"),
        (vec![empty(), one()], "O"),
        (vec![torn(), one()], "O"),
        (vec![one(), one()], "O O"),
        (vec![one(), one(), one()], "O oo"),
        (vec![one(), other()], "O n"),
        (vec![one(), torn(), other()], "O n"),
        (vec![one(), one(), other()], "O on"),
        (vec![one(), Pending, one(), Pending, one()], "O O O"),
        (vec![other(), one()], "no"),
        (vec![other(), one(), other()], "non"),
        (vec![empty(), other()], "n"),
        (vec![empty()], ""),
    ] {
        let mut chunks = Vec::new();
        let mut stream = pin!(SseEncoder::bare(Script::new(items)).on_error(|_| OnError::Skip));
        loop {
            match poll(stream.as_mut()) {
                Poll::Ready(Some(chunk)) => chunks.push(chunk.unwrap()),
                Poll::Ready(None) => break,
                Poll::Pending => {}
            }
        }
        let found: Vec<_> = chunks
            .iter()
            .map(|chunk| {
                let text = str::from_utf8(chunk).unwrap();
                let text = text.replace("data: 1\n\n", "n").replace("data: once\n\n", "o");
                let passed = chunk.as_ptr() == once.as_bytes().as_ptr();
                if passed { text.to_uppercase() } else { text }
            })
            .collect();
        assert_eq!(found.join(" "), expected);
    }
}

/// Of frames that came encoded each is bounded by itself.
#[test]
fn the_limit_of_a_frame_bounds_each_that_came_encoded() {
    let item = vec![Event::text("one"), Event::text("three")];
    let once = Encoder::bare().encode_once(&item).unwrap();
    let largest = "data: three\n\n".len();
    for (limit, fits) in [(largest, true), (largest - 1, false)] {
        let encoder = || Encoder::bare().max_frame(limit);
        let script = Script::new([Item(once.clone())]);
        let polled = poll(pin!(SseEncoder::with_encoder(script, encoder())));
        let script = Script::new([Item(vec![once.clone()])]);
        let nested = poll(pin!(SseEncoder::with_encoder(script, encoder())));
        for polled in [polled, nested] {
            if fits {
                assert_chunk(polled, "data: one\n\ndata: three\n\n");
            } else {
                assert_error(polled, &format!("the frame is larger than {limit} bytes"));
            }
        }
    }
}

#[test]
fn long_events_encoded_once_follow_one_another_without_being_copied() {
    let long = "x".repeat(40_000);
    let once = Encoder::bare().encode_once(&Event::text(long.as_str())).unwrap();
    let one = || boxed(once.clone());
    let other = || boxed(number(1));
    let (long, short) = (once.as_bytes().len(), frames([1]).len());
    for (items, expected) in [
        (vec![other(), one(), one()], vec![short, long, long]),
        (vec![other(), one(), one(), other()], vec![short, long, long, short]),
        (vec![other(), one(), other(), one()], vec![short, long, short, long]),
    ] {
        let stream = SseEncoder::bare(Script::new(items)).chunk_limit(1 << 20);
        assert_eq!(collect(stream).0, expected);
    }
}

/// The chunk is full, so that nothing is copied.
#[test]
fn an_event_encoded_once_counts_for_the_chunk_limit() {
    let once = Encoder::bare().encode_once(&Event::text("once")).unwrap();
    let script = Script::new([Item(once.clone()), Item(once.clone())]);
    let mut stream = pin!(SseEncoder::bare(script).chunk_limit(once.as_bytes().len()));
    for _ in 0..2 {
        let Poll::Ready(Some(Ok(chunk))) = poll(stream.as_mut()) else { panic!() };
        assert_eq!(chunk.as_ptr(), once.as_bytes().as_ptr());
    }
    assert_end(poll(stream.as_mut()));
}

#[test]
fn the_size_hint_never_promises_too_much() {
    let script = Script::new([Item(number(1)), Pending]);
    let mut stream = pin!(SseEncoder::bare(script).comment("open"));
    assert_eq!(stream.size_hint(), (1, None));
    assert_chunk(poll(stream.as_mut()), &(": open\n\n".to_owned() + &frames([1])));
    assert_eq!(stream.size_hint(), (0, None));
    assert_end(poll(stream.as_mut()));
    assert_eq!(stream.size_hint(), (0, Some(0)));

    // An error that is still to come counts too.
    let mut stream = pin!(SseEncoder::bare(failing()));
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert_eq!(stream.size_hint(), (1, None));
    assert!(!stream.is_terminated());
}

#[test]
fn a_soft_refusal_says_when_to_come_back_and_ends() {
    let later = ReconnectionTime::from_millis(30_000).unwrap();
    let (_, sent) = collect(SseEncoder::retry_after(later));
    assert_eq!(sent, "retry: 30000\n\n");
}

#[test]
fn streams_of_sources_that_cross_threads_cross_threads() {
    fn crosses<T: Send + Sync + Unpin + 'static>(_: &T) {}
    struct Items;
    impl Stream for Items {
        type Item = Event;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Event>> {
            Poll::Ready(None)
        }
    }
    crosses(&SseEncoder::new(Items));
    crosses(&SseEncoder::new(Items).stop_on(ready(())).on_error(|_| OnError::Skip));
    crosses(&EventId::from(1));
}
