//! name the kind of its data, `Event::json(value)` or `Event::text(text)`
use sse_encoder::SseEncoder;

fn main() {
    let _ = SseEncoder::new(futures_util::stream::iter(["a"]));
}
