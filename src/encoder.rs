use bytes::{Bytes, BytesMut};

use crate::{
    error::Error,
    event::{Encode, Internal},
    frame::{Frames, Settings, check_each},
    head::{Defaults, NextId},
    output::Output,
    value::EventId,
};
#[cfg(feature = "hub")]
use crate::{
    error::{Kind, Refusal},
    frame,
};

/// Turns items into frames and counts the automatic ids: no I/O, no async, no clock.
///
/// This is the whole of the encoding; [`SseEncoder`](crate::SseEncoder) puts a stream in front of
/// it. Use it by itself in blocking code, in a test, or behind an interface that this crate does
/// not know.
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
        let defaults = Defaults { automatic_ids: true, default_type: true };
        Self { settings: Settings { defaults, max_frame: usize::MAX }, next_id: Some(1) }
    }

    /// An encoder that writes nothing of its own accord: no automatic ids, no default type line.
    /// Token streams of language-model servers are made of such bare `data:` lines.
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
        self.settings.defaults.automatic_ids = yes;
        self
    }

    /// Whether an event without a type gets the line `event: message`, which says no more than its
    /// absence. The default is yes, as in the reference.
    #[must_use]
    pub const fn default_type(mut self, yes: bool) -> Self {
        self.settings.defaults.default_type = yes;
        self
    }

    /// The largest frame in bytes; an item that needs a larger one is an
    /// [error](Error::is_too_large) and nothing of it is written. The default is no limit, as only
    /// the service knows how large its data may be.
    ///
    /// Each frame is bounded by itself, also those of an item of several, and those that were
    /// [encoded once](Self::encode_once).
    ///
    /// Clients have limits of their own: Go's `bufio.Scanner` stops at a line of 64 KiB, Python's
    /// aiohttp at half a mebibyte, and what they were to deliver is lost with it. For such clients
    /// set a limit below theirs, or split long text into lines.
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
    /// An id that is not the plain digits of a `u64` is none of this counter's. The counter is then
    /// left alone, and the answer is `false`.
    pub fn resume_after(&mut self, last: &EventId) -> bool {
        let Some(last) = last.as_u64() else { return false };
        self.next_id = last.checked_add(1);
        true
    }

    /// Appends the item's frames to `dst`.
    ///
    /// # Errors
    ///
    /// The data cannot be serialized or merged, an id or a type is invalid, a frame is larger than
    /// [`max_frame`](Self::max_frame), the automatic ids have come to their end, or the item's own
    /// code has failed. `dst` and the counter are then as they were before; so they are when that
    /// code panics.
    pub fn encode<T: ?Sized + Encode>(
        &mut self,
        item: &T,
        dst: &mut BytesMut,
    ) -> Result<(), Error> {
        let mut output = Output::new();
        let encoded = self.write(item, &mut output);
        output.append_to(dst);
        encoded
    }

    /// Encodes an item once, to send it many times: as an item of any number of streams. Each of
    /// them passes it on without copying it, unless it leaves together with others.
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
        let mut output = Output::new();
        let encoded = self.write(item, &mut output);
        let frames = output.take_whole();
        encoded.map(|()| Encoded(frames))
    }

    /// Writes an item's frames. If it fails or panics, nothing counts of it.
    #[inline]
    pub(crate) fn write<T: ?Sized + Encode>(
        &mut self,
        item: &T,
        output: &mut Output,
    ) -> Result<(), Error> {
        let next_id = self.next_id.map_or(NextId::Exhausted, NextId::Number);
        let mut frames = Frames::begin(output, &self.settings, next_id);
        item.encode(&mut frames)?;
        self.next_id = match frames.end() {
            NextId::Number(number) => Some(number),
            NextId::Exhausted | NextId::Given { .. } => None,
        };
        Ok(())
    }

    /// Fails if one of these frames is larger than this encoder allows.
    #[inline]
    pub(crate) fn check_encoded(&self, frames: &[u8]) -> Result<(), Error> {
        check_each(frames, self.settings.max_frame)
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

/// Frames that have been encoded, by [`Encoder::encode_once`]. A clone shares them.
///
/// ```
/// use sse_encoder::{Encoder, Event};
///
/// let ping = Encoder::bare().encode_once(&Event::text("").event_type("ping"))?;
/// assert_eq!(ping.as_bytes(), "event: ping\ndata: \n\n");
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Encoded(pub(crate) Bytes);

impl Encoded {
    /// The frames' bytes.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }

    /// The frames' bytes.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

/// Encodes an item for the hub: exactly one frame, with the reference's habits (`event: message`
/// where there is no type), in memory of just its size.
///
/// # Errors
///
/// As [`Encoder::encode`]; and where the item writes no frame, or more than one.
#[cfg(feature = "hub")]
pub(crate) fn encode_published(
    item: &(impl ?Sized + Encode),
    automatic_id: &EventId,
    max_frame: usize,
) -> Result<Published, Error> {
    let Encoder { settings, .. } = Encoder::new().max_frame(max_frame);
    let mut output = Output::new();
    let next_id = NextId::Given { id: automatic_id, used: false };
    let mut frames = Frames::begin(&mut output, &settings, next_id);
    let encoded = item.encode(&mut frames);
    let is_automatic = encoded.is_ok() && matches!(frames.end(), NextId::Given { used: true, .. });
    let bytes = output.take_whole();
    encoded?;
    let frames = frame::ends(&bytes).count();
    if frames != 1 {
        return Err(Kind::Refused(Refusal::Frames(frames)).into());
    }
    let id = match bytes.strip_prefix(b"id: ") {
        _ if is_automatic => PublishedId::Automatic,
        None => PublishedId::None,
        Some(id) => {
            // The frame's first line. It was checked when it was made.
            let id = id.split(|byte| *byte == b'\n').next().unwrap_or_default();
            PublishedId::Own(EventId::new(str::from_utf8(id).unwrap_or_default())?)
        }
    };
    Ok(Published { frame: Encoded(bytes), id })
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
        frames.encoded(&self.0)
    }

    #[inline]
    fn take_encoded(&mut self, _: Internal) -> Option<Bytes> {
        Some(std::mem::take(&mut self.0))
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
