//! Properties of all items and all texts.

mod support;

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bytes::{Bytes, BytesMut};
use eventsource_stream::Eventsource;
use futures_executor::block_on;
use futures_util::{Stream, StreamExt, stream};
use proptest::prelude::*;
use serde::{Serialize, Serializer, ser::SerializeSeq};
use sse_encoder::{
    Comment, Encode, Encoder, Error, Event, EventId, EventType, Frames, OnError, SseEncoder,
};
use support::decoder;

/// An item of any kind.
#[derive(Clone, Debug)]
enum Item {
    Comment(String),
    Json(String),
    Merged(String, u8),
    Named(String, u64),
    Nothing,
    /// Text of this many bytes, encoded once.
    Once(usize),
    /// Shared text of this many bytes.
    Shared(usize),
    Text(String),
    /// Several frames, of which the last may fail.
    Together(Vec<Self>),
    Broken(Broken),
}

/// Writes some elements, then fails or panics.
#[derive(Clone, Copy, Debug)]
struct Broken {
    after: usize,
    panics: bool,
}

impl Serialize for Broken {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(None)?;
        (0..self.after).try_for_each(|element| seq.serialize_element(&element))?;
        assert!(!self.panics, "a panic of the item's own");
        Err(serde::ser::Error::custom("half-way"))
    }
}

impl Encode for Item {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        match self {
            Self::Comment(text) => Comment::new(text).encode(frames),
            Self::Json(text) => Event::json((text, 1.5)).encode(frames),
            Self::Merged(text, count) => {
                let other = (0..*count)
                    .map(|index| (index, text))
                    .collect::<std::collections::BTreeMap<_, _>>();
                Event::spread(text, other).encode(frames)
            }
            Self::Named(text, id) => {
                Event::text(text).id(*id).event_type(EventType::MESSAGE).encode(frames)
            }
            Self::Nothing => Event::new().encode(frames),
            Self::Once(len) => {
                Encoder::bare().encode_once(&Event::text("o".repeat(*len)))?.encode(frames)
            }
            Self::Shared(len) => Event::shared_text("s".repeat(*len)).encode(frames),
            Self::Text(text) => Event::text(text).encode(frames),
            Self::Together(items) => items.iter().try_for_each(|item| item.encode(frames)),
            Self::Broken(broken) => Event::merge(
                (),
                vec![("a", broken)].into_iter().collect::<std::collections::HashMap<_, _>>(),
            )
            .encode(frames),
        }
    }
}

/// Texts in which ends of line, and characters like them, are frequent.
fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(
        prop_oneof![
            4 => prop::sample::select(vec![
                "\r", "\n", "\r\n", "\0", " ", ":", "data: x", "id: 7", "\u{85}", "\u{2028}",
                "\u{FEFF}", "é", "😀",
            ])
            .prop_map(String::from),
            1 => any::<String>(),
        ],
        0..8,
    )
    .prop_map(|pieces| pieces.concat())
}

fn sound() -> impl Strategy<Value = Item> {
    prop_oneof![
        text().prop_map(Item::Comment),
        text().prop_map(Item::Json),
        (text(), 0..40_u8).prop_map(|(text, count)| Item::Merged(text, count)),
        (text(), any::<u64>()).prop_map(|(text, id)| Item::Named(text, id)),
        Just(Item::Nothing),
        text().prop_map(Item::Text),
    ]
}

fn broken(panics: impl Strategy<Value = bool>) -> impl Strategy<Value = Item> {
    (prop::collection::vec(sound(), 0..3), 0..2_000_usize, panics).prop_map(
        |(mut items, after, panics)| {
            items.push(Item::Broken(Broken { after, panics }));
            Item::Together(items)
        },
    )
}

fn any_item() -> impl Strategy<Value = Item> {
    prop_oneof![5 => sound(), 1 => broken(Just(false))]
}

/// Items whose bytes may be shared, among any others.
fn shared_item() -> impl Strategy<Value = Item> {
    let len = || prop_oneof![0..40_usize, 32_000..34_000_usize];
    let shared = move || prop_oneof![len().prop_map(Item::Once), len().prop_map(Item::Shared)];
    let together = prop::collection::vec(prop_oneof![shared(), any_item()], 0..4);
    prop_oneof![4 => shared(), 1 => any_item(), 1 => together.prop_map(Item::Together)]
}

/// Each item's frames, in a buffer of its own, by one encoder; `None` if it fails.
fn one_by_one(items: &[Item]) -> Vec<Option<BytesMut>> {
    let mut encoder = Encoder::new();
    let encode = |item| {
        let mut frames = BytesMut::new();
        encoder.encode(item, &mut frames).ok().map(|()| frames)
    };
    items.iter().map(encode).collect()
}

fn joined(frames: &[Option<BytesMut>]) -> Vec<u8> {
    frames.iter().flatten().flatten().copied().collect()
}

/// A text as a client reads it: all three ends of line are LF.
fn normalized(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n")
}

type Chunk = Result<Bytes, std::convert::Infallible>;

/// The messages in these chunks: type, data, id. Another author's decoder and ours must agree.
fn decode(chunks: Vec<Chunk>) -> Vec<(String, String, String)> {
    let whole: Vec<u8> = chunks.iter().flatten().flatten().copied().collect();
    let ours = decoder::decode(&whole).unwrap().messages.into_iter();
    let ours: Vec<_> =
        ours.map(|message| (message.event_type, message.data, message.last_event_id)).collect();
    let messages = stream::iter(chunks).eventsource().map(|message| {
        let message = message.expect("it decodes");
        (message.event, message.data, message.id)
    });
    let messages: Vec<_> = block_on(messages.collect());
    assert_eq!(ours, messages);
    messages
}

#[test]
fn the_decoder_reads_the_examples_of_the_standard() {
    let stream = "data: This is the first message.\n\n\
         : test stream\n\ndata: second event\nid: 1\n\ndata:third event\nid\n\n\
         data\n\ndata\ndata\n\nevent: add\rdata:  x\r\n\rdata: incomplete";
    let client = decoder::decode(stream.as_bytes()).unwrap();
    let messages: Vec<_> = client
        .messages
        .iter()
        .map(|message| (&*message.event_type, &*message.data, &*message.last_event_id))
        .collect();
    assert_eq!(
        messages,
        [
            ("message", "This is the first message.", ""),
            ("message", "second event", "1"),
            ("message", "third event", ""),
            ("message", "", ""),
            ("message", "\n", ""),
            ("add", " x", ""),
        ]
    );
    assert_eq!(client.comments, [" test stream"]);
    assert!(client.unfinished);
}

/// The attempt must write nothing and use no id; the stream goes on as if it had not been made.
fn assert_no_trace(
    mut items: Vec<Item>,
    attempt: impl FnOnce(&mut Encoder, &mut BytesMut) -> Result<(), TestCaseError>,
    after: Item,
) -> Result<(), TestCaseError> {
    let mut stream = BytesMut::new();
    let mut encoder = Encoder::new();
    items.iter().for_each(|item| encoder.encode(item, &mut stream).unwrap());
    let before = (stream.clone(), encoder.next_id());
    attempt(&mut encoder, &mut stream)?;
    prop_assert_eq!((stream.clone(), encoder.next_id()), before);
    encoder.encode(&after, &mut stream).unwrap();
    items.push(after);
    prop_assert_eq!(&stream[..], joined(&one_by_one(&items)));
    Ok(())
}

/// A numbered stream without its opening comment.
fn numbered<S: Stream<Item: Encode>>(source: S) -> SseEncoder<S> {
    SseEncoder::new(source).opening_comment(false)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn items_in_one_buffer_follow_one_another(items in prop::collection::vec(any_item(), 0..12)) {
        let mut together = BytesMut::new();
        let mut encoder = Encoder::new();
        for item in &items {
            let _ = encoder.encode(item, &mut together);
        }
        prop_assert_eq!(&together[..], joined(&one_by_one(&items)));
    }

    #[test]
    fn the_chunk_limit_does_not_change_the_bytes(
        items in prop::collection::vec(any_item(), 0..12),
        limit in prop_oneof![Just(0), Just(usize::MAX), 1..2_000_usize],
    ) {
        let expected = one_by_one(&items);
        let chunks = numbered(stream::iter(items))
            .chunk_limit(limit)
            .on_error(|_| OnError::Skip);
        let chunks: Vec<Bytes> = block_on(chunks.map(Result::unwrap).collect());
        prop_assert!(chunks.iter().all(|chunk| !chunk.is_empty() && chunk.ends_with(b"\n")));
        prop_assert_eq!(chunks.concat(), joined(&expected));
    }

    #[test]
    fn uncopied_bytes_keep_their_place(
        items in prop::collection::vec(shared_item(), 0..12),
        limit in prop_oneof![Just(0), Just(usize::MAX), 1..200_000_usize],
        keeps in any::<bool>(),
    ) {
        let expected = joined(&one_by_one(&items));
        let mut chunks = numbered(stream::iter(items))
            .chunk_limit(limit)
            .on_error(|_| OnError::Skip);
        // While a chunk is kept, its bytes must not be reused.
        let (mut kept, mut bytes) = (Vec::new(), Vec::new());
        while let Some(chunk) = block_on(chunks.next()) {
            let chunk = chunk.unwrap();
            prop_assert!(!chunk.is_empty());
            bytes.extend_from_slice(&chunk);
            if keeps {
                kept.push(chunk);
            }
        }
        prop_assert!(bytes == expected);
        prop_assert!(!keeps || kept.concat() == expected);
    }

    #[test]
    fn every_error_takes_its_items_place(
        items in prop::collection::vec(any_item(), 0..12),
        limit in 0..200_usize,
    ) {
        let mut expected = vec![Some(Vec::new())];
        for frames in one_by_one(&items) {
            match frames {
                None => expected.extend([None, Some(Vec::new())]),
                Some(frames) => {
                    expected.last_mut().unwrap().as_mut().unwrap().extend_from_slice(&frames);
                }
            }
        }
        let mut out = vec![Some(Vec::new())];
        let stream = numbered(stream::iter(items)).on_error(OnError::Fail).chunk_limit(limit);
        block_on(stream.for_each(|chunk| {
            match chunk {
                Err(_) => out.extend([None, Some(Vec::new())]),
                Ok(chunk) => out.last_mut().unwrap().as_mut().unwrap().extend_from_slice(&chunk),
            }
            std::future::ready(())
        }));
        prop_assert_eq!(out, expected);
    }

    #[test]
    fn a_failing_item_writes_nothing_and_uses_no_id(
        before in prop::collection::vec(sound(), 0..3),
        failing in broken(Just(false)),
        after in sound(),
    ) {
        assert_no_trace(
            before,
            |encoder, stream| {
                prop_assert!(encoder.encode(&failing, stream).unwrap_err().is_serialize());
                Ok(())
            },
            after,
        )?;
    }

    #[test]
    fn an_item_over_the_limit_writes_nothing_and_uses_no_id(
        items in prop::collection::vec(sound(), 0..9),
        limit in 0..300,
    ) {
        let mut encoder = Encoder::new();
        let mut limited = Encoder::new().max_frame(limit as usize);
        let mut stream = BytesMut::from("before");
        for item in &items {
            let before = (stream.clone(), limited.next_id());
            limited.clone_into(&mut encoder);
            encoder = encoder.max_frame(usize::MAX);
            let mut frame = BytesMut::new();
            encoder.encode(item, &mut frame).unwrap();
            if frame.len() <= limit as usize {
                limited.encode(item, &mut stream).unwrap();
                prop_assert_eq!(&stream[before.0.len()..], &frame[..]);
                prop_assert_eq!(limited.next_id(), encoder.next_id());
            } else {
                prop_assert!(limited.encode(item, &mut stream).unwrap_err().is_too_large());
                prop_assert_eq!((stream.clone(), limited.next_id()), before);
            }
        }
    }

    #[test]
    fn automatic_ids_only_grow(items in prop::collection::vec(any_item(), 0..20), first in any::<u64>()) {
        let mut encoder = Encoder::new();
        encoder.set_next_id(first);
        let mut next = Some(first);
        for item in &items {
            let mut frame = BytesMut::new();
            let result = encoder.encode(item, &mut frame);
            let has_own = matches!(item, Item::Comment(_) | Item::Named(..) | Item::Nothing);
            if result.is_ok() && !has_own {
                let head = format!("id: {}\n", next.expect("an id is left"));
                prop_assert!(frame.starts_with(head.as_bytes()));
                next = next.and_then(|id| id.checked_add(1));
            } else if result.is_err() {
                prop_assert!(frame.is_empty());
            }
            prop_assert_eq!(encoder.next_id(), next);
        }
    }

    #[test]
    fn text_round_trips_with_its_line_ends_as_lf(texts in prop::collection::vec(text(), 1..5)) {
        let items = stream::iter(texts.clone()).map(Event::text);
        let chunks: Vec<_> = block_on(numbered(items).chunk_limit(0).collect());
        let messages = decode(chunks.into_iter().map(|chunk| Ok(chunk.unwrap())).collect());
        let expected: Vec<_> = texts.iter().enumerate().map(|(index, text)| {
            ("message".to_owned(), normalized(text), (index + 1).to_string())
        }).collect();
        prop_assert_eq!(messages, expected);
    }

    #[test]
    fn fields_round_trip(id in text(), event_type in text(), text in text()) {
        let id = id.replace(['\r', '\n', '\0'], "");
        let event_type = event_type.replace(['\r', '\n'], "");
        let event = Event::text(&text)
            .id(EventId::new(&id).unwrap())
            .event_type(EventType::new(&event_type).unwrap());
        let mut stream = BytesMut::new();
        Encoder::new().encode(&event, &mut stream).unwrap();
        let expected = if event_type.is_empty() { "message".into() } else { event_type };
        prop_assert_eq!(decode(vec![Ok(stream.freeze())]), [(expected, normalized(&text), id)]);
    }
}

proptest! {
    // Few cases: each prints a panic's message.
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn a_panicking_item_writes_nothing_and_uses_no_id(
        before in prop::collection::vec(sound(), 0..3),
        panicking in broken(Just(true)),
        after in sound(),
    ) {
        assert_no_trace(
            before,
            |encoder, stream| {
                let attempt = AssertUnwindSafe(|| encoder.encode(&panicking, stream));
                prop_assert!(catch_unwind(attempt).is_err());
                Ok(())
            },
            after,
        )?;
    }

    #[test]
    fn a_stream_continues_after_an_items_panic(
        before in sound(),
        panicking in broken(Just(true)),
        after in sound(),
    ) {
        let sound = [before.clone(), after.clone()];
        let mut chunks =
            Box::pin(numbered(stream::iter([before, panicking, after])));
        let panics = Cell::new(0);
        let mut out = Vec::new();
        loop {
            match catch_unwind(AssertUnwindSafe(|| block_on(chunks.next()))) {
                Ok(Some(chunk)) => out.extend_from_slice(&chunk.unwrap()),
                Ok(None) => break,
                Err(_) => panics.set(panics.get() + 1),
            }
        }
        prop_assert_eq!(panics.get(), 1);
        prop_assert_eq!(out, joined(&one_by_one(&sound)));
    }
}

const TEXTS: [&str; 24] = [
    "",
    " ",
    "  a",
    "\t",
    "a",
    "a\n",
    "a\n\n",
    "\n",
    "\r",
    "\r\n",
    "a\r",
    "a\rb",
    "a\r\nb",
    "a\n\rb",
    "\r\r\n\n",
    "\u{2028}\u{85}\u{b}",
    "\0",
    "a\0b",
    "😀",
    "é\u{10FFFF}",
    "\u{FEFF}",
    "\u{FEFF}\n\u{FEFF}",
    ":",
    "data: x\n\nid: 9",
];

/// The stream cut in two at every place, and byte by byte.
fn cuts(stream: &Bytes) -> impl Iterator<Item = Vec<Chunk>> + '_ {
    let bytes = (0..stream.len()).map(|at| Ok(stream.slice(at..=at))).collect();
    let cut = |at| vec![Ok(stream.slice(..at)), Ok(stream.slice(at..))];
    (0..=stream.len()).map(cut).chain([bytes])
}

#[test]
fn text_round_trips_wherever_the_stream_is_cut() {
    for texts in TEXTS.windows(2) {
        let mut stream = BytesMut::new();
        let mut encoder = Encoder::bare();
        for text in texts {
            encoder.encode(&Event::text(text), &mut stream).unwrap();
        }
        let expected: Vec<_> = texts
            .iter()
            .map(|text| ("message".to_owned(), normalized(text), String::new()))
            .collect();
        for chunks in cuts(&stream.freeze()) {
            assert_eq!(decode(chunks), expected);
        }
    }
}

#[test]
fn json_round_trips_wherever_the_stream_is_cut() {
    for text in TEXTS {
        let mut stream = BytesMut::new();
        let mut encoder = Encoder::new();
        encoder.encode(&Event::json(text), &mut stream).unwrap();
        encoder.encode(&Comment::new(text), &mut stream).unwrap();
        let data = serde_json::json!({ text: text });
        encoder.encode(&Event::merge(&data, ()), &mut stream).unwrap();
        for chunks in cuts(&stream.freeze()) {
            let messages = decode(chunks);
            let ids: Vec<_> = messages.iter().map(|(_, _, id)| &**id).collect();
            assert_eq!(ids, ["1", "2"]);
            assert_eq!(serde_json::from_str::<String>(&messages[0].1).unwrap(), text);
            assert_eq!(messages[1].1.parse::<serde_json::Value>().unwrap(), data);
        }
    }
}
