//! expected `Event<Json
use sse_encoder::Event;

fn main() {
    let _ = if std::env::args().count() > 1 { Event::json(1) } else { Event::text("none") };
}
