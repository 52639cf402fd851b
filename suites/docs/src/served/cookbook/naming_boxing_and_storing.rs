use futures_util::{FutureExt, StreamExt, stream};
use sse_encoder::{Event, LastEventId};

use super::{Session, body, events, resumed};

#[test]
fn each_kind_has_the_same_type() {
    for (user, expected) in [("admin", "data: [1,2]\n\n"), ("ann", "data: hello\n\n")] {
        let mut session = Session { user: user.into(), streams: vec![events(user)] };
        assert!(format!("{session:?}").contains(user));
        let chunk = session.streams[0].next().now_or_never().flatten().unwrap().unwrap();
        let text = str::from_utf8(&chunk).unwrap();
        assert!(text.starts_with(&format!(":\n: {}\n", session.user)), "{text}");
        assert!(text.ends_with(expected), "{text}");
    }
}

#[test]
fn a_generic_function_resumes() {
    let last = LastEventId::from_headers(["41"]);
    let mut stream = resumed(stream::iter([Event::text("next")]), &last);
    let chunk = stream.next().now_or_never().flatten().unwrap().unwrap();
    assert!(chunk.starts_with(b":\nid: 42\n"));
}

#[test]
fn a_body_is_chunks() {
    let mut chunks = body(stream::iter([Event::text("one")]));
    let chunk = chunks.next().now_or_never().flatten().unwrap().unwrap();
    assert_eq!(chunk, ":\nid: 1\nevent: message\ndata: one\n\n");
}
