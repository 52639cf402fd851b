//! What people write at first, without a look at the documentation: it compiles, and does what it
//! says.

use std::{collections::VecDeque, io, rc::Rc, time::Duration};

use futures_util::{Stream, StreamExt, stream};
use sse_encoder::{Encode, Error, Event, EventId, EventType, LastEventId, SseEncoder};

/// The body of a bare stream of these items, without its opening comment.
fn body<S: Stream<Item: Encode> + Unpin>(items: S) -> Result<String, Error> {
    let mut stream = SseEncoder::bare(items).opening_comment(false);
    let mut body = String::new();
    while let Some(chunk) = futures_util::FutureExt::now_or_never(stream.next()).flatten() {
        body += str::from_utf8(&chunk?).unwrap();
    }
    Ok(body)
}

#[test]
fn a_reconnection_time_is_a_duration() -> Result<(), Error> {
    let time = Duration::from_secs(3);
    let _ = SseEncoder::bare(stream::empty::<Event>()).retry(time);
    let _ = SseEncoder::retry_after(time);
    let event = Event::text("a").retry(time);
    assert_eq!(body(stream::iter([event]))?, "retry: 3000\ndata: a\n\n");
    Ok(())
}

#[test]
#[expect(clippy::needless_borrows_for_generic_args, reason = "references are under test")]
fn an_id_and_a_type_are_taken_by_reference() -> Result<(), Error> {
    struct Row {
        id: i64,
        name: String,
        key: EventId,
        kind: EventType,
    }
    let row = Row {
        id: -7,
        name: "a".to_owned(),
        key: EventId::from_static("k"),
        kind: EventType::from_static("row"),
    };
    let events = stream::iter([
        Event::text("").id(&row.id).event_type(&row.name),
        Event::text("").id(&row.name).event_type(row.name.as_str()),
        Event::text("").id(&row.key).event_type(&row.kind),
    ]);
    let ids =
        "id: -7\nevent: a\ndata: \n\nid: a\nevent: a\ndata: \n\nid: k\nevent: row\ndata: \n\n";
    assert_eq!(body(events)?, ids);
    Ok(())
}

#[test]
fn a_last_event_id_is_text() {
    assert_eq!(LastEventId::from_headers(["row-7"]).as_str(), Some("row-7"));
}

#[test]
fn the_cause_of_an_error_is_found_by_its_type() {
    let error = Error::other(io::Error::from(io::ErrorKind::NotFound));
    assert_eq!(error.downcast_ref::<io::Error>().unwrap().kind(), io::ErrorKind::NotFound);
}

#[test]
fn results_may_stand_anywhere_in_an_item() -> Result<(), Error> {
    type Tried = Result<Event, io::Error>;
    let event = || -> Tried { Ok(Event::text("a").into()) };
    let a = "data: a\n\n";
    assert_eq!(body(stream::iter([Some(event()), None]))?, a);
    assert_eq!(body(stream::iter([vec![event(), event()]]))?, a.repeat(2));
    assert_eq!(body(stream::iter([VecDeque::from([event()])]))?, a);
    assert_eq!(body(stream::iter([Ok::<_, io::Error>(event())]))?, a);
    assert_eq!(body(stream::iter([(event(), (), [event()])]))?, a.repeat(2));
    assert!(body(stream::iter([Some(Tried::Err(io::ErrorKind::Other.into()))])).is_err());
    Ok(())
}

#[test]
fn a_stream_that_is_not_send_is_encoded() -> Result<(), Error> {
    let shared = Rc::new("a");
    let events = stream::iter([1]).map(move |_| Event::text(shared.to_string()));
    assert_eq!(body(events)?, "data: a\n\n");
    Ok(())
}
