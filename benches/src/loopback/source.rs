//! Where a server's events come from: the same for every framework and writer.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::Stream;
use tokio::{
    sync::mpsc,
    time::{Interval, interval},
};

use super::Load;

/// A hundred events per second.
const PERIOD: Duration = Duration::from_millis(10);

/// Yields the numbers of the events.
pub struct Source {
    next: usize,
    end: usize,
    pace: Pace,
}

enum Pace {
    Together,
    /// From a task that makes the next event when the last one has been taken. It runs only when the
    /// stream's task does not, so that the stream is pending in between, whoever polls it how often.
    OneByOne(mpsc::Receiver<()>),
    Paced(Interval),
}

impl Source {
    pub fn new(load: Load, events: usize) -> Self {
        let pace = match load {
            Load::Together => Pace::Together,
            Load::OneByOne => Pace::OneByOne(one_by_one()),
            Load::Paced => Pace::Paced(interval(PERIOD)),
        };
        Self { next: 0, end: events, pace }
    }
}

fn one_by_one() -> mpsc::Receiver<()> {
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move { while sender.send(()).await.is_ok() {} });
    receiver
}

impl Stream for Source {
    type Item = usize;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<usize>> {
        if self.next == self.end {
            return Poll::Ready(None);
        }
        match &mut self.pace {
            Pace::Together => {}
            Pace::OneByOne(events) => {
                if events.poll_recv(cx).is_pending() {
                    return Poll::Pending;
                }
            }
            Pace::Paced(interval) => {
                if interval.poll_tick(cx).is_pending() {
                    return Poll::Pending;
                }
            }
        }
        self.next += 1;
        Poll::Ready(Some(self.next - 1))
    }
}
