//! Frames: each written whole, or not at all.

use std::fmt;

use bytes::Bytes;

use crate::{
    buffer::Buffer,
    error::Error,
    field::Fields,
    head::{Defaults, Head, NextId},
    output::{Mark, Output},
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
    whole: Mark,
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

    /// Ends the item: its frames count. The number of the automatic id that comes next.
    #[inline]
    pub(crate) fn end(self) -> Option<u64> {
        self.output.commit(self.whole);
        self.next_id.number
    }

    /// Begins a frame, in the place of one that did not become whole.
    #[inline]
    pub(crate) fn frame(&mut self) -> Frame<'_> {
        self.output.reset(self.whole);
        Frame {
            next_id: self.next_id,
            settings: self.settings,
            fields: Fields::begin(self.output, self.settings.max_frame),
            whole: &mut self.whole,
            next_number: &mut self.next_id.number,
        }
    }

    /// Appends whole frames that an encoder has made.
    pub(crate) fn encoded(&mut self, frames: &Bytes) -> Result<(), Error> {
        self.output.reset(self.whole);
        check_each(frames, self.settings.max_frame)?;
        self.output.buffer().begin_frame(usize::MAX);
        self.output.put_shared(frames)?;
        self.whole = self.output.mark();
        Ok(())
    }
}

/// One frame that is being written: head, then data. One that is not [ended](Self::end) was never
/// there.
pub(crate) struct Frame<'a> {
    fields: Fields<'a>,
    settings: &'a Settings,
    next_id: NextId<'a>,
    // What is set once the frame is whole.
    whole: &'a mut Mark,
    next_number: &'a mut Option<u64>,
}

impl<'a> Frame<'a> {
    /// Writes the fields that stand before the data.
    #[inline(always)]
    pub(crate) fn head(&mut self, head: &Head) -> Result<(), Error> {
        head.write(&mut self.fields, self.settings.defaults, &mut self.next_id)
    }

    /// Room for what is written and taken off again, before the head.
    #[inline]
    pub(crate) fn scratch(&mut self) -> &mut Buffer {
        self.fields.scratch()
    }

    /// Where the data's fields are written.
    #[inline]
    pub(crate) fn fields(&mut self) -> &mut Fields<'a> {
        &mut self.fields
    }

    /// Ends the frame: it is whole.
    #[inline]
    pub(crate) fn end(self) -> Result<(), Error> {
        *self.whole = self.fields.end()?;
        *self.next_number = self.next_id.number;
        Ok(())
    }
}

/// Fails if one of these frames is larger than it may be.
pub(crate) fn check_each(frames: &[u8], max_frame: usize) -> Result<(), Error> {
    if frames.len() > max_frame { check_each_by_its_end(frames, max_frame) } else { Ok(()) }
}

#[cold]
fn check_each_by_its_end(frames: &[u8], max_frame: usize) -> Result<(), Error> {
    // A blank line ends a frame, and there is none within.
    let mut start = 0;
    for end in memchr::memmem::find_iter(frames, b"\n\n").map(|at| at + 2) {
        if end - start > max_frame {
            return Err(Error::too_large(max_frame));
        }
        start = end;
    }
    Ok(())
}
