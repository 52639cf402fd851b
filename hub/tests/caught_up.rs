//! A publisher that waits for the subscribers that read.

mod support;

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Waker},
    time::Duration,
};

use futures_util::StreamExt;
use sse_encoder::Event;
use sse_hub::Hub;
use support::{Client, Wakes, none, publish};
use tokio::time::timeout;

/// A publisher's wait, which counts how often it was woken.
struct Wait {
    future: Pin<Box<dyn Future<Output = ()>>>,
    wakes: Arc<Wakes>,
}

impl Wait {
    fn new(hub: &Hub, max_lag: u64) -> Self {
        Self { future: Box::pin(hub.caught_up(max_lag)), wakes: Arc::default() }
    }

    fn is_ready(&mut self) -> bool {
        let waker = Waker::from(self.wakes.clone());
        self.future.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
    }

    fn wakes(&self) -> usize {
        self.wakes.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

fn publish_some(hub: &Hub, number: usize) {
    (0..number).for_each(|n| _ = publish(hub, &n.to_string()));
}

fn is_caught_up(hub: &Hub, max_lag: u64) -> bool {
    Wait::new(hub, max_lag).is_ready()
}

/// A subscriber that waits.
fn waiting(hub: &Hub) -> Client {
    let mut client = Client::live(hub.subscribe(&none()));
    client.assert_pending();
    client
}

#[test]
fn a_publisher_without_subscribers_waits_for_nobody() {
    let hub = Hub::new();
    assert!(is_caught_up(&hub, 0));
    publish_some(&hub, 100);
    assert!(is_caught_up(&hub, 0));
}

#[test]
fn a_publisher_waits_until_the_last_reader_is_near_enough() {
    let hub = Hub::new();
    let mut readers = [0; 3].map(|_| waiting(&hub));
    let mut all = Client::live(hub.subscribe_all(&none()));
    publish_some(&hub, 100);
    let mut wait = Wait::new(&hub, 50);
    let mut wakes = 0;
    for reader in readers.iter_mut().chain([&mut all]) {
        assert!(!wait.is_ready());
        // Its progress is seen after each 32 events.
        (0..32).for_each(|_| _ = reader.next());
        assert!(!wait.is_ready());
        wakes = wait.wakes();
        (0..32).for_each(|_| _ = reader.next());
    }
    assert!(wait.wakes() > wakes && wait.is_ready());
    assert!(!is_caught_up(&hub, 20));
    readers.iter_mut().chain([&mut all]).for_each(|reader| _ = reader.ready());
    assert!(is_caught_up(&hub, 0));
}

#[test]
fn events_published_during_a_wait_do_not_prolong_it() {
    let hub = Hub::new();
    let mut reader = waiting(&hub);
    publish_some(&hub, 100);
    let mut wait = Wait::new(&hub, 50);
    assert!(!wait.is_ready());
    publish_some(&hub, 100);
    (0..64).for_each(|_| _ = reader.next());
    assert!(wait.is_ready());
}

#[test]
fn one_that_has_not_read_during_a_wait_is_not_waited_for_until_it_reads() {
    let hub = Hub::new();
    let (mut reading, mut stalled) = (waiting(&hub), waiting(&hub));
    publish_some(&hub, 200);
    let mut wait = Wait::new(&hub, 10);
    assert!(!wait.is_ready());
    (0..32).for_each(|_| _ = reading.next());
    assert!(!wait.is_ready());
    drop(wait);
    let mut wait = Wait::new(&hub, 10);
    assert!(!wait.is_ready(), "the other one has read");
    reading.ready();
    assert!(wait.is_ready(), "the stalled one is not waited for");
    publish_some(&hub, 200);
    reading.ready();
    assert!(is_caught_up(&hub, 10));
    (0..32).for_each(|_| _ = stalled.next());
    publish_some(&hub, 11);
    reading.ready();
    assert!(!is_caught_up(&hub, 10), "it reads again");
}

#[test]
fn a_wait_that_was_never_polled_gives_nobody_up() {
    let hub = Hub::new();
    let reader = waiting(&hub);
    publish_some(&hub, 100);
    drop(hub.caught_up(10));
    assert!(!is_caught_up(&hub, 10));
    drop(reader);
}

#[test]
fn another_publisher_hears_that_one_is_not_waited_for() {
    let hub = Hub::new();
    let stalled = waiting(&hub);
    publish_some(&hub, 100);
    let (mut first, mut second) = (Wait::new(&hub, 10), Wait::new(&hub, 50));
    assert!(!first.is_ready() && !second.is_ready());
    drop(first);
    assert!(second.wakes() > 0 && second.is_ready());
    drop(stalled);
}

#[test]
fn one_that_has_lost_events_is_not_waited_for() {
    let hub = Hub::builder().retain_events(10).build();
    let mut stalled = waiting(&hub);
    publish_some(&hub, 8);
    assert!(!is_caught_up(&hub, 5));
    // It has read, and is not given up.
    assert!(stalled.next().is_some());
    stalled.ready();
    publish_some(&hub, 11);
    assert!(is_caught_up(&hub, 5));
}

#[test]
fn a_wait_ends_with_its_subscriber_and_with_the_hub() {
    let hub = Hub::new();
    let (one, other) = (waiting(&hub), waiting(&hub));
    publish_some(&hub, 100);
    let mut wait = Wait::new(&hub, 10);
    assert!(!wait.is_ready());
    drop(one);
    drop(other);
    assert!(wait.wakes() > 0 && wait.is_ready());

    let stalled = waiting(&hub);
    publish_some(&hub, 100);
    let mut wait = Wait::new(&hub, 10);
    assert!(!wait.is_ready());
    hub.close();
    assert!(wait.wakes() > 0 && wait.is_ready());
    drop(stalled);
}

#[test]
fn one_that_lacks_a_single_event_of_a_quiet_topic_is_not_far_behind() {
    let hub = Hub::new();
    let quiet = hub.subscribe_to(["quiet"], &none());
    let mut quiet = Client::live(quiet);
    quiet.assert_pending();
    publish_some(&hub, 500);
    hub.to("quiet").try_publish(&Event::text("a note")).unwrap();
    assert!(is_caught_up(&hub, 1));
    publish_some(&hub, 10);
    assert!(!is_caught_up(&hub, 5), "it lacks the eleventh one from the end");
}

#[test]
fn one_that_lost_events_of_another_topic_is_waited_for() {
    let hub = Hub::builder().retain_events(10).build();
    let mut quiet = Client::live(hub.subscribe_to(["quiet"], &none()));
    quiet.assert_pending();
    publish_some(&hub, 500);
    for n in 0..8 {
        hub.to("quiet").try_publish(&Event::json(n)).unwrap();
    }
    assert!(!is_caught_up(&hub, 4), "all that it lacks is retained");
    assert_eq!(quiet.ready().len(), 8);
}

#[test]
fn a_wait_is_woken_once_by_each_reader_that_it_is_not_at() {
    let hub = Hub::builder().retain_events(4_000).build();
    let mut readers = [0; 10].map(|_| waiting(&hub));
    publish_some(&hub, 3_200);
    let mut wait = Wait::new(&hub, 10);
    assert!(!wait.is_ready());
    for reader in &mut readers {
        // 90 reports.
        (0..2_880).for_each(|_| _ = reader.next());
    }
    assert!((1..=10).contains(&wait.wakes()), "{}", wait.wakes());
    readers.iter_mut().for_each(|reader| _ = reader.ready());
    assert!(wait.is_ready());
}

/// The clock moves only when every task waits for it.
#[tokio::test(start_paused = true)]
async fn readers_of_20_000_events_lose_none_and_one_that_stalls_stops_nobody() {
    let hub = Hub::builder().retain_events(1_024).build();
    let stalled = waiting(&hub);
    let readers: Vec<_> = (1..=3)
        .map(|pause| {
            let mut subscriber = hub.subscribe(&none());
            tokio::spawn(async move {
                for n in 0..=20_000_u32 {
                    let frame = subscriber.next().await.unwrap().into_bytes();
                    let frame = String::from_utf8(frame.to_vec()).unwrap();
                    // The first one is the checkpoint.
                    let data = n.checked_sub(1).map_or("{}".into(), |n| n.to_string());
                    assert!(frame.ends_with(&format!("data: {data}\n\n")), "{n}: {frame}");
                    if n % 40 == 0 {
                        tokio::time::sleep(Duration::from_millis(pause)).await;
                    }
                }
            })
        })
        .collect();
    let mut in_vain = 0;
    for n in 0..20_000 {
        let wait = timeout(Duration::from_millis(50), hub.caught_up(512));
        in_vain += usize::from(wait.await.is_err());
        publish(&hub, &n.to_string());
    }
    assert_eq!(in_vain, 1);
    for reader in readers {
        reader.await.unwrap();
    }
    assert_eq!(hub.stats().gaps, 0);
    drop(stalled);
}
