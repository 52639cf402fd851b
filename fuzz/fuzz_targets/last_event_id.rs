//! `Last-Event-ID`: the header, up to the first byte 0xFE, and the query after it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sse_encoder::LastEventId;

/// An id, or none.
fn id(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?;
    (!text.is_empty()
        && text.len() <= sse_encoder::EventId::MAX_LEN
        && !text.contains(['\r', '\n', '\0']))
    .then_some(text)
}

/// `application/x-www-form-urlencoded`: percent-decoding after `+` has become a space.
fn decode(part: &str) -> Vec<u8> {
    let part: Vec<u8> = part.bytes().map(|byte| if byte == b'+' { b' ' } else { byte }).collect();
    let mut decoded = Vec::new();
    let mut at = 0;
    while at < part.len() {
        let escape = part.get(at + 1..at + 3).filter(|_| part[at] == b'%');
        match escape.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
            Some(digits) => {
                let digits = std::str::from_utf8(digits).unwrap();
                decoded.push(u8::from_str_radix(digits, 16).unwrap());
                at += 3;
            }
            None => {
                decoded.push(part[at]);
                at += 1;
            }
        }
    }
    decoded
}

fn from_query(query: &str, names: &[&str]) -> Option<String> {
    for pair in query.split('&') {
        if let Some((name, value)) = pair.split_once('=')
            && names.iter().any(|known| known.as_bytes() == decode(name))
            && let Some(id) = id(decode(value))
        {
            return Some(id);
        }
    }
    None
}

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(2, |byte| *byte == 0xFE);
    let header = parts.next().unwrap_or_default();
    let query = &*String::from_utf8_lossy(parts.next().unwrap_or_default());
    let names = &[LastEventId::PARAMETER, "last event id", ""];

    let read = LastEventId::from_headers([header]);
    assert_eq!(read.as_str(), id(header.to_vec()).as_deref());
    assert_eq!(read.is_unreadable(), read.get().is_none() && !header.is_empty());
    let read = read.or_query(query, names);
    let expected = id(header.to_vec()).or_else(|| from_query(query, names));
    assert_eq!(read.as_str(), expected.as_deref());
    let read = LastEventId::none().or_query(query, names);
    assert_eq!(read.as_str(), from_query(query, names).as_deref());

    // Whatever came, it can be sent back without forging anything.
    if let Some(id) = read.into_inner() {
        let mut stream = bytes::BytesMut::new();
        let event = sse_encoder::Event::text("x").id(id.clone());
        sse_encoder::Encoder::bare().encode(&event, &mut stream).unwrap();
        assert_eq!(stream, format!("id: {id}\ndata: x\n\n"));
    }
});
