//! Encoded frames, with their number, their size and their id.

use bytes::{BufMut, Bytes, BytesMut};

use super::line;
use crate::{error::Error, value::EventId};

/// Frames that have been encoded, by [`Encoder::encode_once`](crate::Encoder::encode_once). A clone
/// shares them.
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
    pub(crate) const fn new(frames: Bytes, shape: Shape) -> Self {
        Self { frames, shape }
    }

    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

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

    /// The id of a single event; `None` for an event without one, and for several frames.
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
                let id = &self.frames[line::ID.len()..][..usize::from(len)];
                Some(EventId::from_checked(id))
            }
            IdLine::Absent | IdLine::Unassigned => None,
        }
    }

    /// Whether this is a single event with an id. Cheaper than [`id`](Self::id).
    #[inline]
    pub const fn has_id(&self) -> bool {
        matches!(self.shape.id_line(), IdLine::Automatic(_) | IdLine::Explicit(_))
    }

    /// Whether this is a single event that asks for an automatic id and did not get one, as
    /// [`automatic_ids`](crate::Encoder::automatic_ids) is off: give it one by
    /// [`with_id`](Self::with_id). An event with [no id](crate::Event::no_id), or with its own,
    /// does not ask.
    pub const fn lacks_id(&self) -> bool {
        matches!(self.shape.id_line(), IdLine::Unassigned)
    }

    /// The same single frame with this id in place of its own; `None` unless it is a
    /// [single](Self::is_single) frame. A comment or a reconnection time by itself gets a blank
    /// line too, at which the client takes over the id.
    ///
    /// A log that numbers events encodes an item first, with
    /// [`automatic_ids`](crate::Encoder::automatic_ids) off, and gives the id when it has appended
    /// it.
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
                &self.frames[line::ID.len() + usize::from(len) + 1..]
            }
        };
        let has_blank_line = self.frames.ends_with(line::BLANK_LINE);
        let blank_line = if has_blank_line { &b""[..] } else { line::END };
        let id = id.as_str();
        let len = line::ID.len() + id.len() + 1 + rest.len() + blank_line.len();
        let mut frames = BytesMut::with_capacity(len);
        frames.put_slice(line::ID);
        frames.put_slice(id.as_bytes());
        frames.put_u8(b'\n');
        frames.put_slice(rest);
        frames.put_slice(blank_line);
        let shape = Shape::of_frame(len, IdLine::Explicit(id.len() as u16));
        Some(Self { frames: frames.freeze(), shape })
    }
}

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

/// The id line of a frame, which is its first.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum IdLine {
    /// The event has no id.
    #[default]
    Absent,
    /// The event asked for an automatic id, and the encoder assigns no ids.
    Unassigned,
    /// An automatic id of this length.
    Automatic(u16),
    /// The event's own id, of this length.
    Explicit(u16),
}

/// The frames of one item.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shape {
    /// The length of the largest frame, or `u32::MAX`.
    largest: u32,
    count: Count,
    /// The id line of a single frame.
    id_line: IdLine,
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Count {
    #[default]
    None,
    One,
    Several,
}

impl Shape {
    /// One frame, or none if it is empty.
    pub(super) const fn of_frame(len: usize, id_line: IdLine) -> Self {
        let largest = if len > u32::MAX as usize { u32::MAX } else { len as u32 };
        let count = if len == 0 { Count::None } else { Count::One };
        Self { largest, count, id_line }
    }

    pub(super) fn add(&mut self, other: Self) {
        *self = match (self.count, other.count) {
            (Count::None, _) => other,
            (_, Count::None) => *self,
            _ => Self {
                largest: self.largest.max(other.largest),
                count: Count::Several,
                id_line: IdLine::Absent,
            },
        };
    }

    /// Fails if a frame is larger than it may be.
    #[inline]
    pub(crate) fn check(&self, max_frame: usize) -> Result<(), Error> {
        if self.largest as usize > max_frame { Err(Error::too_large(max_frame)) } else { Ok(()) }
    }

    /// Whether there is exactly one frame.
    pub(crate) const fn is_single(&self) -> bool {
        matches!(self.count, Count::One)
    }

    pub(crate) const fn id_line(&self) -> IdLine {
        self.id_line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(target_pointer_width = "64")]
    fn a_frame_longer_than_a_u32_counts_is_too_large() {
        let shape = Shape::of_frame((1 << 32) + 1, IdLine::Absent);
        assert!(shape.check(1 << 20).unwrap_err().is_too_large());
    }
}
