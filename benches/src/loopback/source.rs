//! Where a server's events come from: the same for every framework and writer.

use std::{
    pin::Pin,
    sync::{
        Mutex, Once,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    thread,
    time::Duration,
};

use futures_core::Stream;
use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::{Interval, interval},
};

use super::{Load, now};

/// A hundred events per second.
const PERIOD: Duration = Duration::from_millis(10);

/// Between two events of the feed, for each ten connections: a millisecond for one, ten for a
/// hundred, so that no server is busy all the time.
const PAUSE: Duration = Duration::from_millis(1);

/// The events of the feed that may wait for a connection; it misses what comes when they do.
const WAITING: usize = 64;

/// Yields the numbers of the events, and when they were made where that matters.
pub struct Source {
    next: usize,
    end: usize,
    pace: Pace,
}

enum Pace {
    Together,
    Endless,
    /// From a task that makes the next event when the last one has been taken. It runs only when
    /// the stream's task does not, so that the stream is pending in between, whoever polls it how
    /// often.
    OneByOne(mpsc::Receiver<()>),
    Paced(Interval),
    Feed(mpsc::Receiver<u64>),
}

impl Source {
    pub fn new(load: Load, events: usize) -> Self {
        let pace = match load {
            Load::Together => Pace::Together,
            Load::Endless => Pace::Endless,
            Load::OneByOne => Pace::OneByOne(one_by_one()),
            Load::Paced => Pace::Paced(interval(PERIOD)),
            Load::Feed => Pace::Feed(feed()),
        };
        Self { next: 0, end: events, pace }
    }
}

static ENDED: AtomicBool = AtomicBool::new(false);

/// Ends what is [endless](Load::Endless).
pub fn end() {
    ENDED.store(true, Ordering::Relaxed);
}

fn one_by_one() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move { while sender.send(()).await.is_ok() {} });
    receiver
}

/// From the one thread that makes events for all connections.
fn feed() -> mpsc::Receiver<u64> {
    static CONNECTIONS: Mutex<Vec<mpsc::Sender<u64>>> = Mutex::new(Vec::new());
    static START: Once = Once::new();

    let connections = || CONNECTIONS.lock().expect("nothing that holds it panics");
    let (sender, receiver) = mpsc::channel(WAITING);
    connections().push(sender);
    START.call_once(|| {
        thread::spawn(move || {
            let mut pause = PAUSE;
            loop {
                thread::sleep(pause);
                let mut connections = connections();
                let made = now();
                connections
                    .retain(|one| !matches!(one.try_send(made), Err(TrySendError::Closed(_))));
                pause = PAUSE * connections.len().div_ceil(10).max(1) as u32;
            }
        });
    });
    receiver
}

impl Stream for Source {
    type Item = (usize, u64);

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.next == self.end {
            return Poll::Ready(None);
        }
        let mut made = 0;
        match &mut self.pace {
            Pace::Together => {}
            Pace::Endless => {
                if ENDED.load(Ordering::Relaxed) {
                    return Poll::Ready(None);
                }
            }
            Pace::OneByOne(events) => {
                if events.poll_recv(cx).is_pending() {
                    return Poll::Pending;
                }
            }
            Pace::Paced(interval) => {
                if interval.poll_tick(cx).is_pending() {
                    return Poll::Pending;
                }
                made = now();
            }
            Pace::Feed(events) => match events.poll_recv(cx) {
                Poll::Ready(Some(time)) => made = time,
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            },
        }
        self.next += 1;
        Poll::Ready(Some((self.next - 1, made)))
    }
}
