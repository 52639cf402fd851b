//! `Comment`.

use sse_encoder::{Comment, Event};

use crate::assert_rows;

#[test]
fn a_comment_is_one_line_for_each_line_of_its_text_and_no_blank_line() {
    assert_rows(&[
        ("comment", &Comment::new("a"), ": a\n"),
        ("comment: lines", &Comment::new("a\rdata: b"), ": a\n: data: b\n"),
        ("comment: empty", &Comment::new(""), ":\n"),
        ("comment: as an event", &Event::from(Comment::new("a\nb")), ": a\n: b\n"),
        ("comment: empty, as an event", &Event::from(Comment::new("")), ":\n"),
    ]);
}
