use std::fmt;

use crate::{error::Error, event::Encode};

/// What becomes of an item that failed: the answer of the closure in
/// [`SseEncoder::on_error`](crate::SseEncoder::on_error).
#[non_exhaustive]
pub enum OnError {
    /// The error comes out of the stream, after what came before the item: the default. A consumer
    /// that goes on polling gets the next items; an HTTP server cuts the connection, and the client
    /// reconnects.
    Fail(Error),
    /// The item is left out. Report it first: nobody else will.
    Skip,
    /// This item is sent in its place. See [`replace`](Self::replace).
    Replace(Box<dyn Encode>),
    /// The stream ends cleanly, after what came before the item.
    End,
    /// This item is sent, and then the stream ends cleanly. See [`end_with`](Self::end_with).
    EndWith(Box<dyn Encode>),
}

impl OnError {
    /// Sends this item in the place of the one that failed.
    ///
    /// One that cannot be encoded itself is a [`Fail`](Self::Fail). A source that fails for ever
    /// does not flood its client: of items that fail one directly after another, without one that
    /// succeeds and without a moment in which the source has none, 32 are replaced. The next one's
    /// error comes out of the stream, and that is its end.
    pub fn replace(item: impl Encode + 'static) -> Self {
        Self::Replace(Box::new(item))
    }

    /// Sends last words, and ends the stream cleanly: an error frame and a `[DONE]`, say.
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
    /// assert_eq!(chunk, "data: Once\n\n\
    ///                    event: failure\ndata: \"the model has gone\"\n\n\
    ///                    data: [DONE]\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn end_with(item: impl Encode + 'static) -> Self {
        Self::EndWith(Box::new(item))
    }
}

impl fmt::Debug for OnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fail(error) => f.debug_tuple("Fail").field(error).finish(),
            Self::Skip => f.write_str("Skip"),
            Self::Replace(_) => f.write_str("Replace"),
            Self::End => f.write_str("End"),
            Self::EndWith(_) => f.write_str("EndWith"),
        }
    }
}

/// What a stream does with errors: a closure, a function or [`InspectError`]. It is sealed.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a policy for errors",
    note = "it is a closure: `.on_error(|error| OnError::Skip)`"
)]
pub trait ErrorPolicy: sealed::ErrorPolicy {}

impl<P: sealed::ErrorPolicy> ErrorPolicy for P {}

pub(super) mod sealed {
    use super::{Error, OnError};

    pub trait ErrorPolicy {
        /// This policy with another choice, and all that looks on.
        type Choosing<F: FnMut(Error) -> OnError>: ErrorPolicy;

        /// Looks at an error.
        fn inspect(&mut self, _: &Error) {}

        fn choose(&mut self, error: Error) -> OnError;

        fn choosing<F: FnMut(Error) -> OnError>(self, choice: F) -> Self::Choosing<F>;
    }
}

impl<F: FnMut(Error) -> OnError> sealed::ErrorPolicy for F {
    type Choosing<G: FnMut(Error) -> OnError> = G;

    fn choose(&mut self, error: Error) -> OnError {
        self(error)
    }

    fn choosing<G: FnMut(Error) -> OnError>(self, choice: G) -> G {
        choice
    }
}

/// Looks at each error before the policy chooses: see
/// [`SseEncoder::inspect_error`](crate::SseEncoder::inspect_error).
#[derive(Clone, Copy)]
pub struct InspectError<I, P> {
    pub(super) inspect: I,
    pub(super) policy: P,
}

impl<I, P> fmt::Debug for InspectError<I, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectError").finish_non_exhaustive()
    }
}

impl<I: FnMut(&Error), P: sealed::ErrorPolicy> sealed::ErrorPolicy for InspectError<I, P> {
    type Choosing<F: FnMut(Error) -> OnError> = InspectError<I, P::Choosing<F>>;

    fn inspect(&mut self, error: &Error) {
        (self.inspect)(error);
        self.policy.inspect(error);
    }

    fn choose(&mut self, error: Error) -> OnError {
        self.policy.choose(error)
    }

    fn choosing<F: FnMut(Error) -> OnError>(self, choice: F) -> Self::Choosing<F> {
        InspectError { inspect: self.inspect, policy: self.policy.choosing(choice) }
    }
}
