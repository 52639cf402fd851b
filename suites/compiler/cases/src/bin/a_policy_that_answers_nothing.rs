//! OnError
use sse_encoder::{Event, SseEncoder};

fn main() {
    let stream = SseEncoder::new(futures_util::stream::iter([Event::text("a")]));
    let _ = stream.on_error(|error| eprintln!("{error}"));
}
