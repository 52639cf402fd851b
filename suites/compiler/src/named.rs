//! Encoders that are stored, returned and collected: one type, whatever is set.

use std::{future, time::Duration};

use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use sse_encoder::{Comment, Event, LastEventId, OnError, SseEncoder};

type Events = SseEncoder<BoxStream<'static, Event>>;

/// In a field, which is set again with one option more.
struct Connection {
    stream: Events,
}

impl Connection {
    fn kept_alive(self) -> Self {
        Self { stream: self.stream.keep_alive(Duration::from_secs(15)) }
    }
}

/// As a return type.
fn events() -> Events {
    SseEncoder::bare(stream::iter([Event::text("a").into()]).boxed())
}

/// As an argument and a return type.
fn with_every_option(stream: Events) -> Events {
    stream
        .first_id(7)
        .resume_after(&LastEventId::none())
        .chunk_limit(1_000)
        .keep_alive(future::pending::<()>)
        .keep_alive_with(Duration::from_secs(15), &Comment::new("here"))
        .linger(Duration::from_millis(1))
        .stop_on(future::pending::<()>())
        .stop_with(future::pending::<Event>())
        .on_error(|_| OnError::Skip)
        .inspect_error(|error| eprintln!("{error:#}"))
        .guard(String::from("a permit"))
        .on_close(|end| println!("{}", end.reason()))
        .opening_comment(true)
}

#[test]
fn an_encoder_has_one_type_whatever_is_set() {
    fn assert_send<T: Send>(_: &T) {}

    let connection = Connection { stream: events() }.kept_alive();
    let mut streams: Vec<Events> = vec![
        events(),
        events().keep_alive(Duration::from_secs(15)),
        events().keep_alive(future::pending::<()>),
        events().keep_alive_with(Duration::from_secs(15), &Comment::new("here")),
        events().linger(Duration::from_millis(1)),
        events().stop_on(future::pending::<()>()),
        events().stop_with(future::pending::<Event>()),
        events().on_error(|_| OnError::End),
        events().inspect_error(|_| {}),
        events().guard(0),
        events().on_close(drop),
        with_every_option(events()),
        connection.kept_alive().stream,
    ];
    streams.push(with_every_option(events().keep_alive(Duration::from_secs(1))));
    for mut stream in streams {
        assert_send(&stream);
        let chunk = stream.next().now_or_never().unwrap().unwrap().unwrap();
        assert_eq!(chunk, ":\ndata: a\n\n");
    }
}
