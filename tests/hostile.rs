//! Items, texts and streams that mean harm, or lie.

use std::{
    any::Any,
    cell::Cell,
    collections::BTreeMap,
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use serde::{
    Deserialize, Serialize, Serializer,
    de::value::{Error as DeError, MapDeserializer},
    ser::{
        SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTupleVariant,
    },
};
use serde_json::value::RawValue;
use sse_encoder::{
    Comment, Encode, Encoder, Error, Event, EventId, EventType, OnError, SseEncoder,
    data::SharedText,
};

const RAW_VALUE: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

/// Encodes the item after another one. A failure, or a panic of the item's own, must leave no
/// trace; what is written must be frames of these fields only, and UTF-8.
fn encode(item: &dyn Encode) -> Option<Result<String, Error>> {
    let mut stream = BytesMut::new();
    let mut encoder = Encoder::new();
    encoder.encode(&Event::text("before"), &mut stream).unwrap();
    let before = stream.len();
    let result = catch_unwind(AssertUnwindSafe(|| encoder.encode(item, &mut stream)));
    if let Err(panic) = &result {
        assert_own(&**panic);
    }
    if !matches!(result, Ok(Ok(()))) {
        assert_eq!((stream.len(), encoder.next_id()), (before, Some(2)));
    }
    let frames = String::from_utf8(stream.split_off(before).to_vec()).expect("it is UTF-8");
    assert!(frames.is_empty() || frames.ends_with("\n\n"));
    Some(result.ok()?.map(|()| frames))
}

/// Whether the panic is the item's, or of `serde_json` because of a `Display` that fails by itself.
fn assert_own(panic: &(dyn Any + Send)) {
    let message = panic.downcast_ref::<&str>().copied().map(String::from);
    let message = message.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    let own = ["a panic of the item's own", "there should be an error", "a Display implementation"];
    assert!(own.iter().any(|own| message.starts_with(own)), "a panic of the crate's: {message}");
}

/// Encodes an event with one line of data; its data.
fn data(event: &dyn Encode) -> String {
    one_line(&encode(event).expect("it does not panic").unwrap())
}

fn one_line(frame: &str) -> String {
    assert_eq!(fields(frame), ["id", "event", "data"], "{frame:?}");
    frame.split_once("data: ").unwrap().1.trim_end_matches('\n').to_owned()
}

/// The names of the fields, a comment being one without a name.
fn fields(frame: &str) -> Vec<&str> {
    assert!(!frame.contains('\r'));
    let lines = frame.strip_suffix("\n\n").expect("a frame's end").split('\n');
    lines.map(|line| line.split_once(':').expect("a field").0).collect()
}

/// Whatever the item does to itself, nobody else comes to harm.
fn assert_harmless(item: &dyn Encode) {
    if let Some(Ok(frame)) = encode(item) {
        one_line(&frame);
    }
}

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
fn no_id_or_type_can_have_an_end_of_line() {
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
fn no_text_or_comment_can_be_another_field() {
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
fn raw_json_stays_in_its_line() {
    let text = "\r\n{\"a\"\r:\n1,\r\n\n\"id\":\"x\"\r\r}\n";
    let raw = RawValue::from_string(text.trim().to_owned()).unwrap();
    #[derive(Serialize)]
    struct Within<'a> {
        raw: Vec<&'a RawValue>,
    }
    let within = Within { raw: vec![&raw, &raw] };
    assert_eq!(data(&Event::json(&raw)), r#"{"a":1,"id":"x"}"#);
    assert_eq!(data(&Event::merge(&raw, &raw)), r#"{"a":1,"id":"x"}"#);
    assert_eq!(data(&Event::spread(&raw, ())), r#"{"a":1,"id":"x"}"#);
    let twice = r#"{"raw":[{"a":1,"id":"x"},{"a":1,"id":"x"}]}"#;
    assert_eq!(data(&Event::json(&within)), twice);
    assert_eq!(data(&Event::merge(&within, ())), twice);
    assert_eq!(data(&Event::merge((), &within).into_owned()), twice);
    let item = format!("{{\r\"data\"\n:{text},\r\n\"b\":\r{text}\n}}\r\n");
    let expected = r#"{"a":1,"id":"x","b":{"a":1,"id":"x"}}"#;
    assert_eq!(data(&item.parse::<Event>().unwrap()), expected);
}

#[test]
fn null_characters_stay_in_the_data() {
    assert_eq!(data(&Event::text("a\0b")), "a\0b");
    assert_eq!(data(&Event::json("a\0b")), r#""a\u0000b""#);
    assert_eq!(encode(&Comment::new("\0")).unwrap().unwrap(), ": \0\n\n");
    let event = Event::text("x").event_type(EventType::new("\0").unwrap());
    assert_eq!(encode(&event).unwrap().unwrap(), "id: 2\nevent: \0\ndata: x\n\n");
}

#[test]
fn ten_mebibytes_are_a_text_like_any_other() {
    const LEN: usize = 10 << 20;
    let text = "x".repeat(LEN);
    assert_eq!(data(&Event::text(&text)).len(), LEN);
    assert_eq!(data(&Event::shared_text(text.clone())).len(), LEN);
    assert_eq!(data(&Event::json(&text)).len(), LEN + 2);
    assert_eq!(encode(&Comment::new(&text)).unwrap().unwrap().len(), LEN + 4);
    let event = Event::text("").no_id().event_type(EventType::new(&text).unwrap());
    assert_eq!(encode(&event).unwrap().unwrap().len(), LEN + "event: \ndata: \n\n".len());
    // No id of that size would come back.
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
fn json_may_be_as_deep_as_it_likes() {
    // What `serde_json` parses, and what it passes on unparsed, which has no limit.
    for depth in [127, 128, 129, 200_000] {
        for (open, close, core) in [("[", "]", ""), ("{\"a\":", "}", "1")] {
            let value = open.repeat(depth) + core + &close.repeat(depth);
            let object = format!("{{\"data\":{{\"d\":{value}}},\"e\":{value}}}");
            let event = object.parse::<Event>().unwrap();
            assert_eq!(data(&event), format!("{{\"d\":{value},\"e\":{value}}}"));
            let raw = RawValue::from_string(value.clone()).unwrap();
            assert_eq!(data(&Event::json(&raw)), value);
            let unclosed = open.repeat(depth);
            assert!(unclosed.parse::<Event>().unwrap_err().is_syntax());
            assert!(format!("{{\"id\":{value}}}").parse::<Event>().unwrap_err().is_wrong_type());
        }
    }
}

#[test]
fn huge_numbers_keep_their_digits() {
    let digits = "9".repeat(100_000);
    for number in ["1e400", "-1e400", "1e-400", "1E+999999999999999999999", &digits] {
        let item = format!("{{\"data\":{{\"a\":{number}}},\"b\":{number}}}");
        let expected = format!("{{\"a\":{number},\"b\":{number}}}");
        assert_eq!(data(&item.parse::<Event>().unwrap()), expected);
        assert!(format!("{{\"type\":{number}}}").parse::<Event>().is_ok());
        assert!(format!("{{\"data\":{number}}}").parse::<Event>().is_ok());
    }
    let event = format!("{{\"id\":{digits},\"type\":-{digits}}}").parse::<Event>().unwrap();
    let frame = encode(&event).unwrap().unwrap();
    assert_eq!(frame, "id: Infinity\nevent: -Infinity\ndata: {}\n\n");
}

#[test]
fn bytes_that_are_not_utf_8_are_refused() {
    for bytes in
        [&b"\xFF"[..], b"a\x80", b"\xED\xA0\x80", b"\xC0\x8A", b"\xF4\x90\x80\x80", b"\xE2\x82"]
    {
        let error = SharedText::try_from(Bytes::copy_from_slice(bytes)).unwrap_err();
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

/// A value that serializes itself by a closure, which is told how often it was asked before.
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

const RAW_LIES: [&str; 38] = [
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
        Lie::Length(usize::MAX),
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

/// Those that have no character which a variant could cut in two: for these there is a test of its
/// own.
fn ascii_lies() -> Vec<Lie> {
    let mut all = all_lies();
    all.retain(|lie| !matches!(lie, Lie::Raw(text) if !text.is_ascii()));
    all
}

#[test]
fn a_value_that_lies_harms_nobody() {
    for lie in all_lies() {
        let value = || lies(|_| lie.clone());
        let many: Vec<_> = (0..40).map(|key| (key.to_string(), key)).collect();
        let many: BTreeMap<_, _> = many.into_iter().collect();
        assert_harmless(&Event::json(value()));
        assert_harmless(&Event::json([value()]));
        assert_harmless(&Event::merge(value(), ()));
        assert_harmless(&Event::merge((), value()));
        assert_harmless(&Event::merge(value(), value()));
        assert_harmless(&Event::merge(value(), &many));
        assert_harmless(&Event::spread(Some(value()), &many));
        assert_harmless(&Event::spread(
            [value()],
            [("a", value())].into_iter().collect::<std::collections::HashMap<_, _>>(),
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
fn a_value_that_never_says_the_same_twice_harms_nobody() {
    let all = ascii_lies();
    for period in [2, 3, 5, 7] {
        for start in 0..all.len() {
            let value =
                || lies(|times| all[(start + times * (start + period)) % all.len()].clone());
            assert_harmless(&Event::json((value(), value())));
            assert_harmless(&Event::merge(value(), value()));
            assert_harmless(&Event::spread(value(), value()));
        }
    }
    // An empty `other` that has a million members when it is asked again, and the other way round.
    assert_harmless(&Event::merge(
        (),
        lies(|times| Lie::Members(if times == 0 { 0 } else { 1_000_000 })),
    ));
    assert_harmless(&Event::merge(
        (),
        lies(|times| Lie::Members(if times == 0 { 100 } else { 0 })),
    ));
}

/// Has all its members only so many times.
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
fn members_that_are_gone_the_next_time_leave_an_object() {
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

/// A variant whose whole, asked again, is something else.
#[test]
fn a_variant_that_changes_harms_nobody() {
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

#[test]
fn a_format_that_passes_any_text_off_as_json_harms_nobody() {
    for text in RAW_LIES {
        let item = format!("{{\"data\":{text},\"b\":{text}");
        for text in [text, &item] {
            let lie = MapDeserializer::<_, DeError>::new(std::iter::once((RAW_VALUE, text)));
            if let Ok(event) = Event::deserialize(lie) {
                assert_harmless(&event);
            }
        }
    }
}

#[test]
fn private_names_within_json_are_ordinary_members() {
    for name in [RAW_VALUE, NUMBER] {
        let object = serde_json::json!({ name: "\n\nid: 9\n\n" });
        assert_eq!(data(&Event::json(&object)), object.to_string());
        assert_eq!(data(&Event::merge(&object, ())), object.to_string());
        let item = serde_json::json!({ "data": object });
        assert_eq!(data(&item.to_string().parse::<Event>().unwrap()), object.to_string());
    }
}

/// A text that fails to show itself, or carries on after it was refused.
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
fn a_display_that_fails_leaves_no_trace() {
    assert_harmless(&Event::json(Shows(false)));
    assert_harmless(&Event::spread(Shows(false), ()));
    assert_eq!(data(&Event::json(Shows(true))), r#""half\r\n""#);
}

#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Wakes {
    fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// A source that answers every poll, and counts them.
struct Source<F>(usize, F);

impl<T, F: FnMut(usize) -> Poll<Option<T>> + Unpin> Stream for Source<F> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        self.0 += 1;
        let polls = self.0;
        (self.1)(polls)
    }
}

fn poll<S: Stream>(stream: &mut Pin<Box<S>>, wakes: &Arc<Wakes>) -> Poll<Option<S::Item>> {
    let waker = Waker::from(wakes.clone());
    stream.as_mut().poll_next(&mut Context::from_waker(&waker))
}

#[test]
fn a_source_of_nothing_but_errors_fails_each_time() {
    let wakes = Arc::default();
    let source = Source(0, |_| Poll::Ready(Some(Err::<Event, _>("no"))));
    let mut stream = Box::pin(SseEncoder::new(source));
    for polls in 1..100 {
        let Poll::Ready(Some(Err(error))) = poll(&mut stream, &wakes) else { panic!() };
        assert!(error.is_other());
        assert_eq!(stream.get_ref().unwrap().0, polls);
    }
    assert_eq!(stream.encoder().next_id(), Some(1));
}

#[test]
fn a_source_of_nothing_but_skipped_errors_lets_others_run() {
    let wakes = Arc::<Wakes>::default();
    let source = Source(0, |_| Poll::Ready(Some(Err::<Event, _>("no"))));
    let mut stream = Box::pin(SseEncoder::new(source).on_error(|_| OnError::Skip));
    for polls in 1..10 {
        assert!(poll(&mut stream, &wakes).is_pending());
        assert_eq!(wakes.count(), polls);
        assert!(stream.get_ref().unwrap().0 <= polls * 1024);
    }
}

#[test]
fn a_source_that_is_always_ready_gets_bounded_chunks() {
    let wakes = Arc::<Wakes>::default();
    for limit in [0, 1_000, 16 * 1024, usize::MAX] {
        let source = Source(0, |_| Poll::Ready(Some(Event::text("x".repeat(100)))));
        let mut stream = Box::pin(SseEncoder::bare(source).chunk_limit(limit));
        for polls in 1..50 {
            let Poll::Ready(Some(Ok(chunk))) = poll(&mut stream, &wakes) else { panic!() };
            assert!(chunk.len() < limit.saturating_add(108).clamp(109, 1024 * 108 + 1));
            assert!(stream.get_ref().unwrap().0 <= polls * 1024);
        }
    }
}

#[test]
fn a_source_of_nothing_lets_others_run() {
    let wakes = Arc::<Wakes>::default();
    let mut stream = Box::pin(SseEncoder::new(Source(0, |_| Poll::Ready(Some(Event::new())))));
    assert!(poll(&mut stream, &wakes).is_pending());
    assert_eq!((wakes.count(), stream.get_ref().unwrap().0), (1, 1024));
}

#[test]
fn a_source_that_never_wakes_is_not_asked_in_circles() {
    let wakes = Arc::<Wakes>::default();
    let source = Source(0, |_| Poll::<Option<Event>>::Pending);
    let mut stream = Box::pin(SseEncoder::new(source).comment("open"));
    assert!(poll(&mut stream, &wakes).is_ready());
    for polls in 2..10 {
        assert!(poll(&mut stream, &wakes).is_pending());
        assert_eq!((wakes.count(), stream.get_ref().unwrap().0), (0, polls));
    }
}

#[test]
fn a_stop_signal_ends_every_source() {
    let wakes = Arc::default();
    type Answer = fn(usize) -> Poll<Option<Result<Event, &'static str>>>;
    let answers: [Answer; 3] = [
        |_| Poll::Pending,
        |_| Poll::Ready(Some(Err("no"))),
        |_| Poll::Ready(Some(Ok(Event::text("x").into()))),
    ];
    for answer in answers {
        let stream = SseEncoder::new(Source(0, answer)).stop_on(std::future::ready(()));
        let mut stream = Box::pin(stream);
        assert!(matches!(poll(&mut stream, &wakes), Poll::Ready(None)));
        assert!(stream.get_ref().is_none());
    }
}

/// Counts how often it is asked for its members.
struct Asked<T>(T, Cell<usize>);

impl<T: Serialize> Serialize for Asked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.1.set(self.1.get() + 1);
        self.0.serialize(serializer)
    }
}

/// Each of `data`'s keys may be `other`'s, as far as a hash of 64 bits can tell; what takes long to
/// pass over is not asked for each of them all the same.
#[test]
fn merging_is_linear_whatever_the_keys() {
    let data: BTreeMap<_, _> = (0..20_000).map(|index| (format!("a{index:06}a"), 0)).collect();
    let raw = |json: String| RawValue::from_string(json).unwrap();
    let spaces = raw(format!("{{\"a000000a\":1{}}}", " ".repeat(100_000)));
    let text = raw(format!("{{\"a000000a\":\"{}\"}}", "x".repeat(100_000)));
    // As long as `data`'s keys, to the set of 64 bits.
    let key = BTreeMap::from([(format!("a{}a", "x".repeat(6 + 64 * 1_563)), 1)]);
    let many: BTreeMap<_, _> = (0..40).map(|index| (format!("a{index:06}a"), 1)).collect();
    fn asked(data: &impl Serialize, other: impl Serialize) -> usize {
        let other = Asked(other, Cell::new(0));
        encode(&Event::merge(data, &other)).unwrap().unwrap();
        other.1.get()
    }
    assert!(asked(&data, spaces) <= 4);
    assert!(asked(&data, text) <= 4);
    assert!(asked(&data, key) <= 4);
    assert!(asked(&data, many) <= 4);
    let big = Asked(&data, Cell::new(0));
    encode(&Event::merge(&big, BTreeMap::from([("a000000a", 1), ("b", 2)]))).unwrap().unwrap();
    assert_eq!(big.1.get(), 1);
}

/// Its second member's error is not passed on.
struct Careless;

impl Serialize for Careless {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(None)?;
        sequence.serialize_element(&1)?;
        let _ = sequence.serialize_element(&"x".repeat(10_000));
        sequence.end()
    }
}

#[test]
fn a_frame_that_was_cut_is_never_taken_for_a_whole_one() {
    for members in [1, 40] {
        let mut other: BTreeMap<_, _> = (0..members).map(|index| (index, None)).collect();
        other.insert(members, Some(Careless));
        let mut stream = BytesMut::new();
        let result = Encoder::new().max_frame(4_000).encode(&Event::merge((), &other), &mut stream);
        assert!(result.unwrap_err().is_too_large());
        assert!(stream.is_empty());
    }
}

#[test]
fn the_limit_of_a_frame_bounds_the_buffer_too() {
    let keys: BTreeMap<_, _> = (0..2_000).map(|index| (format!("{index:010000}"), 0)).collect();
    let ends = "\n".repeat(60_000);
    for item in [&Event::merge(&keys, ()) as &dyn Encode, &Event::json(&keys), &Event::text(ends)] {
        let mut stream = BytesMut::new();
        let result = Encoder::new().max_frame(64 * 1024).encode(item, &mut stream);
        assert!(result.unwrap_err().is_too_large());
        assert!(stream.capacity() <= 256 * 1024, "{}", stream.capacity());
    }
}

#[test]
fn a_frame_that_fits_is_not_refused_for_the_spelling_of_keys() {
    let members = |key: &str, value| {
        (0..40).map(|n| format!("\"{}{n}\":{value}", key.repeat(20))).collect::<Vec<_>>().join(",")
    };
    let json = format!("{{\"data\":{{{}}},{}}}", members("a", 0), members("\\u0061", 1));
    let event: Event = json.parse().unwrap();
    let mut frame = BytesMut::new();
    Encoder::new().encode(&event, &mut frame).unwrap();
    assert!(frame.len() < json.len() / 2);
    let mut again = BytesMut::new();
    Encoder::new().max_frame(frame.len()).encode(&event, &mut again).unwrap();
    assert_eq!(again, frame);
    let result = Encoder::new().max_frame(frame.len() - 1).encode(&event, &mut again);
    assert!(result.unwrap_err().is_too_large());
}

/// A large `other` is written aside, within the frame's limit.
#[test]
fn what_a_frame_has_no_place_for_is_not_written_aside() {
    let asked: Vec<_> = (0..40).map(|_| Asked("x".repeat(10_000), Cell::new(0))).collect();
    let other: BTreeMap<_, _> = asked.iter().enumerate().collect();
    let mut stream = BytesMut::zeroed(1_000_000);
    let result = Encoder::new().max_frame(64 * 1024).encode(&Event::merge((), &other), &mut stream);
    assert!(result.unwrap_err().is_too_large());
    assert!(asked.iter().filter(|value| value.1.get() > 0).count() < 20);
}

#[test]
fn an_error_of_the_crate_stays_itself_on_its_way_through_a_stream() {
    let event = Event::merge("no members", ());
    let error = Encoder::new().encode_once(&event).unwrap_err();
    let mut items = Some(Err::<Event, _>(error));
    let mut stream = pin!(SseEncoder::new(Source(0, move |_| Poll::Ready(items.take()))));
    match stream.as_mut().poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Err(error))) => {
            assert!(error.is_wrong_type() && !error.is_other());
            assert_eq!(error.field(), Some("data"));
        }
        other => panic!("{other:?}"),
    }
}

/// A frame that is as large as the limit allows is written, whatever stands before it.
#[test]
fn the_limit_counts_the_frame_alone() {
    #[derive(Serialize)]
    enum Variant {
        Struct { a: u8 },
    }
    let digits = "0123456789".repeat(5);
    let twice = format!("{{\"data\":{{\"a\":0}},\"a\":\"{digits}\",\"a\":1}}");
    let often = format!("{{{}\"b\":1}}", format!("\"a\":\"{digits}\",").repeat(40));
    let items: [&dyn Encode; 3] = [
        &Event::merge(Variant::Struct { a: 1 }, ()),
        &twice.parse::<Event>().unwrap(),
        &often.parse::<Event>().unwrap(),
    ];
    for item in items {
        let mut frame = BytesMut::new();
        Encoder::new().encode(item, &mut frame).unwrap();
        for before in [0, 10_000] {
            let mut stream = BytesMut::zeroed(before);
            let result = Encoder::new().max_frame(frame.len()).encode(item, &mut stream);
            assert!(result.is_ok(), "{frame:?} after {before} bytes: {result:?}");
        }
    }
}

#[test]
fn no_padding_is_too_large_to_be_asked_for() {
    let padded = catch_unwind(|| {
        drop(SseEncoder::new(Source(0, |_| Poll::Ready(None::<Event>))).padding(usize::MAX))
    });
    assert!(padded.is_ok());
}
