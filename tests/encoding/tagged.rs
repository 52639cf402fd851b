//! `Event::tagged`.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer, ser::SerializeStruct};
use serde_json::{Value, json};
use sse_encoder::{Encode, Event};

use crate::{
    assert_rows,
    shapes::raw,
    support::{encode, field},
};

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
fn the_tag_is_the_type_and_the_content_the_data() {
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

/// The same variants in each representation.
macro_rules! representations {
    ($($name:ident $(#[$attribute:meta])* { $($tuple:tt)* })*) => {$(
        #[derive(Serialize)]
        $(#[$attribute])*
        enum $name<'a, T> {
            Unit,
            #[serde(rename = "not a name: é\"\\")]
            Renamed,
            CamelCase { snake_case: u8, text: String },
            #[serde(rename_all = "SCREAMING-KEBAB-CASE")]
            Fields { some_field: Option<u8>, none: Option<u8>, #[serde(skip)] _skipped: u8 },
            #[serde(rename_all = "camelCase")]
            Skips {
                #[serde(skip_serializing_if = "Option::is_none")]
                if_none: Option<u8>,
                last_one: &'a str,
            },
            Flat {
                id: u8,
                #[serde(flatten)]
                inner: Inner,
                #[serde(flatten)]
                more: BTreeMap<&'static str, T>,
            },
            Empty {},
            NewtypeOfStruct(Inner),
            NewtypeOfNewtype(Newtype),
            NewtypeOfMap(BTreeMap<String, T>),
            NewtypeOfValue(Value),
            NewtypeOfUnit(()),
            NewtypeOfUnitStruct(UnitStruct),
            Boxed(Box<Inner>),
            Borrowed(&'a Inner),
            HoldsDefault(Nested),
            HoldsContent(NestedAdjacent),
            HoldsTag(NestedInternal),
            #[serde(serialize_with = "by_hand")]
            With { number: u8 },
            $($tuple)*
        }

        impl<'a> $name<'a, u32> {
            fn all() -> Vec<Self> {
                let inner = || Inner { a: 1, b: None };
                vec![
                    Self::Unit,
                    Self::Renamed,
                    Self::CamelCase { snake_case: 1, text: "a\n\"é".into() },
                    Self::Fields { some_field: Some(1), none: None, _skipped: 0 },
                    Self::Skips { if_none: None, last_one: "last" },
                    Self::Skips { if_none: Some(2), last_one: "last" },
                    Self::Flat { id: 1, inner: inner(), more: BTreeMap::from([("more", 2)]) },
                    Self::Empty {},
                    Self::NewtypeOfStruct(inner()),
                    Self::NewtypeOfNewtype(Newtype(inner())),
                    Self::NewtypeOfMap(BTreeMap::new()),
                    Self::NewtypeOfMap(BTreeMap::from([("a".into(), 1), ("id".into(), 2)])),
                    Self::NewtypeOfValue(json!({"id": 1, "data": {"type": "inner"}})),
                    Self::NewtypeOfUnit(()),
                    Self::NewtypeOfUnitStruct(UnitStruct),
                    Self::Boxed(Box::new(inner())),
                    Self::Borrowed(&Inner { a: 2, b: Some("b") }),
                    Self::HoldsDefault(Nested::Unit),
                    Self::HoldsDefault(Nested::Newtype("a")),
                    Self::HoldsDefault(Nested::Tuple(1, 2)),
                    Self::HoldsDefault(Nested::Struct { a: 1 }),
                    Self::HoldsContent(NestedAdjacent::Unit),
                    Self::HoldsContent(NestedAdjacent::Newtype("a")),
                    Self::HoldsTag(NestedInternal::Unit),
                    Self::HoldsTag(NestedInternal::Struct { a: 1 }),
                    Self::With { number: 3 },
                ]
            }
        }
    )*};
}

representations! {
    External {
        Text(&'a str), Number(f64), None(Option<u8>), Some(Option<T>), Tuple(u8, T), List(Vec<T>),
    }
    Adjacent #[serde(tag = "kind", content = "payload")] {
        Text(&'a str), Number(f64), None(Option<u8>), Some(Option<T>), Tuple(u8, T), List(Vec<T>),
    }
    // Its names are those of the members of a value that is no enum, the other way round.
    Crossed #[serde(tag = "data", content = "type", rename = "Another name")] {
        Text(&'a str), Number(f64), None(Option<u8>), Some(Option<T>), Tuple(u8, T), List(Vec<T>),
    }
    Identified #[serde(tag = "id", content = "", rename_all = "snake_case")] {
        Text(&'a str), Number(f64), None(Option<u8>), Some(Option<T>), Tuple(u8, T), List(Vec<T>),
    }
    Internal #[serde(tag = "kind", rename_all = "snake_case")] {}
    InternalType #[serde(tag = "type", rename_all_fields = "camelCase")] {}
    Spaced #[serde(tag = " ")] {}
}

#[derive(Serialize)]
struct Inner {
    a: u8,
    b: Option<&'static str>,
}

#[derive(Serialize)]
struct Newtype(Inner);

#[derive(Serialize)]
struct UnitStruct;

#[derive(Serialize)]
enum Nested {
    Unit,
    Newtype(&'static str),
    Tuple(u8, u8),
    Struct { a: u8 },
}

#[derive(Serialize)]
#[serde(tag = "t", content = "c")]
enum NestedAdjacent {
    Unit,
    Newtype(&'static str),
}

#[derive(Serialize)]
#[serde(tag = "t")]
enum NestedInternal {
    Unit,
    Struct { a: u8 },
}

fn by_hand<S: Serializer>(number: &u8, serializer: S) -> Result<S::Ok, S::Error> {
    let mut object = serializer.serialize_struct("ByHand", 1)?;
    object.serialize_field("n", &(number * 2))?;
    object.end()
}

/// The type and the data of an event, and of its owned form.
fn sent<T: Serialize>(value: &T) -> (String, Value) {
    let frame = encode(&Event::tagged(value)).unwrap();
    assert_eq!(encode(&Event::tagged(value).into_owned()).unwrap(), frame);
    assert_eq!(field(&frame, "id"), Some("1"), "{frame}");
    let data = serde_json::from_str(field(&frame, "data").unwrap()).unwrap();
    (field(&frame, "event").unwrap().into(), data)
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().into()
}

fn external(value: Value) -> (String, Value) {
    match value {
        Value::String(name) => (name, Value::Null),
        value => {
            let (name, content) = value.as_object().unwrap().iter().next().unwrap();
            (name.clone(), content.clone())
        }
    }
}

#[test]
fn an_enum_of_any_representation_gives_what_serde_json_makes_of_it() {
    fn assert_all<T: Serialize>(all: &[T], expected: impl Fn(Value) -> (String, Value)) {
        for value in all {
            let json = serde_json::to_value(value).unwrap();
            assert_eq!(sent(value), expected(json.clone()), "{json}");
            assert_eq!(sent(&Some(Box::new(value))), expected(json.clone()), "{json}");
            assert_eq!(sent(&Transparent(Box::new(value))), expected(json.clone()), "{json}");
        }
    }
    #[derive(Serialize)]
    struct Transparent<T>(T);
    let adjacent = |tag, content| {
        move |json: Value| (text(&json[tag]), json.get(content).cloned().unwrap_or_default())
    };
    let internal = |tag| move |json: Value| (text(&json[tag]), json);

    let mut all = External::all();
    all.extend([External::Text("a"), External::Number(1.5), External::Some(Some(1))]);
    all.extend([External::None(None), External::Tuple(1, 2), External::List(vec![1, 2])]);
    assert_all(&all, external);

    let mut all = Adjacent::all();
    all.extend([Adjacent::Text("a"), Adjacent::Number(1.5), Adjacent::Some(Some(1))]);
    all.extend([Adjacent::None(None), Adjacent::Tuple(1, 2), Adjacent::List(vec![1, 2])]);
    assert_all(&all, adjacent("kind", "payload"));

    let mut all = Crossed::all();
    all.extend([Crossed::Text("a"), Crossed::Number(1.5), Crossed::Some(Some(1))]);
    all.extend([Crossed::None(None), Crossed::Tuple(1, 2), Crossed::List(vec![1, 2])]);
    assert_all(&all, adjacent("data", "type"));

    let mut all = Identified::all();
    all.extend([Identified::Text("a"), Identified::Number(1.5), Identified::Some(Some(1))]);
    all.extend([Identified::None(None), Identified::Tuple(1, 2), Identified::List(vec![1, 2])]);
    assert_all(&all, adjacent("id", ""));

    assert_all(&Internal::all(), internal("kind"));
    assert_all(&InternalType::all(), internal("type"));
    assert_all(&Spaced::all(), internal(" "));
    assert_all(&[Ok(1), Err("no")], external);
}

/// serde's default for a struct with a tag, and enums within an untagged one.
#[test]
fn what_serde_tags_like_an_enum_is_one() {
    #[derive(Serialize)]
    #[serde(tag = "type", rename = "note")]
    struct Note {
        id: u8,
        text: &'static str,
    }
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Any {
        Note(Note),
        Adjacent(NestedAdjacent),
        External(Nested),
    }
    let note = json!({"type": "note", "id": 7, "text": "a"});
    assert_eq!(sent(&Note { id: 7, text: "a" }), ("note".into(), note.clone()));
    assert_eq!(sent(&Any::Note(Note { id: 7, text: "a" })), ("note".into(), note));
    assert_eq!(sent(&Any::Adjacent(NestedAdjacent::Unit)), ("Unit".into(), Value::Null));
    assert_eq!(sent(&Any::External(Nested::Tuple(1, 2))), ("Tuple".into(), json!([1, 2])));
}

#[test]
fn an_id_stands_before_a_flattened_enum() {
    #[derive(Serialize)]
    struct Row<I, T> {
        id: I,
        #[serde(flatten)]
        event: T,
    }
    #[derive(Serialize)]
    struct IdAfter<T> {
        #[serde(flatten)]
        event: T,
        id: u8,
    }
    let internal = || NestedInternal::Struct { a: 1 };
    let unit = || NestedInternal::Unit;
    assert_rows(&[
        (
            "internal",
            &Event::tagged(Row { id: 9, event: internal() }),
            "id: 9\nevent: Struct\ndata: {\"t\":\"Struct\",\"a\":1}\n\n",
        ),
        (
            "a unit variant",
            &Event::tagged(Row { id: "x", event: unit() }),
            "id: x\nevent: Unit\ndata: {\"t\":\"Unit\"}\n\n",
        ),
        (
            "owned",
            &Event::tagged(Row { id: 9, event: unit() }).into_owned(),
            "id: 9\nevent: Unit\ndata: {\"t\":\"Unit\"}\n\n",
        ),
        (
            "the builder's id counts",
            &Event::tagged(Row { id: 9, event: unit() }).id(8).event_type("other"),
            "id: 8\nevent: other\ndata: {\"t\":\"Unit\"}\n\n",
        ),
        (
            "an id that is null",
            &Event::tagged(Row { id: (), event: unit() }),
            "id: 1\nevent: Unit\ndata: {\"t\":\"Unit\"}\n\n",
        ),
        // It can be the variant's own.
        (
            "after an internal tag it is a member",
            &Event::tagged(IdAfter { event: internal(), id: 9 }),
            "id: 1\nevent: Struct\ndata: {\"t\":\"Struct\",\"a\":1,\"id\":9}\n\n",
        ),
        (
            "after an adjacent one it is the id",
            &Event::tagged(IdAfter { event: Tagged::Note("a"), id: 9 }),
            "id: 9\nevent: note\ndata: \"a\"\n\n",
        ),
    ]);
    let error = encode(&Event::tagged(Row { id: "a\n", event: unit() })).unwrap_err();
    assert_eq!(error.to_string(), "`id` has a line feed (0x0A) at byte 1");
}

/// Its JSON has the member twice: a client would read the second, the event's type is the first.
#[test]
fn a_second_member_with_the_tags_name_is_an_error() {
    #[derive(Serialize)]
    #[serde(tag = "t")]
    enum Twice {
        Struct(NestedInternal),
        Map(BTreeMap<&'static str, u8>),
    }
    for twice in
        [Twice::Struct(NestedInternal::Unit), Twice::Map(BTreeMap::from([("a", 1), ("t", 2)]))]
    {
        let error = encode(&Event::tagged(twice)).unwrap_err();
        assert!(error.is_serialize());
        assert!(format!("{error:#}").ends_with("two members have the tag's name"), "{error:#}");
    }
    let once = Twice::Map(BTreeMap::from([("a", 1)]));
    assert_eq!(sent(&once), ("Map".into(), json!({"t": "Map", "a": 1})));
}

#[test]
fn a_name_that_no_event_type_can_have_is_an_error() {
    #[derive(Serialize)]
    enum External {
        #[serde(rename = "a\rb")]
        Unit,
    }
    #[derive(Serialize)]
    #[serde(tag = "kind")]
    enum Internal {
        #[serde(rename = "a\rb")]
        Unit,
    }
    for item in [&Event::tagged(External::Unit) as &dyn Encode, &Event::tagged(Internal::Unit)] {
        let error = encode(item).unwrap_err();
        assert_eq!(error.to_string(), "`type` has a carriage return (0x0D) at byte 1");
    }
}

/// serde hands over a name as the `str` itself.
#[test]
fn text_that_a_first_field_holds_is_no_tag() {
    struct Holds<T: ?Sized> {
        _before: u8,
        text: T,
    }
    impl<T: ?Sized + AsRef<[u8]>> Serialize for Holds<T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(str::from_utf8(self.text.as_ref()).unwrap())
        }
    }
    /// As long as its text, and where its text is.
    struct Inline([u8; 4]);
    impl Serialize for Inline {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_str(str::from_utf8(&self.0).unwrap())
        }
    }
    struct Plain<'a, T: ?Sized>(&'a T);
    impl<T: ?Sized + Serialize> Serialize for Plain<'_, T> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            let mut object = serializer.serialize_struct("Plain", 1)?;
            object.serialize_field("t", self.0)?;
            object.end()
        }
    }
    let holds = &Holds { _before: 0, text: *b"text" } as &Holds<[u8]>;
    for (rule, item) in [
        ("String", &Event::tagged(Plain(&String::from("text"))) as &dyn Encode),
        ("&str", &Event::tagged(Plain(&"text"))),
        ("Box<str>", &Event::tagged(Plain(&Box::<str>::from("text")))),
        ("a sized type that is its text", &Event::tagged(Plain(&Inline(*b"text")))),
        ("an unsized type that holds text", &Event::tagged(Plain(holds))),
    ] {
        let error = encode(item).unwrap_err();
        assert!(error.to_string().ends_with("it has a member `t`"), "{rule}: {error}");
    }
    assert_eq!(sent(&Plain("text")), ("text".into(), json!({"t": "text"})));
}

/// As in an item, and for `JSON.parse`.
#[test]
fn the_last_of_repeated_members_counts() {
    let twice = raw(r#"{"id":1,"type":"a","data":{"a":1},"id":2,"type":"b","data":[2]}"#);
    assert_eq!(encode(&Event::tagged(twice)).unwrap(), "id: 2\nevent: b\ndata: [2]\n\n");
}

/// A value that answers the second call otherwise than the first.
#[test]
fn a_value_that_changes_is_an_error() {
    use std::cell::Cell;
    struct Changes<A, B>(Cell<bool>, A, B);
    #[derive(Serialize)]
    struct Row {
        id: u8,
        #[serde(flatten)]
        event: NestedInternal,
    }
    impl<A: Serialize, B: Serialize> Serialize for Changes<A, B> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            if self.0.replace(true) {
                self.2.serialize(serializer)
            } else {
                self.1.serialize(serializer)
            }
        }
    }
    fn assert_fails(first: impl Serialize, then: impl Serialize) {
        let error = encode(&Event::tagged(Changes(Cell::new(false), first, then))).unwrap_err();
        assert!(error.is_serialize());
        assert!(format!("{error:#}").contains("has changed"), "{error:#}");
    }
    assert_fails(Nested::Unit, NestedAdjacent::Unit);
    assert_fails(Nested::Unit, "text");
    assert_fails(Nested::Unit, [1]);
    assert_fails(NestedAdjacent::Unit, Nested::Unit);
    assert_fails(NestedAdjacent::Unit, Nested::Struct { a: 1 });
    assert_fails(NestedAdjacent::Unit, BTreeMap::from([("a", 1)]));
    assert_fails(NestedInternal::Unit, Nested::Newtype("a"));
    assert_fails(Row { id: 9, event: NestedInternal::Unit }, NestedInternal::Unit);
    assert_fails(NestedInternal::Unit, 5);
}

#[test]
fn values_of_another_shape_are_refused() {
    #[derive(Serialize)]
    #[serde(untagged)]
    enum Untagged {
        Unit,
        Number(u8),
        Struct { t: &'static str, c: u8 },
    }
    /// Its calls differ from those of an adjacently tagged enum in the name alone.
    #[derive(Serialize)]
    struct Plain {
        t: Nested,
        c: u8,
    }
    /// Its name is the enum's, but it has a field too many.
    #[derive(Serialize)]
    #[serde(rename = "Nested")]
    struct Three {
        t: Nested,
        b: u8,
        c: u8,
    }
    #[derive(Serialize)]
    struct Flat {
        kind: &'static str,
        #[serde(flatten)]
        event: NestedInternal,
    }
    #[derive(Serialize)]
    struct Row {
        id: u8,
        #[serde(flatten)]
        event: NestedAdjacent,
    }
    #[derive(Serialize)]
    struct ExternalRow {
        id: u8,
        #[serde(flatten)]
        event: Nested,
    }
    let wrong = "the value is not an enum that serde tags: externally (the default), adjacently \
                 (`tag` and `content`) or internally (`tag`): ";
    for (item, found) in [
        (&Event::tagged("text") as &dyn Encode, "it is a string"),
        (&Event::tagged(5), "it is a number"),
        (&Event::tagged([1]), "it is an array"),
        (&Event::tagged(()), "it has no `type`"),
        (&Event::tagged(Untagged::Unit), "it has no `type`"),
        (&Event::tagged(Untagged::Number(1)), "it is a number"),
        (&Event::tagged(Untagged::Struct { t: "a", c: 1 }), "it has a member `t`"),
        (&Event::tagged(Plain { t: Nested::Unit, c: 1 }), "it has a member `t`"),
        (&Event::tagged(Three { t: Nested::Unit, b: 1, c: 1 }), "it has a member `t`"),
        (&Event::tagged(Inner { a: 1, b: None }), "it has a member `a`"),
        (&Event::tagged(Newtype(Inner { a: 1, b: None })), "it has a member `a`"),
        (&Event::tagged(Flat { kind: "a", event: NestedInternal::Unit }), "it has a member `kind`"),
        (&Event::tagged(Row { id: 1, event: NestedAdjacent::Unit }), "it has a member `t`"),
        (&Event::tagged(ExternalRow { id: 1, event: Nested::Unit }), "it has a member `Unit`"),
        (&Event::tagged(BTreeMap::from([("t", "a")])), "it has a member `t`"),
        (&Event::tagged(json!({"t": "a"})), "it has a member `t`"),
        (&Event::tagged(None::<Nested>), "it has no `type`"),
        (&Event::tagged(UnitStruct), "it has no `type`"),
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
