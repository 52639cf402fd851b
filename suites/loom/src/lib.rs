//! The kernel of the hub, `room.rs`, under loom: no wake-up is lost, whatever the order of the
//! threads.

#![cfg(test)]

#[path = "../../../src/hub/room.rs"]
#[allow(dead_code)]
mod room;
#[path = "../../../src/hub/wake.rs"]
mod wake;

/// What `src/hub/sync.rs` is there.
mod sync {
    pub(super) use loom::sync::{
        Mutex, MutexGuard,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    };

    pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
        mutex.lock().unwrap()
    }
}

use std::{
    sync::Arc,
    task::{Wake, Waker},
};

use loom::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use room::{Report, Room, Seat};

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

/// A room, and what stands for the log: the sequence number of its newest entry, under a lock.
struct Hub {
    room: Room<u64>,
    log: Mutex<u64>,
}

impl Hub {
    fn new(shards: usize) -> Arc<Self> {
        Arc::new(Self { room: Room::new(0, "".into(), shards, 0), log: Mutex::new(0) })
    }

    fn publish(&self) {
        let (before, seq) = {
            let mut log = self.log.lock().unwrap();
            *log += 1;
            (self.room.set_last(*log), *log)
        };
        self.room.announce(before, seq, &seq);
    }

    /// What a subscriber does: everything that there is, in order, and then it waits.
    fn read(&self, seat: Seat, cursor: &mut u64, waker: &Waker) {
        loop {
            if self.room.last() > *cursor {
                *cursor = match self.room.newest_after(seat, *cursor) {
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
            let report = Report { client: *cursor, cursor: *cursor, delivered: 0 };
            let is_news = || self.room.last() > *cursor;
            if self.room.park(seat, &report, waker.clone(), is_news) {
                return;
            }
        }
    }
}

/// One subscriber waits while two are published, by one thread or by two.
fn wakes_up(shards: usize, publishers: usize) {
    loom::model(move || {
        let hub = Hub::new(shards);
        let seat = hub.room.sit(0);
        let publishers: Vec<_> = (0..publishers)
            .map(|_| {
                let hub = hub.clone();
                thread::spawn(move || (0..2 / publishers).for_each(|_| hub.publish()))
            })
            .collect();
        let wakes = Wakes::new();
        let waker = Waker::from(wakes.clone());
        let mut cursor = 0;
        hub.read(seat, &mut cursor, &waker);
        let seen = cursor;
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        // Who waits and has not seen all has been woken.
        assert!(seen == 2 || wakes.count() > 0, "{seen}");
        hub.read(seat, &mut cursor, &waker);
        assert_eq!(cursor, 2);
        hub.room.leave(seat, 0);
    });
}

#[test]
fn a_subscriber_that_waits_is_woken_by_one_publisher() {
    wakes_up(1, 1);
}

#[test]
fn a_subscriber_that_waits_is_woken_by_two_publishers() {
    wakes_up(1, 2);
}

#[test]
fn a_subscriber_in_one_of_two_parts_is_woken() {
    wakes_up(2, 1);
}

#[test]
fn two_subscribers_are_both_woken() {
    loom::model(|| {
        let hub = Hub::new(1);
        let seats = [0; 2].map(|_| hub.room.sit(0));
        let all = [0; 2].map(|_| Wakes::new());
        let reader = {
            let (hub, waker) = (hub.clone(), Waker::from(all[1].clone()));
            thread::spawn(move || {
                let mut cursor = 0;
                hub.read(seats[1], &mut cursor, &waker);
                cursor
            })
        };
        let publisher = {
            let hub = hub.clone();
            thread::spawn(move || hub.publish())
        };
        let mut cursor = 0;
        hub.read(seats[0], &mut cursor, &Waker::from(all[0].clone()));
        let seen = [cursor, reader.join().unwrap()];
        publisher.join().unwrap();
        for (seen, wakes) in seen.into_iter().zip(all) {
            assert!(seen == 1 || wakes.count() == 1);
        }
    });
}

#[test]
fn a_seat_that_is_left_wakes_its_next_owner_and_not_its_last() {
    loom::model(|| {
        let hub = Hub::new(1);
        let kept = hub.room.sit(0);
        let seat = hub.room.sit(0);
        let (old, new) = (Wakes::new(), Wakes::new());
        hub.read(seat, &mut 0, &Waker::from(old.clone()));
        let publisher = {
            let hub = hub.clone();
            thread::spawn(move || hub.publish())
        };
        hub.room.leave(seat, 0);
        let woken_before = old.count();
        let mut cursor = 0;
        let seat = hub.room.sit(cursor);
        hub.read(seat, &mut cursor, &Waker::from(new.clone()));
        let seen = cursor;
        publisher.join().unwrap();
        // A waker that was taken before the seat was left may be on its way, still.
        assert!(old.count() <= 1 && old.count() >= woken_before);
        assert!(seen == 1 || new.count() == 1);
        hub.read(seat, &mut cursor, &Waker::from(new.clone()));
        assert_eq!(cursor, 1);
        hub.room.leave(seat, 0);
        hub.room.leave(kept, 0);
        assert!(hub.room.is_empty());
    });
}

#[test]
fn a_keep_alive_that_polls_again_replaces_the_waker() {
    loom::model(|| {
        let hub = Hub::new(1);
        let seat = hub.room.sit(0);
        let (first, second) = (Wakes::new(), Wakes::new());
        let mut cursor = 0;
        hub.read(seat, &mut cursor, &Waker::from(first.clone()));
        let publisher = {
            let hub = hub.clone();
            thread::spawn(move || hub.publish())
        };
        hub.read(seat, &mut cursor, &Waker::from(second.clone()));
        let seen = cursor;
        publisher.join().unwrap();
        assert!(seen == 1 || second.count() == 1);
        assert!(first.count() + second.count() <= 1);
    });
}

#[test]
fn the_last_of_a_room_goes_while_something_is_published() {
    loom::model(|| {
        let hub = Hub::new(1);
        let seat = hub.room.sit(0);
        let wakes = Wakes::new();
        hub.read(seat, &mut 0, &Waker::from(wakes.clone()));
        let publisher = {
            let hub = hub.clone();
            thread::spawn(move || (0..2).for_each(|_| hub.publish()))
        };
        hub.room.leave(seat, 0);
        publisher.join().unwrap();
        assert!(wakes.count() <= 1);
        assert!(hub.room.is_empty());
        let mut cursor = 1;
        let seat = hub.room.sit(cursor);
        hub.read(seat, &mut cursor, &Waker::from(wakes));
        assert_eq!(cursor, 2);
    });
}
