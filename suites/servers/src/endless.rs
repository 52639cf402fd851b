//! Endless sources: of errors, of items without frames, always ready, or never.

use std::{task::Poll, time::Duration};

use sse_encoder::{Comment, Error, Event, OnError};

use crate::{
    client::{Client, End},
    decode::{assert_frames, decode},
    server::{Item, Kind, Response, Server, bare, item, response},
    source::Watched,
};

fn start(
    kind: Kind,
    next: fn(usize) -> Poll<Option<Item>>,
    respond: fn(Response) -> Response,
) -> (Server, Watched) {
    let watched = Watched::default();
    let sources = watched.clone();
    let handler = move |_: &str| respond(response(sources.source(next)));
    (Server::start(kind, handler), watched)
}

fn error(_: usize) -> Poll<Option<Item>> {
    Poll::Ready(Some(Err("no".into())))
}

fn number(taken: usize) -> Poll<Option<Item>> {
    Poll::Ready(Some(item(Event::json(taken + 1))))
}

fn skip(_: Error) -> OnError {
    OnError::Skip
}

/// The client disconnects, and the source is dropped.
async fn leave(client: Client, watched: &Watched, server: Server) {
    drop(client);
    watched.dropped().await;
    server.end().await;
}

/// A numbered stream ends, a bare one breaks.
async fn the_first_of_errors_alone_ends_the_response(kind: Kind) {
    let watched = Watched::default();
    let sources = watched.clone();
    let server = Server::start(kind, move |path| match path {
        "/bare" => bare(sources.source(error)),
        _ => response(sources.source(error)),
    });
    for (taken, (path, expected)) in (1..).zip([("/", End::Clean), ("/bare", End::Cut)]) {
        let (body, end) = server.get(path).await.rest().await;
        assert_eq!((&*body, end), (&b":\n"[..], expected));
        watched.dropped().await;
        assert_eq!(watched.taken(), taken);
        server.assert_alive().await;
    }
    server.end().await;
}

/// Sources that are always ready with items that send nothing.
type Silent = (&'static str, fn(usize) -> Poll<Option<Item>>, fn(Response) -> Response);

const SILENT: &[Silent] = &[
    ("errors only", error, |response| response.on_error(skip)),
    (
        "items that fail",
        |_| Poll::Ready(Some(item(Event::merge("no members", ())))),
        |response| response.on_error(skip),
    ),
    ("events of nothing", |_| Poll::Ready(Some(item(Event::new()))), |response| response),
];

async fn an_endless_source_without_frames_yields_to_other_tasks(kind: Kind) {
    for (name, next, respond) in SILENT {
        println!("{name}");
        let (server, watched) = start(kind, *next, *respond);
        let mut client = server.get("/").await;
        client.head().await;
        server.assert_alive().await;
        assert!(watched.is_open() && watched.taken() > 0);
        leave(client, &watched, server).await;
    }
}

async fn errors_alone_are_replaced_a_limited_number_of_times(kind: Kind) {
    let (server, watched) = start(kind, error, |response| {
        response.on_error(|error| OnError::replace(Event::text(error.to_string())))
    });
    let (body, end) = server.get("/").await.rest().await;
    let events = decode(&body);
    assert!(events.iter().all(|event| event.data == "no"));
    assert_eq!((events.len(), end), (32, End::Cut));
    server.assert_alive().await;
    watched.dropped().await;
    server.end().await;
}

async fn an_always_ready_source_is_dropped_with_its_client(kind: Kind) {
    let (server, watched) = start(kind, number, |response| response);
    let mut client = server.get("/").await;
    let events = decode(&client.at_least(50_000).await);
    for (event, number) in events.iter().zip(1..) {
        assert_eq!((&event.id, &event.data), (&number.to_string(), &number.to_string()));
    }
    server.assert_alive().await;
    assert!(watched.is_open());
    leave(client, &watched, server).await;
}

async fn a_pending_source_has_its_head_and_is_dropped_with_its_client(kind: Kind) {
    let (server, watched) = start(kind, |_| Poll::Pending, |response| response);
    let mut client = server.get("/").await;
    client.head().await;
    server.assert_alive().await;
    assert!(watched.is_open());
    leave(client, &watched, server).await;
}

async fn a_pending_source_is_kept_alive(kind: Kind) {
    let (server, watched) = start(
        kind,
        |_| Poll::Pending,
        |response| {
            let comment = Comment::new("\u{FEFF}\r\rdata: forged\r\r\n\nid: 99\0\n\n");
            response.keep_alive_with(Duration::from_millis(20), &comment)
        },
    );
    let mut client = server.get("/").await;
    let body = client.at_least(500).await;
    assert_frames(&body);
    assert!(body.starts_with(b":\n: \xEF\xBB\xBF\n"));
    assert_eq!(decode(&body), []);
    leave(client, &watched, server).await;
}

async fn an_empty_source_ends_the_response(kind: Kind) {
    let (server, watched) = start(kind, |_| Poll::Ready(None), |response| response);
    assert_eq!(server.get("/").await.rest().await, (b":\n".to_vec(), End::Clean));
    watched.dropped().await;
    server.end().await;
}

on_each_server! {
    the_first_of_errors_alone_ends_the_response
    an_endless_source_without_frames_yields_to_other_tasks
    errors_alone_are_replaced_a_limited_number_of_times
    an_always_ready_source_is_dropped_with_its_client
    a_pending_source_has_its_head_and_is_dropped_with_its_client
    a_pending_source_is_kept_alive
    an_empty_source_ends_the_response
}
