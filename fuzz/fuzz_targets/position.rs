//! A last event ID as a position: of a hub in memory, and of one on Redis.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_encoder::{Event, LastEventId};
use sse_hub::{Hub, Resumption, fuzzing};

const DIGITS: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz.";

/// Whether the text is a number as it is written.
fn is_number(text: &str) -> bool {
    text.parse::<u64>().is_ok_and(|number| number.to_string() == text)
}

/// Whether the text is `<number>-<number>`, with a check of six digits that are not all zero, or
/// without one.
fn is_position(text: &str) -> bool {
    let parts: Vec<_> = text.splitn(3, '-').collect();
    let is_check = |text: &str| {
        text.len() == 6 && text.chars().all(|c| DIGITS.contains(c)) && text != "000000"
    };
    match parts[..] {
        [epoch, n] => is_number(epoch) && is_number(n),
        [epoch, n, check] => is_number(epoch) && is_number(n) && is_check(check),
        _ => false,
    }
}

fuzz_target!(|input: (&str, u8, &str)| {
    let (text, published, rest) = input;
    // What is read is written again as it was.
    let read = fuzzing::position(text);
    assert_eq!(read.as_deref(), is_position(text).then_some(text));

    let published = u64::from(published % 8);
    let hub = Hub::new();
    let id = hub.position();
    let epoch = id.as_str().strip_suffix("-0").unwrap();
    (0..published).for_each(|n| _ = hub.try_publish(&Event::json(n)).unwrap());
    for text in [text.to_owned(), format!("{epoch}-{rest}"), format!("{epoch}{rest}")] {
        let n = text.strip_prefix(epoch).and_then(|rest| rest.strip_prefix('-'));
        let known = n.filter(|n| is_number(n)).and_then(|n| n.parse::<u64>().ok());
        let last = LastEventId::from_headers([text.as_bytes()]);
        match (hub.subscribe(&last).resumption(), known.filter(|n| *n <= published)) {
            (Resumption::Fresh, None) => assert!(last.get().is_none() && text.is_empty()),
            (Resumption::Exact { missed }, Some(n)) => assert_eq!(missed as u64, published - n),
            (Resumption::Unknown { .. }, None) => {}
            (other, known) => panic!("{text:?}: {other:?}, {known:?}"),
        }
    }
});
