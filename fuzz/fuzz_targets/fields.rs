//! Text and comments: split into lines as a naive splitter splits them, and joined again by a
//! client.
//!
//! The first byte says through which door the text goes.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use sse_encoder::{Comment, Encoder, Event};
use sse_encoder_fuzz::{decoder, model};

fuzz_target!(|input: &[u8]| {
    let Some((door, text)) = input.split_first() else { return };
    let text = &*String::from_utf8_lossy(text);
    let lines = model::lines(text);
    let mut stream = BytesMut::new();
    let mut encoder = Encoder::bare();
    match door % 5 {
        0 => encoder.encode(&Event::text(text), &mut stream),
        1 => encoder.encode(&Event::shared_text(text.to_owned()), &mut stream),
        2 => encoder.encode(&Event::text(text).into_owned(), &mut stream),
        3 => {
            let once = encoder.encode_once(&Event::text(text)).unwrap();
            encoder.encode(&once, &mut stream)
        }
        _ => encoder.encode(&Comment::new(text), &mut stream),
    }
    .unwrap();

    let client = decoder::decode(&stream).unwrap();
    assert!(client.unknown.is_empty() && client.retries.is_empty() && !client.unfinished);
    assert_eq!(client.last_event_id, "");
    if door % 5 < 4 {
        let expected: String = lines.iter().map(|line| format!("data: {line}\n")).collect();
        assert_eq!(stream, expected + "\n");
        assert_eq!(client.messages.len(), 1);
        assert_eq!(client.messages[0].event_type, "message");
        assert_eq!(client.messages[0].data, lines.join("\n"));
        assert!(client.comments.is_empty());
    } else {
        let expected: Vec<_> = if text.is_empty() {
            vec![String::new()]
        } else {
            lines.iter().map(|line| format!(" {line}")).collect()
        };
        assert_eq!(client.comments, expected);
        assert!(client.messages.is_empty());
    }
});
