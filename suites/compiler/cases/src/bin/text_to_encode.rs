//! name the kind of its data, `Event::json(value)` or `Event::text(text)`
use sse_encoder::Encoder;

fn main() {
    let _ = Encoder::new().encode_once("a");
}
