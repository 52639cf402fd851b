use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    error::Error,
    event::{Encode, Internal},
    frame::{Frames, Settings, Shape},
    head::{Defaults, IdLine},
    output::Output,
    value::EventId,
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
        encoded.map(drop)
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
        encoded.map(|shape| Encoded { frames, shape })
    }

    /// Writes an item's frames. If it fails or panics, nothing counts of it.
    #[inline]
    pub(crate) fn write<T: ?Sized + Encode>(
        &mut self,
        item: &T,
        output: &mut Output,
    ) -> Result<Shape, Error> {
        let mut frames = Frames::begin(output, &self.settings, self.next_id);
        item.encode(&mut frames)?;
        let (next_id, shape) = frames.end();
        self.next_id = next_id;
        Ok(shape)
    }

    /// Fails if a frame is larger than this encoder allows.
    #[inline]
    pub(crate) fn check(&self, encoded: &Encoded) -> Result<(), Error> {
        encoded.shape.check(self.settings.max_frame)
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
pub struct Encoded {
    frames: Bytes,
    shape: Shape,
}

impl Encoded {
    /// The frames' bytes.
    pub const fn as_bytes(&self) -> &Bytes {
        &self.frames
    }

    /// The frames' bytes.
    pub fn into_bytes(self) -> Bytes {
        self.frames
    }

    /// Whether the item wrote exactly one frame.
    ///
    /// A log that is to be resumed holds single frames: a cut within an item of several could not
    /// be resumed.
    pub const fn is_single(&self) -> bool {
        self.shape.is_single()
    }

    /// The id of a single event; `None` where it has none, and for several frames.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event, EventId};
    ///
    /// let row = Encoder::new().encode_once(&Event::text("a row").id("row-9"))?;
    /// assert_eq!(row.id(), Some(EventId::from_static("row-9")));
    /// let note = Encoder::new().encode_once(&Event::text("typing").no_id())?;
    /// assert_eq!(note.id(), None);
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    pub fn id(&self) -> Option<EventId> {
        match self.shape.id_line() {
            IdLine::Automatic(len) | IdLine::Explicit(len) => {
                let id = &self.frames[ID_NAME.len()..][..usize::from(len)];
                Some(EventId::from_checked(id))
            }
            IdLine::Absent | IdLine::Unassigned => None,
        }
    }

    /// Whether this is a single event with an id, without [making it](Self::id).
    #[inline]
    pub const fn has_id(&self) -> bool {
        matches!(self.shape.id_line(), IdLine::Automatic(_) | IdLine::Explicit(_))
    }

    /// Whether a single event leaves its id to the encoder, and has none, as
    /// [`automatic_ids`](Encoder::automatic_ids) is off: [`with_id`](Self::with_id) is to give it
    /// one. An event with [no id](crate::Event::no_id), or with one of its own, does not.
    pub const fn lacks_id(&self) -> bool {
        matches!(self.shape.id_line(), IdLine::Unassigned)
    }

    /// The same single frame with this id, in the place of the one that it has; `None` where it is
    /// not a [single](Self::is_single) frame.
    ///
    /// A log that numbers events encodes an item first, with
    /// [`automatic_ids`](Encoder::automatic_ids) off, and gives the id when it has appended it.
    ///
    /// ```
    /// use sse_encoder::{Encoder, Event, EventId};
    ///
    /// let event = Encoder::new().automatic_ids(false).encode_once(&Event::text("hello"))?;
    /// assert!(event.lacks_id());
    /// let event = event.with_id(&EventId::from_static("7-1")).unwrap();
    /// assert_eq!(event.as_bytes(), "id: 7-1\nevent: message\ndata: hello\n\n");
    /// # Ok::<(), sse_encoder::Error>(())
    /// ```
    #[must_use]
    pub fn with_id(&self, id: &EventId) -> Option<Self> {
        if !self.is_single() {
            return None;
        }
        let rest = match self.shape.id_line() {
            IdLine::Absent | IdLine::Unassigned => &self.frames[..],
            // With its end of line.
            IdLine::Automatic(len) | IdLine::Explicit(len) => {
                &self.frames[ID_NAME.len() + usize::from(len) + 1..]
            }
        };
        let id = id.as_str();
        let len = ID_NAME.len() + id.len() + 1 + rest.len();
        let mut frames = BytesMut::with_capacity(len);
        frames.put_slice(ID_NAME);
        frames.put_slice(id.as_bytes());
        frames.put_u8(b'\n');
        frames.put_slice(rest);
        let shape = self.shape.with_id_line(len, id.len());
        Some(Self { frames: frames.freeze(), shape })
    }
}

/// The name of the first line of a frame with an id.
const ID_NAME: &[u8] = b"id: ";

impl AsRef<[u8]> for Encoded {
    fn as_ref(&self) -> &[u8] {
        &self.frames
    }
}

/// Two are equal if their frames are the same bytes.
impl PartialEq for Encoded {
    fn eq(&self, other: &Self) -> bool {
        self.frames == other.frames
    }
}

impl Eq for Encoded {}

impl Encode for Encoded {
    fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
        frames.encoded(&self.frames, self.shape)
    }

    #[inline]
    fn take_encoded(&mut self, _: Internal) -> Option<Self> {
        Some(std::mem::take(self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Comment, Event};

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
        let several = Encoder::bare().encode_once(&[Event::text("a"), Event::text("b")]).unwrap();
        assert_eq!(several.with_id(&EventId::from(1)), None);
        assert_eq!(Encoded::default().with_id(&EventId::from(1)), None);
    }

    #[test]
    fn the_largest_of_encoded_frames_is_what_a_limit_is_for() {
        let text = Bytes::from("x".repeat(100_000));
        let text = crate::data::SharedText::try_from(text).unwrap();
        let large = Event::shared_text(text).into_owned();
        let items = [Event::text("a").into(), large, Event::text("b").into()];
        let encoded = Encoder::bare().encode_once(&items).unwrap();
        let mut stream = BytesMut::new();
        let largest = 100_000 + "data: \n\n".len();
        for (max_frame, is_ok) in [(largest, true), (largest - 1, false)] {
            let mut encoder = Encoder::bare().max_frame(max_frame);
            assert_eq!(encoder.encode(&encoded, &mut stream).is_ok(), is_ok, "{max_frame}");
        }
        let with_id = Encoder::bare().encode_once(&Event::text("a")).unwrap();
        let with_id = with_id.with_id(&EventId::from(1)).unwrap();
        for (max_frame, is_ok) in [(15, true), (14, false)] {
            let mut encoder = Encoder::bare().max_frame(max_frame);
            assert_eq!(encoder.encode(&with_id, &mut stream).is_ok(), is_ok, "{max_frame}");
        }
    }
}
