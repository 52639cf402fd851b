//! map it: `.map_err(|error| sse_encoder::Error::other(error.to_string()))`
use sse_encoder::{Event, SseEncoder};

struct Local(std::rc::Rc<()>);

fn main() {
    let items = [Ok(Event::text("a")), Err(Local(Default::default()))];
    let _ = SseEncoder::new(futures_util::stream::iter(items));
}
