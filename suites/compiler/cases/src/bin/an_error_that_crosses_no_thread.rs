//! map it: `.map_err(sse_encoder::Error::from)`
use sse_encoder::{Event, SseEncoder};

struct Local(std::rc::Rc<()>);

fn main() {
    let items = [Ok(Event::text("a")), Err(Local(Default::default()))];
    let _ = SseEncoder::new(futures_util::stream::iter(items));
}
