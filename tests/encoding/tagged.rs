//! `Event::tagged`.

use serde::Serialize;
use serde_json::json;
use sse_encoder::{Encode, Event};

use crate::{assert_rows, shapes::raw, support::encode};

#[derive(Serialize)]
#[serde(tag = "type", content = "data", rename_all = "lowercase")]
enum Tagged {
    Done,
    Maybe(Option<u8>),
    Note(&'static str),
    Number(f64),
    Pair(u8, u8),
    Price { cents: u32 },
}

/// With an id beside it.
#[derive(Serialize)]
struct Row<I> {
    id: I,
    #[serde(flatten)]
    event: Tagged,
}

#[test]
fn an_adjacently_tagged_enum_gives_the_type_and_the_data() {
    let row = |id| Row { id, event: Tagged::Note("a") };
    let note = r#"{"type":"note","data":"a"}"#;
    assert_rows(&[
        ("text", &Event::tagged(Tagged::Note("a\n")), "id: 1\nevent: note\ndata: \"a\\n\"\n\n"),
        ("number", &Event::tagged(Tagged::Number(1.5)), "id: 1\nevent: number\ndata: 1.5\n\n"),
        ("none", &Event::tagged(Tagged::Maybe(None)), "id: 1\nevent: maybe\ndata: null\n\n"),
        ("unit", &Event::tagged(Tagged::Done), "id: 1\nevent: done\ndata: null\n\n"),
        ("tuple", &Event::tagged(Tagged::Pair(1, 2)), "id: 1\nevent: pair\ndata: [1,2]\n\n"),
        (
            "struct",
            &Event::tagged(&Tagged::Price { cents: 5 }),
            "id: 1\nevent: price\ndata: {\"cents\":5}\n\n",
        ),
        ("id", &Event::tagged(row(9_u64)), "id: 9\nevent: note\ndata: \"a\"\n\n"),
        (
            "id by text",
            &Event::tagged(Row { id: "7f", event: Tagged::Done }),
            "id: 7f\nevent: done\ndata: null\n\n",
        ),
        (
            "id: null",
            &Event::tagged(Row { id: (), event: Tagged::Done }),
            "id: 1\nevent: done\ndata: null\n\n",
        ),
        (
            "the builder's id counts",
            &Event::tagged(row(9)).id(8),
            "id: 8\nevent: note\ndata: \"a\"\n\n",
        ),
        ("no id", &Event::tagged(row(9)).no_id(), "event: note\ndata: \"a\"\n\n"),
        (
            "the builder's type counts",
            &Event::tagged(Tagged::Done).event_type("end"),
            "id: 1\nevent: end\ndata: null\n\n",
        ),
        ("owned", &Event::tagged(row(9)).into_owned(), "id: 9\nevent: note\ndata: \"a\"\n\n"),
        (
            "a value",
            &Event::tagged(json!({"type": "note", "data": "a"})),
            "id: 1\nevent: note\ndata: \"a\"\n\n",
        ),
        ("raw", &Event::tagged(raw(note)), "id: 1\nevent: note\ndata: \"a\"\n\n"),
    ]);
}

#[test]
fn values_of_another_shape_are_refused() {
    #[derive(Serialize)]
    enum External {
        Note(&'static str),
    }
    let wrong = "the value is not an adjacently tagged enum \
                 (`#[serde(tag = \"type\", content = \"data\")]`): ";
    for (item, found) in [
        (&Event::tagged("text") as &dyn Encode, "it is a string"),
        (&Event::tagged(5), "it is a number"),
        (&Event::tagged([1]), "it is an array"),
        (&Event::tagged(()), "it has no `type`"),
        (&Event::tagged(External::Note("a")), "it has a member `Note`"),
        (&Event::tagged(json!({"data": 1})), "it has no `type`"),
        (&Event::tagged(json!({"type": "a", "extra": 1})), "it has a member `extra`"),
        (&Event::tagged("text").into_owned(), "it is a string"),
    ] {
        let error = encode(item).unwrap_err();
        assert!(error.is_wrong_type());
        assert_eq!(error.to_string(), format!("{wrong}{found}"));
    }
    for (item, message) in [
        (json!({"type": ["a"]}), "`type` is an array, not a string or a number"),
        (json!({"type": "a\n"}), "`type` has a line feed (0x0A) at byte 1"),
        (json!({"type": "a", "id": {}}), "`id` is an object, not a string or a number"),
    ] {
        assert_eq!(encode(&Event::tagged(item)).unwrap_err().to_string(), message);
    }
}
