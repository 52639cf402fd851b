//! Two futures, of which the first to be ready counts.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
};

pub(super) async fn race<T>(one: impl Future<Output = T>, two: impl Future<Output = T>) -> T {
    let (mut one, mut two) = (pin!(one), pin!(two));
    poll_fn(|cx| match one.as_mut().poll(cx) {
        Poll::Pending => two.as_mut().poll(cx),
        ready => ready,
    })
    .await
}
