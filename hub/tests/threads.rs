//! The hub on threads of an executor that is not tokio's: publishers, subscribers that reconnect,
//! and a log too short for the slow ones.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use futures_executor::{ThreadPool, block_on};
use futures_util::{StreamExt, future::join_all};
use sse_encoder::{Event, EventId, LastEventId};
use sse_hub::{Hub, Subscriber};
use support::field;

/// The events that a subscriber has seen.
#[derive(Default)]
struct Seen {
    last: u64,
    id: Option<String>,
    events: usize,
    gaps: usize,
    connections: usize,
}

impl Seen {
    /// Each event's number is the one after the last, or a gap gives the next.
    fn see(&mut self, frame: &str) {
        let n = |id: &str| id.split_once('-').unwrap().1.parse::<u64>().unwrap();
        let Some(id) = field(frame, "id") else {
            return;
        };
        match field(frame, "event") {
            Some("checkpoint") => assert_eq!(n(id), self.last, "{frame}"),
            Some("gap") => {
                assert!(n(id) > self.last, "{frame}");
                self.gaps += 1;
            }
            _ => {
                assert_eq!(n(id), self.last + 1, "{frame}");
                self.events += 1;
            }
        }
        self.last = n(id);
        self.id = Some(id.to_owned());
    }

    /// Reads to the end, with a new connection after every so many frames.
    async fn read(mut self, hub: Hub, first: Subscriber, every: usize) -> Self {
        let mut subscriber = first;
        loop {
            let mut frames = 0;
            self.connections += 1;
            loop {
                let Some(frame) = subscriber.next().await else { return self };
                self.see(str::from_utf8(frame.as_bytes()).unwrap());
                frames += 1;
                if frames == every {
                    break;
                }
            }
            let last: LastEventId = self.id.clone().map(|id| EventId::new(id).unwrap()).into();
            subscriber = hub.subscribe(&last);
        }
    }
}

/// Publishers on threads of their own, subscribers in a pool: gives the events that each has seen.
fn run(retained: usize, publishers: u64, each: u64, subscribers: usize) -> Vec<Seen> {
    let pool = ThreadPool::builder().pool_size(3).create().unwrap();
    let hub = Hub::builder().retain_events(retained).build();
    let (sender, seen) = mpsc::channel();
    for n in 0..subscribers {
        let first = hub.subscribe(&LastEventId::none());
        let (hub, sender) = (hub.clone(), sender.clone());
        pool.spawn_ok(async move {
            // Some keep their connection, some connect anew all the time.
            let every = [usize::MAX, 3, 50][n % 3];
            sender.send(Seen::default().read(hub, first, every).await).unwrap();
        });
    }
    drop(sender);
    thread::scope(|scope| {
        for _ in 0..publishers {
            scope.spawn(|| {
                for n in 0..each {
                    block_on(hub.publish(&Event::json(n))).unwrap();
                }
            });
        }
    });
    hub.close();
    let all = seen.into_iter().collect();
    block_on(hub.drained());
    all
}

#[test]
fn with_enough_retained_each_subscriber_gets_every_event_in_order() {
    let all = run(8_000, 4, 2_000, 30);
    assert_eq!(all.len(), 30);
    for seen in all {
        assert_eq!((seen.events, seen.gaps, seen.last), (8_000, 0, 8_000));
        assert!(seen.connections > 0);
    }
}

#[test]
fn with_little_retained_each_subscriber_gets_every_event_in_order_or_a_gap() {
    let all = run(4, 4, 5_000, 30);
    assert_eq!(all.len(), 30);
    for seen in all {
        assert_eq!(seen.last, 20_000);
        assert!(seen.events == 20_000 || seen.gaps > 0);
    }
}

#[test]
fn a_state_and_the_updates_after_it_give_the_final_state() {
    const PUBLISHERS: usize = 3;
    const EACH: u64 = 3_000;
    let pool = ThreadPool::builder().pool_size(3).create().unwrap();
    let hub = Hub::builder().retain_events(100_000).build();
    let state: Arc<[AtomicU64; PUBLISHERS]> = Arc::default();
    let (sender, ended) = mpsc::channel();
    thread::scope(|scope| {
        for publisher in 0..PUBLISHERS {
            let (hub, state) = (&hub, &state);
            scope.spawn(move || {
                for n in 1..=EACH {
                    // The state changes first, so an update that is not in it is yet to be
                    // published.
                    state[publisher].store(n, Ordering::SeqCst);
                    hub.try_publish(&Event::json((publisher, n))).unwrap();
                }
            });
        }
        for _ in 0..100 {
            let mut subscriber = hub.subscribe(&LastEventId::none());
            thread::yield_now();
            let now: Vec<_> = state.iter().map(|value| value.load(Ordering::SeqCst)).collect();
            subscriber.begin_with(&Event::json(now)).unwrap();
            let sender = sender.clone();
            pool.spawn_ok(async move {
                let mut values = Vec::new();
                while let Some(frame) = subscriber.next().await {
                    let frame = str::from_utf8(frame.as_bytes()).unwrap();
                    match (field(frame, "event"), field(frame, "data")) {
                        (Some("message"), Some(data)) if values.is_empty() => {
                            values = serde_json::from_str(data).unwrap();
                        }
                        (Some("message"), Some(data)) => {
                            let (publisher, n): (usize, u64) = serde_json::from_str(data).unwrap();
                            values[publisher] = n;
                        }
                        (event, _) => assert!(matches!(event, Some("checkpoint") | None)),
                    }
                }
                sender.send(values).unwrap();
            });
        }
    });
    drop(sender);
    hub.close();
    let ended: Vec<Vec<u64>> = ended.into_iter().collect();
    assert_eq!(ended.len(), 100);
    assert!(ended.iter().all(|values| *values == [EACH; PUBLISHERS]), "{ended:?}");
}

#[test]
fn events_reach_only_their_topic_across_threads() {
    const TOPICS: usize = 20;
    let pool = ThreadPool::builder().pool_size(3).create().unwrap();
    let hub = Hub::new();
    let wrong = Arc::new(AtomicUsize::new(0));
    let (sender, done) = mpsc::channel();
    for topic in 0..TOPICS {
        let subscriber = hub.subscribe_to([topic.to_string()], &LastEventId::none());
        let (sender, wrong) = (sender.clone(), wrong.clone());
        pool.spawn_ok(async move {
            let frames: Vec<_> = subscriber.collect().await;
            let data = frames.iter().filter_map(|frame| {
                let frame = str::from_utf8(frame.as_bytes()).unwrap();
                (field(frame, "event") == Some("message")).then(|| field(frame, "data").unwrap())
            });
            let data: Vec<_> = data.collect();
            wrong.fetch_add(
                data.iter().filter(|data| **data != topic.to_string()).count(),
                Ordering::Relaxed,
            );
            sender.send(data.len()).unwrap();
        });
    }
    drop(sender);
    thread::scope(|scope| {
        for publisher in 0..4 {
            let hub = &hub;
            scope.spawn(move || {
                block_on(join_all((0..200).map(async |n: usize| {
                    let topic = (n + publisher) % TOPICS;
                    hub.to(&topic.to_string()).publish(&Event::json(topic)).await.unwrap();
                })));
            });
        }
    });
    hub.close();
    assert_eq!(done.into_iter().sum::<usize>(), 800);
    assert_eq!(wrong.load(Ordering::Relaxed), 0);
}
