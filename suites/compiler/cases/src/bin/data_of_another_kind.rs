//! expected struct `Event<sse_encoder::data::Owned>`
use sse_encoder::Event;

fn event() -> Event {
    Event::json(1)
}

fn main() {
    let _ = event();
}
