//! EventId
use sse_encoder::Event;

fn main() {
    let _ = Event::text("a").id(1.5);
}
