use std::fmt;

use crate::{error::Error, event::Encode};

/// The answer to an item that failed: see [`SseEncoder::on_error`](crate::SseEncoder::on_error).
///
/// ```
/// use sse_encoder::{Error, Event, OnError};
///
/// fn policy(error: Error) -> OnError {
///     if error.is_too_large() {
///         return OnError::Skip;
///     }
///     OnError::end_with(Event::text("please try again").event_type("failure"))
/// }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum OnError {
    /// The stream yields the error, after the frames before the item: the default of a
    /// [bare](crate::SseEncoder::bare) stream, whose client cannot resume, and would take a clean
    /// end for success. A consumer that goes on polling gets the next items; an HTTP server breaks
    /// the connection.
    Fail(Error),
    /// The item is left out. Without the feature `tracing` only your closures report it.
    Skip,
    /// The stream ends cleanly, after the frames before the item: the default of a stream with
    /// automatic ids. Its client reconnects, and resumes after the id that it has. Many proxies do
    /// not pass on a broken connection: behind them, the client would wait for ever.
    End,
    #[doc(hidden)]
    Substitute(Substitute),
}

/// An item in place of the failed one.
pub struct Substitute {
    pub(super) item: Box<dyn Encode + Send>,
    /// Whether the stream ends after it.
    pub(super) is_last: bool,
}

impl OnError {
    /// Sends this item in place of the failed one. It gets an automatic id only if the failed item
    /// would have: an item of the source, not a keep-alive or a last item.
    ///
    /// An item that cannot be encoded itself is a [`Fail`](Self::Fail). A source that fails for
    /// ever does not flood its client: after 32 replacements in a row, without an item that
    /// succeeds and without a moment in which the source is pending, the stream yields the next
    /// error and ends.
    pub fn replace(item: impl Encode + Send + 'static) -> Self {
        Self::Substitute(Substitute { item: Box::new(item), is_last: false })
    }

    /// Sends last words and ends the stream cleanly: an error frame and a `[DONE]`, for example.
    /// They get no automatic id: a client that resumes after one would skip an event.
    ///
    /// ```
    /// use sse_encoder::{Event, OnError, SseEncoder};
    /// # use futures_util::{StreamExt, stream};
    ///
    /// let tokens = stream::iter([Ok(Event::text("Once")), Err("the model has gone")]);
    /// let mut stream = SseEncoder::bare(tokens).on_error(|error| {
    ///     OnError::end_with([
    ///         Event::json(error.to_string()).event_type("failure").into_owned(),
    ///         Event::text("[DONE]").into(),
    ///     ])
    /// });
    /// let chunk = futures_executor::block_on(stream.next()).unwrap()?;
    /// assert_eq!(chunk, ":\ndata: Once\n\n\
    ///                    event: failure\ndata: \"the model has gone\"\n\n\
    ///                    data: [DONE]\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn end_with(item: impl Encode + Send + 'static) -> Self {
        Self::Substitute(Substitute { item: Box::new(item), is_last: true })
    }
}

impl fmt::Debug for Substitute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Substitute").field("is_last", &self.is_last).finish_non_exhaustive()
    }
}
