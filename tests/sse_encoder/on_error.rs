//! Items that fail: `on_error`, `inspect_error`, and the default.

use std::{
    collections::{BTreeMap, VecDeque},
    convert::Infallible,
    io,
    pin::pin,
    rc::Rc,
    sync::mpsc,
    task::Poll,
    time::Duration,
};

use sse_encoder::{Comment, Encode, Encoder, Error, Event, OnError, SseEncoder, data::Json};

use crate::{
    bare, failing, frames, number, numbered,
    support::{
        Clock, Item, Pending, Script, all_chunks, assert_chunk, assert_end, assert_error, chunk,
        poll, text,
    },
    with_encoder,
};

#[test]
fn an_error_takes_its_items_place_and_the_stream_continues() {
    let mut stream = pin!(bare(failing()));
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

#[test]
fn skip_drops_a_failing_item() {
    let (report, reported) = mpsc::channel();
    let mut stream = pin!(bare(failing()).on_error(move |error| {
        report.send(error.to_string()).unwrap();
        OnError::Skip
    }));
    assert_chunk(poll(stream.as_mut()), &frames([1, 2]));
    assert_chunk(poll(stream.as_mut()), &frames([3]));
    assert_end(poll(stream.as_mut()));
    assert_eq!(reported.try_iter().collect::<Vec<_>>(), ["first", "second", "third"]);
}

#[test]
fn replace_sends_another_item_in_its_place() {
    let mut stream = pin!(
        bare(failing()).on_error(|error| { OnError::replace(Event::text(error.to_string())) })
    );
    let expected = "data: 1\n\ndata: first\n\ndata: second\n\ndata: 2\n\n";
    assert_chunk(poll(stream.as_mut()), expected);
    assert_chunk(poll(stream.as_mut()), "data: third\n\ndata: 3\n\n");
    assert_end(poll(stream.as_mut()));
}

#[test]
fn a_replacement_that_fails_is_an_error() {
    let encoder = Encoder::bare().max_frame(12);
    let mut stream = pin!(
        with_encoder(failing(), encoder)
            .on_error(|_| { OnError::replace(Event::text("too long a text")) })
    );
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "the frame is larger than 12 bytes");
    assert_error(poll(stream.as_mut()), "the frame is larger than 12 bytes");
    assert_chunk(poll(stream.as_mut()), &frames([2]));
}

#[test]
fn any_item_can_be_a_replacement() {
    let mut stream = pin!(numbered(failing()).on_error(|error| {
        OnError::replace((Comment::new("left out"), Event::text(error.to_string())))
    }));
    let chunk = chunk(stream.as_mut());
    assert!(chunk.ends_with(
        b"\n: left out\nid: 3\nevent: message\ndata: second\n\nid: 4\nevent: message\ndata: 2\n\n"
    ));
}

#[test]
fn end_with_sends_last_words_and_ends_the_stream() {
    let script = failing();
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(bare(script).on_error(|error| {
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
fn last_words_that_fail_are_an_error_before_the_end() {
    let encoder = Encoder::bare().max_frame(12);
    let mut stream = pin!(
        with_encoder(failing(), encoder)
            .on_error(|_| OnError::end_with(Event::text("too long a text")))
    );
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "the frame is larger than 12 bytes");
    assert_end(poll(stream.as_mut()));
}

/// A source that fails for ever would flood its client.
#[test]
fn consecutive_replacements_are_limited() {
    let script = Script::new((0..100).map(|n| Item(Err::<Event, _>(n.to_string()))));
    let alive = Rc::downgrade(&script.alive);
    let (see, seen) = mpsc::channel();
    let mut stream = pin!(
        bare(script)
            .inspect_error(move |_| see.send(()).unwrap())
            .on_error(|_| OnError::replace(Event::json(0)))
    );
    assert_chunk(poll(stream.as_mut()), &frames([0; 32]));
    assert!(alive.upgrade().is_none());
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "32");
    assert_end(poll(stream.as_mut()));
    assert_eq!(seen.try_iter().count(), 33);
    // An item that succeeds, or a pending poll, begins a new run.
    for between in [|| Item(Ok(number(1))), || Pending] {
        let fails = |n: usize| (0..n).map(|_| Item(Err("no")));
        let script = Script::new(fails(32).chain([between()]).chain(fails(32)));
        let stream = bare(script).on_error(|_| OnError::replace(Event::json(0)));
        let sent = text(&all_chunks(stream, || ()));
        assert_eq!(sent.matches("data: 0").count(), 64);
    }
}

#[test]
fn inspect_error_sees_each_error_before_or_after_the_policy_is_set() {
    let (sender, seen) = mpsc::channel();
    let see = |name: &'static str| {
        let sender = sender.clone();
        move |error: &Error| sender.send(format!("{name}: {error}")).unwrap()
    };
    let stream = bare(failing()).inspect_error(see("a"));
    let mut stream = pin!(stream);
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "first");
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["a: first"]);

    // A policy that is set afterwards does not replace it.
    let stream =
        bare(failing()).inspect_error(see("a")).on_error(|_| OnError::Skip).inspect_error(see("b"));
    assert_chunk(poll(pin!(stream)), &frames([1, 2]));
    let mut both: Vec<_> = seen.try_iter().collect();
    both.sort();
    assert_eq!(both, ["a: first", "a: second", "b: first", "b: second"]);
}

#[test]
fn the_policy_receives_the_callers_own_error() {
    let error = io::Error::other("disk");
    let script = Script::new([Item(Err::<Event, _>(error))]);
    let (sender, own) = mpsc::channel();
    let stream = numbered(script).inspect_error(|_| ()).on_error(move |error| {
        sender.send(error.into_inner().unwrap().is::<io::Error>()).unwrap();
        OnError::End
    });
    assert_end(poll(pin!(stream)));
    assert_eq!(own.try_recv(), Ok(true));
}

#[test]
fn end_ends_the_stream_at_a_failing_item() {
    let script = failing();
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(bare(script).on_error(|_| OnError::End));
    assert_chunk(poll(stream.as_mut()), &frames([1]));
    assert!(alive.upgrade().is_none());
    assert_end(poll(stream.as_mut()));
}

/// Its client reconnects and resumes, also behind a proxy that does not pass on a break.
#[test]
fn by_default_a_numbered_stream_ends_cleanly_at_a_failing_item() {
    let script = failing();
    let alive = Rc::downgrade(&script.alive);
    let mut stream = pin!(numbered(script));
    assert_chunk(poll(stream.as_mut()), "id: 1\nevent: message\ndata: 1\n\n");
    assert!(alive.upgrade().is_none());
    assert_end(poll(stream));

    let unnumbered = Encoder::new().automatic_ids(false);
    let mut stream = pin!(with_encoder(failing(), unnumbered));
    assert_chunk(poll(stream.as_mut()), "event: message\ndata: 1\n\n");
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream), "first");
}

/// A client that resumes after them would skip the event that has their id next time.
#[test]
fn last_words_have_no_automatic_id_and_a_replacement_has_its_items() {
    let error = |error: Error| Event::text(error.to_string()).no_event_type();
    let mut stream = pin!(numbered(failing()).on_error(move |e| OnError::end_with(error(e))));
    assert_chunk(poll(stream.as_mut()), "id: 1\nevent: message\ndata: 1\n\ndata: first\n\n");
    assert_end(poll(stream));

    let mut stream = pin!(numbered(failing()).on_error(move |e| OnError::replace(error(e))));
    let chunk = chunk(stream.as_mut());
    assert!(chunk.ends_with(b"id: 3\ndata: second\n\nid: 4\nevent: message\ndata: 2\n\n"));
}

/// Only items of the source are numbered: a client that resumes after another id skips one of them.
#[test]
fn a_replacement_has_no_automatic_id_where_the_failed_item_has_none() {
    let replaced = |stream: SseEncoder<Script<Event<Json<u32>>>>| {
        stream.on_error(|error| OnError::replace(Event::text(error.to_string()).no_event_type()))
    };
    let two = || Script::new([Pending, Item(number(1))]);
    let one = "id: 1\nevent: message\ndata: 1\n\n";

    let retry = "data: `retry` of 0ns is not between 1 and 2147483647 milliseconds\n\n";
    let mut stream = pin!(replaced(numbered(two()).retry(Duration::ZERO)));
    assert_chunk(poll(stream.as_mut()), retry);
    assert_chunk(poll(stream), one);

    let clock = Clock::default();
    let forged = Event::text("").event_type("a\n");
    let mut stream = pin!(replaced(numbered(two()).keep_alive_with(clock.timer(), &forged)));
    clock.elapse();
    assert_chunk(poll(stream.as_mut()), "data: `type` has a line feed (0x0A) at byte 1\n\n");
    assert_chunk(poll(stream), one);

    let last = async { Err::<Event, _>("no last item") };
    let mut stream = pin!(replaced(numbered(two()).stop_with(last)));
    assert_chunk(poll(stream.as_mut()), "data: no last item\n\n");
    assert_end(poll(stream));
}

#[test]
fn results_within_items_are_items_whose_error_is_the_items() {
    let good = || Ok::<_, String>(number(1));
    let bad = || Err("no".to_owned());
    fn assert_fails(item: impl Encode + Unpin) {
        let mut stream = pin!(bare(Script::new([Item(item)])));
        let Poll::Ready(Some(Err(error))) = poll(stream.as_mut()) else { panic!("no error") };
        assert_eq!(error.to_string(), "no");
        assert!(error.into_inner().is_ok(), "the caller's own");
    }
    assert_chunk(poll(pin!(bare(Script::new([Item(vec![good(), good()])])))), &frames([1, 1]));
    assert_fails(Some(bad()));
    assert_fails(vec![good(), bad()]);
    assert_fails(VecDeque::from([good(), bad()]));
    assert_fails([good(), bad()]);
    assert_fails((good(), bad()));
    assert_fails(Ok::<_, String>(bad()));
    assert_fails(Ok::<_, Error>(Some(vec![bad()])));
    assert_end(poll(pin!(bare(Script::new([Item(())])))));
    // By reference there is a copy of its text.
    let error = Encoder::bare().encode_once(&vec![bad()]).unwrap_err();
    assert_eq!(error.to_string(), "no");
}

#[test]
fn a_failing_item_uses_no_automatic_id() {
    let bad = BTreeMap::from([((), 1)]);
    let good = BTreeMap::new();
    let script = Script::new([&good, &bad, &good].map(|data| Item(Event::json(data))));
    let mut stream = pin!(numbered(script).on_error(OnError::Fail));
    assert_chunk(poll(stream.as_mut()), "id: 1\nevent: message\ndata: {}\n\n");
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "`data` cannot be serialized");
    assert_chunk(poll(stream.as_mut()), "id: 2\nevent: message\ndata: {}\n\n");
    assert_eq!(stream.encoder().next_id(), Some(3));
}

#[test]
fn the_callers_error_is_returned_unchanged_however_deep_in_the_item_it_is() {
    fn check<T: Encode + Unpin>(item: T) {
        let mut stream = pin!(numbered(Script::new([Item(item)])).on_error(OnError::Fail));
        let Poll::Ready(Some(Err(error))) = poll(stream.as_mut()) else { panic!() };
        let source = error.into_inner().unwrap();
        assert_eq!(source.downcast_ref::<io::Error>().unwrap().to_string(), "disk");
    }
    type One = Result<Event, io::Error>;
    let error = || io::Error::other("disk");
    check::<One>(Err(error()));
    check::<Option<One>>(Some(Err(error())));
    check::<Result<One, Infallible>>(Ok(Err(error())));
    check::<Result<Option<One>, Infallible>>(Ok(Some(Err(error()))));
    check::<Option<Option<One>>>(Some(Some(Err(error()))));
}

#[test]
fn an_infallible_result_is_an_item() {
    let script = Script::new([Item(Ok::<_, Infallible>(number(1)))]);
    assert_chunk(poll(pin!(bare(script))), &frames([1]));
}
