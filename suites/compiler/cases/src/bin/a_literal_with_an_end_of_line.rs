//! an event type may not have CR or LF
const FORGED: sse_encoder::EventType = sse_encoder::EventType::from_static("a\ndata: forged");

fn main() {
    let _ = FORGED;
}
