//! Items whose own code fails, panics or lies.

use std::sync::Arc;

use futures_util::{StreamExt, stream};
use serde::{
    Serialize, Serializer,
    ser::{Error as _, SerializeMap, SerializeSeq, SerializeStruct},
};
use sse_encoder::{Encode, Error, Event, EventType, Frames, OnError};
use tokio::sync::Notify;

use crate::{
    client::End,
    decode::decode,
    server::{Item, Items, Kind, Server, item, items, response},
};

#[derive(Clone, Copy, Debug)]
enum Odd {
    FailsHalfway,
    PanicsHalfway,
    /// Announces this many elements, and has two.
    Elements(usize),
    /// The same for members.
    Members(usize),
    /// Passes this text off as raw JSON.
    Raw(&'static str),
    /// Ignores a failure and continues.
    Swallows,
    Valueless,
}

impl Serialize for Odd {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = |serializer: S, len| {
            let mut map = serializer.serialize_map(len)?;
            map.serialize_entry("a", "half\r\n")?;
            Ok(map)
        };
        match *self {
            Self::FailsHalfway => {
                members(serializer, None)?;
                Err(S::Error::custom("\n\nid: 99\ndata: forged\n\n"))
            }
            Self::PanicsHalfway => {
                members(serializer, None)?;
                panic!("a panic of the item's own")
            }
            Self::Elements(len) => {
                let mut seq = serializer.serialize_seq(Some(len))?;
                seq.serialize_element("\n")?;
                seq.serialize_element("\r")?;
                seq.end()
            }
            Self::Members(len) => {
                let mut map = members(serializer, Some(len))?;
                map.serialize_entry("b", "\n")?;
                map.end()
            }
            Self::Raw(text) => {
                const NAME: &str = "$serde_json::private::RawValue";
                let mut raw = serializer.serialize_struct(NAME, 1)?;
                raw.serialize_field(NAME, text)?;
                raw.end()
            }
            Self::Swallows => {
                let mut map = members(serializer, None)?;
                let _ = map.serialize_entry("b", &Self::FailsHalfway);
                let _ = map.serialize_entry(&["\n"], "\n");
                map.end()
            }
            Self::Valueless => {
                let mut map = members(serializer, None)?;
                map.serialize_key("b\n")?;
                map.serialize_key("c\n")?;
                map.end()
            }
        }
    }
}

const LIES: &[Odd] = &[
    Odd::Elements(0),
    Odd::Elements(1),
    Odd::Elements(3),
    Odd::Elements(usize::MAX),
    Odd::Members(0),
    Odd::Members(1),
    Odd::Members(3),
    Odd::Members(usize::MAX),
    Odd::Raw(""),
    Odd::Raw("1\n\nid: 99\ndata: forged\n\n"),
    Odd::Raw("{\"a\":1}\r\rid: 99\rdata: forged\r\r"),
    Odd::Raw("{\"a\":\"\r\n"),
    Odd::Swallows,
    Odd::Valueless,
];

/// The lies in all places where a value can be, each after an event with a text.
fn lies() -> Vec<Item> {
    let mut lies = Vec::new();
    for lie in LIES {
        let all = [
            item(Event::json(*lie)),
            item(Event::json([lie])),
            item(Event::merge(lie, ())),
            item(Event::merge((), lie)),
            item(Event::spread(lie, lie)),
            Event::from_item(lie).map_err(Into::into).and_then(item),
        ];
        for lie in all {
            lies.extend([item(Event::text("before").no_id()), lie]);
        }
    }
    lies.push(item(Event::text("before").no_id()));
    lies
}

async fn a_lying_value_is_one_event_or_an_error(kind: Kind) {
    let server = Server::start(kind, |_| response(items(lies())).on_error(|_| OnError::Skip));
    let (body, end) = server.get("/").await.rest().await;
    assert_eq!(end, End::Clean);
    let mut next_id = 1;
    let mut before = 0;
    for event in decode(&body) {
        assert_eq!((&*event.event, event.retry), ("message", None));
        if event.data == "before" {
            before += 1;
            continue;
        }
        assert_eq!(event.id, next_id.to_string(), "{}", event.data);
        assert!(!event.data.contains('\n'), "{}", event.data);
        next_id += 1;
    }
    assert_eq!(before, LIES.len() * 6 + 1);
    // Some of the lies are events, but not all.
    assert!((10..before).contains(&next_id), "{next_id}");
    server.end().await;
}

/// An item of two frames, of which the second fails.
struct Several;

impl Encode for Several {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::text("half").encode(frames)?;
        Event::json(Odd::FailsHalfway).encode(frames)
    }
}

type Failing = (&'static str, fn() -> Item);

const FAILING: &[Failing] = &[
    ("a value", || item(Event::json(Odd::FailsHalfway))),
    ("data", || item(Event::merge(Odd::FailsHalfway, ()))),
    ("other", || item(Event::merge((), Odd::FailsHalfway))),
    ("an item of several frames", || item(Several)),
    ("JSON", || Ok(Box::new("{\"data\":\"\n".parse::<Event>()?))),
    ("the source's error", || Err("\n\nid: 99\ndata: forged\n\n".into())),
];

/// A policy, the events that the client receives around the failed item, and the end.
type Policy = (&'static str, fn(Error) -> OnError, &'static [(&'static str, &'static str)], End);

const POLICIES: &[Policy] = &[
    ("fail", OnError::Fail, &[("1", "message")], End::Cut),
    ("skip", |_| OnError::Skip, &[("1", "message"), ("2", "message")], End::Clean),
    ("replace", replace, &[("1", "message"), ("1", "replaced"), ("2", "message")], End::Clean),
    ("replace by what fails", replace_badly, &[("1", "message")], End::Cut),
    ("end", |_| OnError::End, &[("1", "message")], End::Clean),
];

fn replace(error: Error) -> OnError {
    const REPLACED: EventType = EventType::from_static("replaced");
    OnError::replace(Event::text(error.to_string()).event_type(REPLACED).no_id())
}

fn replace_badly(_: Error) -> OnError {
    OnError::replace(Event::json(Odd::FailsHalfway))
}

/// More bytes than the opening comment has: those of the first event.
const AFTER_OPENING: usize = ":\n".len() + 1;

/// The items, with a pause after the first until the gate opens.
fn gated(gate: &Arc<Notify>, first: Item, others: Vec<Item>) -> Items {
    let gate = gate.clone();
    let pause = stream::once(async move { gate.notified().await }).filter_map(async |()| None);
    Box::pin(items([first]).chain(pause).chain(items(others)))
}

/// Sends each failing item under each policy with this end. With a pause, the server has sent the
/// events before it.
async fn check_policies(kind: Kind, end: End, pause: bool) {
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let server = Server::start(kind, move |path| {
        let numbers = path[1..].split_once('/').unwrap();
        let (_, failing) = FAILING[numbers.0.parse::<usize>().unwrap()];
        let (_, policy, ..) = POLICIES[numbers.1.parse::<usize>().unwrap()];
        let first = item(Event::text("text"));
        let others = vec![failing(), item(Event::text("text"))];
        response(gated(&gate, first, others)).on_error(policy)
    });
    let policies = POLICIES.iter().enumerate().filter(|(_, row)| row.3 == end);
    for (column, (policy, _, expected, _)) in policies {
        for (row, (item, _)) in FAILING.iter().enumerate() {
            if !pause {
                opened.notify_one();
            }
            let mut client = server.get(&format!("/{row}/{column}")).await;
            let mut body = Vec::new();
            if pause {
                body.extend(client.at_least(AFTER_OPENING).await);
                opened.notify_one();
            }
            let (rest, actual_end) = client.rest().await;
            body.extend(rest);
            let events = decode(&body);
            let received = events.iter().map(|event| (&*event.id, &*event.event));
            assert_eq!(received.collect::<Vec<_>>(), *expected, "{item}, {policy}");
            for event in &events {
                assert!(event.event == "replaced" || event.data == "text", "{item}, {policy}");
            }
            assert_eq!(actual_end, end, "{item}, {policy}");
        }
    }
    server.assert_alive().await;
    server.end().await;
}

async fn a_failing_item_sends_nothing(kind: Kind) {
    check_policies(kind, End::Clean, false).await;
    check_policies(kind, End::Clean, true).await;
}

async fn a_failing_item_cuts_the_connection_between_two_frames(kind: Kind) {
    check_policies(kind, End::Cut, true).await;
}

async fn events_before_a_failure_arrive_even_if_it_is_ready_at_once(kind: Kind) {
    check_policies(kind, End::Cut, false).await;
}

fn policy_panics(_: Error) -> OnError {
    panic!("a panic of the policy's own")
}

/// A source that panics in its turn.
type Panic = (&'static str, fn() -> Items);

const PANICS: &[Panic] = &[
    ("a value", || items([item(Event::json(Odd::PanicsHalfway))])),
    ("data", || items([item(Event::merge(Odd::PanicsHalfway, ()))])),
    ("other", || items([item(Event::merge((), Odd::PanicsHalfway))])),
    ("the source", || Box::pin(stream::poll_fn(|_| panic!("a panic of the source's own")))),
    ("the policy", || items([Err("no".into())])),
];

async fn a_panic_cuts_its_own_connection_between_two_frames(kind: Kind) {
    let gate = Arc::new(Notify::new());
    let opened = gate.clone();
    let server = Server::start(kind, move |path| {
        let (_, panics) = PANICS[path[1..].parse::<usize>().unwrap()];
        let first = gated(&gate, item(Event::text("first")), vec![item(Event::text("gathered"))]);
        let after = items([item(Event::text("after"))]);
        response(Box::pin(first.chain(panics()).chain(after))).on_error(policy_panics)
    });
    for (row, (name, _)) in PANICS.iter().enumerate() {
        for at_once in [true, false] {
            if at_once {
                opened.notify_one();
            }
            let mut client = server.get(&format!("/{row}")).await;
            let mut body = Vec::new();
            if !at_once {
                body.extend(client.at_least(AFTER_OPENING).await);
                opened.notify_one();
            }
            let (rest, end) = client.rest().await;
            body.extend(rest);
            // Events that were gathered with it are dropped with the connection's task.
            let events = decode(&body);
            let texts = events.iter().map(|event| &*event.data).collect::<Vec<_>>();
            assert!(["first", "gathered"].starts_with(&texts), "{name}: {texts:?}");
            assert!(at_once || !texts.is_empty(), "{name}");
            assert_eq!(end, End::Cut, "{name}");
            server.assert_alive().await;
        }
    }
    server.end().await;
}

on_each_server! {
    a_lying_value_is_one_event_or_an_error
    a_failing_item_sends_nothing
    a_failing_item_cuts_the_connection_between_two_frames
    events_before_a_failure_arrive_even_if_it_is_ready_at_once
    a_panic_cuts_its_own_connection_between_two_frames
}
