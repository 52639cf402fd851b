use std::{fmt, mem};

use bytes::Bytes;

use crate::{
    error::{Error, Kind},
    event::{EventTypeField, IdField},
    field,
    output::{Mark, Output},
    value::ReconnectionTime,
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
    /// The same, as it was after the last whole frame.
    next_id_after_whole: Option<u64>,
    /// Where the hub learns what an item has written.
    #[cfg(feature = "hub")]
    recording: Option<&'a mut Recording>,
}

/// What the hub asks of an item, and learns of it.
#[cfg(feature = "hub")]
pub(crate) struct Recording {
    pub(crate) automatic_id: crate::value::EventId,
    pub(crate) frames: usize,
    pub(crate) id: crate::encoder::PublishedId,
}

/// An encoder's settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) automatic_ids: bool,
    pub(crate) default_type: bool,
    pub(crate) max_frame: usize,
}

// What has been written is nobody's business.
impl fmt::Debug for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("settings", self.settings).finish_non_exhaustive()
    }
}

impl<'a> Frames<'a> {
    #[inline]
    pub(crate) fn new(
        output: &'a mut Output,
        settings: &'a Settings,
        next_id: Option<u64>,
    ) -> Self {
        Self {
            output,
            settings,
            next_id,
            next_id_after_whole: next_id,
            #[cfg(feature = "hub")]
            recording: None,
        }
    }

    #[cfg(feature = "hub")]
    pub(crate) fn recorded(mut self, recording: &'a mut Recording) -> Self {
        self.recording = Some(recording);
        self
    }

    /// Writes an item's frames, and gives the automatic id that comes next. If `write` fails or panics, no
    /// frame of it counts.
    #[inline]
    pub(crate) fn item(
        self,
        write: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<Option<u64>, Error> {
        let mut unless_whole = Reset { mark: self.output.begin_item(), frames: self };
        write(&mut unless_whole.frames)?;
        let next_id = unless_whole.frames.next_id_after_whole;
        mem::forget(unless_whole);
        Ok(next_id)
    }

    /// Writes one frame. If `write` fails or panics, it was never there.
    #[inline]
    pub(crate) fn frame(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.output.begin_frame(self.settings.max_frame);
        self.next_id = self.next_id_after_whole;
        #[cfg(feature = "hub")]
        if let Some(recording) = &mut self.recording {
            recording.id = crate::encoder::PublishedId::None;
        }
        write(self)?;
        if self.output.is_cut() || self.output.frame_len() > self.settings.max_frame {
            return Err(self.too_large());
        }
        self.output.end_frame();
        self.next_id_after_whole = self.next_id;
        #[cfg(feature = "hub")]
        if let Some(recording) = &mut self.recording {
            recording.frames += 1;
        }
        Ok(())
    }

    /// Appends the fields that stand before the data.
    #[inline(always)]
    pub(crate) fn put_head(
        &mut self,
        id: &IdField,
        event_type: &EventTypeField,
        retry: Option<ReconnectionTime>,
    ) -> Result<(), Error> {
        #[cfg(feature = "hub")]
        if let Some(recording) = &mut self.recording {
            recording.id = match id {
                IdField::Automatic => {
                    let id = recording.automatic_id.as_bytes();
                    field::put_line(self.output, field::ID, id);
                    crate::encoder::PublishedId::Automatic
                }
                IdField::Absent => crate::encoder::PublishedId::None,
                IdField::Explicit(id) => crate::encoder::PublishedId::Own(id.clone()),
            };
        }
        match id {
            IdField::Automatic if self.settings.automatic_ids => {
                let Some(id) = self.next_id else { return Err(Kind::IdsExhausted.into()) };
                self.next_id = id.checked_add(1);
                field::put_line(self.output, field::ID, itoa::Buffer::new().format(id).as_bytes());
            }
            IdField::Automatic | IdField::Absent => {}
            IdField::Explicit(id) => field::put_line(self.output, field::ID, id.as_bytes()),
        }
        match event_type {
            EventTypeField::Default if self.settings.default_type => {
                field::put_name(self.output, field::EVENT_MESSAGE);
            }
            EventTypeField::Default | EventTypeField::Absent => {}
            EventTypeField::Explicit(event_type) => {
                field::put_line(self.output, field::EVENT, event_type.as_bytes());
            }
        }
        if let Some(retry) = retry {
            self.put_retry(retry);
        }
        Ok(())
    }

    #[cold]
    fn put_retry(&mut self, retry: ReconnectionTime) {
        let mut digits = itoa::Buffer::new();
        field::put_line(self.output, field::RETRY, digits.format(retry.as_millis()).as_bytes());
    }

    /// Appends one `data` line, whose value `write` appends; the value has no end of line.
    #[inline]
    pub(crate) fn put_data_line(
        &mut self,
        write: impl FnOnce(&mut Output) -> Result<(), Error>,
    ) -> Result<(), Error> {
        field::put_name(self.output, field::DATA);
        write(self.output).map_err(|error| {
            // The output does not know the limit by itself.
            if error.is_too_large() { self.too_large() } else { error }
        })
    }

    /// Appends text as `data` fields.
    pub(crate) fn put_text(&mut self, text: &[u8]) -> Result<(), Error> {
        // Text of nothing but ends of line grows by this; the lines are counted where that matters.
        if text.len() > self.settings.max_frame / field::TEXT_GROWTH {
            self.check_size(field::text_size(text))?;
        }
        field::put_text(self.output, text);
        Ok(())
    }

    /// Appends text as `data` fields; if it is long and one line, it is not copied.
    pub(crate) fn put_shared_text(&mut self, text: &Bytes) -> Result<(), Error> {
        if self.output.shares(text) && field::is_one_line(text) {
            self.put_shared_data_line(text)
        } else {
            self.put_text(text)
        }
    }

    /// Appends one `data` line; if it is long, it is not copied.
    pub(crate) fn put_shared_data_line(&mut self, value: &Bytes) -> Result<(), Error> {
        self.check_size(value.len())?;
        field::put_name(self.output, field::DATA);
        self.output.put_shared(value);
        Ok(())
    }

    /// Writes whole frames that an encoder has made, as one frame.
    pub(crate) fn put_encoded(&mut self, frames: &Bytes) -> Result<(), Error> {
        #[cfg(feature = "hub")]
        if self.recording.is_some() {
            return Err(Kind::Refused(crate::error::Refusal::AlreadyEncoded).into());
        }
        self.check_size(frames.len())?;
        self.output.put_whole(frames, self.settings.max_frame);
        Ok(())
    }

    /// Appends a comment.
    pub(crate) fn put_comment(&mut self, text: &[u8]) -> Result<(), Error> {
        self.check_size(text.len())?;
        field::put_comment(self.output, text);
        Ok(())
    }

    /// Ends the last line, and the frame; one without any line is nothing.
    #[inline]
    pub(crate) fn put_blank_line(&mut self) {
        if !self.output.is_at_start_of_frame() {
            self.output.put(field::BLANK_LINE);
        }
    }

    #[inline]
    fn check_size(&self, len: usize) -> Result<(), Error> {
        if len > self.settings.max_frame { Err(self.too_large()) } else { Ok(()) }
    }

    #[cold]
    fn too_large(&self) -> Error {
        Kind::TooLarge { limit: self.settings.max_frame }.into()
    }
}

/// Resets the output to where the item began.
struct Reset<'a> {
    mark: Mark,
    frames: Frames<'a>,
}

impl Drop for Reset<'_> {
    #[cold]
    fn drop(&mut self) {
        self.frames.output.reset(self.mark);
    }
}
