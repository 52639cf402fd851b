//! Frames: each written whole, or not at all.

use std::fmt;

use bytes::Bytes;

use crate::{
    buffer::Buffer,
    error::Error,
    field::Fields,
    head::{Defaults, Head, NextId},
    output::Output,
};

/// Where an [`Encode`](crate::Encode) implementation writes its frames.
///
/// It is opaque: what it takes is events, comments and other items, each written whole or not at
/// all, so that no implementation can write half a frame or forge a field.
pub struct Frames<'a> {
    output: &'a mut Output,
    settings: &'a Settings,
    next_id: NextId<'a>,
    /// The place after the last whole frame.
    whole: usize,
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
        next_id: NextId<'a>,
    ) -> Self {
        let whole = output.begin();
        Self { output, settings, next_id, whole }
    }

    /// Ends the item: its frames count. The automatic id that comes next.
    #[inline]
    pub(crate) fn end(self) -> NextId<'a> {
        self.output.commit(self.whole);
        self.next_id
    }

    /// Begins a frame, in the place of one that did not become whole.
    #[inline]
    pub(crate) fn frame(&mut self) -> Frame<'_, 'a> {
        self.output.reset(self.whole);
        self.output.buffer().begin_frame(self.settings.max_frame);
        Frame { frames: self, uses_id: false }
    }

    /// Appends whole frames that an encoder has made.
    pub(crate) fn encoded(&mut self, frames: &Bytes) -> Result<(), Error> {
        self.output.reset(self.whole);
        check_each(frames, self.settings.max_frame)?;
        let buffer = self.output.buffer();
        buffer.put(frames);
        self.whole = buffer.len();
        Ok(())
    }
}

/// One frame that is being written: head, then data. One that is not [ended](Self::end) was never
/// there.
pub(crate) struct Frame<'f, 'a> {
    frames: &'f mut Frames<'a>,
    uses_id: bool,
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
        let Frames { output, settings, next_id, whole } = &mut *self.frames;
        let mut fields = Fields::after(output, *whole);
        self.uses_id = head.write(&mut fields, settings.defaults, next_id)?;
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
        self.frames.whole = self.fields().end()?;
        if self.uses_id {
            self.frames.next_id.advance();
        }
        Ok(())
    }
}

/// Fails if one of these frames is larger than it may be.
pub(crate) fn check_each(frames: &[u8], max_frame: usize) -> Result<(), Error> {
    if frames.len() > max_frame { check_each_by_its_end(frames, max_frame) } else { Ok(()) }
}

#[cold]
fn check_each_by_its_end(frames: &[u8], max_frame: usize) -> Result<(), Error> {
    let mut start = 0;
    for end in ends(frames) {
        if end - start > max_frame {
            return Err(Error::too_large(max_frame));
        }
        start = end;
    }
    Ok(())
}

/// Where each of these frames ends: after a blank line, and there is none within.
pub(crate) fn ends(frames: &[u8]) -> impl Iterator<Item = usize> {
    memchr::memmem::find_iter(frames, b"\n\n").map(|at| at + 2)
}
