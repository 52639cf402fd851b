//! Texts, ids, types and comments.

use bytes::Bytes;
use sse_encoder::{Comment, Event, EventId, EventType};

use crate::{data, encode, fields};

const FORGERIES: [&str; 10] = [
    "7\ndata: forged",
    "7\rdata: forged",
    "7\r\ndata: forged",
    "\n",
    "\r",
    "7\n\n",
    "\n\nretry: 1\n\n",
    "é\rid: 9",
    "a\n\r\n",
    "\rdata: x",
];

#[test]
fn an_id_or_type_with_an_end_of_line_is_refused() {
    for text in FORGERIES {
        assert!(EventId::new(text).unwrap_err().is_forbidden_byte());
        assert!(EventType::new(text).unwrap_err().is_forbidden_byte());
        for member in ["id", "type"] {
            let item = serde_json::json!({ member: text, "data": {} });
            let errors = [
                Event::from_slice(item.to_string().as_bytes()).unwrap_err(),
                Event::from_item(&item).unwrap_err(),
                Event::try_from(item.clone()).unwrap_err(),
            ];
            for error in errors {
                assert!(error.is_forbidden_byte());
                assert_eq!(
                    (error.field(), error.position()),
                    (Some(member), text.find(['\r', '\n']))
                );
            }
            assert!(serde_json::from_value::<Event>(item).is_err());
        }
    }
    assert!(EventId::new("a\0").unwrap_err().is_forbidden_byte());
    assert!(Event::from_slice(br#"{"id":"\u0000"}"#).unwrap_err().is_forbidden_byte());
    assert!(
        Event::from_slice(br#"{"id":1,"\u0069d":"a\u000db"}"#).unwrap_err().is_forbidden_byte()
    );
}

#[test]
fn text_and_comments_cannot_forge_fields() {
    for text in FORGERIES {
        for event in [Event::text(text).into_owned(), Event::shared_text(text).into_owned()] {
            let frame = encode(&event).unwrap().unwrap();
            assert_eq!(fields(&frame)[..2], ["id", "event"]);
            assert!(fields(&frame)[2..].iter().all(|name| *name == "data"), "{frame:?}");
        }
        let comment = encode(&Comment::new(text)).unwrap().unwrap();
        assert!(fields(&comment).iter().all(|name| name.is_empty()), "{comment:?}");
        assert_eq!(data(&Event::json(text)), serde_json::to_string(text).unwrap());
    }
}

#[test]
fn null_characters_are_kept_in_data_comments_and_types() {
    assert_eq!(data(&Event::text("a\0b")), "a\0b");
    assert_eq!(data(&Event::json("a\0b")), r#""a\u0000b""#);
    assert_eq!(encode(&Comment::new("\0")).unwrap().unwrap(), ": \0\n");
    let event = Event::text("x").event_type(EventType::new("\0").unwrap());
    assert_eq!(encode(&event).unwrap().unwrap(), "id: 2\nevent: \0\ndata: x\n\n");
}

#[test]
fn ten_mebibytes_of_text_are_encoded_like_any_text() {
    const LEN: usize = 10 << 20;
    let text = "x".repeat(LEN);
    assert_eq!(data(&Event::text(&text)).len(), LEN);
    assert_eq!(data(&Event::shared_text(text.clone())).len(), LEN);
    assert_eq!(data(&Event::json(&text)).len(), LEN + 2);
    assert_eq!(encode(&Comment::new(&text)).unwrap().unwrap().len(), LEN + 3);
    let event = Event::text("").no_id().event_type(EventType::new(&text).unwrap());
    assert_eq!(encode(&event).unwrap().unwrap().len(), LEN + "event: \ndata: \n\n".len());
    // No request could carry an id of that size back.
    assert!(EventId::new(&text).unwrap_err().is_too_large());
    assert!(encode(&Event::text("").id(&text)).unwrap().unwrap_err().is_too_large());
    let item = format!("{{\"type\":\"{text}\",\"data\":{{\"{text}\":\"{text}\"}}}}");
    assert_eq!(data(&item.parse::<Event>().unwrap()).len(), 2 * LEN + 7);
    let frame = encode(&Event::text("\r".repeat(LEN / 10))).unwrap().unwrap();
    assert_eq!(frame.len(), "id: 2\nevent: message\n\n".len() + 7 * (LEN / 10 + 1));
}

#[test]
fn a_hundred_thousand_lines_are_as_many_fields() {
    for end in ["\r", "\n", "\r\n", "x\r"] {
        let text = end.repeat(99_999) + "x";
        let frame = encode(&Event::text(&text)).unwrap().unwrap();
        assert_eq!(fields(&frame).len(), 100_002);
        let comment = encode(&Comment::new(&text)).unwrap().unwrap();
        assert_eq!(fields(&comment).len(), 100_000);
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    for bytes in
        [&b"\xFF"[..], b"a\x80", b"\xED\xA0\x80", b"\xC0\x8A", b"\xF4\x90\x80\x80", b"\xE2\x82"]
    {
        let shared = Event::shared_text(Bytes::copy_from_slice(bytes));
        let error = encode(&shared).unwrap().unwrap_err();
        assert_eq!(error.position(), Some(usize::from(bytes[0] == b'a')));
        for (before, after) in
            [("{\"data\":\"", "\"}"), ("{\"", "\":1}"), ("{\"id\":\"", "\"}"), ("", "")]
        {
            let item = [before.as_bytes(), bytes, after.as_bytes()].concat();
            assert!(Event::from_slice(&item).unwrap_err().is_syntax());
        }
    }
    assert!(Event::from_slice(b"\xEF\xBB\xBF{}").unwrap_err().is_syntax());
}
