use std::{
    mem,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};

use super::{
    Exclusive, Log, OnError, Options, SseEncoder, Turn,
    chunk::{Chunk, Held},
    close::EndReason,
    failure::Failure,
    on_error::Substitute,
    options::LastItem,
    turn::yield_now,
};
use crate::{encoder::Encoder, error::Error, event::Encode, wire::Frames};

/// The most items that one poll takes from a source that is always ready.
const MAX_ITEMS: usize = 1024;

/// The most chunks in a row before other tasks get a turn.
const MAX_CHUNKS: u16 = 64;

/// The most items in a row whose failure is replaced.
const MAX_REPLACED: u16 = 32;

const OPENING_COMMENT: Bytes = Bytes::from_static(b":\n");

/// The reason why no further item is gathered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stopped {
    /// The source is pending, and will wake the task.
    Pending,
    /// The chunk is full, or the poll has taken enough items.
    Full,
    /// An item has failed: its error follows the chunk.
    Failed,
    /// The stream ends.
    Ended,
}

/// The chunk being gathered, and the state that decides on it.
struct Gathering<'a> {
    chunk: Chunk<'a>,
    failure: Option<Error>,
    encoder: &'a mut Encoder,
    turn: &'a mut Turn,
    log: &'a Log,
    options: Option<&'a mut Options>,
}

impl Gathering<'_> {
    /// Whether the chunk came encoded and is the first since the stream was pending: it is sent at
    /// once. Usually it is the only one, and asking a channel for more costs more than a chunk. The
    /// next poll gathers the others.
    #[inline(always)]
    fn passes_through(&self) -> bool {
        self.turn.chunks == 0
            && self.chunk.passes_through()
            && self.options.as_ref().is_none_or(|options| options.linger.is_none())
    }

    /// Applies the policy to the error of an item of the source. Returns the reason to stop, if it
    /// is one.
    #[cold]
    fn recover(&mut self, error: Error) -> Option<Stopped> {
        self.recover_from(error, true)
    }

    /// Applies the policy to the error of an item that gets no automatic id. Neither does its
    /// replacement: a client that resumes after it would skip an event of the source.
    #[cold]
    fn recover_unnumbered(&mut self, error: Error) -> Option<Stopped> {
        self.recover_from(error, false)
    }

    fn recover_from(&mut self, error: Error, is_numbered: bool) -> Option<Stopped> {
        if let Some(Options { inspect_error: Some(inspect), .. }) = &mut self.options {
            inspect(&error);
        }
        let cause = self.log.describe(&error);
        if self.turn.replaced == MAX_REPLACED {
            self.log.warn(cause, &OnError::Fail(error.clone()));
            self.fail(error);
            return Some(Stopped::Ended);
        }
        // The policy takes the error.
        let has_on_close = self.options.as_ref().is_some_and(|options| options.has_on_close());
        let copy = has_on_close.then(|| error.clone());
        let on_error = self.options.as_mut().and_then(|options| options.on_error.as_mut());
        let answer = match on_error {
            Some(on_error) => on_error(error),
            None if self.encoder.numbers() => OnError::End,
            None => OnError::Fail(error),
        };
        self.log.warn(cause, &answer);
        let written = match answer {
            OnError::Fail(error) => {
                self.fail(error);
                return Some(Stopped::Failed);
            }
            OnError::Skip => return None,
            OnError::End => {
                self.set_cause(copy.map(EndReason::Failed));
                return Some(Stopped::Ended);
            }
            OnError::Substitute(Substitute { item, is_last: true }) => {
                self.set_cause(copy.map(EndReason::LastWords));
                // A client that resumes after an automatic id of theirs would skip an event.
                let encode = |frames: &mut Frames<'_>| item.encode(frames);
                let written = self.chunk.write_unnumbered(encode, self.encoder);
                written.map(|()| Some(Stopped::Ended)).map_err(|error| (error, Stopped::Ended))
            }
            OnError::Substitute(Substitute { item, is_last: false }) => {
                self.turn.replaced += 1;
                let encode = |frames: &mut Frames<'_>| item.encode(frames);
                let written = if is_numbered {
                    self.chunk.write(encode, self.encoder)
                } else {
                    self.chunk.write_unnumbered(encode, self.encoder)
                };
                written.map(|()| None).map_err(|error| (error, Stopped::Failed))
            }
        };
        written.unwrap_or_else(|(error, stopped)| {
            self.fail(error);
            Some(stopped)
        })
    }

    /// Lets this error follow the chunk.
    fn fail(&mut self, error: Error) {
        if let Some(options) = &mut self.options
            && options.has_on_close()
        {
            options.set_cause(EndReason::Failed(error.clone()));
        }
        self.failure = Some(error);
    }

    fn set_cause(&mut self, cause: Option<EndReason>) {
        if let (Some(options), Some(cause)) = (&mut self.options, cause) {
            options.set_cause(cause);
        }
    }

    /// Whether the chunk begins with frames that no item of this poll writes.
    #[inline(always)]
    fn has_beginning(&self) -> bool {
        !self.turn.has_opened || self.chunk.has_held()
    }

    /// Begins with the opening comment, the frames that are held and the error of a prelude.
    #[cold]
    #[inline(never)]
    fn begin(&mut self) -> Stopped {
        if !self.turn.has_opened {
            self.turn.has_opened = true;
            self.chunk.push_encoded(OPENING_COMMENT);
        }
        match self.chunk.resume() {
            Some(error) => self.recover_unnumbered(error).unwrap_or(Stopped::Full),
            None => Stopped::Full,
        }
    }

    /// The last item, once a stop signal has come.
    #[cold]
    fn poll_signal(&mut self, cx: &mut Context<'_>) -> Option<LastItem> {
        let signal = self.options.as_mut()?.signal.as_mut()?;
        match signal.as_mut().poll_signal(cx) {
            Poll::Ready(last) => Some(last),
            Poll::Pending => None,
        }
    }

    #[cold]
    fn push_last(&mut self, last: LastItem) {
        self.set_cause(Some(EndReason::Stopped));
        if let Some(options) = &mut self.options {
            options.ended();
        }
        if let Err(error) = self.chunk.write_unnumbered(last, self.encoder) {
            self.recover_unnumbered(error);
        }
    }

    /// Pushes the keep-alive, if it is due.
    #[cold]
    fn poll_keep_alive(&mut self, cx: &mut Context<'_>) -> Option<Stopped> {
        let keep_alive = self.options.as_mut()?.keep_alive.as_mut()?;
        match keep_alive.poll(cx) {
            Poll::Ready(Ok(frames)) => {
                self.chunk.push_encoded(frames);
                None
            }
            Poll::Ready(Err(error)) => self.recover_unnumbered(error),
            Poll::Pending => None,
        }
    }

    /// Whether the chunk waits for more items.
    #[cold]
    fn lingers(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(Options { linger: Some(timer), .. }) = &mut self.options else { return false };
        if self.chunk.is_empty() {
            return false;
        }
        if !self.turn.lingers {
            self.turn.lingers = true;
            timer.as_mut().reset();
        }
        timer.as_mut().poll_elapsed(cx).is_pending()
    }
}

/// | state | where | result of a poll |
/// |---|---|---|
/// | a part of a chunk was sent | `held`: pieces | the next piece |
/// | many chunks in a row were sent | `turn` | pending, once |
/// | an error follows the chunk that was sent | `held`: failure | pending until it is due, then the error |
/// | open | `source` | a chunk of the items that are ready; otherwise a keep-alive that is due |
/// | lingering | `held`: frames | pending, until the timer or a reason to send them |
/// | ended | `source` is `None` | the frames that were gathered, then the end |
impl<S> Stream for SseEncoder<S>
where
    S: Stream<Item: Encode>,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        let (turn, chunk_limit) = (this.turn, (*this.chunk_limit).max(1));
        if turn.chunks >= MAX_CHUNKS {
            return give_turn(turn, cx);
        }
        let mut options = this.options.as_deref_mut().map(Exclusive::get_mut);
        if let Some(held) = this.held {
            if let Some(piece) = held.next_piece() {
                return send(piece, turn, options, Some(held));
            }
            if held.failure.is_some() {
                return poll_failure(this.held, turn, options, cx);
            }
        }

        let has_options = options.is_some();
        let (stopped, chunk, failure) = {
            let mut gathering = Gathering {
                chunk: Chunk::new(this.held),
                failure: None,
                encoder: this.encoder,
                turn: &mut *turn,
                log: this.log,
                options: options.as_deref_mut(),
            };
            let mut stopped = Stopped::Full;
            if gathering.has_beginning() {
                stopped = gathering.begin();
            }
            if has_options
                && this.source.is_some()
                && let Some(last) = gathering.poll_signal(cx)
            {
                // First: even if the last item panics, the stream has ended.
                this.source.set(None);
                gathering.push_last(last);
            }
            let mut budget = MAX_ITEMS;
            while stopped == Stopped::Full && budget > 0 && gathering.chunk.len() < chunk_limit {
                let Some(source) = this.source.as_mut().as_pin_mut() else {
                    stopped = Stopped::Ended;
                    break;
                };
                budget -= 1;
                match source.poll_next(cx) {
                    Poll::Ready(Some(item)) => {
                        match gathering.chunk.push(item, gathering.encoder) {
                            Ok(()) => {
                                gathering.turn.replaced = 0;
                                if gathering.passes_through() {
                                    break;
                                }
                            }
                            Err(error) => {
                                stopped = gathering.recover(error).unwrap_or(Stopped::Full)
                            }
                        }
                    }
                    Poll::Ready(None) => stopped = Stopped::Ended,
                    Poll::Pending => {
                        gathering.turn.replaced = 0;
                        stopped = Stopped::Pending;
                        if !has_options && gathering.chunk.is_unused() {
                            // The most frequent poll: the second one of each wake.
                            gathering.turn.chunks = 0;
                            mem::forget(gathering);
                            return Poll::Pending;
                        }
                    }
                }
            }
            if has_options {
                if stopped == Stopped::Pending && gathering.lingers(cx) {
                    gathering.turn.chunks = 0;
                    return Poll::Pending;
                }
                if matches!(stopped, Stopped::Pending | Stopped::Full)
                    && gathering.chunk.is_empty()
                    && this.source.is_some()
                {
                    stopped = gathering.poll_keep_alive(cx).unwrap_or(stopped);
                }
            }
            if stopped == Stopped::Ended {
                this.source.set(None);
                if let Some(options) = &mut gathering.options {
                    options.ended();
                }
            }

            let gathered = (stopped, gathering.chunk.take(), gathering.failure.take());
            // All of it was taken: only a panic has to keep the rest.
            mem::forget(gathering);
            gathered
        };
        if let Some(error) = failure {
            return fail(error, chunk.map(Bytes::from), this.held, turn, options, cx);
        }
        if let Some(chunk) = chunk {
            return send(chunk, turn, options, this.held.as_deref());
        }
        if this.source.is_none() {
            if let Some(options) = options {
                options.end();
            }
            return Poll::Ready(None);
        }
        if stopped == Stopped::Full {
            // Many items, without a frame.
            return give_turn(turn, cx);
        }
        turn.chunks = 0;
        Poll::Pending
    }

    /// The number of chunks is known once the source has ended. Before that, an item can become a
    /// part of a chunk, several chunks, or nothing.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let ready = self.held.as_ref().map_or(0, |held| held.ready());
        let has_beginning = self.held.as_ref().is_some_and(|held| held.has_beginning());
        let is_known = self.source.is_none() && !has_beginning;
        (ready, is_known.then_some(ready))
    }
}

impl<S> FusedStream for SseEncoder<S>
where
    Self: Stream,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none()
            && self.held.as_ref().is_none_or(|held| held.ready() == 0 && !held.has_beginning())
    }
}

/// Sends a chunk: the keep-alive's interval restarts.
#[inline(always)]
fn send(
    chunk: impl Into<Bytes>,
    turn: &mut Turn,
    options: Option<&mut Options>,
    held: Option<&Held>,
) -> Poll<Option<Result<Bytes, Error>>> {
    turn.chunks += 1;
    turn.lingers = false;
    let Some(options) = options else { return Poll::Ready(Some(Ok(chunk.into()))) };
    let chunk = chunk.into();
    options.reset_keep_alive();
    options.count(&chunk, held);
    Poll::Ready(Some(Ok(chunk)))
}

/// Lets the error follow the chunk.
#[cold]
fn fail(
    error: Error,
    chunk: Option<Bytes>,
    held: &mut Option<Box<Held>>,
    turn: &mut Turn,
    options: Option<&mut Options>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, Error>>> {
    let failure = held.get_or_insert_default().failure.insert(Failure::new(error));
    match chunk {
        Some(chunk) if turn.is_body => {
            send(failure.wait_for(chunk), turn, options, held.as_deref())
        }
        Some(chunk) => send(chunk, turn, options, held.as_deref()),
        None => poll_failure(held, turn, options, cx),
    }
}

/// Yields the error that is held, once it is due.
#[cold]
fn poll_failure(
    held: &mut Option<Box<Held>>,
    turn: &mut Turn,
    options: Option<&mut Options>,
    cx: &mut Context<'_>,
) -> Poll<Option<Result<Bytes, Error>>> {
    let failure = held.as_mut().and_then(|held| held.failure.as_mut());
    let after_chunk = turn.chunks > 0;
    if failure.is_some_and(|failure| failure.poll_due(after_chunk, cx).is_pending()) {
        return Poll::Pending;
    }
    turn.chunks = 0;
    if let Some(options) = options {
        options.yielded_error();
    }
    let failure = held.as_mut().and_then(|held| held.failure.take());
    Poll::Ready(failure.map(|failure| Err(failure.into_error())))
}

/// Lets other tasks run. They write the chunks that were sent.
#[cold]
fn give_turn(turn: &mut Turn, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
    turn.chunks = 0;
    yield_now(cx);
    Poll::Pending
}

impl<S> SseEncoder<S> {
    /// Polls the stream as the body of a response. Before the source is polled, the server gets a
    /// turn to write the head, with the opening comment if there is one: the client has it, even if
    /// the source panics.
    #[cfg(any(feature = "actix-web", feature = "axum", feature = "http-body", feature = "warp"))]
    pub(crate) fn poll_body(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Error>>>
    where
        Self: Stream<Item = Result<Bytes, Error>>,
    {
        let this = self.as_ref();
        if !this.turn.is_body && !this.is_terminated() {
            let this = self.as_mut().project();
            let turn = this.turn;
            turn.is_body = true;
            if turn.has_opened {
                return give_turn(turn, cx);
            }
            turn.has_opened = true;
            // The next poll gives the turn.
            turn.chunks = MAX_CHUNKS;
            if let Some(options) = this.options {
                options.get_mut().count(&OPENING_COMMENT, None);
            }
            return Poll::Ready(Some(Ok(OPENING_COMMENT)));
        }
        self.poll_next(cx)
    }

    /// Drops the source and all frames: the response has no body.
    #[cfg(any(feature = "actix-web", feature = "http-body"))]
    pub(crate) fn into_empty(mut self) -> Self {
        (self.source, self.held, self.options) = (None, None, None);
        self.turn.has_opened = true;
        self
    }
}
