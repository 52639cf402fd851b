//! The warning that an item failed.

use super::OnError;
use crate::error::Error;

/// The span in which a stream was made.
#[derive(Debug)]
pub(super) struct Log {
    #[cfg(feature = "tracing")]
    span: tracing::Span,
}

/// An error's text with the chain of its causes, if it is logged. The policy takes the error
/// itself.
pub(super) struct Cause {
    #[cfg(feature = "tracing")]
    text: Option<String>,
}

impl Log {
    pub(super) fn new() -> Self {
        Self {
            #[cfg(feature = "tracing")]
            span: tracing::Span::current(),
        }
    }

    #[cfg(feature = "tracing")]
    pub(super) fn describe(&self, error: &Error) -> Cause {
        Cause { text: tracing::enabled!(tracing::Level::WARN).then(|| format!("{error:#}")) }
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "the span")]
    pub(super) fn describe(&self, _: &Error) -> Cause {
        Cause {}
    }

    #[cfg(feature = "tracing")]
    pub(super) fn warn(&self, cause: Cause, answer: &OnError) {
        let Some(error) = cause.text else { return };
        let consequence = match answer {
            OnError::Fail(_) => "the stream breaks",
            OnError::End => "the stream ends",
            OnError::Skip => "the item is left out",
            OnError::Substitute(substitute) if substitute.is_last => {
                "the stream ends with last words"
            }
            OnError::Substitute(_) => "the item is replaced",
        };
        tracing::warn!(parent: &self.span, %error, "an item failed: {consequence}");
    }

    #[cfg(not(feature = "tracing"))]
    #[expect(clippy::unused_self, reason = "the span")]
    pub(super) fn warn(&self, _: Cause, _: &OnError) {}
}
