//! An error that ends a response, and the wait before it.
//!
//! A server that meets an error discards the bytes that it has not written, so it must have had the
//! chance to write those before the error. On HTTP/1.1 it writes as soon as the body is pending. On
//! HTTP/2 the connection is a task of its own, perhaps of another thread, and a reset discards the
//! frames that are queued: the error waits until the chunk before it was dropped, which then wakes
//! the body's task. A client that does not read, or code that collects the body, holds the chunk
//! for longer: the wait ends after [`MAX_WAIT`].

use std::{
    collections::VecDeque,
    mem,
    panic::{self, AssertUnwindSafe},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
    thread,
    time::{Duration, Instant},
};

use bytes::Bytes;

use super::{clock, turn::yield_now};
use crate::error::Error;

/// Ample for the task of a connection on a busy machine, short for a stream that ends anyway.
const MAX_WAIT: Duration = Duration::from_millis(50);

/// An error that waits to be yielded.
#[derive(Debug)]
pub(super) struct Failure {
    error: Error,
    /// The chunk before it, where the stream is a body.
    chunk: Option<Arc<Watch>>,
    has_yielded: bool,
}

impl Failure {
    pub(super) const fn new(error: Error) -> Self {
        Self { error, chunk: None, has_yielded: false }
    }

    /// Lets the error wait until this chunk is dropped.
    pub(super) fn wait_for(&mut self, chunk: Bytes) -> Bytes {
        let watch = self.chunk.insert(Arc::default());
        Bytes::from_owner(Watched { chunk, watch: watch.clone() })
    }

    /// Ready once the error is due; `after_chunk` if one was sent since the stream was pending.
    pub(super) fn poll_due(&mut self, after_chunk: bool, cx: &mut Context<'_>) -> Poll<()> {
        if self.has_yielded {
            return match &self.chunk {
                Some(chunk) => chunk.poll_released(cx),
                None => Poll::Ready(()),
            };
        }
        if !after_chunk {
            return Poll::Ready(());
        }
        self.has_yielded = true;
        match &self.chunk {
            Some(chunk) if chunk.poll_released(cx).is_pending() => release_later(chunk),
            _ => yield_now(cx),
        }
        Poll::Pending
    }

    pub(super) fn into_error(self) -> Error {
        self.error
    }
}

/// A chunk that tells when it is dropped.
struct Watched {
    chunk: Bytes,
    watch: Arc<Watch>,
}

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        &self.chunk
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.watch.release();
    }
}

#[derive(Debug, Default)]
struct Watch(Mutex<State>);

#[derive(Debug, Default)]
enum State {
    #[default]
    Held,
    Waiting(Waker),
    Released,
}

impl Watch {
    fn release(&self) {
        // The waker runs foreign code: outside the lock.
        if let State::Waiting(waker) = mem::replace(&mut *lock(&self.0), State::Released) {
            waker.wake();
        }
    }

    fn poll_released(&self, cx: &Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let mut state = lock(&self.0);
        if matches!(*state, State::Released) {
            return Poll::Ready(());
        }
        let old = mem::replace(&mut *state, State::Waiting(waker));
        drop(state);
        drop(old);
        Poll::Pending
    }
}

/// Chunks and the ends of their waits, the earliest first.
type Deadlines = VecDeque<(Instant, Arc<Watch>)>;

/// Present while a thread attends to them.
static DEADLINES: Mutex<Option<Deadlines>> = Mutex::new(None);

/// Releases the chunk after [`MAX_WAIT`], whatever the runtime.
fn release_later(chunk: &Arc<Watch>) {
    let Some(now) = clock::now() else {
        return chunk.release();
    };
    let entry = (now + MAX_WAIT, chunk.clone());
    let mut deadlines = lock(&DEADLINES);
    if let Some(deadlines) = &mut *deadlines {
        deadlines.push_back(entry);
        return;
    }
    *deadlines = Some(VecDeque::from([entry]));
    drop(deadlines);
    let spawned = thread::Builder::new().name("sse-encoder".into()).spawn(attend);
    if spawned.is_err() {
        // Without a thread there is no wait.
        let waiting = lock(&DEADLINES).take();
        waiting.into_iter().flatten().for_each(|(_, chunk)| chunk.release());
    }
}

/// Releases chunks at their deadlines, and ends with the last of them.
fn attend() {
    loop {
        let due = {
            let mut deadlines = lock(&DEADLINES);
            match deadlines.as_mut().and_then(VecDeque::pop_front) {
                Some(due) => due,
                None => {
                    *deadlines = None;
                    return;
                }
            }
        };
        thread::sleep(due.0.saturating_duration_since(Instant::now()));
        // The waker runs foreign code, whose panic is not the other streams'.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| due.1.release()));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, task::Wake};

    use super::*;

    #[test]
    fn a_waker_that_panics_leaves_no_other_stream_waiting() {
        struct Tells(Option<mpsc::Sender<()>>);
        impl Wake for Tells {
            fn wake(self: Arc<Self>) {
                self.0.as_ref().expect("the waker's own panic").send(()).unwrap();
            }
        }
        let (tell, told) = mpsc::channel();
        for tell in [None, Some(tell)] {
            let waker = Arc::new(Tells(tell)).into();
            let chunk = Arc::<Watch>::default();
            assert!(chunk.poll_released(&Context::from_waker(&waker)).is_pending());
            release_later(&chunk);
        }
        told.recv().unwrap();
    }
}
