//! What a stream begins with, and at which id.

use std::pin::pin;

use sse_encoder::{Event, LastEventId, ReconnectionTime, SseEncoder};

use crate::{
    frames, number,
    support::{Item, Pending, Script, assert_chunk, chunk, poll},
};

#[test]
fn comment_retry_and_padding_are_sent_at_once() {
    let retry = ReconnectionTime::from_millis(500).unwrap();
    let opening = ": hello\n\nretry: 500\n\n";
    let script = Script::new([Pending, Item(number(1))]);
    let mut stream = pin!(SseEncoder::bare(script).comment("hello").retry(retry));
    assert_chunk(poll(stream.as_mut()), opening);
    assert_chunk(poll(stream.as_mut()), &frames([1]));

    let script = Script::new([Item(number(1))]);
    let stream = pin!(SseEncoder::bare(script).comment("hello").retry(retry));
    assert_chunk(poll(stream), &(opening.to_owned() + &frames([1])));

    let stream = pin!(SseEncoder::bare(Script::<Event>::new([Pending])).padding(2048));
    assert_chunk(poll(stream), &format!(": {}\n\n", " ".repeat(2048)));
}

#[test]
fn ids_continue_after_the_last_event_id() {
    for (last, expected) in [("41", "id: 42\n"), ("other", "id: 7\n"), ("", "id: 7\n")] {
        let last = LastEventId::from_header(last.as_bytes());
        let script = Script::new([Item(number(1))]);
        let stream = pin!(SseEncoder::new(script).first_id(7).resume_after(&last));
        let chunk = chunk(stream);
        assert!(chunk.starts_with(expected.as_bytes()), "{chunk:?}");
    }
}
