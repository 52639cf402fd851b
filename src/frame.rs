//! Frames: each written whole, or not at all.

use std::fmt;

use bytes::Bytes;

use crate::{
    buffer::Buffer,
    error::Error,
    field::Fields,
    head::{Defaults, Head, IdLine},
    output::Output,
};

/// Where an [`Encode`](crate::Encode) implementation writes its frames.
///
/// It is opaque: what it takes is events, comments and other items, each written whole or not at
/// all, so that no implementation can write half a frame or forge a field.
pub struct Frames<'a> {
    output: &'a mut Output,
    settings: &'a Settings,
    /// The next automatic id; `None` once [`u64::MAX`] has been used.
    next_id: Option<u64>,
    /// The place after the last whole frame.
    whole: usize,
    shape: Shape,
}

/// The frames of one item.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Shape {
    /// The length of the largest frame, as far as a `u32` counts.
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
    const fn of_frame(len: usize, id_line: IdLine) -> Self {
        let largest = if len > u32::MAX as usize { u32::MAX } else { len as u32 };
        Self { largest, count: Count::One, id_line }
    }

    #[inline]
    fn add(&mut self, other: Self) {
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

    /// Whether there is one frame, and no other.
    pub(crate) const fn is_single(&self) -> bool {
        matches!(self.count, Count::One)
    }

    pub(crate) const fn id_line(&self) -> IdLine {
        self.id_line
    }

    /// A single frame, with an id line of this length in the place of the one that it has.
    pub(crate) fn with_id_line(&self, frame_len: usize, id_len: usize) -> Self {
        Self::of_frame(frame_len, IdLine::Explicit(id_len as u16))
    }
}

/// An encoder's settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) defaults: Defaults,
    pub(crate) max_frame: usize,
}

// What has been written is nobody's business.
impl fmt::Debug for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("settings", self.settings).finish_non_exhaustive()
    }
}

impl<'a> Frames<'a> {
    /// Begins an item, in the place of one that did not become whole.
    #[inline]
    pub(crate) fn begin(
        output: &'a mut Output,
        settings: &'a Settings,
        next_id: Option<u64>,
    ) -> Self {
        let whole = output.begin();
        Self { output, settings, next_id, whole, shape: Shape::default() }
    }

    /// Ends the item: its frames count. Gives the next automatic id, too.
    #[inline]
    pub(crate) fn end(self) -> (Option<u64>, Shape) {
        self.output.commit(self.whole);
        (self.next_id, self.shape)
    }

    /// Begins a frame, in the place of one that did not become whole.
    #[inline]
    pub(crate) fn frame(&mut self) -> Frame<'_, 'a> {
        self.output.reset(self.whole);
        self.output.buffer().begin_frame(self.settings.max_frame);
        Frame { frames: self, id_line: IdLine::Absent }
    }

    /// Appends whole frames that an encoder has made.
    pub(crate) fn encoded(&mut self, frames: &Bytes, shape: Shape) -> Result<(), Error> {
        self.output.reset(self.whole);
        shape.check(self.settings.max_frame)?;
        let buffer = self.output.buffer();
        buffer.put(frames);
        self.whole = buffer.len();
        self.shape.add(shape);
        Ok(())
    }
}

/// One frame that is being written: head, then data. One that is not [ended](Self::end) was never
/// there.
pub(crate) struct Frame<'f, 'a> {
    frames: &'f mut Frames<'a>,
    id_line: IdLine,
}

impl Frame<'_, '_> {
    /// Room for what is written and taken off again, before the head.
    #[inline]
    pub(crate) fn scratch(&mut self) -> &mut Buffer {
        self.frames.output.buffer()
    }

    /// Writes the fields that stand before the data.
    #[inline(always)]
    pub(crate) fn head(&mut self, head: &Head) -> Result<(), Error> {
        let Frames { output, settings, next_id, whole, .. } = &mut *self.frames;
        let mut fields = Fields::after(output, *whole);
        self.id_line = head.write(&mut fields, settings.defaults, *next_id)?;
        Ok(())
    }

    /// Where the data's fields are written.
    #[inline]
    pub(crate) fn fields(&mut self) -> Fields<'_> {
        Fields::after(self.frames.output, self.frames.whole)
    }

    /// Ends the last line and the frame: it is whole. One without any line is nothing.
    #[inline]
    pub(crate) fn end(mut self) -> Result<(), Error> {
        let end = self.fields().end()?;
        let Frames { output, whole, next_id, shape, .. } = self.frames;
        let len = end - *whole + output.shared_after(*whole);
        if len > 0 {
            shape.add(Shape::of_frame(len, self.id_line));
        }
        *whole = end;
        if matches!(self.id_line, IdLine::Automatic(_)) {
            *next_id = next_id.and_then(|number| number.checked_add(1));
        }
        Ok(())
    }
}
