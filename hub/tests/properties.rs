//! The hub against a model: a `Vec` of all published events, and which of them are retained.

mod support;

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use proptest::{collection::vec, prelude::*};
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, HubBuilder, OnGap, Resumption, Subscriber};
use support::field;

const TOPICS: [&str; 3] = ["", "a", "b"];

/// An item, for the model.
#[derive(Clone, Debug)]
struct Item {
    topic: usize,
    key: Option<u8>,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Automatic,
    Own,
    Ephemeral,
}

#[derive(Clone, Debug)]
enum Step {
    Publish(Item),
    /// Topics as a set of bits; 8 is everything.
    Subscribe {
        topics: u8,
        last: Last,
    },
    /// A subscriber reads this many frames at most.
    Read {
        subscriber: usize,
        frames: usize,
    },
    /// A subscriber is cut off, and returns with its client's id.
    Reconnect {
        subscriber: usize,
    },
}

/// The last event ID that a client sends.
#[derive(Clone, Debug)]
enum Last {
    None,
    /// The id of the event published so many events ago.
    Back(usize),
    Future(u64),
    OtherEpoch(usize),
    Text(String),
}

fn item() -> impl Strategy<Value = Item> {
    let kind = prop_oneof![
        6 => Just(Kind::Automatic), 2 => Just(Kind::Own), 2 => Just(Kind::Ephemeral),
    ];
    let key = prop_oneof![3 => Just(None), 1 => (0..2_u8).prop_map(Some)];
    (0..TOPICS.len(), key, kind).prop_map(|(topic, key, kind)| Item { topic, key, kind })
}

fn last() -> impl Strategy<Value = Last> {
    prop_oneof![
        2 => Just(Last::None),
        8 => (0..30_usize).prop_map(Last::Back),
        1 => (1..5_u64).prop_map(Last::Future),
        1 => (0..30_usize).prop_map(Last::OtherEpoch),
        1 => "[-+0-9a ]{1,6}".prop_map(Last::Text),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => item().prop_map(Step::Publish),
        3 => (0..9_u8, last()).prop_map(|(topics, last)| Step::Subscribe { topics, last }),
        6 => (any::<usize>(), 1..12_usize)
            .prop_map(|(subscriber, frames)| Step::Read { subscriber, frames }),
        2 => any::<usize>().prop_map(|subscriber| Step::Reconnect { subscriber }),
    ]
}

/// A published item.
struct Published {
    item: Item,
    id: Option<String>,
    /// A newer one has the same key, or it is no longer retained.
    emptied: bool,
    evicted: bool,
}

impl Published {
    /// What is replaced takes no room.
    fn is_there(&self) -> bool {
        !self.emptied && !self.evicted
    }
}

#[derive(Default)]
struct Model {
    published: Vec<Published>,
    max_events: usize,
    epoch: String,
}

impl Model {
    fn push(&mut self, item: &Item, id: Option<String>, is_heard: bool) {
        let is_ephemeral = item.kind == Kind::Ephemeral;
        if item.key.is_some() {
            for older in &mut self.published {
                let is_same = older.item.topic == item.topic
                    && older.item.key == item.key
                    && (older.item.kind == Kind::Ephemeral) == is_ephemeral;
                older.emptied |= is_same && !older.evicted;
            }
        }
        let item = item.clone();
        // An ephemeral event of which nobody hears is not kept.
        let evicted = is_ephemeral && !is_heard;
        self.published.push(Published { item, id, emptied: false, evicted });
        for (ephemeral, max) in [(false, self.max_events), (true, (self.max_events / 4).max(1))] {
            let of_this =
                |p: &&mut Published| (p.item.kind == Kind::Ephemeral) == ephemeral && p.is_there();
            let excess = self.published.iter_mut().filter(of_this).count().saturating_sub(max);
            let excess = self.published.iter_mut().filter(of_this).take(excess);
            excess.for_each(|oldest| oldest.evicted = true);
        }
    }

    fn includes(topics: u8, topic: usize) -> bool {
        topics == 8 || topics & (1 << topic) != 0
    }

    /// The place after the event with this id; the events are counted from 1.
    fn locate(&self, topics: u8, id: &str) -> Option<usize> {
        let own = |p: &Published| {
            let is_this = p.item.kind == Kind::Own && p.id.as_deref() == Some(id);
            is_this && Self::includes(topics, p.item.topic)
        };
        if let Some(index) = self.published.iter().position(own) {
            let is_lost = |p: &Published| p.evicted && p.item.kind != Kind::Ephemeral;
            let has_lost_later = self.published[index..].iter().any(is_lost);
            let is_known = self.published[index].is_there() || !has_lost_later;
            return is_known.then_some(index + 1);
        }
        let digits = id.strip_prefix(&self.epoch)?.strip_prefix('-')?;
        let n: usize = digits.parse().ok()?;
        (n.to_string() == digits && n <= self.published.len()).then_some(n)
    }

    /// Whether an event to be replayed after this place is gone.
    fn has_lost(&self, topics: u8, place: usize) -> bool {
        self.published[place..].iter().any(|p| {
            Self::includes(topics, p.item.topic)
                && p.item.kind != Kind::Ephemeral
                && p.evicted
                && !p.emptied
        })
    }

    /// The events to be sent after this place, ephemeral ones only from `live_from` on.
    fn after(&self, topics: u8, place: usize, live_from: usize) -> Vec<usize> {
        (place..self.published.len())
            .filter(|&index| {
                let p = &self.published[index];
                let is_replayed = p.item.kind != Kind::Ephemeral || index >= live_from;
                Self::includes(topics, p.item.topic) && is_replayed && p.is_there()
            })
            .map(|index| index + 1)
            .collect()
    }
}

/// A client: the model's, and the real one.
struct Client {
    subscriber: Subscriber,
    topics: u8,
    live_from: usize,
    /// Everything up to here has been sent.
    place: usize,
    /// The last id that it has got.
    id: Option<String>,
}

impl Client {
    fn poll(&mut self) -> Option<String> {
        let mut cx = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.subscriber).poll_next(&mut cx) {
            Poll::Ready(frame) => {
                let frame = String::from_utf8(frame?.into_bytes().to_vec()).unwrap();
                if let Some(id) = field(&frame, "id") {
                    self.id = Some(id.to_owned());
                }
                Some(frame)
            }
            Poll::Pending => None,
        }
    }

    /// Reads one frame of the log, and compares.
    fn read(&mut self, model: &Model, on_gap: OnGap) -> Result<bool, TestCaseError> {
        let has_lost = model.has_lost(self.topics, self.place);
        let expected = model.after(self.topics, self.place, self.live_from).first().copied();
        let Some(frame) = self.poll() else {
            prop_assert!(!has_lost && expected.is_none(), "{expected:?} in place of nothing");
            return Ok(false);
        };
        match field(&frame, "event") {
            Some("checkpoint") => {
                // Only an up-to-date client gets a newer position.
                prop_assert!(!has_lost && expected.is_none(), "{frame}");
                let place = model.locate(self.topics, field(&frame, "id").unwrap());
                prop_assert_eq!(place, Some(model.published.len()));
                self.place = model.published.len();
            }
            Some("gap") => {
                prop_assert!(has_lost, "{}", frame);
                let place = model.locate(self.topics, field(&frame, "id").unwrap()).unwrap();
                prop_assert!(place > self.place);
                prop_assert!(!model.has_lost(self.topics, place));
                if on_gap == OnGap::Oldest {
                    // No available event is left out.
                    let could = model.after(self.topics, self.place, self.live_from);
                    let kept =
                        |place: &usize| model.published[*place - 1].item.kind != Kind::Ephemeral;
                    prop_assert!(could.iter().filter(|p| kept(p)).all(|p| *p > place));
                } else {
                    prop_assert_eq!(place, model.published.len());
                }
                self.place = place;
            }
            _ => {
                prop_assert!(!has_lost, "{frame} in place of a gap");
                let place = expected.unwrap();
                let published = &model.published[place - 1];
                let data = place.to_string();
                prop_assert_eq!(field(&frame, "data"), Some(data.as_str()));
                prop_assert_eq!(field(&frame, "id"), published.id.as_deref());
                self.place = place;
            }
        }
        Ok(true)
    }
}

/// Subscribes, and compares the opening with the model.
fn connect(
    hub: &Hub,
    model: &Model,
    topics: u8,
    last: &LastEventId,
    on_gap: OnGap,
) -> Result<Client, TestCaseError> {
    let names: Vec<_> = (0..3).filter(|n| Model::includes(topics, *n)).map(|n| TOPICS[n]).collect();
    let subscriber = match topics {
        8 => hub.subscribe_all(last),
        1 if model.published.len().is_multiple_of(2) => hub.subscribe(last),
        _ => hub.subscribe_to(&names, last),
    };
    let tip = model.published.len();
    let resumption = subscriber.resumption();
    let id = last.get().map(|id| id.as_str().to_owned());
    let mut client = Client { subscriber, topics, live_from: tip, place: tip, id };
    let opening = client.poll().unwrap();
    prop_assert_eq!(field(&opening, "event"), Some("checkpoint"));
    let place = last.get().and_then(|id| model.locate(topics, id.as_str()));
    let is_gap = place.is_some_and(|place| model.has_lost(topics, place));
    match (&resumption, last.get()) {
        (Resumption::Fresh, None) => {}
        (Resumption::Exact { missed }, Some(_)) => {
            client.place = place.unwrap();
            prop_assert!(!is_gap);
            prop_assert_eq!(*missed, model.after(topics, client.place, tip).len());
        }
        (Resumption::Gap { requested, resumed_after }, Some(id)) => {
            // The log forgets a topic without subscribers and entries: the lost events may have
            // been its own.
            let can_be = place.is_some_and(|place| model.has_lost(8, place));
            prop_assert!(is_gap || can_be);
            prop_assert_eq!(requested.as_ref(), Some(id));
            client.place = model.locate(topics, resumed_after.as_str()).unwrap();
        }
        (Resumption::Unknown { requested, resumed_after }, Some(id)) => {
            prop_assert_eq!(place, None);
            prop_assert_eq!(requested.as_ref(), Some(id));
            client.place = model.locate(topics, resumed_after.as_str()).unwrap();
        }
        other => prop_assert!(false, "{:?}", other),
    }
    let has_moved = matches!(resumption, Resumption::Fresh | Resumption::Exact { .. });
    prop_assert_eq!(field(&opening, "id").is_some(), has_moved);
    if has_moved {
        prop_assert_eq!(model.locate(topics, client.id.as_deref().unwrap()), Some(client.place));
    } else {
        let gap = client.poll().unwrap();
        prop_assert_eq!(field(&gap, "event"), Some("gap"));
        prop_assert!(!model.has_lost(topics, client.place));
        // The client gets every available event, or none of the old ones.
        let expected = match on_gap {
            OnGap::Oldest => model.after(topics, 0, tip),
            _ => Vec::new(),
        };
        prop_assert_eq!(model.after(topics, client.place, tip), expected);
    }
    Ok(client)
}

fn run(
    builder: HubBuilder,
    events: usize,
    on_gap: OnGap,
    steps: Vec<Step>,
) -> Result<(), TestCaseError> {
    let hub = builder.retain_events(events).on_gap(on_gap).build();
    let mut model = Model { max_events: events, ..Model::default() };
    let opening = Client {
        subscriber: hub.subscribe(&LastEventId::none()),
        topics: 0,
        live_from: 0,
        place: 0,
        id: None,
    }
    .poll()
    .unwrap();
    model.epoch = field(&opening, "id").unwrap().strip_suffix("-0").unwrap().to_owned();
    let mut clients: Vec<Client> = Vec::new();
    for step in steps {
        match step {
            Step::Publish(item) => {
                let place = model.published.len() + 1;
                let mut event = Event::json(place);
                match item.kind {
                    Kind::Automatic => {}
                    Kind::Own => event = event.id(EventId::new(format!("row {place}")).unwrap()),
                    Kind::Ephemeral => event = event.no_id(),
                }
                let key = item.key.map(|key| key.to_string());
                let to = hub.to(TOPICS[item.topic]);
                let to = key.as_deref().map_or(to, |key| to.key(key));
                let id = to.try_publish(&event).unwrap().map(|id| id.as_str().to_owned());
                prop_assert_eq!(id.is_none(), item.kind == Kind::Ephemeral);
                let hears = |client: &Client| Model::includes(client.topics, item.topic);
                model.push(&item, id, clients.iter().any(hears));
            }
            Step::Subscribe { topics, last } => {
                let id = match last {
                    Last::None => None,
                    Last::Back(back) => model
                        .published
                        .iter()
                        .rev()
                        .nth(back)
                        .and_then(|p| p.id.clone())
                        .or(Some(format!("{}-0", model.epoch))),
                    Last::Future(n) => {
                        Some(format!("{}-{}", model.epoch, model.published.len() as u64 + n))
                    }
                    Last::OtherEpoch(n) => Some(format!("{}1-{n}", model.epoch)),
                    Last::Text(text) => Some(text),
                };
                let last = id.map(|id| EventId::new(id).unwrap()).into();
                clients.push(connect(&hub, &model, topics, &last, on_gap)?);
            }
            Step::Read { subscriber, frames } => {
                let Some(index) = subscriber.checked_rem(clients.len()) else { continue };
                for _ in 0..frames {
                    if !clients[index].read(&model, on_gap)? {
                        break;
                    }
                }
            }
            Step::Reconnect { subscriber } => {
                let Some(index) = subscriber.checked_rem(clients.len()) else { continue };
                let client = clients.swap_remove(index);
                let last = client.id.map(|id| EventId::new(id).unwrap()).into();
                let topics = client.topics;
                drop(client.subscriber);
                clients.push(connect(&hub, &model, topics, &last, on_gap)?);
            }
        }
        let is_retained = |p: &&Published| p.item.kind != Kind::Ephemeral && p.is_there();
        let retained = model.published.iter().filter(is_retained);
        prop_assert_eq!(hub.stats().retained, retained.count());
    }
    // In the end each client gets all its events, and then waits.
    for client in &mut clients {
        while client.read(&model, on_gap)? {}
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_subscriber_gets_what_the_model_says(
        events in 1..12_usize,
        newest in any::<bool>(),
        steps in vec(step(), 0..80),
    ) {
        let on_gap = if newest { OnGap::Newest } else { OnGap::Oldest };
        run(Hub::builder(), events, on_gap, steps)?;
    }

    #[test]
    fn any_text_is_an_unknown_id_or_a_position(text in "\\PC{1,40}", published in 0..5_usize) {
        let hub = Hub::new();
        for n in 0..published {
            hub.try_publish(&Event::json(n)).unwrap();
        }
        let last = LastEventId::from_headers([text.as_bytes()]);
        let resumption = hub.subscribe(&last).resumption();
        let is_unknown = matches!(resumption, Resumption::Unknown { .. });
        prop_assert!(is_unknown, "{:?}", resumption);
    }

    #[test]
    fn bytes_are_bounded(sizes in vec(0..500_usize, 1..60), bytes in 1..3_000_usize) {
        let hub = Hub::builder().retain_bytes(bytes).build();
        let mut ids = Vec::new();
        for size in sizes {
            ids.push(hub.try_publish(&Event::text("x".repeat(size))).unwrap().unwrap());
            let stats = hub.stats();
            prop_assert!(stats.retained_bytes <= bytes || stats.retained == 1);
            for (missed, id) in ids.iter().rev().enumerate() {
                let resumption = hub.subscribe(&id.clone().into()).resumption();
                let is_exact = resumption == Resumption::Exact { missed };
                prop_assert_eq!(is_exact, missed <= stats.retained, "{:?}", resumption);
            }
        }
    }
}

#[test]
fn ids_of_other_origins_are_unknown() {
    let hub = Hub::new();
    let id = hub.try_publish(&Event::text("a")).unwrap().unwrap();
    let (epoch, _) = id.as_str().split_once('-').unwrap();
    let longest = "1".repeat(EventId::MAX_LEN);
    for text in [
        "-",
        "+",
        "1",
        "0",
        "1-",
        "-1",
        "1-1",
        "*",
        "$",
        "(1-1",
        "1-*",
        "\u{feff}1-1",
        epoch,
        &format!("{epoch}-"),
        &format!("{epoch}-2"),
        &format!("{epoch}-01"),
        &format!("{epoch}-+1"),
        &format!("{epoch}-1 "),
        &format!(" {epoch}-1"),
        &format!("0{epoch}-1"),
        &format!("{epoch}-1-1"),
        &format!("{epoch}-18446744073709551615"),
        &format!("{epoch}-18446744073709551616"),
        &longest,
        &format!("{epoch}-{longest}")[..EventId::MAX_LEN],
    ] {
        let last = LastEventId::from_headers([text.as_bytes()]);
        assert!(last.get().is_some(), "{text}");
        let subscriber = hub.subscribe(&last);
        let resumption = subscriber.resumption();
        assert!(matches!(resumption, Resumption::Unknown { .. }), "{text}: {resumption:?}");
        let Resumption::Unknown { requested, .. } = resumption else { continue };
        assert_eq!(requested.is_some(), text.len() <= 128, "{text}");
        assert!(requested.is_none_or(|id| id == text));
    }
    for n in [0, 1] {
        let last = LastEventId::from_headers([format!("{epoch}-{n}")]);
        assert_eq!(hub.subscribe(&last).resumption(), Resumption::Exact { missed: 1 - n });
    }
}
