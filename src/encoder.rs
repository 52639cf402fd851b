use bytes::BytesMut;

use crate::{
    buffer::Buffer,
    error::Error,
    event::Encode,
    value::EventId,
    wire::{Defaults, Encoded, Frames, Settings, Shape},
};

/// Turns items into frames and counts the automatic ids: no I/O, no async, no clock.
///
/// All of the encoding is here; [`SseEncoder`](crate::SseEncoder) feeds it from a stream. Use it by
/// itself in blocking code, in a test, or with a framework that this crate does not know.
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
    /// An encoder with the reference's defaults: an event without an id gets the next automatic
    /// one, beginning with 1, and one without a type the line `event: message`.
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
    /// [encoded once](Self::encode_once). The comments and keep-alives that an
    /// [`SseEncoder`](crate::SseEncoder) is given as options are not bounded.
    ///
    /// Clients have limits of their own: Go's `bufio.Scanner` stops at a line of 64 KiB, Python's
    /// aiohttp at half a mebibyte, and both lose the event. For such clients set a limit below
    /// theirs, or split long text into lines.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event};
    ///
    /// let mut encoder = Encoder::new().max_frame(60_000);
    /// assert!(encoder.encode_once(&Event::text("short")).is_ok());
    /// let error = encoder.encode_once(&Event::text("x".repeat(60_000))).unwrap_err();
    /// assert!(error.is_too_large());
    /// ```
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

    /// Continues with the number after the last event ID that a client saw.
    ///
    /// An id that is not the plain digits of a `u64` is not one of this counter. Then the counter
    /// stays as it is, and the result is `false`.
    ///
    /// ```
    /// use sse_encoder::{Encoder, EventId};
    ///
    /// let mut encoder = Encoder::new();
    /// assert!(encoder.resume_after(&EventId::from_static("41")));
    /// assert!(!encoder.resume_after(&EventId::from_static("row-9")));
    /// assert_eq!(encoder.next_id(), Some(42));
    /// ```
    pub fn resume_after(&mut self, last: &EventId) -> bool {
        let Some(last) = last.as_u64() else { return false };
        self.next_id = last.checked_add(1);
        true
    }

    /// Appends the item's frames to `dst`.
    ///
    /// # Errors
    ///
    /// The data cannot be serialized or merged, an id, a type or a reconnection time is invalid, a
    /// frame is larger than [`max_frame`](Self::max_frame), the automatic ids are used up, or the
    /// item's own code has failed. `dst` and the counter are then as they were before, also when
    /// that code panics.
    pub fn encode<T: ?Sized + Encode>(
        &mut self,
        item: &T,
        dst: &mut BytesMut,
    ) -> Result<(), Error> {
        let mut buffer = Buffer::acquire();
        let written = self.write(|frames| item.encode(frames), &mut buffer);
        buffer.append_to(dst);
        written
    }

    /// Encodes an item once, to send it many times: as an item of any number of streams. Each
    /// passes it on without a copy, unless other frames go with it in one chunk.
    ///
    /// The event's id, its own or one of this encoder's counter, is the same in all of them.
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
        let mut buffer = Buffer::acquire();
        let written =
            self.write_frames(|frames| item.encode(frames), &mut buffer, Some(Shape::default()));
        let frames = buffer.take_whole();
        written.map(|shape| Encoded::new(frames, shape.unwrap_or_default()))
    }

    /// Writes an item that gets no automatic id.
    pub(crate) fn write_unnumbered(
        &self,
        item: impl FnOnce(&mut Frames<'_>) -> Result<(), Error>,
        buffer: &mut Buffer,
    ) -> Result<(), Error> {
        self.clone().automatic_ids(false).write(item, buffer)
    }

    /// Whether the encoder assigns automatic ids.
    pub(crate) const fn numbers(&self) -> bool {
        self.settings.defaults.automatic_ids
    }

    /// Writes an item's frames. If it fails or panics, no frame of it counts.
    #[inline]
    pub(crate) fn write(
        &mut self,
        item: impl FnOnce(&mut Frames<'_>) -> Result<(), Error>,
        buffer: &mut Buffer,
    ) -> Result<(), Error> {
        self.write_frames(item, buffer, None).map(drop)
    }

    #[inline(always)]
    fn write_frames(
        &mut self,
        item: impl FnOnce(&mut Frames<'_>) -> Result<(), Error>,
        buffer: &mut Buffer,
        shape: Option<Shape>,
    ) -> Result<Option<Shape>, Error> {
        let mut frames = Frames::begin(buffer, &self.settings, &self.next_id, shape);
        item(&mut frames)?;
        let (used_ids, shape) = frames.end();
        if used_ids > 0 {
            self.next_id = self.next_id.and_then(|id| id.checked_add(used_ids));
        }
        Ok(shape)
    }

    /// Fails if a frame is larger than this encoder allows.
    #[inline]
    pub(crate) fn check(&self, encoded: &Encoded) -> Result<(), Error> {
        encoded.shape().check(self.settings.max_frame)
    }
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::{
        event::{Comment, Event},
        value::ReconnectionTime,
    };

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

    #[test]
    fn encoded_frames_know_their_number_and_their_id() {
        let comment = Comment::new("a");
        let id = Some("7");
        // Item, single, id, lacks an id.
        let rows: [(&dyn Encode, bool, Option<&str>, bool); 8] = [
            (&Event::text("a").id(7), true, id, false),
            (&Event::text("a"), true, None, true),
            (&Event::text("a").no_id(), true, None, false),
            (&Event::text("a").id(""), true, Some(""), false),
            (&comment, true, None, false),
            (&Event::new(), false, None, false),
            (&(comment, Event::text("a").id(7)), false, None, false),
            (&(Event::text("a").id(7), Event::new()), true, id, false),
        ];
        for (item, is_single, id, lacks_id) in rows {
            let encoded = Encoder::new().automatic_ids(false).encode_once(item).unwrap();
            let again = Encoder::new().encode_once(&encoded).unwrap();
            for encoded in [encoded, again] {
                let frames = encoded.as_bytes();
                assert_eq!(encoded.is_single(), is_single, "{frames:?}");
                assert_eq!(encoded.id().as_ref().map(EventId::as_str), id, "{frames:?}");
                assert_eq!(encoded.has_id(), id.is_some(), "{frames:?}");
                assert_eq!(encoded.lacks_id(), lacks_id, "{frames:?}");
            }
        }
        let automatic = Encoder::new().encode_once(&Event::text("a")).unwrap();
        assert_eq!((automatic.id(), automatic.lacks_id()), (Some(EventId::from(1)), false));
    }

    #[test]
    fn encoded_frames_are_equal_if_their_bytes_are() {
        let encoded = |text| Encoder::bare().encode_once(&Event::text(text)).unwrap();
        assert_eq!(encoded("a"), encoded("a"));
        assert_ne!(encoded("a"), encoded("b"));
    }

    #[test]
    fn a_single_frame_takes_an_id_in_the_place_of_its_own() {
        let long = EventId::new("é".repeat(EventId::MAX_LEN / 2)).unwrap();
        for event in [Event::text("a"), Event::text("a").id(7), Event::text("a").no_id()] {
            let mut encoded = Encoder::bare().encode_once(&event).unwrap();
            for id in [EventId::from(12), EventId::EMPTY, long.clone(), EventId::from(3)] {
                encoded = encoded.with_id(&id).unwrap();
                assert_eq!(encoded.as_bytes(), &format!("id: {id}\ndata: a\n\n"));
                assert_eq!((encoded.id(), encoded.lacks_id()), (Some(id), false));
            }
        }
        let retry = Event::new().retry(ReconnectionTime::MAX);
        let rows: [(&dyn Encode, &str); 3] = [
            (&Comment::new("a"), "id: 1\n: a\n\n"),
            (&retry, "id: 1\nretry: 2147483647\n\n"),
            (&Event::new().id(7), "id: 1\n\n"),
        ];
        for (item, expected) in rows {
            let encoded = Encoder::bare().encode_once(item).unwrap();
            let encoded = encoded.with_id(&EventId::from(1)).unwrap();
            assert_eq!(encoded.as_bytes(), expected);
            assert_eq!(encoded.with_id(&EventId::from(1)), Some(encoded));
        }
        let several = Encoder::bare().encode_once(&[Event::text("a"), Event::text("b")]).unwrap();
        assert_eq!(several.with_id(&EventId::from(1)), None);
        assert_eq!(Encoded::default().with_id(&EventId::from(1)), None);
    }

    #[test]
    fn the_largest_of_encoded_frames_is_what_a_limit_is_for() {
        let text = Bytes::from("x".repeat(100_000));
        let large = Event::shared_text(text);
        let items = [Event::text("a").into(), large, Event::text("b").into()];
        let encoded = Encoder::bare().encode_once(&items).unwrap();
        let mut stream = BytesMut::new();
        let largest = 100_000 + "data: \n\n".len();
        for (max_frame, is_ok) in [(largest, true), (largest - 1, false)] {
            let mut encoder = Encoder::bare().max_frame(max_frame);
            assert_eq!(encoder.encode(&encoded, &mut stream).is_ok(), is_ok, "{max_frame}");
        }
        let items: [&dyn Encode; 2] = [&Event::text("a"), &Comment::new("a")];
        for item in items {
            let with_id = Encoder::bare().encode_once(item).unwrap();
            let with_id = with_id.with_id(&EventId::from(1)).unwrap();
            let len = with_id.as_bytes().len();
            for (max_frame, is_ok) in [(len, true), (len - 1, false)] {
                let mut encoder = Encoder::bare().max_frame(max_frame);
                assert_eq!(encoder.encode(&with_id, &mut stream).is_ok(), is_ok, "{with_id:?}");
            }
        }
    }
}
