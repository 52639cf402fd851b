//! A script of the hub's own calls, against a model that keeps everything: publishing to topics,
//! with keys, ids of their own or none; subscribing, reading, being cut off, coming back.

#![no_main]

use std::{
    pin::Pin,
    task::{Context, Poll, Waker},
};

use futures_core::Stream;
use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, Resumption, Subscriber};

const TOPICS: [&str; 3] = ["", "a", "b"];
/// The set of all topics, as bits.
const ALL: u8 = 7;

#[derive(Arbitrary, Debug)]
enum Step {
    Publish {
        topics: u8,
        key: u8,
        kind: u8,
    },
    Subscribe {
        topics: u8,
        last: Last,
    },
    Read {
        client: u8,
        frames: u8,
    },
    /// A client is cut off, and comes back with the last id that it got.
    Return {
        client: u8,
    },
}

#[derive(Arbitrary, Debug)]
enum Last {
    None,
    /// The id of an event.
    Of(u8),
    Text(String),
}

#[derive(Clone)]
struct Published {
    /// Where it is an event still: in topics of its own where no newer one has its key.
    topics: u8,
    key: Option<u8>,
    id: Option<String>,
    is_ephemeral: bool,
    is_evicted: bool,
}

#[derive(Default)]
struct Model {
    /// Each event's data is its place, counted from 1.
    published: Vec<Published>,
    max: usize,
}

impl Model {
    fn push(&mut self, event: Published) {
        for older in &mut self.published {
            let is_same = older.key == event.key && older.is_ephemeral == event.is_ephemeral;
            if event.key.is_some() && is_same && !older.is_evicted {
                older.topics &= !event.topics;
            }
        }
        self.published.push(event);
        let is_kept = |e: &&mut Published| !e.is_ephemeral && !e.is_evicted && e.topics != 0;
        let excess = self.published.iter_mut().filter(is_kept).count().saturating_sub(self.max);
        self.published.iter_mut().filter(is_kept).take(excess).for_each(|e| e.is_evicted = true);
    }

    /// The places after this one of events that a client of these topics must get.
    fn due(&self, topics: u8, after: usize) -> impl Iterator<Item = (usize, &Published)> {
        let all = self.published.iter().enumerate().skip(after);
        let of_these = move |(_, e): &(usize, &Published)| e.topics & topics != 0;
        all.filter(of_these).filter(|(_, e)| !e.is_ephemeral).map(|(n, e)| (n + 1, e))
    }

    fn has_lost(&self, topics: u8, after: usize) -> bool {
        self.due(topics, after).any(|(_, event)| event.is_evicted)
    }
}

struct Client {
    subscriber: Subscriber,
    topics: u8,
    /// Everything up to here was given, or its loss was told.
    place: usize,
    id: Option<String>,
}

fn field<'a>(frame: &'a str, name: &str) -> Option<&'a str> {
    frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// The place of an automatic id.
fn place(id: &str) -> usize {
    id.rsplit_once('-').unwrap().1.parse().unwrap()
}

impl Client {
    fn new(hub: &Hub, model: &Model, topics: u8, id: Option<String>) -> Option<Self> {
        let topics = topics & ALL;
        let last = match &id {
            Some(id) => LastEventId::from(EventId::new(id).ok()?),
            None => LastEventId::none(),
        };
        let names: Vec<_> = (0..3).filter(|n| topics & 1 << n != 0).map(|n| TOPICS[n]).collect();
        let subscriber =
            if topics == ALL { hub.subscribe_all(&last) } else { hub.subscribe_to(names, &last) };
        let mut client = Self { subscriber, topics, place: model.published.len(), id };
        let resumption = client.subscriber.resumption();
        let opening = client.poll().unwrap();
        assert_eq!(field(&opening, "event"), Some("checkpoint"));
        match resumption {
            Resumption::Fresh => assert!(last.get().is_none()),
            Resumption::Exact { missed } => {
                let id = client.id.as_deref().unwrap();
                let own = |e: &Published| e.id.as_deref() == Some(id) && !id.contains('-');
                let own = model.published.iter().position(own);
                client.place = own.map_or_else(|| place(id), |index| index + 1);
                // An id of one's own is known to those who may have the event.
                assert!(!model.has_lost(topics, client.place));
                assert_eq!(model.due(topics, client.place).count(), missed);
            }
            _ => {
                assert_eq!(field(&opening, "id"), None);
                client.place = 0;
                let gap = client.poll().unwrap();
                client.gap(&gap, model);
            }
        }
        Some(client)
    }

    fn poll(&mut self) -> Option<String> {
        let mut cx = Context::from_waker(Waker::noop());
        let Poll::Ready(frame) = Pin::new(&mut self.subscriber).poll_next(&mut cx) else {
            return None;
        };
        let frame = String::from_utf8(frame?.into_bytes().to_vec()).unwrap();
        if let Some(id) = field(&frame, "id") {
            self.id = Some(id.to_owned());
        }
        Some(frame)
    }

    fn gap(&mut self, frame: &str, model: &Model) {
        assert_eq!(field(frame, "event"), Some("gap"), "{frame}");
        let place = place(field(frame, "id").unwrap());
        assert!(place >= self.place && !model.has_lost(self.topics, place));
        // Nothing that is there is skipped.
        let skipped =
            model.due(self.topics, self.place).find(|(n, e)| *n <= place && !e.is_evicted);
        assert!(skipped.is_none());
        self.place = place;
    }

    /// Reads one frame; `false` if none is ready.
    fn read(&mut self, model: &Model) -> bool {
        let next = model.due(self.topics, self.place).map(|(place, _)| place).next();
        let has_lost = model.has_lost(self.topics, self.place);
        let Some(frame) = self.poll() else {
            assert!(next.is_none() && !has_lost, "{next:?}");
            return false;
        };
        match field(&frame, "event") {
            Some("gap") => {
                assert!(has_lost);
                self.gap(&frame, model);
            }
            Some("checkpoint") => {
                assert!(next.is_none() && !has_lost);
                self.place = place(field(&frame, "id").unwrap());
            }
            _ => {
                let place: usize = field(&frame, "data").unwrap().parse().unwrap();
                let event = &model.published[place - 1];
                assert!(place > self.place && event.topics & self.topics != 0);
                assert!(!has_lost && next.is_none_or(|next| next >= place), "{next:?} {place}");
                assert!(event.is_ephemeral || next == Some(place));
                assert_eq!(field(&frame, "id"), event.id.as_deref());
                self.place = place;
            }
        }
        true
    }
}

fuzz_target!(|input: (u8, Vec<Step>)| {
    let (max, steps) = input;
    let max = 1 + usize::from(max % 12);
    let hub = Hub::builder().retain_events(max).build();
    let mut model = Model { max, ..Model::default() };
    let mut clients: Vec<Client> = Vec::new();
    for step in steps {
        match step {
            Step::Publish { topics, key, kind } => {
                let place = model.published.len() + 1;
                let (event, is_ephemeral) = match kind % 4 {
                    0 => (Event::json(place).no_id(), true),
                    1 => (Event::json(place).id(format!("row {place}")), false),
                    _ => (Event::json(place), false),
                };
                let topics = topics & ALL;
                let names: Vec<_> =
                    (0..3).filter(|n| topics & 1 << n != 0).map(|n| TOPICS[n]).collect();
                let key = (key % 4 < 2).then_some(key % 4);
                let text = key.map(|key| key.to_string());
                let to = hub.to_all(&names);
                let to = text.as_deref().map_or(to, |key| to.key(key));
                let id = to.try_publish(&event).unwrap().map(|id| id.as_str().to_owned());
                assert_eq!(id.is_none(), is_ephemeral);
                // No topic at all is that without a name.
                let topics = if topics == 0 { 1 } else { topics };
                model.push(Published { topics, key, id, is_ephemeral, is_evicted: false });
            }
            Step::Subscribe { topics, last } => {
                let id = match last {
                    Last::None => None,
                    Last::Of(n) => {
                        let of = model.published.len().checked_sub(1 + usize::from(n));
                        of.and_then(|index| model.published[index].id.clone())
                    }
                    // Never one of this hub's, whose epoch it does not know.
                    Last::Text(text) if text.contains("row ") => None,
                    Last::Text(text) => Some(text).filter(|text| !text.is_empty()),
                };
                clients.extend(Client::new(&hub, &model, topics, id));
            }
            Step::Read { client, frames } if !clients.is_empty() => {
                let index = usize::from(client) % clients.len();
                for _ in 0..frames % 16 {
                    if !clients[index].read(&model) {
                        break;
                    }
                }
            }
            Step::Return { client } if !clients.is_empty() => {
                let index = usize::from(client) % clients.len();
                let Client { topics, id, .. } = clients.swap_remove(index);
                clients.extend(Client::new(&hub, &model, topics, id));
            }
            _ => {}
        }
        let is_kept = |e: &&Published| !e.is_ephemeral && !e.is_evicted && e.topics != 0;
        assert_eq!(hub.stats().retained, model.published.iter().filter(is_kept).count());
    }
    for client in &mut clients {
        while client.read(&model) {}
    }
});
