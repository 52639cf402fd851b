//! The state of the connections, kept by the driver and read by the hub's handles.

use std::{
    future::Future,
    mem,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use sse_encoder::LastEventId;
use tokio::{runtime::Handle, sync::Notify, time::timeout};

use crate::{
    error::Error,
    feed::Feed,
    status::Status,
    sync::{AtomicU64, Mutex, Ordering, lock},
    wait::Signal,
};

/// How long a client waits for this server to read the log: longer than two reads of a quiet log.
const CATCH_UP: Duration = Duration::from_secs(1);

pub(super) struct Link {
    state: Mutex<State>,
    /// Notified when the status changes, or entries have been read.
    pub(super) signal: Arc<Signal>,
    /// How many reads of the log have begun.
    begun: AtomicU64,
    /// The number of the newest read that has succeeded, counted as in `begun`.
    ended: AtomicU64,
    /// How many entries cannot be events.
    pub(super) rejected: AtomicU64,
    /// How often the log could be read again after it could not.
    pub(super) reconnects: AtomicU64,
    /// Notified when one connection is up: the other may retry.
    pub(super) connected: Notify,
    /// Notified when the reading connection is lost: the publishing one may be, too.
    pub(super) reader_lost: Notify,
    /// The runtime of the driver, once it runs.
    runtime: OnceLock<Handle>,
}

struct State {
    status: Status,
    /// Whether the log could be read before.
    has_been_live: bool,
    publishing: PublishState,
}

/// Whether events are accepted.
enum PublishState {
    /// Events go to the driver.
    Open,
    /// Events are refused, for this reason.
    Refused(Arc<str>),
}

impl Link {
    pub(super) fn new() -> Arc<Self> {
        let publishing = PublishState::Refused("the driver does not run yet".into());
        let status = Status::Stale { since: Instant::now() };
        let state = State { status, has_been_live: false, publishing };
        Arc::new(Self {
            state: Mutex::new(state),
            signal: Signal::new(),
            begun: AtomicU64::new(0),
            ended: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
            reconnects: AtomicU64::new(0),
            connected: Notify::new(),
            reader_lost: Notify::new(),
            runtime: OnceLock::new(),
        })
    }

    /// The driver has begun to run, on this runtime.
    pub(super) fn start(&self, runtime: Handle) {
        if self.runtime.set(runtime).is_ok() {
            self.open();
        }
    }

    /// The driver has ended, or never will run.
    pub(super) fn end(&self) {
        self.refuse("the driver has ended");
        lock(&self.state).status = Status::Ended;
        self.signal.notify();
    }

    pub(super) fn is_running(&self) -> bool {
        self.runtime.get().is_some()
    }

    pub(super) fn status(&self) -> Status {
        lock(&self.state).status
    }

    /// Why an event is refused, if it is.
    pub(super) fn refusal(&self) -> Option<Error> {
        match &lock(&self.state).publishing {
            PublishState::Open => None,
            PublishState::Refused(reason) => Some(Error::not_appended(&**reason)),
        }
    }

    pub(super) fn refuse(&self, reason: &str) {
        lock(&self.state).publishing = PublishState::Refused(reason.into());
    }

    /// A connection to publish on is up.
    pub(super) fn accept(&self) {
        self.open();
        self.connected.notify_waiters();
    }

    fn open(&self) {
        lock(&self.state).publishing = PublishState::Open;
    }

    /// The log has been read up to its newest entry.
    pub(super) fn found(&self) {
        let mut state = lock(&self.state);
        if state.status != Status::Live && mem::replace(&mut state.has_been_live, true) {
            self.reconnects.fetch_add(1, Ordering::Relaxed);
        }
        state.status = Status::Live;
        drop(state);
        self.signal.notify();
        self.connected.notify_waiters();
    }

    /// The log cannot be read, or no longer.
    pub(super) fn lost(&self) {
        let stale = Status::Stale { since: Instant::now() };
        let mut state = lock(&self.state);
        if state.status == Status::Live {
            state.status = stale;
        }
        drop(state);
        self.reader_lost.notify_one();
    }

    pub(super) async fn live(self: Arc<Self>) -> Status {
        let link = self.clone();
        self.signal.until(move || !matches!(link.status(), Status::Stale { .. })).await;
        self.status()
    }

    /// Begins a read of the log, and gives its number.
    pub(super) fn begin_read(&self) -> u64 {
        self.begun.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// This read has brought the log's newest entries, if there were any.
    pub(super) fn end_read(&self, number: u64) {
        self.ended.store(number, Ordering::Release);
        self.signal.notify();
    }

    /// A check whether a read of the log that began after this call has succeeded.
    pub(super) fn read_since(&self) -> impl Fn(&Self) -> bool + use<> {
        let begun = self.begun.load(Ordering::Relaxed);
        move |link| link.ended.load(Ordering::Acquire) > begun
    }

    /// Whether this server knows the position of this client.
    pub(super) fn is_known(&self, feed: &Feed, last: &LastEventId) -> bool {
        let retained = &feed.read().retained;
        match last.get() {
            Some(id) => retained.knows(id),
            None => retained.has_begun() && !last.is_unreadable(),
        }
    }

    /// Waits until the events after this id are known; whether they are. If the id is not known,
    /// only a read that began after this call shows whether it belongs to the log, and whether the
    /// log is still the same.
    pub(super) async fn wait_for(self: Arc<Self>, feed: Arc<Feed>, last: LastEventId) -> bool {
        let this = self.clone();
        let is_known = move || this.is_known(&feed, &last);
        // No timer if there is nothing to wait for.
        if is_known() {
            return true;
        }
        // Without the driver no entry will arrive.
        let Some(runtime) = self.runtime.get() else { return false };
        let (link, was_read) = (self.clone(), self.read_since());
        let is_answered = move || is_known() || was_read(&link) || link.status() == Status::Ended;
        let answered = self.signal.until(is_answered);
        // A task, as the caller's executor may have no timers.
        let in_time = runtime.spawn(timeout_of(answered));
        matches!(in_time.await, Ok(true)) && self.status() != Status::Ended
    }

    pub(super) fn count_rejected(&self) {
        self.rejected.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whether the future is ready in time.
async fn timeout_of(future: impl Future<Output = ()>) -> bool {
    timeout(CATCH_UP, future).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_found_again_counts_and_the_first_time_does_not() {
        let link = Link::new();
        let reconnects = || link.reconnects.load(Ordering::Relaxed);
        link.lost();
        link.found();
        // A better connection.
        link.found();
        assert_eq!(reconnects(), 0);
        for n in 1..=3 {
            link.lost();
            link.lost();
            link.found();
            assert_eq!(reconnects(), n);
        }
    }
}
