//! What every server sends, byte for byte: the opening comment, keep-alives, last words, encodings.

use std::{
    future,
    task::Poll,
    time::{Duration, Instant},
};

use sse_encoder::{Comment, Event, OnError};

use crate::{
    client::End,
    server::{Item, Kind, Server, bare, item, items, response},
    source::Watched,
};

fn never_ready(_: usize) -> Poll<Option<Item>> {
    Poll::Pending
}

/// The head and the opening comment, without an event or a keep-alive.
async fn a_quiet_stream_opens_within_100_ms(kind: Kind) {
    let watched = Watched::default();
    let server = Server::start(kind, move |_| response(watched.source(never_ready)));
    // The others show a busy machine.
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        let start = Instant::now();
        let mut client = server.get("/").await;
        client.head().await;
        assert_eq!(client.next().await.unwrap(), ":\n");
        fastest = fastest.min(start.elapsed());
    }
    assert!(fastest < Duration::from_millis(100), "{fastest:?}");
    server.end().await;
}

async fn a_keep_alive_is_an_empty_comment_of_one_line(kind: Kind) {
    let watched = Watched::default();
    let server = Server::start(kind, move |_| {
        response(watched.source(never_ready)).keep_alive(Duration::from_millis(10))
    });
    let mut client = server.get("/").await;
    let body = client.at_least(12).await;
    assert_eq!(body, ":\n".repeat(body.len() / 2).into_bytes());
    drop(client);
    server.end().await;
}

/// To some clients a blank line without data is an event.
async fn comments_and_reconnection_times_have_no_blank_line(kind: Kind) {
    let server = Server::start(kind, |path| {
        let events = items([item(Comment::new("two\nlines")), item(Event::json(1))]);
        let stream = if path == "/bare" { bare(events) } else { response(events) };
        stream.comment("hello").retry(Duration::from_millis(500))
    });
    for (path, fields) in [("/", "id: 1\nevent: message\n"), ("/bare", "")] {
        let (body, end) = server.get(path).await.rest().await;
        let before = ":\n: hello\nretry: 500\n: two\n: lines\n";
        let expected = format!("{before}{fields}data: 1\n\n");
        assert_eq!(String::from_utf8(body).unwrap(), expected, "{path}");
        assert_eq!(end, End::Clean, "{path}");
    }
    server.end().await;
}

/// A failure before the head would be status 500, or nothing, for which a browser gives up.
async fn a_raw_stream_has_its_head_before_its_first_failure(kind: Kind) {
    let server = Server::start(kind, |path| {
        let failure = items([Err("no".into())]);
        if path == "/raw/bare" { bare(failure) } else { response(failure) }
    });
    for (path, expected) in [("/raw", End::Clean), ("/raw/bare", End::Cut)] {
        let mut client = server.get(path).await;
        client.head().await;
        let (received, end) = client.rest().await;
        assert_eq!((&*received, end), (&b":\n"[..], expected), "{path}");
    }
    server.end().await;
}

/// A client that resumes after last words with an id would skip an event.
async fn last_words_have_no_automatic_id(kind: Kind) {
    let server =
        Server::start(kind, |path| {
            let events = |last| items([item(Event::json(1)), item(Event::json(2)), last]);
            let last_words = || Event::text("{}").event_type("goodbye");
            match path {
                "/error" => response(events(Err("no".into())))
                    .on_error(move |_| OnError::end_with(last_words())),
                "/bare" => bare(events(Err("no".into())))
                    .on_error(move |_| OnError::end_with(last_words())),
                "/id" => response(events(Err("no".into())))
                    .on_error(move |_| OnError::end_with(last_words().id("of its own"))),
                // A replacement stands in its item's place.
                "/replaced" => response(events(Err("no".into())))
                    .on_error(move |_| OnError::replace(last_words())),
                _ => response(items([])).stop_with(future::ready(last_words())),
            }
        });
    let numbered = "id: 1\nevent: message\ndata: 1\n\nid: 2\nevent: message\ndata: 2\n\n";
    for (path, before, id) in [
        ("/error", numbered, ""),
        ("/bare", "data: 1\n\ndata: 2\n\n", ""),
        ("/id", numbered, "id: of its own\n"),
        ("/replaced", numbered, "id: 3\n"),
        ("/stop", "", ""),
    ] {
        let (body, end) = server.get(path).await.rest().await;
        let expected = format!(":\n{before}{id}event: goodbye\ndata: {{}}\n\n");
        assert_eq!(String::from_utf8(body).unwrap(), expected, "{path}");
        assert_eq!(end, End::Clean, "{path}");
    }
    server.end().await;
}

/// Only actix-web's middleware needs it: others append to the header.
async fn the_content_encoding_is_actix_webs_own(kind: Kind) {
    let server = Server::start(kind, |_| response(items([])));
    let mut client = server.get("/").await;
    let head = client.head().await;
    let is_identity = head.contains("\r\ncontent-encoding: identity");
    assert_eq!(is_identity, matches!(kind, Kind::ActixWeb), "{head}");
    assert_eq!(head.contains("content-encoding"), is_identity, "{head}");
    drop(client);
    server.end().await;
}

on_each_server! {
    a_quiet_stream_opens_within_100_ms
    a_keep_alive_is_an_empty_comment_of_one_line
    comments_and_reconnection_times_have_no_blank_line
    a_raw_stream_has_its_head_before_its_first_failure
    last_words_have_no_automatic_id
    the_content_encoding_is_actix_webs_own
}
