//! The counts that decide when a stream lets other tasks run.

use std::task::Context;

/// The chunks and items since other tasks had a turn.
#[derive(Debug, Default)]
pub(super) struct Turn {
    /// The chunks that were sent: their consumer may not have written them yet.
    pub(super) chunks: u16,
    /// The items in a row that failed and were replaced.
    pub(super) replaced: u16,
    /// The current chunk waits for more items.
    pub(super) lingers: bool,
    /// The opening comment was sent, or is switched off.
    pub(super) has_opened: bool,
    /// The stream is polled as the body of a response.
    pub(super) is_body: bool,
}

/// Lets other tasks run before this one is polled again.
///
/// With the feature `tokio`, in a task of tokio, the runtime first runs the other tasks that are
/// ready and polls for I/O; elsewhere the task is woken at once.
pub(super) fn yield_now(cx: &mut Context<'_>) {
    #[cfg(feature = "tokio")]
    {
        // Its first poll hands the waker to the runtime, or wakes it outside of one.
        let _ = Future::poll(std::pin::pin!(tokio::task::yield_now()), cx);
    }
    #[cfg(not(feature = "tokio"))]
    cx.waker().wake_by_ref();
}
