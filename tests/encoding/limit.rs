//! `Encoder::max_frame`.

use bytes::BytesMut;
use serde::Serialize;
use serde_json::json;
use sse_encoder::{Comment, Encode, Encoder, Event, EventType, ReconnectionTime};

use crate::{shapes::DATA, support::encode};

#[test]
fn a_frame_over_the_limit_is_refused_whole() {
    let frame = encode(&Event::text("0123456789")).unwrap();
    let json = json!({"a": vec!["0123456789"; 9]});
    let mut dst = BytesMut::from("before");
    for (limit, fits) in [(frame.len(), true), (frame.len() - 1, false)] {
        let mut encoder = Encoder::new().max_frame(limit);
        let result = encoder.encode(&Event::text("0123456789"), &mut dst);
        assert_eq!(result.is_ok(), fits);
        dst.truncate(6);
        for item in [
            &Event::json(&json) as &dyn Encode,
            &Event::merge(&json, ()),
            &Event::text("x".repeat(limit + 1)),
            &Event::text("\n".repeat(limit / 2)),
            &Comment::new("x".repeat(limit)),
            &Event::text("").event_type(EventType::new("x".repeat(limit)).unwrap()),
        ] {
            let error = encoder.encode(item, &mut dst).unwrap_err();
            assert!(error.is_too_large());
            assert_eq!(error.to_string(), format!("the frame is larger than {limit} bytes"));
            assert_eq!(dst, "before");
        }
    }
}

#[test]
fn a_frame_of_exactly_the_limit_fits() {
    #[derive(Serialize)]
    enum Escaped {
        #[serde(rename = "\u{1}\u{2}\u{3}")]
        Variant { x: [u8; 3] },
    }
    #[derive(Serialize)]
    #[serde(tag = "t", content = "c")]
    enum Adjacent {
        Text(&'static str),
    }
    #[derive(Serialize)]
    #[serde(tag = "t")]
    enum Internal {
        Unit,
        Fields { text: &'static str },
    }
    /// Its id is longer in JSON than on its line.
    #[derive(Serialize)]
    struct Row {
        id: &'static str,
        #[serde(flatten)]
        event: Internal,
    }
    let id = "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{1}\u{2}\u{3}\u{4}";
    let once = Encoder::bare().encode_once(&Event::text("encoded once")).unwrap();
    let items: &[(&str, &dyn Encode)] = &[
        ("text", &Event::text("a line")),
        ("lines", &Event::text("\n\r\n\r")),
        ("shared text", &Event::shared_text("a line")),
        ("json", &Event::json([1, 2, 3])),
        ("merged", &Event::merge(DATA, json!({"b": 2}))),
        ("variant", &Event::merge(Escaped::Variant { x: [1, 2, 3] }, ())),
        ("tagged externally", &Event::tagged(Ok::<_, ()>([1, 2, 3]))),
        ("tagged adjacently", &Event::tagged(Adjacent::Text("a"))),
        ("tagged internally", &Event::tagged(Internal::Fields { text: "a" })),
        ("flattened", &Event::tagged(Row { id, event: Internal::Unit })),
        ("tagged by name", &Event::tagged(json!({"type": "a", "data": 1, "id": id}))),
        ("spread", &Event::spread("a😀", ())),
        ("owned", &Event::json([1, 2, 3]).into_owned()),
        ("comment", &Comment::new("two\nlines")),
        ("empty comment", &Comment::new("")),
        ("retry", &Event::new().retry(ReconnectionTime::MAX)),
        ("encoded once", &once),
    ];
    for (name, item) in items {
        let whole = encode(*item).unwrap();
        for (limit, fits) in
            [(whole.len() + 1, true), (whole.len(), true), (whole.len() - 1, false)]
        {
            let mut dst = BytesMut::from("before");
            let result = Encoder::new().max_frame(limit).encode(*item, &mut dst);
            assert_eq!(result.is_ok(), fits, "{name}: {limit}");
            assert_eq!(
                dst,
                if fits { format!("before{whole}") } else { "before".into() },
                "{name}"
            );
        }
    }
}

/// A variant is written with its name, in a place where it is not wanted: that must not count.
#[test]
fn a_variant_of_exactly_the_limit_fits_at_every_length() {
    #[derive(Serialize)]
    enum Escaped {
        #[serde(rename = "\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}\u{7}\u{8}\u{e}\u{f}")]
        Variant { x: String },
    }
    for len in 0..1_200 {
        let item = Event::merge(Escaped::Variant { x: "x".repeat(len) }, ());
        let whole = encode(&item).unwrap();
        let mut dst = BytesMut::new();
        let result = Encoder::new().max_frame(whole.len()).encode(&item, &mut dst);
        assert!(result.is_ok() && dst == whole, "{len}: {result:?}");
    }
}

/// The thread lends the same buffer to every encode.
#[test]
fn the_limit_of_an_encoder_does_not_bound_data_that_becomes_owned_later() {
    let long = "x".repeat(100_000);
    let mut dst = BytesMut::new();
    for (text, fits) in [("fits", true), (&long, false)] {
        let mut encoder = Encoder::new().max_frame(100);
        for owned in [
            || Event::json("x".repeat(100_000)).into_owned(),
            || Event::merge(json!({"a": "x".repeat(100_000)}), ()).into_owned(),
            || Event::tagged(Ok::<_, ()>("x".repeat(100_000))).into_owned(),
        ] {
            assert_eq!(encoder.encode(&Event::json(text), &mut dst).is_ok(), fits);
            assert!(encode(&owned()).unwrap().len() > long.len());
        }
    }
}
