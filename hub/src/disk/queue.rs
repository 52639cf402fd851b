//! The queue of events on their way to the writer, and the state of the log.

use std::{
    mem,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use super::{
    answer::{Answer, Promise, answer},
    record::Record,
};
use crate::{
    ending::Ending,
    error::Error,
    status::Status,
    sync::{Condvar, Mutex, lock},
    wait::Signal,
};

/// With this many bytes the queue is full, and further publishers wait.
const MAX_BYTES: usize = 4 << 20;
/// How many endings of streams wait at most; further ones are refused.
const MAX_ENDINGS: usize = 1_024;

/// An event to be appended.
pub(crate) struct Command {
    pub(super) record: Record,
    pub(super) promise: Promise,
    /// How many of the commands after it are appended with it, or not at all.
    pub(super) companions: usize,
}

impl Command {
    /// A command, and its answer.
    pub(crate) fn new(record: Record) -> (Self, Answer) {
        let (promise, answer) = answer();
        (Self { record, promise, companions: 0 }, answer)
    }

    pub(super) const fn is_ephemeral(&self) -> bool {
        self.record.is_ephemeral()
    }
}

/// Answers that these events are not appended.
pub(super) fn refuse(commands: impl IntoIterator<Item = Command>, reason: &str) {
    for command in commands {
        command.promise.resolve(Err(Error::not_appended(reason)));
    }
}

/// The end of some streams that is to be kept.
pub(crate) type EndingCommand = (Ending, Promise);

/// The commands that wait for the thread.
pub(crate) struct Waiting {
    pub(super) commands: Vec<Command>,
    pub(super) endings: Vec<EndingCommand>,
}

pub(super) struct Queue {
    state: Mutex<State>,
    /// Notified when there is something to do.
    filled: Condvar,
    /// Notified when there is room.
    pub(super) room: Arc<Signal>,
}

struct State {
    commands: Vec<Command>,
    endings: Vec<EndingCommand>,
    bytes: usize,
    status: Status,
    is_closed: bool,
    /// Why nothing can be appended any more.
    failure: Option<Arc<str>>,
}

/// Why an event is not in the queue.
pub(super) enum Refusal {
    /// There is no room yet.
    Full(Vec<Command>),
    Error(Error),
}

impl Queue {
    pub(super) fn new() -> Arc<Self> {
        let state = State {
            commands: Vec::new(),
            endings: Vec::new(),
            bytes: 0,
            status: Status::Live,
            is_closed: false,
            failure: None,
        };
        Arc::new(Self { state: Mutex::new(state), filled: Condvar::new(), room: Signal::new() })
    }

    /// Adds one command, or several that are to be appended as one, of this size together.
    pub(super) fn push(&self, commands: Vec<Command>, size: usize) -> Result<(), Refusal> {
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(Refusal::Error(Error::closed()));
        }
        if let Some(reason) = &state.failure {
            return Err(Refusal::Error(Error::not_appended(&**reason)));
        }
        if state.is_full() {
            return Err(Refusal::Full(commands));
        }
        let was_empty = state.commands.is_empty();
        state.bytes += size;
        state.commands.extend(commands);
        drop(state);
        if was_empty {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Adds an ending of streams, and gives its answer.
    pub(super) fn push_ending(&self, ending: Ending) -> Result<Answer, Error> {
        let (promise, answer) = answer();
        let mut state = lock(&self.state);
        if state.is_closed {
            return Err(Error::closed());
        }
        if let Some(reason) = &state.failure {
            return Err(Error::not_appended(&**reason));
        }
        if state.endings.len() >= MAX_ENDINGS {
            return Err(Error::not_appended("too many endings of streams wait"));
        }
        state.endings.push((ending, promise));
        drop(state);
        self.filled.notify_one();
        Ok(answer)
    }

    /// Whether an event would be taken, or refused for good.
    pub(super) fn has_room(&self) -> bool {
        let state = lock(&self.state);
        !state.is_full() || state.is_closed || state.failure.is_some()
    }

    /// Takes all commands. Waits for the first one, but not beyond `until`. `None` once the queue
    /// is closed and empty.
    pub(super) fn take(&self, until: Option<Instant>) -> Option<Waiting> {
        let mut state = lock(&self.state);
        while state.commands.is_empty() && state.endings.is_empty() {
            if state.is_closed {
                return None;
            }
            state = match until.map(|until| until.saturating_duration_since(Instant::now())) {
                None => self.filled.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(Duration::ZERO) => break,
                Some(time) => {
                    let waited = self.filled.wait_timeout(state, time);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let commands = mem::take(&mut state.commands);
        let endings = mem::take(&mut state.endings);
        let was_full = state.is_full();
        state.bytes = 0;
        drop(state);
        if was_full {
            self.room.notify();
        }
        Some(Waiting { commands, endings })
    }

    pub(super) fn status(&self) -> Status {
        lock(&self.state).status
    }

    /// Records whether the last events could be appended.
    pub(super) fn set_working(&self, is_working: bool) {
        let status = &mut lock(&self.state).status;
        match *status {
            Status::Live if !is_working => *status = Status::Stale { since: Instant::now() },
            Status::Stale { .. } if is_working => *status = Status::Live,
            _ => {}
        }
    }

    /// Refuses all further events for this reason.
    pub(super) fn fail(&self, reason: &str) {
        let mut state = lock(&self.state);
        state.failure.get_or_insert_with(|| reason.into());
        state.status = Status::Ended;
        let commands = mem::take(&mut state.commands);
        let endings = mem::take(&mut state.endings);
        drop(state);
        refuse(commands, reason);
        for (_, promise) in endings {
            promise.resolve(Err(Error::not_appended(reason)));
        }
        self.room.notify();
    }

    /// Takes no more events. The writer ends once it has written those in the queue.
    pub(super) fn close(&self) {
        lock(&self.state).is_closed = true;
        self.filled.notify_one();
        self.room.notify();
    }
}

impl State {
    /// A queue that is not full takes an event however long it is: one that is longer than the
    /// queue would wait for ever beside shorter ones.
    const fn is_full(&self) -> bool {
        self.bytes >= MAX_BYTES
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Wake, Waker};

    use futures_util::FutureExt;
    use sse_encoder::Event;

    use super::*;
    use crate::{
        frame::{Rules, encode},
        log::{Draft, Names},
        sync::{AtomicBool, Ordering},
    };

    fn command() -> (Command, Answer) {
        let rules = Rules { max_frame: usize::MAX, reserved: &[] };
        let event = encode(&Event::text("x"), rules).unwrap();
        Command::new(Record::new(&Draft { topics: Names::One(""), key: None, event }))
    }

    #[test]
    fn publishers_wait_for_room_until_the_queue_is_taken_or_ends() {
        let queue = Queue::new();
        let push = |size| queue.push(vec![command().0], size);
        assert!(queue.has_room() && push(MAX_BYTES - 1).is_ok());
        // An event has room however long it is.
        assert!(queue.has_room() && push(MAX_BYTES).is_ok());
        assert!(!queue.has_room() && matches!(push(1), Err(Refusal::Full(_))));
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(woken.clone());
        let mut cx = Context::from_waker(&waker);
        let mut waiting = queue.room.until(|| queue.has_room());
        assert!(waiting.poll_unpin(&mut cx).is_pending());
        assert_eq!(queue.take(None).unwrap().commands.len(), 2);
        assert!(woken.0.load(Ordering::Relaxed) && waiting.poll_unpin(&mut cx).is_ready());
        for end in [|queue: &Queue| queue.close(), |queue: &Queue| queue.fail("broken")] {
            let queue = Queue::new();
            let push = |size| queue.push(vec![command().0], size);
            assert!(push(MAX_BYTES).is_ok() && !queue.has_room());
            end(&queue);
            // It is refused for good.
            assert!(queue.has_room() && matches!(push(1), Err(Refusal::Error(_))));
        }
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_queue_is_stale_while_events_cannot_be_written_and_ended_for_good() {
        let queue = Queue::new();
        let is_stale = || matches!(queue.status(), Status::Stale { .. });
        queue.set_working(true);
        assert_eq!(queue.status(), Status::Live);
        queue.set_working(false);
        let since = queue.status();
        queue.set_working(false);
        assert!(is_stale() && queue.status() == since);
        queue.set_working(true);
        assert_eq!(queue.status(), Status::Live);
        let (command, answer) = command();
        assert!(queue.push(vec![command], 1).is_ok());
        queue.fail("broken");
        let error = answer.now_or_never().unwrap().unwrap_err();
        assert!(error.is_not_appended() && error.to_string().contains("broken"), "{error}");
        for is_working in [true, false] {
            queue.set_working(is_working);
            assert_eq!(queue.status(), Status::Ended);
        }
    }

    #[test]
    fn a_command_that_is_dropped_leaves_its_outcome_unknown() {
        let (command, answer) = command();
        drop(command);
        assert!(answer.now_or_never().unwrap().unwrap_err().is_outcome_unknown());
    }
}
