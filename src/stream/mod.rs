//! The type [`SseEncoder`], and the types that it is made of, for those who write them down. Most
//! never do: a handler returns `impl IntoResponse`, and a struct holds a boxed stream.

mod empty;
mod gathered;
mod item;
mod keep_alive;
mod never;
mod on_error;
mod poll;
mod stop;
mod timer;
mod turn;

use std::{fmt, future::Future};

use futures_core::Stream;
use pin_project_lite::pin_project;

use self::poll::State;
#[cfg(feature = "tokio")]
pub use self::timer::TokioTimer;
pub use self::{
    empty::EmptySource,
    item::Item,
    keep_alive::{IntoKeepAlive, KeepAlive},
    never::Never,
    on_error::{ErrorPolicy, InspectError, OnError},
    stop::{LastItem, NoEvent, NoSignal, StopOn, StopSignals},
    timer::{IntoTimer, SleepTimer, Timer},
};
use crate::{
    encoder::Encoder,
    error::Error,
    event::{Comment, Encode, Event},
    last_event_id::LastEventId,
    value::ReconnectionTime,
};

pin_project! {
    /// A stream of items as an event stream: a `Stream` of [`Bytes`](bytes::Bytes), ready to be the
    /// body of a response.
    ///
    /// In axum, actix-web and warp a handler returns it as it is (features `axum`, `actix-web`,
    /// `warp`); for hyper and all that is built on it, it is an `http_body::Body` (feature
    /// `http-body`). Elsewhere, use it as a `Stream<Item = Result<Bytes, Error>>`.
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
    /// Each poll gathers the items that are ready, 1,024 at most and up to
    /// [`chunk_limit`](Self::chunk_limit), into one `Bytes` of whole frames. Nothing is held back:
    /// as soon as the source is pending, what is there leaves, unless it [lingers](Self::linger).
    /// No chunk is empty. Between polls no buffer is held. Events that were
    /// [encoded once](Encoder::encode_once) pass through without a copy where nothing else leaves
    /// with them; and a long single line of shared bytes (32 KiB and more) leaves in chunks of its
    /// own; nothing comes between them. After 64 chunks without a pause the stream is pending once
    /// and wakes its task: a source that is always ready never takes a thread for itself.
    ///
    /// # Errors
    ///
    /// An item that fails leaves no trace: no byte of it is written, no automatic id is used up.
    /// Its error comes out of the stream in its place, as `Some(Err(_))`, and the next items
    /// follow. An HTTP server ends the connection at that point, the client reconnects and can
    /// resume. [`on_error`](Self::on_error) chooses something else.
    ///
    /// Between a chunk and an error the stream is pending once, and wakes its task: so a server has
    /// a turn to write what came before. As a response its very first poll is pending likewise, so
    /// that a client gets the head whatever the source does first; and an error waits until the
    /// server holds the chunk before it no more, for some ten milliseconds at most, as on HTTP/2 a
    /// reset takes along what is not written. Of 1,200 responses of two events and an error over
    /// HTTP/2 (axum, hyper and warp, with one and with two threads, on a busy machine) 1,199
    /// arrived whole: `cargo test -p test-servers events_before -- --nocapture`; where three other
    /// programs wanted the same two cores all of the time, nine of ten. A client that does not read
    /// can still lose what it has not been sent; one that resumes gets it again.
    ///
    /// # End
    ///
    /// The stream is fused. It drops the source as soon as that ends, and when a
    /// [stop signal](Self::stop_on) comes. If the client goes, the server drops the whole, and the
    /// source with it.
    #[must_use = "streams do nothing unless polled"]
    pub struct SseEncoder<
        Source,
        KeepAliveTimer = Never,
        StopSignal = NoSignal,
        Policy = fn(Error) -> OnError,
        LingerTimer = Never,
        Guard = (),
    > {
        // `None` once it has ended.
        #[pin]
        source: Option<Source>,
        #[pin]
        timers: Timers<KeepAliveTimer, LingerTimer>,
        // `None` once it has come.
        #[pin]
        stop: Option<StopSignal>,
        policy: Policy,
        guard: Guard,
        state: State,
    }
}

pin_project! {
    struct Timers<K, L> {
        #[pin]
        keep_alive: Option<KeepAlive<K>>,
        #[pin]
        linger: Option<L>,
    }
}

impl<S> SseEncoder<S>
where
    S: Stream,
    S::Item: Item,
{
    /// An event stream of these items, with the reference's habits: automatic ids from 1, and the
    /// type `message` where there is none.
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
            timers: Timers { keep_alive: None, linger: None },
            stop: Some(NoSignal(())),
            policy: OnError::Fail,
            guard: (),
            state: State::new(encoder, SseEncoder::DEFAULT_CHUNK_LIMIT),
        }
    }
}

impl SseEncoder<Never> {
    /// The default of [`chunk_limit`](SseEncoder::chunk_limit): 8 KiB.
    pub const DEFAULT_CHUNK_LIMIT: usize = 8 * 1024;
}

impl<S, T, Q, P, L, G> SseEncoder<S, T, Q, P, L, G> {
    /// Sets the first automatic id. The default is 1.
    pub fn first_id(mut self, id: u64) -> Self {
        self.state.encoder.set_next_id(id);
        self
    }

    /// Goes on after the last event ID that the client has seen, if it has, and if that is one of
    /// the counter's: see [`Encoder::resume_after`]. What the source yields must begin there, too.
    /// The id is what the client says; after `u64::MAX` there is no next one, and each event that
    /// needs one is an [error](Error::is_exhausted).
    pub fn resume_after(mut self, last: &LastEventId) -> Self {
        if let Some(id) = last.get() {
            self.state.encoder.resume_after(id);
        }
        self
    }

    /// The size in bytes from which a chunk takes no further item. A chunk can be larger by less
    /// than one item. The default is [8 KiB](SseEncoder::DEFAULT_CHUNK_LIMIT); 0 makes a chunk of
    /// each item.
    ///
    /// It is chosen by what was measured. Encoding small events takes at most 4 % longer from 4 KiB
    /// on. A client that has stopped reading makes a server of hyper hold up to 17 chunks on
    /// HTTP/1.1, as that gathers 16 for one write: 136 KiB; with 16 KiB it is twice as much, for 6
    /// to 9 % less CPU time of the server where small events are always ready. actix-web has a
    /// buffer of its own, and holds one chunk and 32 KiB. (On HTTP/2 the client's window decides:
    /// see the table in SECURITY.md.) A larger limit is a good choice for few fast clients, a
    /// smaller one for many slow ones.
    pub fn chunk_limit(mut self, bytes: usize) -> Self {
        self.state.chunk_limit = bytes;
        self
    }

    /// Begins the stream with a reconnection time, which the first poll sends: how long the client
    /// waits before it reconnects. The default is to say nothing: browsers then wait some seconds.
    pub fn retry(self, time: ReconnectionTime) -> Self {
        self.prelude(&Event::new().retry(time))
    }

    /// Begins the stream with a comment of this text, which the first poll sends. What
    /// [`retry`](Self::retry), this and [`padding`](Self::padding) write stands in the order of the
    /// calls.
    ///
    /// It shows the client that the stream is open before the first event comes: some proxies, and
    /// all that are made of Node.js's streams, hold the response's head until the first byte of its
    /// body, so that a page's `onopen` waits for it. `.comment("")` writes one empty line. It is
    /// not the default, as it changes nothing but `onopen`, and only there: without it the stream
    /// is what the items say.
    ///
    /// Some old clients and proxies hold the first bytes back until there are enough: two kibibytes
    /// are enough for all that are known, and [`padding`](Self::padding) writes them.
    pub fn comment(self, text: impl AsRef<str>) -> Self {
        self.prelude(&Comment::new(text))
    }

    /// Begins the stream with a comment of this many spaces, for old clients and proxies that hold
    /// back the first bytes: 2,048 are enough for all that are known. More than 64 KiB counts as 64
    /// KiB.
    pub fn padding(self, bytes: usize) -> Self {
        self.comment(" ".repeat(bytes.min(64 * 1024)))
    }

    fn prelude(mut self, item: &impl Encode) -> Self {
        // Neither a comment nor a reconnection time can fail without a limit.
        let encoded = Encoder::bare().encode_once(item).unwrap_or_default();
        self.state.begin_with(encoded.into_bytes());
        self
    }

    /// Sends a comment, or an item of yours, when nothing was sent for a while.
    ///
    /// Takes a closure that makes a sleeping future, of any runtime; with the feature `tokio` also
    /// a [`Duration`](std::time::Duration); or a [`KeepAlive`], which can say what is sent. The
    /// interval begins anew with every chunk. However long the stream was not polled, one
    /// keep-alive follows, not many.
    ///
    /// The default is none, as it takes a timer, and this crate does not choose your runtime.
    /// [15 seconds](KeepAlive::DEFAULT_INTERVAL) is a good choice; a `Duration` counts as at least
    /// a millisecond.
    pub fn keep_alive<I: IntoKeepAlive>(
        self,
        keep_alive: I,
    ) -> SseEncoder<S, I::Timer, Q, P, L, G> {
        let Self { source, timers, stop, policy, guard, state } = self;
        let keep_alive = Some(keep_alive.into_keep_alive());
        let timers = Timers { keep_alive, linger: timers.linger };
        SseEncoder { source, timers, stop, policy, guard, state }
    }

    /// Lets what has been gathered wait for more, at most this long after its first item.
    ///
    /// Takes a closure that makes a sleeping future, of any runtime; with the feature `tokio` also
    /// a [`Duration`](std::time::Duration). The chunk limit, the end, an error and a stop signal
    /// end the wait at once. While it waits the stream has what it gathered in room of its own,
    /// bounded by the chunk limit and one item.
    ///
    /// The default is that nothing waits, which is right for chats and tokens. Where many clients
    /// get many events each second and none is urgent (dashboards, tickers, logs), a server spends
    /// nearly all of its time on wakes and writes, and fewer writes are what saves it: see the
    /// table in `docs/performance.md`.
    pub fn linger<I: IntoTimer>(self, timer: I) -> SseEncoder<S, T, Q, P, I::Timer, G> {
        let Self { source, timers, stop, policy, guard, state } = self;
        let timers = Timers { keep_alive: timers.keep_alive, linger: Some(timer.into_timer()) };
        SseEncoder { source, timers, stop, policy, guard, state }
    }

    /// Ends the stream cleanly when this future is ready, whatever its output: after the frames
    /// that have been gathered, without waiting for the source, which is dropped with what it has
    /// not yielded yet.
    ///
    /// For a server's shutdown, which otherwise waits for its open streams; or for the longest time
    /// that a stream may take. Each call adds a signal, and the first that is ready counts. Clients
    /// take an end for a reason to reconnect, unless they are
    /// [told not to](crate::StopReconnecting).
    pub fn stop_on<F: Future>(
        self,
        signal: F,
    ) -> SseEncoder<S, T, StopSignals<Q, StopOn<F>>, P, L, G> {
        self.and_stop(StopOn { signal })
    }

    /// Ends the stream as [`stop_on`](Self::stop_on) does, with this future's output as the last
    /// item.
    ///
    /// # Errors
    ///
    /// Where the output is an `Err`, or cannot be encoded, [`on_error`](Self::on_error) decides
    /// what is sent; the stream ends in any case.
    ///
    /// ```
    /// use sse_encoder::{Event, ReconnectionTime, SseEncoder};
    /// # fn example(
    /// #     events: impl futures_core::Stream<Item = Event>,
    /// #     shutdown: impl Future,
    /// # ) {
    ///
    /// const SOON: ReconnectionTime = ReconnectionTime::from_secs(1).unwrap();
    /// const LATER: ReconnectionTime = ReconnectionTime::from_secs(5).unwrap();
    ///
    /// let stream = SseEncoder::new(events).stop_with(async move {
    ///     shutdown.await;
    ///     // Spread out, so that the clients do not all come back at once.
    ///     let retry = ReconnectionTime::jittered(SOON..=LATER);
    ///     Event::text("").no_id().event_type("goodbye").retry(retry)
    /// });
    /// # let _ = stream;
    /// # }
    /// ```
    pub fn stop_with<F>(self, signal: F) -> SseEncoder<S, T, StopSignals<Q, F>, P, L, G>
    where
        F: Future,
        F::Output: Item,
    {
        self.and_stop(signal)
    }

    fn and_stop<F>(self, second: F) -> SseEncoder<S, T, StopSignals<Q, F>, P, L, G> {
        let Self { source, timers, stop, policy, guard, state } = self;
        let stop = stop.map(|first| StopSignals { first, second });
        SseEncoder { source, timers, stop, policy, guard, state }
    }

    /// Gives the stream something to hold, which is dropped with it: a permit that bounds how many
    /// streams there are, a counter of those that are open, a span. Each call adds one.
    ///
    /// ```
    /// use sse_encoder::{Event, SseEncoder};
    /// use std::sync::Arc;
    ///
    /// let open = Arc::new(());
    /// let stream = SseEncoder::new(futures_util::stream::iter([Event::text("hello")]))
    ///     .guard(open.clone());
    /// assert_eq!(Arc::strong_count(&open), 2);
    /// drop(stream);
    /// assert_eq!(Arc::strong_count(&open), 1);
    /// ```
    pub fn guard<H>(self, guard: H) -> SseEncoder<S, T, Q, P, L, (G, H)> {
        let Self { source, timers, stop, policy, guard: first, state } = self;
        SseEncoder { source, timers, stop, policy, guard: (first, guard), state }
    }

    /// The encoder, with its counter.
    pub const fn encoder(&self) -> &Encoder {
        &self.state.encoder
    }

    /// The source; `None` once it has ended.
    pub const fn get_ref(&self) -> Option<&S> {
        self.source.as_ref()
    }
}

impl<S, T, Q, P: ErrorPolicy, L, G> SseEncoder<S, T, Q, P, L, G> {
    /// Chooses what becomes of an item that failed. The default is [`OnError::Fail`], which loses
    /// nothing silently. A second call replaces the first.
    ///
    /// The closure is called with the error of an item that cannot be encoded, or of a `Result`
    /// item that is one.
    ///
    /// ```
    /// use sse_encoder::{Event, OnError, SseEncoder};
    /// # fn example(events: impl futures_core::Stream<Item = Result<Event, std::io::Error>>) {
    ///
    /// let stream = SseEncoder::new(events).on_error(|error| {
    ///     eprintln!("an event was left out: {error}");
    ///     OnError::replace(Event::text("an event was left out").event_type("report").no_id())
    /// });
    /// # let _ = stream;
    /// # }
    /// ```
    pub fn on_error<F>(self, policy: F) -> SseEncoder<S, T, Q, P::Choosing<F>, L, G>
    where
        F: FnMut(Error) -> OnError,
    {
        let Self { source, timers, stop, policy: before, guard, state } = self;
        SseEncoder { source, timers, stop, policy: before.choosing(policy), guard, state }
    }

    /// Calls the closure with each error of an item before the policy decides: to log it, for
    /// example. Each call adds a closure.
    ///
    /// With the default policy an error cuts the response, and nothing else says why.
    ///
    /// ```
    /// use sse_encoder::{Event, SseEncoder};
    /// # fn example(events: impl futures_core::Stream<Item = Result<Event, std::io::Error>>) {
    ///
    /// let stream = SseEncoder::new(events).inspect_error(|error| eprintln!("a stream was cut: {error}"));
    /// # let _ = stream;
    /// # }
    /// ```
    pub fn inspect_error<F: FnMut(&Error)>(
        self,
        inspect: F,
    ) -> SseEncoder<S, T, Q, InspectError<F, P>, L, G> {
        let Self { source, timers, stop, policy, guard, state } = self;
        SseEncoder { source, timers, stop, policy: InspectError { inspect, policy }, guard, state }
    }
}

impl<S, T, Q, P, L, G> fmt::Debug for SseEncoder<S, T, Q, P, L, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseEncoder")
            .field("ended", &self.source.is_none())
            .field("encoder", &self.state.encoder)
            .field("chunk_limit", &self.state.chunk_limit)
            .finish_non_exhaustive()
    }
}
