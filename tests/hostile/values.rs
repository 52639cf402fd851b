//! Values whose `Serialize` lies, fails, panics, or changes between visits.

use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
};

use serde::{
    Serialize, Serializer,
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTupleVariant,
    },
};
use serde_json::value::RawValue;
use sse_encoder::Event;

use crate::{NUMBER, RAW_VALUE, assert_harmless, assert_own, data, encode};

/// A value that serializes itself by a closure, which is told the number of earlier visits.
struct Lies<F>(Cell<usize>, F);

fn lies<F: Fn(usize) -> Lie>(lie: F) -> Lies<F> {
    Lies(Cell::new(0), lie)
}

#[derive(Clone, Debug)]
enum Lie {
    Fails,
    FailsHalfWay,
    Length(usize),
    Member(&'static str, u64),
    Members(u64),
    Number(&'static str),
    Panics,
    PanicsHalfWay,
    Raw(&'static str),
    RawTwice(&'static str, &'static str),
    StructVariant,
    Swallows,
    Text(&'static str),
    TupleVariant,
    Unit,
    Valueless,
}

struct Half(bool);

impl Serialize for Half {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        seq.serialize_element("half\r\n")?;
        assert!(!self.0, "a panic of the item's own");
        Err(serde::ser::Error::custom("half-way\n\n"))
    }
}

impl<F: Fn(usize) -> Lie> Serialize for Lies<F> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let times = self.0.replace(self.0.get() + 1);
        let private = |serializer: S, name, texts: &[&str]| {
            let mut fields = serializer.serialize_struct(name, 1)?;
            texts.iter().try_for_each(|text| fields.serialize_field(name, text))?;
            fields.end()
        };
        match (self.1)(times) {
            Lie::Fails => Err(serde::ser::Error::custom("fails\n\n")),
            Lie::FailsHalfWay => serializer.collect_map([("a", Half(false))]),
            Lie::Length(len) => {
                let mut map = serializer.serialize_map(Some(len))?;
                map.serialize_entry("a", &[1, 2])?;
                map.end()
            }
            Lie::Member(key, value) => serializer.collect_map([(key, value)]),
            Lie::Members(count) => serializer.collect_map((0..count).map(|key| (key, "\n"))),
            Lie::Number(text) => private(serializer, NUMBER, &[text]),
            Lie::Panics => panic!("a panic of the item's own"),
            Lie::PanicsHalfWay => serializer.collect_map([("a", Half(true))]),
            Lie::Raw(text) => private(serializer, RAW_VALUE, &[text]),
            Lie::RawTwice(first, second) => private(serializer, RAW_VALUE, &[first, second]),
            Lie::StructVariant => serializer.serialize_struct_variant("\n", 0, "\r\n", 3)?.end(),
            Lie::Swallows => {
                let mut map = serializer.serialize_map(None)?;
                for key in ["a", "b\n", "c"] {
                    let _ = map.serialize_entry(key, &Half(false));
                    let _ = map.serialize_entry(&[key], key);
                }
                map.end()
            }
            Lie::Text(text) => serializer.serialize_str(text),
            Lie::TupleVariant => {
                let mut fields = serializer.serialize_tuple_variant("", 0, "tuple\n", 9)?;
                fields.serialize_field("\n")?;
                fields.end()
            }
            Lie::Unit => serializer.serialize_unit(),
            Lie::Valueless => {
                let mut map = serializer.serialize_map(None)?;
                map.serialize_key("a\n")?;
                map.serialize_key("b\n")?;
                map.serialize_value("\n")?;
                map.serialize_value("\n")?;
                map.end()
            }
        }
    }
}

pub(crate) const RAW_LIES: [&str; 38] = [
    "",
    " ",
    "\n",
    "\r\n\r\n",
    "1\ndata: x",
    "{\"a\":1}\n\nid: 9\n\n",
    "{\r\"a\n\":\r1\n}",
    "\"a\nb\"",
    "{",
    "{\"",
    "{\"a",
    "{\"a\\",
    "{\"a\"",
    "{\"a\":",
    "{\"a\":\"\\u",
    "{\"a\":\"\\u00\r",
    "{\"\\ud8\n\":1}",
    "[",
    "[[[",
    "[1,",
    "]",
    "}",
    "{]",
    "{:}",
    "{,}",
    "[,]",
    "{1:2}",
    "{\"a\" \"b\"}",
    "\"\\",
    "\"\\é",
    "\"\\u+123\"",
    "[é",
    "{\"a\":é",
    "é",
    "nul",
    "-",
    "\"a\" \n\"b\"",
    "{\"id\":\"\n\",\"type\":\"\r\",\"data\":\"\n\\",
];

fn all_lies() -> Vec<Lie> {
    let mut all = vec![
        Lie::Fails,
        Lie::FailsHalfWay,
        Lie::Length(0),
        // serde itself adds one, for an internal tag.
        Lie::Length(usize::MAX - 1),
        Lie::Member("\n", 1),
        Lie::Members(40),
        Lie::Number("1\n2"),
        Lie::Number("\n\nid: 9\n\n"),
        Lie::Panics,
        Lie::PanicsHalfWay,
        Lie::StructVariant,
        Lie::Swallows,
        Lie::Text("a\r\n"),
        Lie::TupleVariant,
        Lie::Unit,
        Lie::Valueless,
        Lie::RawTwice("{\"a\":1}\n", "\r{\"b"),
    ];
    all.extend(RAW_LIES.map(Lie::Raw));
    all
}

/// Without the raw texts whose characters a variant could cut in two: these have a test of their
/// own.
fn ascii_lies() -> Vec<Lie> {
    let mut all = all_lies();
    all.retain(|lie| !matches!(lie, Lie::Raw(text) if !text.is_ascii()));
    all
}

#[derive(Serialize)]
enum External<T> {
    Newtype(T),
    Tuple(u8, T),
    Struct { value: T },
}

#[derive(Serialize)]
#[serde(tag = "t", content = "c")]
enum Adjacent<T> {
    Newtype(T),
}

#[derive(Serialize)]
#[serde(tag = "t")]
enum Internal<T> {
    Newtype(T),
    Struct { value: T },
}

#[derive(Serialize)]
struct Row<I, T> {
    id: I,
    #[serde(flatten)]
    event: T,
}

/// A lying value as a tagged enum, and within one.
fn assert_harmless_as_an_enum<L: Serialize>(value: impl Fn() -> L) {
    assert_harmless(&Event::tagged(value()));
    assert_harmless(&Event::tagged(External::Newtype(value())));
    assert_harmless(&Event::tagged(External::Tuple(1, value())));
    assert_harmless(&Event::tagged(External::Struct { value: value() }));
    assert_harmless(&Event::tagged(Adjacent::Newtype(value())));
    assert_harmless(&Event::tagged(Internal::Newtype(value())));
    assert_harmless(&Event::tagged(Internal::Struct { value: value() }));
    assert_harmless(&Event::tagged(Row { id: 1, event: Internal::Newtype(value()) }));
    let event = Internal::Struct { value: value() };
    assert_harmless(&Event::tagged(Row { id: value(), event }));
    assert_harmless(&Event::tagged(Row { id: 1, event: value() }));
    assert_harmless(&Event::tagged(BTreeMap::from([("type", value()), ("data", value())])));
}

#[test]
fn a_lying_value_cannot_break_a_frame() {
    for lie in all_lies() {
        let value = || lies(|_| lie.clone());
        let many: Vec<_> = (0..40).map(|key| (key.to_string(), key)).collect();
        let many: BTreeMap<_, _> = many.into_iter().collect();
        assert_harmless(&Event::json(value()));
        assert_harmless(&Event::json([value()]));
        assert_harmless_as_an_enum(value);
        assert_harmless(&Event::merge(value(), ()));
        assert_harmless(&Event::merge((), value()));
        assert_harmless(&Event::merge(value(), value()));
        assert_harmless(&Event::merge(value(), &many));
        assert_harmless(&Event::spread(Some(value()), &many));
        assert_harmless(&Event::spread(
            [value()],
            [("a", value())].into_iter().collect::<HashMap<_, _>>(),
        ));
        for event in [
            catch_unwind(AssertUnwindSafe(|| Ok(Event::json(value()).into_owned()))),
            catch_unwind(AssertUnwindSafe(|| Ok(Event::spread(value(), &many).into_owned()))),
            catch_unwind(AssertUnwindSafe(|| Event::from_item(&value()))),
        ] {
            match event {
                Ok(Ok(event)) => assert_harmless(&event),
                Ok(Err(_)) => {}
                Err(panic) => assert_own(&*panic),
            }
        }
    }
}

#[test]
fn a_value_that_changes_between_visits_cannot_break_a_frame() {
    let all = ascii_lies();
    for period in [2, 3, 5, 7] {
        for start in 0..all.len() {
            let value =
                || lies(|times| all[(start + times * (start + period)) % all.len()].clone());
            assert_harmless(&Event::json((value(), value())));
            assert_harmless(&Event::merge(value(), value()));
            assert_harmless(&Event::spread(value(), value()));
            assert_harmless_as_an_enum(value);
        }
    }
    // An empty `other` that has a million members at the second visit, and the reverse.
    assert_harmless(&Event::merge(
        (),
        lies(|times| Lie::Members(if times == 0 { 0 } else { 1_000_000 })),
    ));
    assert_harmless(&Event::merge(
        (),
        lies(|times| Lie::Members(if times == 0 { 100 } else { 0 })),
    ));
}

/// Has all its members for a number of visits, then fewer.
struct Gone {
    members: u32,
    times: Cell<usize>,
    then: u32,
}

impl Serialize for Gone {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let times = self.times.get();
        self.times.set(times.saturating_sub(1));
        let members = if times > 0 { self.members } else { self.then };
        (0..members).map(|n| (format!("k{n}"), n)).collect::<BTreeMap<_, _>>().serialize(serializer)
    }
}

#[test]
fn members_that_vanish_between_visits_still_make_an_object() {
    for members in [3, 40] {
        for (times, then) in (0..5).flat_map(|times| [(times, 0), (times, 1)]) {
            let other = Gone { members, times: Cell::new(times), then };
            let data = data(&Event::merge(BTreeMap::from([("k1", 7), ("z", 7)]), &other));
            let object: serde_json::Value = serde_json::from_str(&data).unwrap();
            assert!(object["k1"] == 7 || object["k1"] == 1, "{times}: {data}");
            assert_eq!(object["z"], 7, "{times}: {data}");
        }
    }
}

#[test]
fn a_variant_that_changes_between_visits_cannot_break_a_frame() {
    for lie in all_lies() {
        for first in [Lie::TupleVariant, Lie::StructVariant] {
            let value = || lies(|times| if times % 2 == 0 { first.clone() } else { lie.clone() });
            assert_harmless(&Event::merge(value(), ()));
            assert_harmless(&Event::merge(
                (),
                lies(|times| if times < 2 { first.clone() } else { lie.clone() }),
            ));
        }
    }
}

/// A text whose `Display` may fail after its first line.
struct Shows(bool);

impl fmt::Display for Shows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("half\r\n")?;
        if self.0 { Ok(()) } else { Err(fmt::Error) }
    }
}

impl Serialize for Shows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[test]
fn a_failing_display_writes_nothing() {
    assert_harmless(&Event::json(Shows(false)));
    assert_harmless(&Event::spread(Shows(false), ()));
    assert_eq!(data(&Event::json(Shows(true))), r#""half\r\n""#);
}

/// Counts how often it is serialized.
pub(crate) struct CountsVisits<T>(pub(crate) T, pub(crate) Cell<usize>);

impl<T: Serialize> Serialize for CountsVisits<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.1.set(self.1.get() + 1);
        self.0.serialize(serializer)
    }
}

/// By its hash of 64 bits, each of `data`'s keys may be one of `other`'s. All the same, an `other`
/// that takes long to skip is not visited for each of them.
#[test]
fn merging_visits_each_side_a_bounded_number_of_times() {
    let data: BTreeMap<_, _> = (0..20_000).map(|index| (format!("a{index:06}a"), 0)).collect();
    let raw = |json: String| RawValue::from_string(json).unwrap();
    let spaces = raw(format!("{{\"a000000a\":1{}}}", " ".repeat(100_000)));
    let text = raw(format!("{{\"a000000a\":\"{}\"}}", "x".repeat(100_000)));
    // Of the same length as `data`'s keys, modulo 64.
    let key = BTreeMap::from([(format!("a{}a", "x".repeat(6 + 64 * 1_563)), 1)]);
    let many: BTreeMap<_, _> = (0..40).map(|index| (format!("a{index:06}a"), 1)).collect();
    fn visits(data: &impl Serialize, other: impl Serialize) -> usize {
        let other = CountsVisits(other, Cell::new(0));
        encode(&Event::merge(data, &other)).unwrap().unwrap();
        other.1.get()
    }
    assert!(visits(&data, spaces) <= 4);
    assert!(visits(&data, text) <= 4);
    assert!(visits(&data, key) <= 4);
    assert!(visits(&data, many) <= 4);
    let big = CountsVisits(&data, Cell::new(0));
    encode(&Event::merge(&big, BTreeMap::from([("a000000a", 1), ("b", 2)]))).unwrap().unwrap();
    assert_eq!(big.1.get(), 1);
}
