//! [`SseEncoder`]: items over time.

mod chunk;
mod clock;
mod close;
mod exclusive;
mod failure;
mod log;
mod on_error;
mod options;
mod poll;
mod timer;
mod turn;

use std::{fmt, future::Future, pin::Pin};

use futures_core::Stream;
use pin_project_lite::pin_project;

pub(crate) use self::exclusive::Exclusive;
use self::{
    chunk::{Chunk, Held},
    log::Log,
    options::{KeepAlive, Options, StopOn, StopWith},
    turn::Turn,
};
pub use self::{
    close::{EndReason, StreamEnd},
    on_error::OnError,
    timer::Timer,
};
use crate::{
    encoder::Encoder,
    error::Error,
    event::{Comment, Encode, Event},
    http::LastEventId,
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
    /// assert_eq!(chunk, ":\n\
    ///                    id: 1\nevent: message\ndata: one\n\n\
    ///                    id: 2\nevent: message\ndata: two\n\n");
    /// assert!(block_on(chunks.next()).is_none());
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    ///
    /// # Chunks
    ///
    /// Each poll gathers the items that are ready, 1,024 at most and up to
    /// [`chunk_limit`](Self::chunk_limit), into one `Bytes` of whole frames. Nothing is held back:
    /// as soon as the source is pending, the chunk is sent, unless it [lingers](Self::linger). No
    /// chunk is empty. Events that were [encoded once](Encoder::encode_once) pass through without a
    /// copy if they are alone in their chunk; the first one after a pause is, and is sent at once.
    /// A long single line of shared bytes (32 KiB and more) is a chunk of its own. Between polls
    /// the stream holds no buffer, only the chunks that such lines have split off. After 64 chunks
    /// without a pause the stream is pending once and wakes its task: a source that is always ready
    /// never takes a thread for itself.
    ///
    /// # Errors
    ///
    /// An item that fails leaves no trace: no byte of it is written, no automatic id is used up. A
    /// stream with automatic ids then ends cleanly: its client reconnects, and resumes after the id
    /// that it has, also behind proxies that do not pass on a broken connection. A
    /// [bare](Self::bare) stream yields the error, as `Some(Err(_))`, at which an HTTP server
    /// breaks the connection: its client cannot resume, and would take an end for success.
    /// [`on_error`](Self::on_error) chooses another answer. [`inspect_error`](Self::inspect_error)
    /// shows the cause, as does a warning in the log with the feature `tracing`.
    ///
    /// Between a chunk and an error the stream is pending once, and wakes its task: the server gets
    /// a turn to write the chunk. It gets one before a response polls the source, too, once the
    /// [opening comment](Self::opening_comment) is sent: the client has the head, whatever the
    /// source does first. In a response an error waits until the server has dropped the chunk
    /// before it, as on HTTP/2 a reset discards the bytes that are not written. After fifty
    /// milliseconds a thread, which runs only while errors wait, ends the wait.
    ///
    /// Of 1,200 responses of two events and an error over HTTP/2 (axum, hyper and warp, with one
    /// and with two threads, on a busy machine) 1,199 arrived whole; where three other programs
    /// wanted the same two cores all of the time, nine of ten (`cargo test -p test-servers
    /// events_before -- --nocapture`). A client that does not read can still lose the bytes that
    /// were not sent; one that resumes gets them again.
    ///
    /// # End
    ///
    /// The stream is fused. It drops the source as soon as that ends, and when a
    /// [stop signal](Self::stop_on) comes. If the client disconnects, the server drops the stream,
    /// and the source with it. [`on_close`](Self::on_close) tells which of these it was.
    #[must_use = "streams do nothing unless polled"]
    pub struct SseEncoder<S> {
        // `None` once it has ended.
        #[pin]
        source: Option<S>,
        encoder: Encoder,
        chunk_limit: usize,
        turn: Turn,
        log: Log,
        // `None` for most streams, between most polls.
        held: Option<Box<Held>>,
        // `None` until one is set.
        options: Option<Box<Exclusive<Options>>>,
    }
}

impl<S> SseEncoder<S>
where
    S: Stream,
    S::Item: Encode,
{
    /// An event stream of these items, with the reference's defaults: automatic ids from 1, and the
    /// type `message` where an event has no type.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::stream;
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let mut stream = block_on_stream(SseEncoder::new(stream::iter([Event::text("one")])));
    /// assert_eq!(stream.next().unwrap()?, ":\nid: 1\nevent: message\ndata: one\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn new(source: S) -> Self {
        Self::with_encoder(source, Encoder::new())
    }

    /// An event stream of these items without automatic ids and without default types:
    /// see [`Encoder::bare`].
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::stream;
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let mut stream = block_on_stream(SseEncoder::bare(stream::iter([Event::text("one")])));
    /// assert_eq!(stream.next().unwrap()?, ":\ndata: one\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn bare(source: S) -> Self {
        Self::with_encoder(source, Encoder::bare())
    }

    /// An event stream of these items, written by this encoder: with its settings and its counter.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::stream;
    /// use sse_encoder::{Encoder, Event, SseEncoder};
    ///
    /// let encoder = Encoder::new().default_type(false);
    /// let events = stream::iter([Event::text("one")]);
    /// let mut stream = block_on_stream(SseEncoder::with_encoder(events, encoder));
    /// assert_eq!(stream.next().unwrap()?, ":\nid: 1\ndata: one\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn with_encoder(source: S, encoder: Encoder) -> Self {
        Self::from_parts(Some(source), encoder)
    }
}

impl SseEncoder<Pin<Box<dyn Stream<Item = Event> + Send>>> {
    /// The default of [`chunk_limit`](SseEncoder::chunk_limit): 8 KiB.
    pub const DEFAULT_CHUNK_LIMIT: usize = 8 * 1024;

    /// A soft refusal: an event stream that tells the client when to come back, and ends.
    ///
    /// For a server that has no room just now. A status such as 429 or 503 would make a browser
    /// give up for good: it comes back after a
    /// [success](https://html.spec.whatwg.org/multipage/server-sent-events.html#sse-processing-model)
    /// only. Spread the times out with [`ReconnectionTime::jittered`], or all clients come back at
    /// once. To tell a client never to come back, answer with
    /// [`StopReconnecting`](crate::StopReconnecting).
    ///
    /// The reconnection time stands in an event of the type `goodbye`, as some clients take it from
    /// an event alone. The type of the source is that of a boxed stream; no source is made.
    ///
    /// # Errors
    ///
    /// A [`Duration`](std::time::Duration) that cannot be a [`ReconnectionTime`] is an error of the
    /// stream, which then breaks.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use sse_encoder::SseEncoder;
    /// use std::time::Duration;
    ///
    /// let later = Duration::from_secs(30);
    /// let mut stream = block_on_stream(SseEncoder::retry_after(later));
    /// let goodbye = ":\nevent: goodbye\nretry: 30000\ndata: {}\n\n";
    /// assert_eq!(stream.next().unwrap()?, goodbye);
    /// assert!(stream.next().is_none());
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn retry_after<T>(time: T) -> Self
    where
        T: TryInto<ReconnectionTime>,
        T::Error: Into<Error>,
    {
        let goodbye = Event::text("{}").event_type("goodbye").retry(time);
        Self::from_parts(None, Encoder::bare()).prelude(&goodbye)
    }
}

impl<S> SseEncoder<S> {
    fn from_parts(source: Option<S>, encoder: Encoder) -> Self {
        Self {
            source,
            encoder,
            chunk_limit: SseEncoder::DEFAULT_CHUNK_LIMIT,
            turn: Turn::default(),
            log: Log::new(),
            held: None,
            options: None,
        }
    }

    fn options(&mut self) -> &mut Options {
        self.options.get_or_insert_default().get_mut()
    }

    /// Sets the first automatic id. The default is 1.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::stream;
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let stream = SseEncoder::new(stream::iter([Event::text("one")])).first_id(7);
    /// let chunk = block_on_stream(stream).next().unwrap()?;
    /// assert_eq!(chunk, ":\nid: 7\nevent: message\ndata: one\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn first_id(mut self, id: u64) -> Self {
        self.encoder.set_next_id(id);
        self
    }

    /// Continues after the last event ID that the client has seen, if it has one and that is one of
    /// the counter's: see [`Encoder::resume_after`]. The source must begin there, too.
    ///
    /// The id comes from the client. After `u64::MAX` there is no next id, and each event that
    /// needs one is an [error](Error::is_exhausted).
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::{StreamExt, stream};
    /// use sse_encoder::{Event, LastEventId, SseEncoder};
    ///
    /// // In a handler, the framework gives it.
    /// let last = LastEventId::from_headers(["41"]);
    /// let next = last.as_u64().map_or(1, |id| id.saturating_add(1));
    /// let numbers = stream::iter(next..=43).map(Event::json);
    /// let mut stream = block_on_stream(SseEncoder::new(numbers).resume_after(&last));
    /// assert!(stream.next().unwrap()?.starts_with(b":\nid: 42\nevent: message\ndata: 42\n\n"));
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn resume_after(mut self, last: &LastEventId) -> Self {
        if let Some(id) = last.get() {
            self.encoder.resume_after(id);
        }
        self
    }

    /// The size in bytes from which a chunk takes no further item. A chunk can be larger by less
    /// than one item. The default is [8 KiB](SseEncoder::DEFAULT_CHUNK_LIMIT); 0 makes a chunk of
    /// each item.
    ///
    /// The default was measured. Encoding small events takes at most 4 % longer from 4 KiB on. A
    /// client that has stopped reading makes a server of hyper hold up to 17 chunks on HTTP/1.1, as
    /// it gathers 16 for one write: 136 KiB; with 16 KiB it is twice as much, for at most 8 % less CPU
    /// time of the server where small events are always ready. actix-web has a buffer of its own,
    /// and holds one chunk and 32 KiB. (On HTTP/2 the client's window decides: see the table in
    /// SECURITY.md.) A larger limit is a good choice for few fast clients, a smaller one for many
    /// slow ones.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::stream;
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let events = || stream::iter([Event::text("one"), Event::text("two")]);
    /// assert_eq!(block_on_stream(SseEncoder::bare(events())).count(), 1);
    /// assert!(block_on_stream(SseEncoder::bare(events()).chunk_limit(0)).count() > 1);
    /// ```
    pub fn chunk_limit(mut self, bytes: usize) -> Self {
        self.chunk_limit = bytes;
        self
    }

    /// Begins the stream with a reconnection time, which the first poll sends: how long the client
    /// waits before it reconnects. By default the stream does not set it, and browsers wait some
    /// seconds. An event can set another time later, as the first one of a hub's stream does.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::stream;
    /// use sse_encoder::{Event, SseEncoder};
    /// use std::time::Duration;
    ///
    /// let stream = SseEncoder::bare(stream::iter([Event::text("one")]));
    /// let mut stream = block_on_stream(stream.retry(Duration::from_secs(5)));
    /// assert_eq!(stream.next().unwrap()?, ":\nretry: 5000\ndata: one\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A [`Duration`](std::time::Duration) that cannot be a [`ReconnectionTime`] is the error of
    /// the stream's first item: [`on_error`](Self::on_error) decides.
    pub fn retry<T>(self, time: T) -> Self
    where
        T: TryInto<ReconnectionTime>,
        T::Error: Into<Error>,
    {
        self.prelude(&Event::new().retry(time))
    }

    /// Begins the stream with a comment of this text, which the first poll sends. Several calls of
    /// [`retry`](Self::retry), `comment` and [`padding`](Self::padding) write in their order.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::stream;
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let stream = SseEncoder::bare(stream::iter([Event::text("one")])).comment("hello");
    /// assert_eq!(block_on_stream(stream).next().unwrap()?, ":\n: hello\ndata: one\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn comment(self, text: impl AsRef<str>) -> Self {
        self.prelude(&Comment::new(text))
    }

    /// Begins the stream with a comment of this many spaces, for old clients and proxies that hold
    /// back the first bytes: 2,048 are enough for all that are known. More than 64 KiB counts as 64
    /// KiB.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::stream;
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let stream = SseEncoder::bare(stream::pending::<Event>()).padding(2048);
    /// let chunk = block_on_stream(stream).next().unwrap()?;
    /// assert_eq!(chunk.len(), ":\n: \n".len() + 2048);
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn padding(self, bytes: usize) -> Self {
        self.comment(" ".repeat(bytes.min(64 * 1024)))
    }

    /// Whether the stream begins with an empty comment, `:`. The default is yes: it is sent with
    /// the response's head, before the first event comes. Firefox, and all proxies that are built
    /// on Node.js's streams, hold the head until the first byte of the body, and a page's `onopen`
    /// waits for it. In a body that no adapter of this crate makes, such as
    /// `axum::body::Body::from_stream`, a server also needs it to send the head before a failure of
    /// the first item.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let events = || futures_util::stream::iter([Event::text("one")]);
    /// let mut stream = block_on_stream(SseEncoder::bare(events()));
    /// assert_eq!(stream.next().unwrap()?, ":\ndata: one\n\n");
    ///
    /// let mut stream = block_on_stream(SseEncoder::bare(events()).opening_comment(false));
    /// assert_eq!(stream.next().unwrap()?, "data: one\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn opening_comment(mut self, yes: bool) -> Self {
        self.turn.has_opened = !yes;
        self
    }

    fn prelude(mut self, item: &impl Encode) -> Self {
        match Encoder::bare().encode_once(item) {
            Ok(encoded) => {
                let mut chunk = Chunk::new(&mut self.held);
                let invalid = chunk.resume();
                chunk.push_encoded(encoded.into_bytes());
                drop(chunk);
                if invalid.is_some() {
                    self.held.get_or_insert_default().invalid = invalid;
                }
            }
            Err(error) => {
                self.held.get_or_insert_default().invalid.get_or_insert(error);
            }
        }
        self
    }

    /// Sends an empty comment when no chunk was sent for an interval, so that proxies and clients
    /// do not take a quiet stream for a dead one, and the server notices a client that has gone.
    ///
    /// Takes a closure that makes a sleeping future, of any runtime; with the feature `tokio` also
    /// a [`Duration`](std::time::Duration), where less than a millisecond counts as one. The
    /// interval restarts with every chunk. However long the stream was not polled, one keep-alive
    /// follows, not many.
    ///
    /// Off by default: it takes a timer, and this crate does not choose your runtime. The standard
    /// [advises](https://html.spec.whatwg.org/multipage/server-sent-events.html#authoring-notes)
    /// one every 15 seconds or so.
    ///
    /// ```
    /// use sse_encoder::SseEncoder;
    /// # use sse_encoder::Event;
    /// # use std::time::Duration;
    /// # mod runtime { pub async fn sleep(_: std::time::Duration) {} }
    /// # fn example(events: impl futures_core::Stream<Item = Event>) {
    ///
    /// let stream = SseEncoder::new(events).keep_alive(|| runtime::sleep(Duration::from_secs(15)));
    /// # let _ = stream;
    /// # }
    /// ```
    pub fn keep_alive(mut self, timer: impl Timer) -> Self {
        self.options().keep_alive = Some(KeepAlive::new(timer.into_interval(), None));
        self
    }

    /// As [`keep_alive`](Self::keep_alive), with this item in place of the empty comment: a
    /// [`Comment`] with a text, or an event that a page can listen to.
    ///
    /// It is encoded now, once. It gets no automatic id and no default type line, so it does not
    /// move the client's last event ID unless you give it an id. An item that writes no frame sends
    /// nothing.
    ///
    /// # Errors
    ///
    /// If the item cannot be encoded, [`on_error`](Self::on_error) decides, each time that it is
    /// due.
    ///
    /// ```
    /// use sse_encoder::{Comment, SseEncoder};
    /// # use sse_encoder::Event;
    /// # use std::time::Duration;
    /// # mod runtime { pub async fn sleep(_: std::time::Duration) {} }
    /// # fn example(events: impl futures_core::Stream<Item = Event>) {
    ///
    /// let timer = || runtime::sleep(Duration::from_secs(15));
    /// let stream = SseEncoder::new(events).keep_alive_with(timer, &Comment::new("still here"));
    /// # let _ = stream;
    /// # }
    /// ```
    pub fn keep_alive_with(mut self, timer: impl Timer, item: &(impl ?Sized + Encode)) -> Self {
        let frames = Encoder::bare().encode_once(item).map(|encoded| encoded.into_bytes());
        self.options().keep_alive = Some(KeepAlive::new(timer.into_interval(), Some(frames)));
        self
    }

    /// Lets a chunk wait for more items, at most this long after its first one.
    ///
    /// Takes a closure that makes a sleeping future, of any runtime; with the feature `tokio` also
    /// a [`Duration`](std::time::Duration). The chunk limit, the end, an error and a stop signal
    /// end the wait at once. While it waits, the stream holds the chunk in an allocation of its
    /// own, bounded by the chunk limit and one item.
    ///
    /// By default no chunk waits, which is right for chats and tokens. Where many clients get many
    /// events each second that are not urgent (dashboards, tickers, logs), a server spends nearly
    /// all of its time on wakes and writes. Fewer writes save a part of it: see the table in
    /// `docs/performance.md`.
    ///
    /// ```
    /// use std::time::Duration;
    /// use futures_core::Stream;
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// # mod runtime { pub async fn sleep(_: std::time::Duration) {} }
    /// fn rarely_written<S: Stream<Item = Event>>(events: S) -> SseEncoder<S> {
    ///     SseEncoder::new(events).linger(|| runtime::sleep(Duration::from_millis(50)))
    /// }
    /// ```
    pub fn linger(mut self, timer: impl Timer) -> Self {
        self.options().linger = Some(timer.into_interval());
        self
    }

    /// Ends the stream cleanly when this future is ready, whatever its output: after the frames
    /// that have been gathered, without waiting for the source, which is dropped with the items
    /// that it has not yielded.
    ///
    /// For a server's shutdown, which otherwise waits for its open streams; or to bound the time
    /// that a stream may take. Each call adds a signal, and the first that is ready counts. Clients
    /// reconnect after an end, unless they are [told not to](crate::StopReconnecting).
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use futures_util::{StreamExt, stream};
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let endless = stream::repeat(1).map(Event::json);
    /// let stopped = SseEncoder::bare(endless).stop_on(async {});
    /// assert!(block_on_stream(stopped).all(|chunk| chunk.unwrap() == ":\n"));
    /// ```
    pub fn stop_on(mut self, signal: impl Future + Send + 'static) -> Self {
        self.options().add_signal(StopOn { future: signal });
        self
    }

    /// Ends the stream as [`stop_on`](Self::stop_on) does, with this future's output as the last
    /// item.
    ///
    /// # Errors
    ///
    /// If the output is an `Err`, or cannot be encoded, [`on_error`](Self::on_error) decides; the
    /// stream ends in any case.
    ///
    /// ```
    /// use sse_encoder::{Event, ReconnectionTime, SseEncoder};
    /// # fn example(
    /// #     events: impl futures_core::Stream<Item = Event>,
    /// #     shutdown: impl Future + Send + 'static,
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
    pub fn stop_with<F>(mut self, signal: F) -> Self
    where
        F: Future<Output: Encode + 'static> + Send + 'static,
    {
        self.options().add_signal(StopWith { future: signal });
        self
    }

    /// Gives the stream a value to hold, which is dropped with it: a permit that bounds the number
    /// of streams, a counter of open ones, a span. Each call adds one.
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
    pub fn guard(mut self, guard: impl Send + 'static) -> Self {
        self.options().add_guard(guard);
        self
    }

    /// Calls the closure once, when the stream ends, with the reason, the events and bytes that
    /// were sent, and the time. A stream that is dropped ends, too, as when its client disconnects,
    /// even before its first poll. Each call adds a closure. By default nothing is counted.
    ///
    /// The closure is called after the source was dropped; when the source, an item or the policy
    /// panics, while the thread unwinds. So it must not panic itself.
    ///
    /// A reason with an error keeps a clone of it, so that [`Error::into_inner`] fails in the
    /// policy and for the consumer of the stream; [`Error::downcast_ref`] works.
    ///
    /// ```
    /// use futures_executor::block_on_stream;
    /// use sse_encoder::{EndReason, Event, SseEncoder};
    ///
    /// let (report, reported) = std::sync::mpsc::channel();
    /// let events = futures_util::stream::iter([Event::text("one"), Event::text("two")]);
    /// let stream = SseEncoder::bare(events).on_close(move |end| report.send(end).unwrap());
    /// assert_eq!(block_on_stream(stream).count(), 1);
    ///
    /// let end = reported.recv().unwrap();
    /// assert!(matches!(end.reason(), EndReason::Finished));
    /// assert_eq!((end.events(), end.bytes()), (2, 24));
    /// ```
    pub fn on_close(mut self, on_close: impl FnOnce(StreamEnd) + Send + 'static) -> Self {
        self.options().add_on_close(on_close);
        self
    }

    /// Chooses the answer to an item that failed. The default is [`OnError::End`] for a stream with
    /// automatic ids, and [`OnError::Fail`] for one without. A second call replaces the first.
    ///
    /// The closure is called with the error of an item that cannot be encoded, or with that of a
    /// `Result` item.
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
    pub fn on_error(mut self, policy: impl FnMut(Error) -> OnError + Send + 'static) -> Self {
        self.options().on_error = Some(Box::new(policy));
        self
    }

    /// Calls the closure with each error of an item before the policy decides: to log it, for
    /// example. Each call adds a closure.
    ///
    /// By default an error ends or breaks the response; without the feature `tracing` nothing else
    /// tells the cause.
    ///
    /// ```
    /// use sse_encoder::{Event, SseEncoder};
    /// # fn example(events: impl futures_core::Stream<Item = Result<Event, std::io::Error>>) {
    ///
    /// let stream = SseEncoder::new(events)
    ///     .inspect_error(|error| eprintln!("a stream has ended: {error:#}"));
    /// # let _ = stream;
    /// # }
    /// ```
    pub fn inspect_error(mut self, inspect: impl FnMut(&Error) + Send + 'static) -> Self {
        self.options().add_inspector(inspect);
        self
    }

    /// The encoder, with its counter.
    ///
    /// ```
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let stream = SseEncoder::new(futures_util::stream::empty::<Event>()).first_id(7);
    /// assert_eq!(stream.encoder().next_id(), Some(7));
    /// ```
    pub const fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// The source; `None` once it has ended.
    pub const fn get_ref(&self) -> Option<&S> {
        self.source.as_ref()
    }

    /// The source; `None` once it has ended.
    pub const fn get_mut(&mut self) -> Option<&mut S> {
        self.source.as_mut()
    }

    /// The source, without the frames that were gathered for the next chunk; `None` once it has
    /// ended. To [`on_close`](Self::on_close), a stream taken apart is `Disconnected`.
    ///
    /// ```
    /// use sse_encoder::{Event, SseEncoder};
    ///
    /// let source = futures_util::stream::iter([Event::text("one")]);
    /// assert!(SseEncoder::new(source).into_inner().is_some());
    /// ```
    pub fn into_inner(self) -> Option<S> {
        self.source
    }
}

impl<S> fmt::Debug for SseEncoder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseEncoder")
            .field("ended", &self.source.is_none())
            .field("encoder", &self.encoder)
            .field("chunk_limit", &self.chunk_limit)
            .finish_non_exhaustive()
    }
}
