//! The kernel under loom: no wake-up is lost in any order of the threads.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Wake, Waker},
};

use loom::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use super::{
    list::{Reach, Report, WaitList, WaiterId},
    signal::Signal,
    wake::{wake_all, wake_each_once},
};

/// Counts how often it was woken.
struct Wakes(AtomicUsize);

impl Wakes {
    fn new() -> Arc<Self> {
        Arc::new(Self(AtomicUsize::new(0)))
    }

    fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A list, and in place of the log the sequence number of its newest entry, under a lock.
struct Hub {
    list: WaitList<u64>,
    log: Mutex<u64>,
}

impl Hub {
    fn new(shards: usize) -> Arc<Self> {
        let list = WaitList::new(0, shards, 0, Signal::new());
        Arc::new(Self { list, log: Mutex::new(0) })
    }

    fn publish(&self) {
        let (before, seq) = {
            let mut log = self.log.lock().unwrap();
            *log += 1;
            (self.list.set_last(*log), *log)
        };
        self.list.announce(before, seq, &seq);
    }

    /// Reads every entry, in order, and then waits, as a subscriber does.
    fn read(&self, waiter: WaiterId, cursor: &mut u64, waker: &Waker) {
        loop {
            if self.list.last() > *cursor {
                *cursor = match self.list.newest_after(waiter, *cursor) {
                    Some((seq, frame)) => {
                        assert_eq!(seq, frame);
                        // Nothing between is skipped.
                        assert_eq!(seq, *cursor + 1);
                        seq
                    }
                    None => {
                        assert!(*self.log.lock().unwrap() > *cursor);
                        *cursor + 1
                    }
                };
                continue;
            }
            let report = Report { client: *cursor, cursor: *cursor };
            let is_news = || self.list.last() > *cursor;
            if self.list.park(waiter, &report, waker.clone(), is_news) {
                return;
            }
        }
    }
}

/// One subscriber waits while two entries are published, by one thread or by two.
fn wakes_up(shards: usize, publishers: usize) {
    loom::model(move || {
        let hub = Hub::new(shards);
        let waiter = hub.list.join(0);
        let publishers: Vec<_> = (0..publishers)
            .map(|_| {
                let hub = hub.clone();
                thread::spawn(move || (0..2 / publishers).for_each(|_| hub.publish()))
            })
            .collect();
        let wakes = Wakes::new();
        let waker = Waker::from(wakes.clone());
        let mut cursor = 0;
        hub.read(waiter, &mut cursor, &waker);
        let seen = cursor;
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        // A waiting subscriber that lacks an entry has been woken.
        assert!(seen == 2 || wakes.count() > 0, "{seen}");
        hub.read(waiter, &mut cursor, &waker);
        assert_eq!(cursor, 2);
        hub.list.leave(waiter);
    });
}

#[test]
fn a_waiting_subscriber_is_woken_by_one_publisher() {
    wakes_up(1, 1);
}

#[test]
fn a_waiting_subscriber_is_woken_by_two_publishers() {
    wakes_up(1, 2);
}

#[test]
fn a_subscriber_in_one_of_two_shards_is_woken() {
    wakes_up(2, 1);
}

#[test]
fn two_subscribers_are_both_woken() {
    loom::model(|| {
        let hub = Hub::new(1);
        let waiters = [0; 2].map(|_| hub.list.join(0));
        let all = [0; 2].map(|_| Wakes::new());
        let reader = {
            let (hub, waker) = (hub.clone(), Waker::from(all[1].clone()));
            thread::spawn(move || {
                let mut cursor = 0;
                hub.read(waiters[1], &mut cursor, &waker);
                cursor
            })
        };
        let publisher = {
            let hub = hub.clone();
            thread::spawn(move || hub.publish())
        };
        let mut cursor = 0;
        hub.read(waiters[0], &mut cursor, &Waker::from(all[0].clone()));
        let seen = [cursor, reader.join().unwrap()];
        publisher.join().unwrap();
        for (seen, wakes) in seen.into_iter().zip(all) {
            assert!(seen == 1 || wakes.count() == 1);
        }
    });
}

#[test]
fn a_reused_slot_wakes_its_new_subscriber() {
    loom::model(|| {
        let hub = Hub::new(1);
        let kept = hub.list.join(0);
        let waiter = hub.list.join(0);
        let (old, new) = (Wakes::new(), Wakes::new());
        hub.read(waiter, &mut 0, &Waker::from(old.clone()));
        let publisher = {
            let hub = hub.clone();
            thread::spawn(move || hub.publish())
        };
        hub.list.leave(waiter);
        let woken_before = old.count();
        let mut cursor = 0;
        let waiter = hub.list.join(cursor);
        hub.read(waiter, &mut cursor, &Waker::from(new.clone()));
        let seen = cursor;
        publisher.join().unwrap();
        // A waker taken before the waiter left may be woken later.
        assert!(old.count() <= 1 && old.count() >= woken_before);
        assert!(seen == 1 || new.count() == 1);
        hub.read(waiter, &mut cursor, &Waker::from(new.clone()));
        assert_eq!(cursor, 1);
        hub.list.leave(waiter);
        hub.list.leave(kept);
        assert!(hub.list.is_empty());
    });
}

#[test]
fn a_keep_alive_that_polls_again_replaces_the_waker() {
    loom::model(|| {
        let hub = Hub::new(1);
        let waiter = hub.list.join(0);
        let (first, second) = (Wakes::new(), Wakes::new());
        let mut cursor = 0;
        hub.read(waiter, &mut cursor, &Waker::from(first.clone()));
        let publisher = {
            let hub = hub.clone();
            thread::spawn(move || hub.publish())
        };
        hub.read(waiter, &mut cursor, &Waker::from(second.clone()));
        let seen = cursor;
        publisher.join().unwrap();
        assert!(seen == 1 || second.count() == 1);
        assert!(first.count() + second.count() <= 1);
    });
}

#[test]
fn the_last_subscriber_of_a_list_leaves_during_a_publish() {
    loom::model(|| {
        let hub = Hub::new(1);
        let waiter = hub.list.join(0);
        let wakes = Wakes::new();
        hub.read(waiter, &mut 0, &Waker::from(wakes.clone()));
        let publisher = {
            let hub = hub.clone();
            thread::spawn(move || (0..2).for_each(|_| hub.publish()))
        };
        hub.list.leave(waiter);
        publisher.join().unwrap();
        assert!(wakes.count() <= 1);
        assert!(hub.list.is_empty());
        let mut cursor = 1;
        let waiter = hub.list.join(cursor);
        hub.read(waiter, &mut cursor, &Waker::from(wakes));
        assert_eq!(cursor, 2);
    });
}

#[test]
fn a_task_that_waits_in_two_lists_is_woken_once_by_an_event_in_both() {
    loom::model(|| {
        let hubs = [Hub::new(1), Hub::new(1)];
        let waiters = [0, 1].map(|n: usize| hubs[n].list.join(0));
        let publisher = {
            let hubs = hubs.clone();
            thread::spawn(move || {
                let before = {
                    let mut log = hubs[0].log.lock().unwrap();
                    *log += 1;
                    [0, 1].map(|n: usize| hubs[n].list.set_last(1))
                };
                let mut wakers = Vec::new();
                for (hub, before) in hubs.iter().zip(before) {
                    hub.list.announce_to(before, 1, &1, &mut wakers);
                }
                wake_each_once(&mut wakers);
            })
        };
        let wakes = Wakes::new();
        let waker = Waker::from(wakes.clone());
        let report = Report { client: 0, cursor: 0 };
        let parked = hubs.iter().zip(waiters).all(|(hub, waiter)| {
            hub.list.park(waiter, &report, waker.clone(), || hub.list.last() > 0)
        });
        publisher.join().unwrap();
        // One that waits in both is woken, and not twice; one that saw the event may have been.
        assert!(wakes.count() == 1 || !parked && wakes.count() == 0, "{parked}");
        assert!(hubs.iter().zip(waiters).all(|(hub, waiter)| {
            hub.list.newest_after(waiter, 0).is_some_and(|(seq, _)| seq == 1)
        }));
    });
}

#[test]
fn a_publisher_that_waits_is_woken_when_the_last_reader_has_read() {
    loom::model(|| {
        let progress = Signal::new();
        let list = WaitList::new(0, 1, 0, progress.clone());
        let hub = Arc::new(Hub { list, log: Mutex::new(0) });
        let waiter = hub.list.join(0);
        hub.publish();
        let reader = {
            let hub = hub.clone();
            thread::spawn(move || {
                hub.read(waiter, &mut 0, Waker::noop());
                hub.list.leave(waiter);
            })
        };
        let is_over = {
            let hub = hub.clone();
            move || hub.list.first_behind((0, 0), Reach { target: 1, lost: 0 }, 1).is_none()
        };
        let wakes = Wakes::new();
        let waker = Waker::from(wakes.clone());
        let mut wait = progress.until(is_over);
        let mut poll = || Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_ready();
        let was_over = poll();
        reader.join().unwrap();
        assert!(was_over || wakes.count() > 0);
        assert!(poll());
    });
}

/// A stream is ended while its subscriber goes to wait: it is woken, or does not wait.
fn ends(end: fn(&WaitList<u64>, WaiterId, &mut Vec<Waker>) -> usize) {
    loom::model(move || {
        let hub = Hub::new(1);
        let waiter = hub.list.join(0);
        let ending = {
            let hub = hub.clone();
            thread::spawn(move || {
                let mut wakers = Vec::new();
                assert_eq!(end(&hub.list, waiter, &mut wakers), 1);
                wake_all(&mut wakers);
            })
        };
        let wakes = Wakes::new();
        let waker = Waker::from(wakes.clone());
        let report = Report { client: 0, cursor: 0 };
        let is_parked = hub.list.park(waiter, &report, waker.clone(), || false);
        ending.join().unwrap();
        assert!(!is_parked || wakes.count() == 1);
        assert_eq!(hub.list.ended(waiter), 7);
        assert!(!hub.list.park(waiter, &report, waker, || false));
        hub.list.leave(waiter);
    });
}

#[test]
fn a_stream_that_is_ended_does_not_go_on_waiting() {
    ends(|list, waiter, wakers| usize::from(list.end(waiter, 7, wakers)));
}

#[test]
fn a_topic_s_stream_that_is_ended_does_not_go_on_waiting() {
    ends(|list, _, wakers| list.end_all(7, wakers));
}
