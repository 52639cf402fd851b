//! Each subscriber's sequence is exact, or has a gap at the right place; and nobody sleeps for
//! ever.

use std::sync::Arc;

use futures_util::StreamExt;
use shuttle::{
    future::block_on,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, Subscriber};

fn runs() -> usize {
    std::env::var("SHUTTLE_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(3_000)
}

/// Orders of two kinds: any, and such with few changes of the thread, which finds rare ones sooner.
fn check(test: impl Fn() + Clone + Send + Sync + 'static) {
    shuttle::check_random(test.clone(), runs());
    shuttle::check_pct(test, runs(), 3);
}

fn field<'a>(frame: &'a str, name: &str) -> Option<&'a str> {
    frame.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn n(id: &str) -> u64 {
    id.split_once('-').unwrap().1.parse().unwrap()
}

/// What was published: the topic and the number of each, in the order of the ids.
type Published = Arc<Mutex<Vec<(u64, usize)>>>;

/// What a client has been given, in order.
#[derive(Default)]
struct Seen {
    id: Option<String>,
    /// Of events; or, after a gap, that all up to here may be missing.
    places: Vec<(u64, bool)>,
}

impl Seen {
    fn see(&mut self, frame: &str) {
        let Some(id) = field(frame, "id") else { return };
        match field(frame, "event") {
            Some("checkpoint") => {}
            Some("gap") => self.places.push((n(id), true)),
            _ => self.places.push((n(id), false)),
        }
        self.id = Some(id.to_owned());
    }

    async fn read(
        mut self,
        mut subscribe: impl FnMut(&LastEventId) -> Subscriber,
        every: usize,
    ) -> Self {
        loop {
            let last = self.id.clone().map(|id| EventId::new(id).unwrap()).into();
            let mut subscriber = subscribe(&last);
            for _ in 0..every {
                let Some(frame) = subscriber.next().await else { return self };
                self.see(str::from_utf8(frame.as_bytes()).unwrap());
            }
        }
    }

    /// All of its topics' events are here in order, but for those that a gap stands for.
    fn check(&self, start: u64, topics: &[usize], published: &[(u64, usize)]) {
        let mut at = start;
        let heard = |from: u64, to: u64| {
            published
                .iter()
                .filter(|(place, topic)| (from < *place && *place < to) && topics.contains(topic))
                .count()
        };
        for (place, is_gap) in &self.places {
            assert!(*place > at, "{place} after {at}");
            assert!(*is_gap || heard(at, *place) == 0, "a hole between {at} and {place}");
            at = *place;
        }
        assert_eq!(heard(at, u64::MAX), 0, "the end is missing after {at}");
    }
}

const TOPICS: [&str; 3] = ["", "a", "b"];

/// Publishers that also close the hub at the end, and subscribers of several kinds.
fn run(retained: usize, publishers: usize, each: usize, subscribers: usize) {
    let hub = Hub::builder().retain_events(retained).build();
    let published = Published::default();
    let left = Arc::new(AtomicU64::new(publishers as u64));
    let mut readers = Vec::new();
    for reader in 0..subscribers {
        let hub = hub.clone();
        readers.push(thread::spawn(move || {
            let topics: &[usize] = [&[0][..], &[1], &[0, 2], &[0, 1, 2]][reader % 4];
            let all = reader % 8 == 7;
            let names: Vec<_> = topics.iter().map(|topic| TOPICS[*topic]).collect();
            let subscribe = |last: &LastEventId| {
                if all { hub.subscribe_all(last) } else { hub.subscribe_to(&names, last) }
            };
            let every = if reader % 2 == 0 { usize::MAX } else { 3 };
            let seen = block_on(Seen::default().read(subscribe, every));
            (topics, seen)
        }));
    }
    let writers: Vec<_> = (0..publishers)
        .map(|publisher| {
            let (hub, published, left) = (hub.clone(), published.clone(), left.clone());
            thread::spawn(move || {
                for event in 0..each {
                    let topic = (publisher + event) % TOPICS.len();
                    let to = hub.to(TOPICS[topic]);
                    let id = to.try_publish(&Event::json(event)).unwrap().unwrap();
                    published.lock().unwrap().push((n(id.as_str()), topic));
                }
                if left.fetch_sub(1, Ordering::SeqCst) == 1 {
                    hub.close();
                }
            })
        })
        .collect();
    writers.into_iter().for_each(|writer| writer.join().unwrap());
    let published = published.lock().unwrap().clone();
    for reader in readers {
        let (topics, seen) = reader.join().unwrap();
        // It may have come at any time: what it has heard of is complete from there on.
        let start = seen.places.first().map_or(u64::MAX - 1, |(place, _)| *place - 1);
        if start < u64::MAX - 1 {
            seen.check(start, topics, &published);
        }
    }
    block_on(hub.drained());
    assert_eq!(hub.stats().subscribers, 0);
    assert_eq!(hub.stats().published, (publishers * each) as u64);
}

#[test]
fn four_publishers_and_eight_subscribers_with_everything_retained() {
    check(|| run(64, 4, 3, 8));
}

#[test]
fn four_publishers_and_eight_subscribers_with_a_log_that_is_too_short() {
    check(|| run(2, 4, 3, 8));
}

#[test]
fn resuming_from_the_first_position_misses_nothing() {
    check(|| {
        let hub = Hub::builder().retain_events(3).build();
        let subscribers: Vec<_> = (0..3).map(|_| hub.subscribe(&LastEventId::none())).collect();
        let readers: Vec<_> = subscribers
            .into_iter()
            .map(|first| {
                let (hub, mut first) = (hub.clone(), Some(first));
                thread::spawn(move || {
                    let subscribe =
                        |last: &LastEventId| first.take().unwrap_or_else(|| hub.subscribe(last));
                    block_on(Seen::default().read(subscribe, 3))
                })
            })
            .collect();
        let writers: Vec<_> = (0..2)
            .map(|_| {
                let hub = hub.clone();
                thread::spawn(move || {
                    for event in 0..4 {
                        hub.try_publish(&Event::json(event)).unwrap();
                    }
                })
            })
            .collect();
        writers.into_iter().for_each(|writer| writer.join().unwrap());
        hub.close();
        let published: Vec<_> = (1..=8).map(|place| (place, 0)).collect();
        for reader in readers {
            reader.join().unwrap().check(0, &[0], &published);
        }
    });
}

#[test]
fn subscribers_of_a_topic_leave_and_join_during_a_publish() {
    check(|| {
        let hub = Hub::builder().retain_events(1).build();
        let other = hub.clone();
        let publisher = thread::spawn(move || {
            for topic in ["a", "b", "a"] {
                other.to(topic).try_publish(&Event::text(topic)).unwrap();
            }
        });
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let hub = hub.clone();
                thread::spawn(move || {
                    for _ in 0..2 {
                        drop(hub.subscribe_to(["a"], &LastEventId::none()));
                    }
                    block_on(hub.subscribe_to(["a"], &LastEventId::none()).next());
                })
            })
            .collect();
        publisher.join().unwrap();
        readers.into_iter().for_each(|reader| reader.join().unwrap());
        hub.close();
        block_on(hub.drained());
        assert_eq!(hub.stats().retained, 1);
    });
}

/// Nothing comes after it that would wake who has slept through it.
#[test]
fn an_event_and_the_end_each_wake_every_subscriber() {
    check(|| {
        let hub = Hub::new();
        let readers: Vec<_> = [&[""][..], &["", "a"], &["a"]]
            .into_iter()
            .map(|topics| {
                let mut subscriber = hub.subscribe_to(topics, &LastEventId::none());
                let event = if topics[0].is_empty() { "all" } else { "a" };
                thread::spawn(move || {
                    let mut frames = 0;
                    loop {
                        let frame = block_on(subscriber.next()).unwrap();
                        frames += 1;
                        if frame.as_bytes().ends_with(format!("data: {event}\n\n").as_bytes()) {
                            break;
                        }
                    }
                    assert!(frames <= 3);
                    subscriber
                })
            })
            .collect();
        hub.try_publish(&Event::text("all")).unwrap();
        hub.to("a").try_publish(&Event::text("a")).unwrap();
        let waiting: Vec<_> = readers.into_iter().map(|reader| reader.join().unwrap()).collect();
        let readers: Vec<_> = waiting
            .into_iter()
            .map(|subscriber| thread::spawn(move || block_on(subscriber.count())))
            .collect();
        let closing = hub.clone();
        let closer = thread::spawn(move || closing.close());
        block_on(hub.drained());
        readers.into_iter().for_each(|reader| assert!(reader.join().unwrap() >= 1));
        closer.join().unwrap();
    });
}
