//! map it: `.map_err(|error| sse_encoder::Error::other(error.to_string()))`
use std::error::Error;

use sse_encoder::{Event, SseEncoder};

fn event() -> Result<Event, Box<dyn Error>> {
    Ok(Event::text(std::fs::read_to_string("news")?).into())
}

fn main() {
    let _ = SseEncoder::new(futures_util::stream::iter([event()]));
}
