use std::{
    error::Error as StdError,
    fmt,
    future::Future,
    mem,
    ops::ControlFlow,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::{FusedStream, Stream};
use pin_project_lite::pin_project;

use crate::{
    chunks::Chunks,
    encoder::Encoder,
    error::Error,
    event::{Comment, Encode, Event},
    frames::Frames,
    keep_alive::{KeepAlive, Timer},
    last_event_id::LastEventId,
    value::ReconnectionTime,
};

/// The most items that one poll takes from a source that is always ready.
const MAX_ITEMS: usize = 1024;

/// What a stream for [`SseEncoder`] may yield: anything that is [`Encode`], or a `Result` of it with
/// an error that is `Into<Box<dyn Error + Send + Sync>>`. It is sealed: make your own type an item by
/// [`Encode`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an item of an event stream",
    note = "say what its data is, `Event::json(value)` or `Event::text(text)`, or `impl Encode` for it",
    note = "a `Result` needs an error that is `Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait Item: sealed::Item {}

mod sealed {
    use super::{BoxError, Encode, Error};

    pub trait Item {
        type Encode: Encode;

        /// Hands over what is to be encoded, without moving it again.
        fn put(self, put: impl FnOnce(&Self::Encode) -> Result<(), Error>) -> Result<(), Error>;
    }

    impl<T: Encode> Item for T {
        type Encode = T;

        #[inline]
        fn put(self, put: impl FnOnce(&T) -> Result<(), Error>) -> Result<(), Error> {
            put(&self)
        }
    }

    impl<T: Encode, E: Into<BoxError>> Item for Result<T, E> {
        type Encode = T;

        #[inline]
        fn put(self, put: impl FnOnce(&T) -> Result<(), Error>) -> Result<(), Error> {
            match self {
                Ok(item) => put(&item),
                Err(error) => Err(Error::from_source(error)),
            }
        }
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl<T: sealed::Item> Item for T {}

/// What becomes of an item that failed: the answer of the closure in [`SseEncoder::on_error`].
#[derive(Debug)]
#[non_exhaustive]
pub enum Recovery {
    /// The stream ends cleanly, after what came before the item.
    End,
    /// The error comes out of the stream, after what came before the item. A consumer that goes on
    /// polling gets the next items; an HTTP server cuts the connection, and the client reconnects.
    Fail(Error),
    /// This event is sent in the item's place.
    Replace(Box<Event>),
    /// The item is left out. Report it first: nobody else will.
    Skip,
}

impl Recovery {
    /// Sends this event in the item's place.
    ///
    /// An event that cannot be encoded itself becomes a [`Fail`](Self::Fail).
    pub fn replace<D: crate::data::Data>(event: Event<D>) -> Self {
        match event.into_owned() {
            Ok(event) => Self::Replace(Box::new(event)),
            Err(error) => Self::Fail(error),
        }
    }
}

/// A type without values: the timer or the stop signal of an [`SseEncoder`] that has none.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums, reason = "it never gets a value")]
pub enum Never {}

impl Timer for Never {
    fn reset(self: Pin<&mut Self>) {
        match *self {}
    }

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match *self {}
    }
}

impl Future for Never {
    type Output = Self;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self> {
        match *self {}
    }
}

impl Encode for Never {
    fn encode(&self, _: &mut Frames<'_>) -> Result<(), Error> {
        match *self {}
    }
}

pin_project! {
    /// A stream of items as an event stream: a `Stream` of [`Bytes`], ready to be the body of a response.
    ///
    /// In axum, actix-web and warp a handler returns it as it is (features `axum`, `actix-web`, `warp`);
    /// for hyper and all that is built on it, it is an `http_body::Body` (feature `http-body`); anything
    /// else takes the stream.
    ///
    /// ```
    /// use futures_executor::block_on;
    /// use futures_util::{StreamExt, stream};
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let items = stream::iter([Event::text("one"), Event::text("two")]);
    /// let mut chunks = SseEncoder::new(items);
    /// let chunk = block_on(chunks.next()).unwrap()?;
    /// assert_eq!(chunk, "id: 1\nevent: message\ndata: one\n\n\
    ///                    id: 2\nevent: message\ndata: two\n\n");
    /// assert!(block_on(chunks.next()).is_none());
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    ///
    /// # Chunks
    ///
    /// Each poll gathers every item that is ready, up to [`chunk_limit`](Self::chunk_limit), into one
    /// `Bytes` of whole frames. Nothing is held back: as soon as the source is pending, what is there
    /// leaves. No chunk is empty. While nothing is there to be sent, no buffer is held. Only a long single
    /// line of shared bytes (32 KiB and more) leaves in chunks of its own, without being copied; nothing
    /// comes between them.
    ///
    /// # Errors
    ///
    /// An item that fails leaves no trace: no byte of it is written, no automatic id is used up. Its error
    /// comes out of the stream in its place, as `Some(Err(_))`, and the next items follow. An HTTP server
    /// ends the connection at that point, the client reconnects and can resume. [`on_error`](Self::on_error)
    /// chooses something else. Between a chunk and an error the stream is pending once, and wakes its task:
    /// so a server has a turn to write what came before.
    ///
    /// # End
    ///
    /// The stream is fused. It drops the source as soon as that ends, and when a
    /// [stop signal](Self::stop_on) comes. If the client goes, the server drops the whole, and the source
    /// with it.
    #[must_use = "streams do nothing unless polled"]
    pub struct SseEncoder<S, T = Never, Q = Never, P = fn(Error) -> Recovery> {
        // `None` once it has ended.
        #[pin]
        source: Option<S>,
        #[pin]
        keep_alive: Option<KeepAlive<T>>,
        #[pin]
        stop: Option<Q>,
        policy: P,
        state: State,
    }
}

/// What is the same whatever the types of a stream's parts are.
struct State {
    encoder: Encoder,
    chunks: Chunks,
    /// Comes out after the chunk that was gathered before it.
    failure: Option<Error>,
    /// A chunk has left since the stream was pending: who polls it may not have written it yet.
    unwritten: bool,
    chunk_limit: usize,
}

impl<S> SseEncoder<S>
where
    S: Stream,
    S::Item: Item,
{
    /// An event stream of these items, with the reference's habits: automatic ids from 1, and the type
    /// `message` where there is none.
    pub fn new(source: S) -> Self {
        Self::with_encoder(source, Encoder::new())
    }

    /// An event stream of these items without automatic ids and without default types:
    /// see [`Encoder::bare`].
    pub fn bare(source: S) -> Self {
        Self::with_encoder(source, Encoder::bare())
    }

    /// An event stream of these items, written by this encoder: with its settings, and its counter.
    pub fn with_encoder(source: S, encoder: Encoder) -> Self {
        Self {
            source: Some(source),
            keep_alive: None,
            stop: None,
            policy: Recovery::Fail,
            state: State {
                encoder,
                chunks: Chunks::new(),
                failure: None,
                unwritten: false,
                chunk_limit: SseEncoder::DEFAULT_CHUNK_LIMIT,
            },
        }
    }
}

impl SseEncoder<Never> {
    /// The default of [`chunk_limit`](SseEncoder::chunk_limit): 8 KiB.
    pub const DEFAULT_CHUNK_LIMIT: usize = 8 * 1024;
}

impl<S, T, Q, P> SseEncoder<S, T, Q, P> {
    /// Sets the automatic id that comes next. The default is 1.
    pub fn next_id(mut self, id: u64) -> Self {
        self.state.encoder.set_next_id(id);
        self
    }

    /// Goes on after the last event ID that the client has seen, if it has, and if that is one of the
    /// counter's: see [`Encoder::resume_after`]. What the source yields must begin there, too.
    pub fn resume_after(mut self, last: &LastEventId) -> Self {
        if let Some(id) = last.get() {
            self.state.encoder.resume_after(id);
        }
        self
    }

    /// The size in bytes from which a chunk takes no further item. A chunk can be larger by less than one
    /// item. The default is [8 KiB](SseEncoder::DEFAULT_CHUNK_LIMIT); 0 makes a chunk of each item.
    ///
    /// It is chosen by what was measured (in the repository, `benches/results.md`). Encoding small events takes
    /// at most 4 % longer from 4 KiB on. A client that has stopped reading makes a server of hyper hold up to 17 chunks, as
    /// that gathers 16 for one write: 136 KiB; with 16 KiB it is twice as much, for 6 to 9 % less CPU time of
    /// the server where small events are always ready. actix-web has a buffer of its own, and holds one chunk
    /// and 32 KiB. An idle stream holds none. A larger limit is a good choice for few fast clients, a smaller
    /// one for many slow ones.
    pub fn chunk_limit(mut self, bytes: usize) -> Self {
        self.state.chunk_limit = bytes;
        self
    }

    /// Begins the stream with a reconnection time, which leaves at once: how long the client waits before
    /// it reconnects. The default is to say nothing: browsers then wait some seconds.
    pub fn retry(self, time: ReconnectionTime) -> Self {
        self.prelude(&Event::new().retry(time))
    }

    /// Begins the stream with a comment of this text, which leaves at once.
    ///
    /// It shows the client that the stream is open before the first event comes. Some old clients and
    /// proxies hold the first bytes back until there are enough: two kibibytes are enough for all that are
    /// known, and [`padding`](Self::padding) writes them.
    pub fn comment(self, text: impl AsRef<str>) -> Self {
        self.prelude(&Comment::new(text))
    }

    /// Begins the stream with a comment of this many spaces, 64 KiB at most.
    pub fn padding(self, bytes: usize) -> Self {
        self.comment(" ".repeat(bytes.min(64 * 1024)))
    }

    /// Neither a comment nor a reconnection time can fail without a limit.
    fn prelude(mut self, item: &impl Encode) -> Self {
        let mut unlimited = Encoder::bare();
        let written = self.state.chunks.put(item, &mut unlimited);
        debug_assert!(written.is_ok());
        self
    }

    /// Sends a comment, or an item of yours, when nothing was sent for a while.
    ///
    /// Takes a closure that makes a sleeping future, of any runtime; with the feature `tokio` also a
    /// [`Duration`](std::time::Duration) (which will stay the only timer made from one); or a [`KeepAlive`], which can say what is sent. The interval
    /// begins anew with every chunk. However long the stream was not polled, one keep-alive follows, not
    /// many.
    ///
    /// The default is none.
    pub fn keep_alive<U: Timer>(
        self,
        keep_alive: impl Into<KeepAlive<U>>,
    ) -> SseEncoder<S, U, Q, P> {
        let Self { source, stop, policy, state, .. } = self;
        SseEncoder { source, keep_alive: Some(keep_alive.into()), stop, policy, state }
    }

    /// Ends the stream cleanly when this future is ready, whatever its output: after the frames that have
    /// been gathered, without waiting for the source, which is dropped with what it has not yielded yet.
    ///
    /// For a server's shutdown, which otherwise waits for its open streams; or for the longest time that a
    /// stream may take. There is one such future: for both, join them. Clients take an end for a reason to
    /// reconnect.
    pub fn stop_on<F: Future>(self, signal: F) -> SseEncoder<S, T, StopOn<F>, P> {
        self.stop_with(StopOn { signal })
    }

    /// Ends the stream as [`stop_on`](Self::stop_on) does, with this future's output as the last item.
    ///
    /// ```
    /// use sse_encoder::{Event, EventType, ReconnectionTime, SseEncoder};
    /// # fn example(
    /// #     events: impl futures_core::Stream<Item = Event>,
    /// #     shutdown: impl Future,
    /// #     random_millis: fn() -> u32,
    /// # ) {
    ///
    /// const GOODBYE: EventType = EventType::from_static("goodbye");
    /// const SOON: ReconnectionTime = ReconnectionTime::from_millis(1_000).unwrap();
    ///
    /// let stream = SseEncoder::new(events).stop_with(async move {
    ///     shutdown.await;
    ///     // Spread out, so that the clients do not all come back at once.
    ///     let retry = ReconnectionTime::from_millis(1_000 + random_millis()).unwrap_or(SOON);
    ///     Event::text("").no_id().event_type(GOODBYE).retry(retry)
    /// });
    /// # let _ = stream;
    /// # }
    /// ```
    pub fn stop_with<F>(self, signal: F) -> SseEncoder<S, T, F, P>
    where
        F: Future,
        F::Output: Item,
    {
        let Self { source, keep_alive, policy, state, .. } = self;
        SseEncoder { source, keep_alive, stop: Some(signal), policy, state }
    }

    /// Chooses what becomes of an item that failed. The default is [`Recovery::Fail`], which loses nothing
    /// silently.
    ///
    /// The closure is called with the error of an item that cannot be encoded, or of a `Result` item that
    /// is one.
    ///
    /// ```
    /// use sse_encoder::{Event, EventType, Recovery, SseEncoder};
    /// # fn example(events: impl futures_core::Stream<Item = Result<Event, std::io::Error>>) {
    ///
    /// const ERROR: EventType = EventType::from_static("error-report");
    ///
    /// let stream = SseEncoder::new(events).on_error(|error| {
    ///     eprintln!("an event was left out: {error}");
    ///     Recovery::replace(Event::text("an event was left out").event_type(ERROR).no_id())
    /// });
    /// # let _ = stream;
    /// # }
    /// ```
    pub fn on_error<F>(self, policy: F) -> SseEncoder<S, T, Q, F>
    where
        F: FnMut(Error) -> Recovery,
    {
        let Self { source, keep_alive, stop, state, .. } = self;
        SseEncoder { source, keep_alive, stop, policy, state }
    }

    /// The encoder, with its counter.
    pub fn encoder(&self) -> &Encoder {
        &self.state.encoder
    }

    /// The source; `None` once it has ended.
    pub fn get_ref(&self) -> Option<&S> {
        self.source.as_ref()
    }
}

impl<S, T, Q, P> Stream for SseEncoder<S, T, Q, P>
where
    S: Stream,
    S::Item: Item,
    T: Timer,
    Q: Future,
    Q::Output: Item,
    P: FnMut(Error) -> Recovery,
{
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.as_mut().poll_now(cx);
        let state = self.project().state;
        let has_left = matches!(polled, Poll::Ready(Some(Ok(_))));
        let unwritten = mem::replace(&mut state.unwritten, has_left);
        match polled {
            // A server that meets an error drops what it has not written, and it writes when the stream is
            // pending.
            Poll::Ready(Some(Err(error))) if unwritten => {
                state.failure = Some(error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            polled => polled,
        }
    }

    /// How many chunks are left is known once the source has ended. Before that an item can become a part
    /// of a chunk, or several, or none.
    fn size_hint(&self) -> (usize, Option<usize>) {
        let State { chunks, failure, .. } = &self.state;
        let ready = chunks.ready() + usize::from(failure.is_some());
        // What a panic has left there makes a chunk of several pieces, perhaps.
        let is_known = self.source.is_none() && chunks.len() == 0;
        (ready, is_known.then_some(ready))
    }
}

impl<S, T, Q, P> SseEncoder<S, T, Q, P>
where
    S: Stream,
    S::Item: Item,
    T: Timer,
    Q: Future,
    Q::Output: Item,
    P: FnMut(Error) -> Recovery,
{
    #[inline(always)]
    fn poll_now(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        let mut this = self.project();
        if let Some(piece) = this.state.chunks.next_piece() {
            if let Some(keep_alive) = this.keep_alive.as_pin_mut() {
                keep_alive.reset();
            }
            return Poll::Ready(Some(Ok(piece)));
        }
        if let Some(error) = this.state.failure.take() {
            return Poll::Ready(Some(Err(error)));
        }

        let mut items = Items { state: this.state, policy: this.policy };
        let mut ended = false;
        if this.source.is_some()
            && let Some(stop) = this.stop.as_mut().as_pin_mut()
            && let Poll::Ready(last) = stop.poll(cx)
        {
            // Whatever becomes of its error, or if it panics, this is the end.
            this.source.set(None);
            this.stop.set(None);
            let _ = items.put(last);
            ended = true;
        }

        // Whether the source will wake the task.
        let mut pending = false;
        let mut budget = MAX_ITEMS;
        while !ended && budget > 0 && items.have_room() {
            let Some(source) = this.source.as_mut().as_pin_mut() else { break };
            budget -= 1;
            match source.poll_next(cx) {
                Poll::Ready(Some(item)) => ended = items.put(item).is_break(),
                Poll::Ready(None) => ended = true,
                Poll::Pending => {
                    pending = true;
                    break;
                }
            }
        }
        if ended {
            this.source.set(None);
            this.stop.set(None);
        }

        if let Some(chunk) = items.state.chunks.take(items.state.chunk_limit) {
            if let Some(keep_alive) = this.keep_alive.as_pin_mut() {
                keep_alive.reset();
            }
            return Poll::Ready(Some(Ok(chunk)));
        }
        items.state.chunks.release();
        if let Some(error) = items.state.failure.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if this.source.is_none() {
            this.keep_alive.set(None);
            return Poll::Ready(None);
        }
        if let Some(keep_alive) = this.keep_alive.as_pin_mut()
            && let Poll::Ready(frames) = keep_alive.poll_frames(cx)
        {
            return Poll::Ready(Some(Ok(frames)));
        }
        if !pending {
            // Many items, and not one of them wrote anything.
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl<S, T, Q, P> FusedStream for SseEncoder<S, T, Q, P>
where
    Self: Stream,
{
    fn is_terminated(&self) -> bool {
        self.source.is_none() && self.state.failure.is_none() && self.state.chunks.ready() == 0
    }
}

impl<S, T, Q, P> fmt::Debug for SseEncoder<S, T, Q, P>
where
    S: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseEncoder")
            .field("source", &self.source)
            .field("encoder", &self.state.encoder)
            .field("chunk_limit", &self.state.chunk_limit)
            .finish_non_exhaustive()
    }
}

/// Where items go during one poll.
struct Items<'a, P> {
    state: &'a mut State,
    policy: &'a mut P,
}

impl<P: FnMut(Error) -> Recovery> Items<'_, P> {
    /// Whether the chunk takes a further item. After a failure it does not: that comes out first.
    fn have_room(&self) -> bool {
        let State { chunks, failure, chunk_limit, .. } = &self.state;
        failure.is_none() && chunks.len() < (*chunk_limit).max(1)
    }

    /// Appends an item, or does with its error what the policy says; breaks if that is the end.
    #[inline]
    fn put(&mut self, item: impl Item) -> ControlFlow<()> {
        let State { encoder, chunks, .. } = &mut *self.state;
        match item.put(|item| chunks.put(item, encoder)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => self.recover(error),
        }
    }

    #[cold]
    fn recover(&mut self, error: Error) -> ControlFlow<()> {
        match (self.policy)(error) {
            Recovery::End => return ControlFlow::Break(()),
            Recovery::Fail(error) => self.state.failure = Some(error),
            Recovery::Replace(event) => {
                let State { encoder, chunks, failure, .. } = &mut *self.state;
                *failure = chunks.put(&event, encoder).err();
            }
            Recovery::Skip => {}
        }
        ControlFlow::Continue(())
    }
}

pin_project! {
    /// A stop signal whose output does not matter: see [`SseEncoder::stop_on`].
    #[derive(Clone, Debug)]
    pub struct StopOn<F> {
        #[pin]
        signal: F,
    }
}

impl<F: Future> Future for StopOn<F> {
    type Output = Nothing;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Nothing> {
        self.project().signal.poll(cx).map(|_| Nothing(()))
    }
}

/// No frames: the output of [`StopOn`].
#[derive(Clone, Copy, Debug)]
pub struct Nothing(());

impl Encode for Nothing {
    fn encode(&self, _: &mut Frames<'_>) -> Result<(), Error> {
        Ok(())
    }
}
