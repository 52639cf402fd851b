//! Which threads a stream may cross.

use std::{
    future::ready,
    pin::Pin,
    task::{Context, Poll},
};

use futures_core::Stream;
use sse_encoder::{Event, EventId, OnError, SseEncoder};

#[test]
fn a_stream_is_send_sync_and_unpin_if_its_source_is() {
    fn crosses<T: Send + Sync + Unpin + 'static>(_: &T) {}
    struct Items;
    impl Stream for Items {
        type Item = Event;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Event>> {
            Poll::Ready(None)
        }
    }
    crosses(&SseEncoder::new(Items));
    crosses(&SseEncoder::new(Items).stop_on(ready(())).on_error(|_| OnError::Skip));
    crosses(&EventId::from(1));
}
