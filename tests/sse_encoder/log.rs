//! The feature `tracing`: one warning where an item's error ends or breaks a stream, or the item is
//! left out or replaced.

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex},
};

use sse_encoder::{Event, OnError, SseEncoder};
use tracing::{
    Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

use crate::{
    Failing, bare, failing, number, numbered,
    support::{Item, Pending, Script, poll},
};

/// The warnings: their fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, "{field}={value:?};").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(7)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        assert_eq!(*event.metadata().level(), Level::WARN);
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// Polls until the end, or until a policy that fails has yielded all errors.
fn exhaust(stream: SseEncoder<Script<Failing>>) {
    let mut stream = Box::pin(stream);
    for _ in 0..20 {
        let _ = poll(stream.as_mut());
    }
}

#[test]
fn each_error_is_one_warning_that_tells_the_answer() {
    let log = Log::default();
    tracing::subscriber::with_default(log.clone(), || {
        let line = |error: &str, consequence: &str| {
            format!("message=an item failed: {consequence};error={error};")
        };
        let three =
            |consequence| ["first", "second", "third"].map(|error| line(error, consequence));

        exhaust(numbered(failing()));
        assert_eq!(log.take(), [line("first", "the stream ends")]);
        exhaust(bare(failing()));
        assert_eq!(log.take(), three("the stream breaks"));
        exhaust(bare(failing()).on_error(|_| OnError::Skip));
        assert_eq!(log.take(), three("the item is left out"));
        exhaust(bare(failing()).on_error(|_| OnError::replace(number(0))));
        assert_eq!(log.take(), three("the item is replaced"));
        exhaust(bare(failing()).on_error(|_| OnError::end_with(number(0))));
        assert_eq!(log.take(), [line("first", "the stream ends with last words")]);

        // Too many replacements in a row.
        let fails = (0..40).map(|n| Item(Err(n.to_string())));
        exhaust(bare(Script::new(fails)).on_error(|_| OnError::replace(number(0))));
        assert_eq!(log.take().last(), Some(&line("32", "the stream breaks")));

        // The chain of causes.
        let bad = || Event::json(std::collections::BTreeMap::from([((), 1)])).into_owned();
        let mut stream = Box::pin(numbered(Script::new([Item(bad())])));
        let _ = poll(stream.as_mut());
        let error = "`data` cannot be serialized: key must be a string";
        assert_eq!(log.take(), [line(error, "the stream ends")]);

        // No error, no warning: the end, a stop signal, a client that goes.
        exhaust(bare(Script::new([Item(Ok(number(1)))])));
        exhaust(bare(Script::new([Pending])).stop_on(std::future::ready(())));
        drop(bare(failing()));
        assert_eq!(log.take(), [""; 0]);
    });
}
