//! use<
use futures_util::Stream;
use sse_encoder::{Event, LastEventId, SseEncoder};

fn events(last: &LastEventId) -> SseEncoder<impl Stream<Item = Event>> {
    SseEncoder::new(futures_util::stream::iter([Event::text("a").into()])).resume_after(last)
}

fn main() {
    let stream = {
        let last = LastEventId::none();
        events(&last)
    };
    drop(stream);
}
