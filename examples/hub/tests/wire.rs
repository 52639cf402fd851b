//! The bytes of the hub's streams.

mod support;

use std::{io::Read, net::TcpStream};

use support::Server;

#[test]
fn a_stream_opens_at_once_and_only_events_end_in_a_blank_line() {
    let server = Server::start(&[("KEEP_ALIVE_MS", "20")]);
    let mut socket = server.send("GET", "/events", "");
    let mut text = String::new();
    // Three keep-alives after the checkpoint.
    while text.matches("\n:\n:\n:\n").count() == 0 {
        read_more(&mut socket, &mut text);
    }
    let (_, body) = text.split_once("\r\n\r\n").unwrap();
    assert!(body.starts_with(":\nid: "), "{body:?}");
    let (checkpoint, keep_alives) = body.split_once("\n\n").unwrap();
    assert!(checkpoint.contains("\nevent: checkpoint\n"), "{body:?}");
    assert_eq!(keep_alives, ":\n".repeat(keep_alives.len() / 2));
}

/// A client that resumes after a last event with an id of its own would skip one.
#[test]
fn the_last_words_of_a_stream_have_no_id() {
    let mut server = Server::start(&[]);
    let mut socket = server.send("GET", "/events", "");
    let mut text = String::new();
    while !text.contains("event: checkpoint") {
        read_more(&mut socket, &mut text);
    }
    server.publish("", r#"{"data":{"n":1}}"#);
    server.signal("TERM");
    socket.read_to_string(&mut text).unwrap();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    assert!(text.contains("\ndata: {\"n\":1}\n\n"), "{text}");
    assert!(last.starts_with("event: checkpoint\nretry: "), "{last:?}");
    assert!(server.has_ended());
}

fn read_more(socket: &mut TcpStream, text: &mut String) {
    let mut bytes = [0; 1024];
    let n = socket.read(&mut bytes).unwrap();
    assert_ne!(n, 0, "the end, after {text:?}");
    text.push_str(str::from_utf8(&bytes[..n]).unwrap());
}
