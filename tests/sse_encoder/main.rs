//! `SseEncoder` under scripted polls, without a runtime: each poll's result, and what the source
//! was asked for.

#[path = "../support/mod.rs"]
mod support;

mod auto_traits;
#[cfg(feature = "http-body")]
mod body;
mod chunks;
mod encoded;
mod end;
mod keep_alive;
mod linger;
#[cfg(feature = "tracing")]
mod log;
mod on_close;
mod on_error;
mod opening;
mod shared_text;
mod stop;
mod turns;

use bytes::Bytes;
use futures_core::Stream;
use sse_encoder::{Encode, Encoder, Error, Event, Frames, SseEncoder, data::Json};
use support::{Item, Pending, Script, Step};

/// A bare stream without its opening comment, which `opening` tests.
pub(crate) fn bare<S: Stream<Item: Encode>>(source: S) -> SseEncoder<S> {
    SseEncoder::bare(source).opening_comment(false)
}

/// A numbered stream without its opening comment.
pub(crate) fn numbered<S: Stream<Item: Encode>>(source: S) -> SseEncoder<S> {
    SseEncoder::new(source).opening_comment(false)
}

/// A stream of this encoder without its opening comment.
pub(crate) fn with_encoder<S: Stream<Item: Encode>>(source: S, encoder: Encoder) -> SseEncoder<S> {
    SseEncoder::with_encoder(source, encoder).opening_comment(false)
}

/// An item of one type among others.
pub(crate) fn boxed(item: impl Encode + 'static) -> Step<Box<dyn Encode>> {
    Item(Box::new(item))
}

/// An event whose data is this number.
pub(crate) fn number(n: u32) -> Event<Json<u32>> {
    Event::json(n)
}

/// The frames of these numbers in a bare stream.
pub(crate) fn frames(numbers: impl IntoIterator<Item = u32>) -> String {
    numbers.into_iter().map(|n| format!("data: {n}\n\n")).collect()
}

pub(crate) type Failing = Result<Event<Json<u32>>, String>;

pub(crate) fn failing() -> Script<Failing> {
    Script::new([
        Item(Ok(number(1))),
        Item(Err("first".into())),
        Item(Err("second".into())),
        Item(Ok(number(2))),
        Pending,
        Item(Err("third".into())),
        Item(Ok(number(3))),
    ])
}

/// Fails after a long shared text.
pub(crate) struct Torn(pub(crate) Bytes);

impl Encode for Torn {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        Event::shared_text(self.0.clone()).encode(frames)?;
        Err(Error::other("torn"))
    }
}
