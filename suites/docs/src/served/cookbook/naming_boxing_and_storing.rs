use futures_util::{FutureExt, StreamExt, stream};
use sse_encoder::{Event, LastEventId};

use super::{Session, body, events, resumed};

#[test]
fn each_kind_has_the_same_type() {
    for (user, expected) in [("admin", "data: [1,2]\n\n"), ("ann", "data: hello\n\n")] {
        let session = Session { user: user.into(), events: events(user) };
        assert!(format!("{session:?}").contains(user));
        let mut body = body(session);
        let mut bytes = Vec::new();
        while let Some(Some(chunk)) = body.next().now_or_never() {
            bytes.extend_from_slice(&chunk.unwrap());
        }
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.starts_with(&format!(": {user}\n")), "{text}");
        assert!(text.ends_with(expected), "{text}");
    }
}

#[test]
fn a_generic_function_resumes() {
    let last = LastEventId::from_header(b"41");
    let mut stream = resumed(stream::iter([Event::text("next")]), &last);
    drop(last);
    let chunk = stream.next().now_or_never().flatten().unwrap().unwrap();
    assert!(chunk.starts_with(b"id: 42\n"));
}
