use std::mem;

use bytes::{Bytes, BytesMut};

use crate::{
    error::Error,
    event::Encode,
    frames::{Frames, Settings},
    output::Output,
    value::EventId,
};
#[cfg(feature = "hub")]
use crate::{
    error::{Kind, Refusal},
    frames::Recording,
};

/// Turns items into frames and counts the automatic ids: no I/O, no async, no clock.
///
/// This is the whole of the encoding; [`SseEncoder`](crate::SseEncoder) puts a stream in front of it.
/// Use it by itself in blocking code, in a test, or behind an interface that this crate does not know.
///
/// ```
/// use sse_encoder::{Encoder, Event, EventId};
///
/// let mut encoder = Encoder::new();
/// encoder.resume_after(&EventId::from(41_u64));
///
/// let mut stream = bytes::BytesMut::new();
/// encoder.encode(&Event::text("hello"), &mut stream)?;
/// assert_eq!(stream, "id: 42\nevent: message\ndata: hello\n\n");
/// assert_eq!(encoder.next_id(), Some(43));
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Encoder {
    settings: Settings,
    /// `None` once [`u64::MAX`] has been used.
    next_id: Option<u64>,
}

impl Encoder {
    /// An encoder with the reference's habits: an event without an id gets the next automatic one,
    /// beginning with 1, and one without a type the line `event: message`.
    pub const fn new() -> Self {
        let settings = Settings { automatic_ids: true, default_type: true, max_frame: usize::MAX };
        Self { settings, next_id: Some(1) }
    }

    /// An encoder that writes nothing of its own accord: no automatic ids, no default type line. Token
    /// streams of language-model servers are made of such bare `data:` lines.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// Encoder::bare().encode(&Event::text("[DONE]"), &mut stream)?;
    /// assert_eq!(stream, "data: [DONE]\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub const fn bare() -> Self {
        Self::new().automatic_ids(false).default_type(false)
    }

    /// Whether an event without an id gets the next automatic one. The default is yes.
    #[must_use]
    pub const fn automatic_ids(mut self, yes: bool) -> Self {
        self.settings.automatic_ids = yes;
        self
    }

    /// Whether an event without a type gets the line `event: message`, which says no more than its
    /// absence. The default is yes, as in the reference.
    #[must_use]
    pub const fn default_type(mut self, yes: bool) -> Self {
        self.settings.default_type = yes;
        self
    }

    /// The largest frame in bytes; an item that needs a larger one is an
    /// [error](Error::is_too_large) and nothing of it is written. The default is no limit.
    ///
    /// Clients have limits of their own: some fail at lines beyond half a mebibyte.
    #[must_use]
    pub const fn max_frame(mut self, bytes: usize) -> Self {
        self.settings.max_frame = bytes;
        self
    }

    /// The automatic id that comes next; `None` when [`u64::MAX`] has been used.
    pub const fn next_id(&self) -> Option<u64> {
        self.next_id
    }

    /// Sets the automatic id that comes next.
    pub const fn set_next_id(&mut self, id: u64) {
        self.next_id = Some(id);
    }

    /// Goes on after the last event ID that a client has seen: with the number that follows it.
    ///
    /// An id that is not the plain digits of a `u64` is none of this counter's. The counter is then left
    /// alone, and the answer is `false`.
    pub fn resume_after(&mut self, last: &EventId) -> bool {
        let Some(last) = last.as_u64() else { return false };
        self.next_id = last.checked_add(1);
        true
    }

    /// Appends the item's frames to `dst`.
    ///
    /// # Errors
    ///
    /// On an error `dst` and the counter are as they were before; so they are when the item's own code
    /// panics.
    pub fn encode<T: ?Sized + Encode>(
        &mut self,
        item: &T,
        dst: &mut BytesMut,
    ) -> Result<(), Error> {
        let mut append = Append { output: Output::appending(mem::take(dst)), dst };
        self.put(item, &mut append.output)
    }

    /// Encodes an item once, to send it many times: as an item of any number of streams, each of which
    /// then copies it, or shares it if it is long.
    ///
    /// The id that it has, or gets from this encoder's counter, is the same in all of them.
    ///
    /// # Errors
    ///
    /// As [`encode`](Self::encode).
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    ///
    /// let mut encoder = Encoder::new();
    /// let event = encoder.encode_once(&Event::json([1, 2, 3]))?;
    ///
    /// let mut stream = bytes::BytesMut::new();
    /// for _subscriber in 0..2 {
    ///     Encoder::new().encode(&event, &mut stream)?;
    /// }
    /// assert_eq!(stream, "id: 1\nevent: message\ndata: [1,2,3]\n\n".repeat(2));
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn encode_once<T: ?Sized + Encode>(&mut self, item: &T) -> Result<Encoded, Error> {
        let mut dst = BytesMut::new();
        self.encode(item, &mut dst)?;
        // Kept for long, perhaps: in no more memory than it takes.
        Ok(Encoded(Bytes::copy_from_slice(&dst)))
    }

    #[inline]
    pub(crate) fn put<T: ?Sized + Encode>(
        &mut self,
        item: &T,
        output: &mut Output,
    ) -> Result<(), Error> {
        let frames = Frames::new(output, &self.settings, self.next_id);
        self.next_id = frames.item(|frames| item.encode(frames))?;
        Ok(())
    }
}

/// Gives the caller's buffer back, also when the item's own code panics.
struct Append<'a> {
    output: Output,
    dst: &'a mut BytesMut,
}

impl Drop for Append<'_> {
    fn drop(&mut self) {
        *self.dst = mem::take(&mut self.output).into_bytes();
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Frames that have been encoded, by [`Encoder::encode_once`]. A clone shares them.
#[derive(Clone, Debug, Default)]
pub struct Encoded(pub(crate) Bytes);

impl Encoded {
    /// The frames' bytes.
    pub fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The frames' bytes.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// Encodes an item for the hub: exactly one frame, with the reference's habits (`event: message` where
/// there is no type), in memory of just its size.
///
/// # Errors
///
/// As [`Encoder::encode`]; and where the item writes no frame, more than one, or one that is encoded
/// already.
#[cfg(feature = "hub")]
pub(crate) fn encode_published(
    item: &(impl ?Sized + Encode),
    automatic_id: &EventId,
    max_frame: usize,
) -> Result<Published, Error> {
    let settings = Settings { automatic_ids: false, default_type: true, max_frame };
    let mut output = Output::appending(BytesMut::new());
    let automatic_id = automatic_id.clone();
    let mut recording = Recording { automatic_id, frames: 0, id: PublishedId::None };
    let frames = Frames::new(&mut output, &settings, None).recorded(&mut recording);
    frames.item(|frames| item.encode(frames))?;
    let bytes = output.into_bytes();
    if recording.frames != 1 || bytes.is_empty() {
        let frames = if bytes.is_empty() { 0 } else { recording.frames };
        return Err(Kind::Refused(Refusal::Frames(frames)).into());
    }
    Ok(Published { frame: Encoded(Bytes::copy_from_slice(&bytes)), id: recording.id })
}

/// An item as the hub publishes it.
#[cfg(feature = "hub")]
pub(crate) struct Published {
    pub(crate) frame: Encoded,
    pub(crate) id: PublishedId,
}

/// The id that a published item has.
#[cfg(feature = "hub")]
pub(crate) enum PublishedId {
    /// The automatic one. Its line is the frame's first.
    Automatic,
    /// The item's own.
    Own(EventId),
    /// None: a comment, or an ephemeral event.
    None,
}

impl Encode for Encoded {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        frames.put_encoded(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_of_the_counter_are_resumed_after() {
        for (last, next) in [
            ("0", Some(1)),
            ("1", Some(2)),
            ("18446744073709551614", Some(u64::MAX)),
            ("18446744073709551615", None),
        ] {
            let mut encoder = Encoder::new();
            assert!(encoder.resume_after(&EventId::new(last).unwrap()), "{last}");
            assert_eq!(encoder.next_id(), next, "{last}");
        }
        for last in ["", "01", "+1", "-1", "1.0", "1 ", "a", "18446744073709551616", "１"] {
            let mut encoder = Encoder::new();
            encoder.set_next_id(9);
            assert!(!encoder.resume_after(&EventId::new(last).unwrap()), "{last}");
            assert_eq!(encoder.next_id(), Some(9), "{last}");
        }
    }
}
