//! Turns: when a stream lets others run.

use std::task::Context;

/// Lets other tasks run before this one is polled again.
///
/// With the feature `tokio`, in a task of tokio, the runtime first runs the other tasks that are
/// ready and looks for I/O; elsewhere the wake comes straight back.
pub(crate) fn yield_now(cx: &mut Context<'_>) {
    #[cfg(feature = "tokio")]
    {
        // Its first poll hands the waker to the runtime, or wakes it where there is none.
        let _ = Future::poll(std::pin::pin!(tokio::task::yield_now()), cx);
    }
    #[cfg(not(feature = "tokio"))]
    cx.waker().wake_by_ref();
}
