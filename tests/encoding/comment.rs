//! `Comment`.

use sse_encoder::{Comment, Event};

use crate::assert_rows;

#[test]
fn a_comment_is_one_line_for_each_line_of_its_text() {
    assert_rows(&[
        ("comment", &Comment::new("a"), ": a\n\n"),
        ("comment: lines", &Comment::new("a\rdata: b"), ": a\n: data: b\n\n"),
        ("comment: empty", &Comment::new(""), ":\n\n"),
        ("comment: as an event", &Event::from(Comment::new("a\nb")), ": a\n: b\n\n"),
        ("comment: empty, as an event", &Event::from(Comment::new("")), ":\n\n"),
    ]);
}
