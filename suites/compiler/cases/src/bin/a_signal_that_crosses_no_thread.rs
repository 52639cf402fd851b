//! has type `Rc<()>` which is not `Send`
use std::rc::Rc;

use sse_encoder::{Event, SseEncoder};

fn main() {
    let open = Rc::new(());
    let stream = SseEncoder::new(futures_util::stream::iter([Event::text("a")]));
    let _ = stream.stop_on(async move { drop(open) });
}
