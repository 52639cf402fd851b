//! a `Duration` is one with the feature `tokio` of `sse-encoder`
use sse_encoder::{Event, SseEncoder};

fn main() {
    let stream = SseEncoder::new(futures_util::stream::iter([Event::text("a")]));
    let _ = stream.linger(std::time::Duration::from_millis(50));
}
