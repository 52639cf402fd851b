//! The end of a stream, for code that counts, bills or logs.

use std::{
    fmt, thread,
    time::{Duration, Instant},
};

use super::clock;
use crate::{error::Error, wire::count_events};

/// The end of a stream: its reason, and what was sent. See
/// [`SseEncoder::on_close`](crate::SseEncoder::on_close).
///
/// *Sent* is what the stream has yielded: handed over to the server, which may not have written the
/// last of it to a client that has gone.
///
/// ```
/// use sse_encoder::StreamEnd;
///
/// fn line(end: &StreamEnd) -> String {
///     format!("{}: {} events, {} bytes", end.reason(), end.events(), end.bytes())
/// }
/// ```
#[derive(Clone, Debug)]
pub struct StreamEnd {
    reason: EndReason,
    events: u64,
    bytes: u64,
    time_open: Duration,
}

impl StreamEnd {
    /// Why the stream ended.
    pub const fn reason(&self) -> &EndReason {
        &self.reason
    }

    /// The error that ended the stream; `None` where no error did.
    pub const fn error(&self) -> Option<&Error> {
        match &self.reason {
            EndReason::Failed(error) | EndReason::LastWords(error) => Some(error),
            _ => None,
        }
    }

    /// The events sent: the frames that end with a blank line. Last words, replacements and events
    /// of [`keep_alive_with`](crate::SseEncoder::keep_alive_with) count; comments and a
    /// reconnection time by itself do not.
    pub const fn events(&self) -> u64 {
        self.events
    }

    /// The bytes of the body that were sent, without those that the server adds: chunk sizes,
    /// frames, encryption.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The time from the call of [`on_close`](crate::SseEncoder::on_close) to the end. It is zero
    /// on `wasm32-unknown-unknown`, where the standard library has no clock.
    pub const fn time_open(&self) -> Duration {
        self.time_open
    }
}

/// Why a stream ended.
///
/// [`Display`](fmt::Display) gives a short name, which suits a metric's label: `finished`,
/// `stopped`, `failed`, `last words`, `disconnected`, `panicked`. `{:#}` appends the error.
///
/// ```
/// use sse_encoder::EndReason;
///
/// fn is_a_fault(reason: &EndReason) -> bool {
///     matches!(reason, EndReason::Failed(_) | EndReason::LastWords(_) | EndReason::Panicked)
/// }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EndReason {
    /// The source ended, and all was sent.
    Finished,
    /// A [stop signal](crate::SseEncoder::stop_on) came, and all was sent.
    Stopped,
    /// An item failed, which ended the stream ([`OnError::End`](crate::OnError::End)) or broke it
    /// ([`OnError::Fail`](crate::OnError::Fail)).
    Failed(Error),
    /// An item failed, and [last words](crate::OnError::end_with) were sent.
    LastWords(Error),
    /// The stream was dropped before its end, as the client has disconnected. Also where the stream
    /// was never polled, as the request was a `HEAD`.
    Disconnected,
    /// The stream was dropped before its end while its thread panicked, usually in the source, an
    /// item or the policy.
    Panicked,
}

impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, error) = match self {
            Self::Finished => ("finished", None),
            Self::Stopped => ("stopped", None),
            Self::Failed(error) => ("failed", Some(error)),
            Self::LastWords(error) => ("last words", Some(error)),
            Self::Disconnected => ("disconnected", None),
            Self::Panicked => ("panicked", None),
        };
        f.write_str(name)?;
        match error {
            Some(error) if f.alternate() => write!(f, ": {error:#}"),
            _ => Ok(()),
        }
    }
}

type OnClose = Box<dyn FnOnce(StreamEnd) + Send>;

/// Counts what is sent, and calls the closure once: at the end, or when it is dropped.
pub(super) struct Close {
    /// Absent once it was called.
    on_close: Option<OnClose>,
    cause: Option<EndReason>,
    /// The stream has yielded the error that is the cause, and nothing since.
    has_yielded_error: bool,
    has_ended: bool,
    /// Pieces of a chunk, or an error, are still to be sent.
    has_rest: bool,
    events: u64,
    bytes: u64,
    opened: Option<Instant>,
}

impl Close {
    pub(super) fn new(on_close: impl FnOnce(StreamEnd) + Send + 'static) -> Self {
        Self {
            on_close: Some(Box::new(on_close)),
            cause: None,
            has_yielded_error: false,
            has_ended: false,
            has_rest: false,
            events: 0,
            bytes: 0,
            opened: clock::now(),
        }
    }

    /// Adds a closure.
    pub(super) fn and(&mut self, on_close: impl FnOnce(StreamEnd) + Send + 'static) {
        if let Some(first) = self.on_close.take() {
            self.on_close = Some(Box::new(move |end| {
                first(end.clone());
                on_close(end);
            }));
        }
    }

    pub(super) fn set_cause(&mut self, cause: EndReason) {
        self.cause = Some(cause);
    }

    pub(super) fn yielded_error(&mut self) {
        self.has_yielded_error = true;
    }

    /// Counts a chunk.
    pub(super) fn sent(&mut self, chunk: &[u8], has_rest: bool) {
        if std::mem::take(&mut self.has_yielded_error) {
            // It has not ended the stream.
            self.cause = None;
        }
        self.events += count_events(chunk) as u64;
        self.bytes += chunk.len() as u64;
        self.has_rest = has_rest;
    }

    /// Notes that the source was dropped.
    pub(super) fn source_ended(&mut self) {
        self.has_ended = true;
    }
}

impl Drop for Close {
    fn drop(&mut self) {
        let Some(on_close) = self.on_close.take() else { return };
        let reason = match self.cause.take() {
            Some(failed @ EndReason::Failed(_)) => failed,
            cause if self.has_ended && !self.has_rest => cause.unwrap_or(EndReason::Finished),
            _ if thread::panicking() => EndReason::Panicked,
            _ => EndReason::Disconnected,
        };
        let time_open = self.opened.map(|opened| opened.elapsed()).unwrap_or_default();
        on_close(StreamEnd { reason, events: self.events, bytes: self.bytes, time_open });
    }
}
