use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};

use super::{
    ErrorPolicy, Item, KeepAlive, OnError, SseEncoder, Timer, gathered::Gathered, turn::yield_now,
};
use crate::{encoder::Encoder, error::Error};

/// The most items that one poll takes from a source that is always ready.
const MAX_ITEMS: usize = 1024;

/// The most chunks that leave before others get a turn.
const MAX_CHUNKS: u16 = 64;

/// The turns of others between a chunk and an error in the body of a response.
///
/// One is enough where the server writes in the same task (HTTP/1.1), or in the same thread. On
/// HTTP/2 the connection is a task of its own, which another thread may have just now, and a reset
/// takes along what it has not written. So the error waits until nobody holds the chunk any more,
/// and at most this long: some ten milliseconds of what would be idle. A client that does not read,
/// and who collects a body, hold it for longer.
const TURNS_OF_A_BODY: u16 = 20_000;

/// The most items in succession whose failure is replaced.
const MAX_REPLACED: u16 = 32;

/// What is the same whatever the types of a stream's parts are.
#[derive(Debug)]
pub(super) struct State {
    pub(super) encoder: Encoder,
    gathered: Gathered,
    /// Comes out after the chunk that was gathered before it.
    failure: Option<Box<Failure>>,
    pub(super) chunk_limit: usize,
    turn: Turn,
}

/// An error that is to come out.
#[derive(Debug)]
struct Failure {
    error: Error,
    /// The chunk before it has another handle to this for as long as anybody holds it.
    chunk: Arc<()>,
}

impl Failure {
    fn new(error: Error) -> Box<Self> {
        Box::new(Self { error, chunk: Arc::default() })
    }

    /// Makes it known when nobody holds the chunk any more: it has been written then, or thrown
    /// away.
    #[cold]
    fn watch(&self, chunk: Bytes) -> Bytes {
        Bytes::from_owner(Watched { chunk, _held: self.chunk.clone() })
    }

    fn is_chunk_gone(&self) -> bool {
        Arc::strong_count(&self.chunk) == 1
    }
}

/// A chunk, and what tells of its end.
struct Watched {
    chunk: Bytes,
    _held: Arc<()>,
}

impl AsRef<[u8]> for Watched {
    fn as_ref(&self) -> &[u8] {
        &self.chunk
    }
}

/// What has happened since others had a turn.
#[derive(Debug, Default)]
struct Turn {
    /// So many chunks have left: who polls may not have written them yet.
    chunks: u16,
    /// So many items have failed and been replaced.
    replaced: u16,
    /// So many turns of others have come between a chunk and an error.
    given: u16,
    /// What has been gathered waits for more.
    lingers: bool,
    /// It waits in room of its own.
    kept: bool,
    /// The response's head has had a turn to be written.
    #[cfg_attr(
        not(any(
            feature = "actix-web",
            feature = "axum",
            feature = "http-body",
            feature = "warp"
        )),
        allow(dead_code)
    )]
    head: bool,
}

/// Why no further item is gathered.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Stopped {
    /// The source has none, and will wake the task.
    Pending,
    /// The chunk is full, or the poll has taken enough items.
    Full,
    /// An item has failed: its error comes after what was gathered.
    Failed,
    /// The stream ends.
    Ended,
}

impl State {
    pub(super) const fn new(encoder: Encoder, chunk_limit: usize) -> Self {
        let turn =
            Turn { chunks: 0, replaced: 0, given: 0, lingers: false, kept: false, head: false };
        Self { encoder, gathered: Gathered::new(), failure: None, chunk_limit, turn }
    }

    /// Puts frames before all others.
    pub(super) fn begin_with(&mut self, frames: Bytes) {
        let before = self.gathered.take().unwrap_or_default();
        let all = if before.is_empty() { frames } else { [before, frames].concat().into() };
        self.gathered.push_encoded(all);
    }

    #[inline(always)]
    fn has_room(&self) -> bool {
        self.gathered.len() < self.chunk_limit.max(1)
    }

    /// Whether what has been gathered came encoded, and is the first since the stream was pending:
    /// it leaves at once. Mostly it is all there is, and to ask a channel for more costs more than
    /// a chunk. What else is ready is gathered by the next poll.
    #[inline(always)]
    fn passes_through(&self) -> bool {
        self.turn.chunks == 0 && self.gathered.passes_through()
    }

    /// Appends an item.
    #[inline(always)]
    fn push(&mut self, item: impl Item) -> Result<(), Error> {
        let Self { encoder, gathered, .. } = self;
        item.with(|item| gathered.push(item, encoder))
    }

    /// Does with an error what the policy says. If that is a reason to stop, this is it.
    #[cold]
    fn recover(&mut self, error: Error, policy: &mut impl ErrorPolicy) -> Option<Stopped> {
        policy.inspect(&error);
        if self.turn.replaced == MAX_REPLACED {
            self.failure = Some(Failure::new(error));
            return Some(Stopped::Ended);
        }
        let (last_words, stopped) = match policy.choose(error) {
            OnError::Fail(error) => {
                self.failure = Some(Failure::new(error));
                return Some(Stopped::Failed);
            }
            OnError::Skip => return None,
            OnError::End => return Some(Stopped::Ended),
            OnError::Replace(item) => {
                self.turn.replaced += 1;
                (item, None)
            }
            OnError::EndWith(item) => (item, Some(Stopped::Ended)),
        };
        match self.gathered.encode(&*last_words, &mut self.encoder) {
            Ok(()) => stopped,
            Err(error) => {
                self.failure = Some(Failure::new(error));
                stopped.or(Some(Stopped::Failed))
            }
        }
    }

    /// Whether what has been gathered waits for more.
    #[inline]
    fn lingers<L: Timer>(&mut self, timer: Option<Pin<&mut L>>, cx: &mut Context<'_>) -> bool {
        let Some(mut timer) = timer else { return false };
        if self.gathered.is_empty() {
            return false;
        }
        if !self.turn.lingers {
            self.turn.lingers = true;
            timer.as_mut().reset();
        }
        if timer.poll_elapsed(cx).is_ready() {
            return false;
        }
        // What has room of its own keeps it.
        self.turn.kept = self.turn.kept || self.gathered.keep();
        self.turn.chunks = 0;
        true
    }

    /// Gives the error that is kept, after as many turns for others as it needs, if chunks have
    /// left since the last: a server that meets an error drops what it has not written, and writes
    /// when it waits.
    #[cold]
    fn poll_failure(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let gone = self.failure.as_ref().is_none_or(|failure| failure.is_chunk_gone());
        let waits = if self.turn.head && !gone {
            self.turn.given < TURNS_OF_A_BODY
        } else {
            self.turn.chunks > 0 && self.turn.given == 0
        };
        if waits {
            self.turn.given += 1;
            yield_now(cx);
            return Poll::Pending;
        }
        self.turn.chunks = 0;
        self.turn.given = 0;
        Poll::Ready(self.failure.take().map(|failure| Err(failure.error)))
    }

    /// Lets others run. What has left is written meanwhile.
    #[cold]
    fn give_turn(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        self.turn.chunks = 0;
        yield_now(cx);
        Poll::Pending
    }
}

/// A chunk leaves: the keep-alive's interval begins anew.
#[inline(always)]
fn leave<T: Timer>(
    chunk: Bytes,
    turn: &mut Turn,
    keep_alive: Option<Pin<&mut KeepAlive<T>>>,
) -> Poll<Option<Result<Bytes, Error>>> {
    turn.chunks += 1;
    turn.lingers = false;
    turn.kept = false;
    if let Some(keep_alive) = keep_alive {
        keep_alive.reset();
    }
    Poll::Ready(Some(Ok(chunk)))
}

/// | state | where | what a poll gives |
/// |---|---|---|
/// | part of a chunk has left | `gathered`: pieces | the next piece |
/// | chunks have left, and an error follows, or there were many | `turn` | a turn for others |
/// | an error has had its turn | `failure` | the error |
/// | open | `source` | what is ready; if nothing is, a keep-alive that is due |
/// | lingering | `turn`, `gathered` | nothing, until the timer or a reason to leave |
/// | ended | `source` is `None` | what has been gathered, then the end |
impl<S, T, Q, P, L, G> Stream for SseEncoder<S, T, Q, P, L, G>
where
    S: Stream<Item: Item>,
    T: Timer,
    Q: Future<Output: Item>,
    P: ErrorPolicy,
    L: Timer,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let mut timers = this.timers.project();
        let state = this.state;

        if state.turn.chunks >= MAX_CHUNKS {
            return state.give_turn(cx);
        }
        if let Some(piece) = state.gathered.next_piece() {
            return leave(piece, &mut state.turn, timers.keep_alive.as_pin_mut());
        }
        if state.failure.is_some() {
            return state.poll_failure(cx);
        }

        let mut stopped = Stopped::Full;
        if this.source.is_some()
            && let Some(stop) = this.stop.as_mut().as_pin_mut()
            && let Poll::Ready(last) = stop.poll(cx)
        {
            // Whatever becomes of the last item, or if it panics, this is the end.
            this.source.set(None);
            if let Err(error) = state.push(last) {
                state.recover(error, this.policy);
            }
        }
        let mut budget = MAX_ITEMS;
        while stopped == Stopped::Full && budget > 0 && state.has_room() {
            let Some(source) = this.source.as_mut().as_pin_mut() else {
                stopped = Stopped::Ended;
                break;
            };
            budget -= 1;
            match source.poll_next(cx) {
                Poll::Ready(Some(item)) => match state.push(item) {
                    Ok(()) => {
                        state.turn.replaced = 0;
                        if state.passes_through() && timers.linger.is_none() {
                            break;
                        }
                    }
                    Err(error) => {
                        stopped = state.recover(error, this.policy).unwrap_or(Stopped::Full);
                    }
                },
                Poll::Ready(None) => stopped = Stopped::Ended,
                Poll::Pending => {
                    state.turn.replaced = 0;
                    stopped = Stopped::Pending;
                }
            }
        }
        if stopped == Stopped::Ended {
            this.source.set(None);
            this.stop.set(None);
        }

        if stopped == Stopped::Pending && state.lingers(timers.linger.as_pin_mut(), cx) {
            return Poll::Pending;
        }
        if let Some(chunk) = state.gathered.take() {
            let keep_alive = timers.keep_alive.as_pin_mut();
            // Each on a way of its own: a chunk is built where it is returned.
            return match &state.failure {
                Some(failure) if state.turn.head => {
                    leave(failure.watch(chunk), &mut state.turn, keep_alive)
                }
                _ => leave(chunk, &mut state.turn, keep_alive),
            };
        }
        if state.failure.is_some() {
            return state.poll_failure(cx);
        }
        if this.source.is_none() {
            timers.keep_alive.set(None);
            return Poll::Ready(None);
        }
        if let Some(keep_alive) = timers.keep_alive.as_mut().as_pin_mut()
            && let Poll::Ready(frames) = keep_alive.poll_frames(cx)
        {
            state.turn.chunks += 1;
            return Poll::Ready(Some(Ok(frames)));
        }
        if stopped == Stopped::Full {
            // Many items, and not one of them wrote anything.
            return state.give_turn(cx);
        }
        state.turn.chunks = 0;
        Poll::Pending
    }

    /// How many chunks are left is known once the source has ended. Before that an item can become
    /// a part of a chunk, or several, or none.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let State { gathered, failure, .. } = &self.state;
        let ready = gathered.ready() + usize::from(failure.is_some());
        // What a panic has left there makes a chunk of several pieces, perhaps.
        let is_known = self.source.is_none() && gathered.is_empty();
        (ready, is_known.then_some(ready))
    }
}

impl<S, T, Q, P, L, G> FusedStream for SseEncoder<S, T, Q, P, L, G>
where
    Self: Stream,
{
    fn is_terminated(&self) -> bool {
        let State { gathered, failure, .. } = &self.state;
        self.source.is_none() && failure.is_none() && gathered.ready() == 0
    }
}

impl<S, T, Q, P, L, G> SseEncoder<S, T, Q, P, L, G> {
    /// Polls the stream as the body of a response. The first poll is a turn for the server, in
    /// which it writes the head: whatever the source then does first, the client has that.
    #[cfg(any(feature = "actix-web", feature = "axum", feature = "http-body", feature = "warp"))]
    pub(crate) fn poll_body(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>>
    where
        Self: Stream<Item = Result<Bytes, Error>>,
    {
        let this = self.as_ref();
        if !this.state.turn.head && !this.is_terminated() {
            let state = self.project().state;
            state.turn.head = true;
            return state.give_turn(cx);
        }
        self.poll_next(cx)
    }

    /// Drops all that would be sent: the answer has no body.
    #[cfg(feature = "http-body")]
    pub(crate) fn into_empty(mut self) -> Self {
        self.source = None;
        self.state.gathered = Gathered::new();
        self
    }
}
