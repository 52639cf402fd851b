use std::time::Duration;

use futures_util::{StreamExt, stream};
use sse_encoder::Event;

#[test]
fn it_keeps_a_stream_alive_that_is_send() {
    let is_send = |stream| -> Box<dyn futures_util::Stream<Item = _> + Send + Unpin> { stream };
    let quiet = super::kept_alive(stream::pending::<Event>(), Duration::from_millis(5));
    let mut chunks = is_send(Box::new(quiet));
    for _ in 0..3 {
        assert_eq!(smol::block_on(chunks.next()).unwrap().unwrap(), ":\n");
    }
}
