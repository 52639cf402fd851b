//! What a stream begins with, and at which id.

use std::{pin::pin, time::Duration};

use sse_encoder::{Event, LastEventId, OnError, ReconnectionTime, SseEncoder};

use crate::{
    bare, frames, number, numbered,
    support::{Item, Pending, Script, assert_chunk, assert_end, assert_error, chunk, poll},
};

#[test]
fn a_stream_opens_with_an_empty_comment_before_everything_else() {
    let quiet = Script::new([Pending, Item(number(1))]);
    let mut stream = pin!(SseEncoder::bare(quiet));
    assert_chunk(poll(stream.as_mut()), ":\n");
    assert_chunk(poll(stream.as_mut()), &frames([1]));

    let ready = Script::new([Item(number(1))]);
    let stream = pin!(SseEncoder::bare(ready).comment("hello"));
    assert_chunk(poll(stream), &format!(":\n: hello\n{}", frames([1])));

    let mut stream = pin!(SseEncoder::bare(Script::<Event>::new([])));
    assert_chunk(poll(stream.as_mut()), ":\n");
    assert_end(poll(stream));
}

/// The client has the head even if the first item fails.
#[test]
fn an_error_of_the_first_item_follows_the_opening_comment() {
    let script = Script::new([Item(Err::<Event, _>("no"))]);
    let mut stream = pin!(SseEncoder::bare(script));
    assert_chunk(poll(stream.as_mut()), ":\n");
    assert!(poll(stream.as_mut()).is_pending());
    assert_error(poll(stream.as_mut()), "no");
    assert_end(poll(stream));
}

#[test]
fn an_invalid_reconnection_time_is_the_error_of_the_first_item() {
    let script = || Script::new([Item(number(1))]);
    let mut stream = pin!(bare(script()).retry(Duration::ZERO));
    assert_error(
        poll(stream.as_mut()),
        "`retry` of 0ns is not between 1 and 2147483647 milliseconds",
    );
    assert_chunk(poll(stream), &frames([1]));
    let stream = bare(script()).retry(Duration::MAX).on_error(|_| OnError::Skip);
    assert_chunk(poll(pin!(stream)), &frames([1]));
}

#[test]
fn an_invalid_reconnection_time_before_other_options_is_an_error_too() {
    let script = || Script::new([Item(number(1))]);
    for stream in [
        bare(script()).retry(Duration::ZERO).comment("hello"),
        bare(script()).comment("hello").retry(Duration::ZERO),
        bare(script()).retry(Duration::ZERO).comment("hello").retry(Duration::MAX),
    ] {
        let mut stream = pin!(stream);
        assert_chunk(poll(stream.as_mut()), ": hello\n");
        assert!(poll(stream.as_mut()).is_pending());
        assert_error(
            poll(stream.as_mut()),
            "`retry` of 0ns is not between 1 and 2147483647 milliseconds",
        );
        assert_chunk(poll(stream), &frames([1]));
    }
}

#[test]
fn comment_retry_and_padding_are_sent_at_once() {
    let retry = ReconnectionTime::from_millis(500).unwrap();
    let opening = ": hello\nretry: 500\n";
    let script = Script::new([Pending, Item(number(1))]);
    let mut stream = pin!(bare(script).comment("hello").retry(retry));
    assert_chunk(poll(stream.as_mut()), opening);
    assert_chunk(poll(stream.as_mut()), &frames([1]));

    let script = Script::new([Item(number(1))]);
    let stream = pin!(bare(script).comment("hello").retry(retry));
    assert_chunk(poll(stream), &(opening.to_owned() + &frames([1])));

    let stream = pin!(bare(Script::<Event>::new([Pending])).padding(2048));
    assert_chunk(poll(stream), &format!(": {}\n", " ".repeat(2048)));
}

#[test]
fn ids_continue_after_the_last_event_id() {
    for (last, expected) in [("41", "id: 42\n"), ("other", "id: 7\n"), ("", "id: 7\n")] {
        let last = LastEventId::from_headers([last]);
        let script = Script::new([Item(number(1))]);
        let stream = pin!(numbered(script).first_id(7).resume_after(&last));
        let chunk = chunk(stream);
        assert!(chunk.starts_with(expected.as_bytes()), "{chunk:?}");
    }
}
