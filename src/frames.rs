use std::mem;

use bytes::{Bytes, BytesMut};

use crate::{
    error::{Error, Kind},
    event::{EventTypeField, IdField},
    field,
    value::{EventId, EventType, ReconnectionTime},
};

/// From this size on, shared bytes leave as they are instead of being copied into the chunk: the
/// price of one more chunk is then small beside that of the copy.
pub(crate) const SHARE_FROM: usize = 32 * 1024;

/// Where an [`Encode`](crate::Encode) implementation writes its frames.
///
/// It is opaque: what it takes is events, comments and other items, each written whole or not at
/// all, so that no implementation can write half a frame or forge a field.
#[derive(Debug)]
pub struct Frames<'a> {
    pub(crate) dst: &'a mut BytesMut,
    pub(crate) state: &'a mut State,
    /// `None` where the output must be one run of bytes.
    shared: Option<&'a mut Vec<Shared>>,
    /// Where the frame that is being written begins.
    start: Mark,
}

/// A place in the output.
#[derive(Clone, Copy, Debug)]
struct Mark {
    len: usize,
    shared: usize,
}

/// Bytes that belong into the output at `at`, before what the buffer has there.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    pub(crate) at: usize,
    pub(crate) bytes: Bytes,
}

/// What an encoder remembers, and its settings.
#[derive(Clone, Debug)]
pub(crate) struct State {
    /// `None` once [`u64::MAX`] has been used.
    pub(crate) next_id: Option<u64>,
    pub(crate) automatic_ids: bool,
    pub(crate) default_type: bool,
    pub(crate) max_frame: usize,
}

impl<'a> Frames<'a> {
    pub(crate) fn new(
        dst: &'a mut BytesMut,
        state: &'a mut State,
        shared: Option<&'a mut Vec<Shared>>,
    ) -> Self {
        let mut frames = Self { dst, state, shared, start: Mark { len: 0, shared: 0 } };
        frames.start = frames.here();
        frames
    }

    fn here(&self) -> Mark {
        let shared = self.shared.as_ref().map_or(0, |shared| shared.len());
        Mark { len: self.dst.len(), shared }
    }

    /// Runs `write`; if it fails or panics, everything is again as it was before.
    pub(crate) fn atomically(
        &mut self,
        write: impl FnOnce(&mut Self) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let here = self.here();
        let mut rollback = Rollback {
            outer: mem::replace(&mut self.start, here),
            next_id: self.state.next_id,
            failed: true,
            frames: self,
        };
        write(rollback.frames)?;
        rollback.failed = false;
        Ok(())
    }

    /// Appends the fields that stand before the data.
    pub(crate) fn put_head(
        &mut self,
        id: &IdField,
        event_type: &EventTypeField,
        retry: Option<ReconnectionTime>,
    ) -> Result<(), Error> {
        match id {
            IdField::Automatic if self.state.automatic_ids => {
                let Some(id) = self.state.next_id else { return Err(Kind::IdsExhausted.into()) };
                self.state.next_id = id.checked_add(1);
                field::put_line(self.dst, field::ID, itoa::Buffer::new().format(id).as_bytes());
            }
            IdField::Automatic | IdField::Absent => {}
            IdField::Explicit(id) => field::put_line(self.dst, field::ID, EventId::as_bytes(id)),
        }
        match event_type {
            EventTypeField::Default if self.state.default_type => {
                self.dst.extend_from_slice(b"event: message\n");
            }
            EventTypeField::Default | EventTypeField::Absent => {}
            EventTypeField::Explicit(event_type) => {
                field::put_line(self.dst, field::EVENT, EventType::as_bytes(event_type));
            }
        }
        if let Some(retry) = retry {
            let mut digits = itoa::Buffer::new();
            field::put_line(self.dst, field::RETRY, digits.format(retry.as_millis()).as_bytes());
        }
        Ok(())
    }

    /// Appends one `data` line, whose value `write` appends; the value has no end of line.
    pub(crate) fn put_data_line(
        &mut self,
        write: impl FnOnce(&mut BytesMut, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        self.dst.extend_from_slice(field::DATA);
        let end = self.start.len.saturating_add(self.state.max_frame);
        match write(self.dst, end) {
            Ok(()) => self.dst.extend_from_slice(&[field::END_OF_LINE]),
            // It knows the end in the buffer, not the frame's size.
            Err(error) if error.is_too_large() => return Err(self.too_large()),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Appends text as `data` fields.
    pub(crate) fn put_text(&mut self, text: &[u8]) -> Result<(), Error> {
        self.check_size(text.len())?;
        field::put_text(self.dst, text);
        Ok(())
    }

    /// Appends text as `data` fields; if it is long and one line, it is not copied.
    pub(crate) fn put_shared_text(&mut self, text: &Bytes) -> Result<(), Error> {
        if self.shares(text) && field::is_one_line(text) {
            self.put_shared_data_line(text)
        } else {
            self.put_text(text)
        }
    }

    /// Appends one `data` line; if it is long, it is not copied.
    pub(crate) fn put_shared_data_line(&mut self, value: &Bytes) -> Result<(), Error> {
        self.check_size(value.len())?;
        self.dst.extend_from_slice(field::DATA);
        self.put_shared(value);
        self.dst.extend_from_slice(&[field::END_OF_LINE]);
        Ok(())
    }

    /// Appends whole frames that an encoder has made.
    pub(crate) fn put_encoded(&mut self, frames: &Bytes) -> Result<(), Error> {
        self.check_size(frames.len())?;
        self.put_shared(frames);
        Ok(())
    }

    /// Appends a comment and the blank line after it, without which some clients wait.
    pub(crate) fn put_comment(&mut self, text: &[u8]) -> Result<(), Error> {
        self.check_size(text.len())?;
        field::put_comment(self.dst, text);
        self.end_frame()
    }

    /// Ends the frame; one without any field is nothing.
    pub(crate) fn end_frame(&mut self) -> Result<(), Error> {
        if self.dst.len() > self.start.len {
            self.dst.extend_from_slice(&[field::END_OF_LINE]);
        }
        let shared = self.shared.as_ref().map_or(0, |shared| {
            shared[self.start.shared..].iter().map(|shared| shared.bytes.len()).sum()
        });
        self.check_size(self.dst.len() - self.start.len + shared)
    }

    fn check_size(&self, len: usize) -> Result<(), Error> {
        if len > self.state.max_frame { Err(self.too_large()) } else { Ok(()) }
    }

    #[cold]
    fn too_large(&self) -> Error {
        Kind::TooLarge { limit: self.state.max_frame }.into()
    }

    fn shares(&self, bytes: &Bytes) -> bool {
        self.shared.is_some() && bytes.len() >= SHARE_FROM
    }

    fn put_shared(&mut self, bytes: &Bytes) {
        match &mut self.shared {
            Some(shared) if bytes.len() >= SHARE_FROM => {
                shared.push(Shared { at: self.dst.len(), bytes: bytes.clone() });
            }
            _ => self.dst.extend_from_slice(bytes),
        }
    }
}

/// Takes back what was written, unless it was written whole.
struct Rollback<'f, 'a> {
    frames: &'f mut Frames<'a>,
    outer: Mark,
    next_id: Option<u64>,
    failed: bool,
}

impl Drop for Rollback<'_, '_> {
    fn drop(&mut self) {
        let start = mem::replace(&mut self.frames.start, self.outer);
        if self.failed {
            self.frames.dst.truncate(start.len);
            self.frames.state.next_id = self.next_id;
            if let Some(shared) = &mut self.frames.shared {
                shared.truncate(start.shared);
            }
        }
    }
}
