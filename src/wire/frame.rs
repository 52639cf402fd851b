//! Frames: each is written whole, or not at all.

use std::fmt;

use bytes::Bytes;
use memchr::memchr_iter;

use super::{
    encoded::{Encoded, IdLine, Shape},
    head::{Defaults, EventTypeField, Head, IdField},
    line,
};
use crate::{
    buffer::{Buffer, short_digits},
    error::{Error, Kept, Kind},
    value::{EventType, ReconnectionTime},
};

/// An encoder's settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) defaults: Defaults,
    pub(crate) max_frame: usize,
}

/// The destination of an [`Encode`](crate::Encode) implementation.
///
/// It is opaque: it takes events, comments and other items, each written whole or not at all, so no
/// implementation can write half a frame or forge a field.
///
/// ```
/// use sse_encoder::{Encode, Error, Event, Frames};
///
/// struct Order { id: u64, total: u64 }
///
/// impl Encode for Order {
///     fn encode(&self, frames: &mut Frames<'_>) -> Result<(), Error> {
///         Event::json(self.total).id(self.id).event_type("order").encode(frames)
///     }
/// }
/// ```
pub struct Frames<'a> {
    buffer: &'a mut Buffer,
    settings: &'a Settings,
    /// The automatic id at the item's start; `None` once [`u64::MAX`] has been used.
    next_id: &'a Option<u64>,
    /// The automatic ids that the item has used.
    used_ids: u64,
    /// The end of the last complete frame.
    committed: usize,
    /// The shape of the frames, if it was asked for.
    shape: Option<Shape>,
}

// The bytes are omitted: they can be anybody's data.
impl fmt::Debug for Frames<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frames").field("settings", self.settings).finish_non_exhaustive()
    }
}

impl<'a> Frames<'a> {
    /// Begins an item. Its first frame discards the bytes of one that failed.
    #[inline]
    pub(crate) fn begin(
        buffer: &'a mut Buffer,
        settings: &'a Settings,
        next_id: &'a Option<u64>,
        shape: Option<Shape>,
    ) -> Self {
        let committed = buffer.committed();
        Self { buffer, settings, next_id, used_ids: 0, committed, shape }
    }

    /// Ends the item: its frames count. Returns the number of automatic ids that it has used, and
    /// the frames' shape if it was asked for.
    #[inline]
    pub(crate) fn end(self) -> (u64, Option<Shape>) {
        self.buffer.commit(self.committed);
        (self.used_ids, self.shape)
    }

    /// Begins a frame, discarding an unfinished one.
    #[inline]
    pub(crate) fn frame(&mut self) -> Frame<'_, 'a> {
        self.buffer.reset(self.committed);
        self.buffer.begin_frame(self.settings.max_frame);
        Frame { frames: self, id_line: IdLine::Absent, has_event: false }
    }

    /// Appends encoded frames.
    pub(crate) fn append(&mut self, encoded: &Encoded) -> Result<(), Error> {
        self.buffer.reset(self.committed);
        encoded.shape().check(self.settings.max_frame)?;
        self.buffer.put(encoded.as_bytes());
        self.committed = self.buffer.len();
        if let Some(shape) = &mut self.shape {
            shape.add(encoded.shape());
        }
        Ok(())
    }
}

/// Lines with space for a short value.
const SHORT_ID: &[u8; 26] = b"id: \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
const SHORT_EVENT: &[u8; 30] = b"\nevent: \0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

/// One frame: its head, then its data. It counts once it has [ended](Self::end).
pub struct Frame<'f, 'a> {
    frames: &'f mut Frames<'a>,
    id_line: IdLine,
    /// Whether it has a field that takes effect at a blank line: an id, an event type, data.
    has_event: bool,
}

impl Frame<'_, '_> {
    /// Space for bytes that are removed again before the head is written.
    #[inline]
    pub(crate) fn scratch(&mut self) -> &mut Buffer {
        self.frames.buffer
    }

    /// Writes the fields before `data`: the frame's first lines.
    #[inline(always)]
    pub(crate) fn head(&mut self, head: &Head) -> Result<(), Error> {
        self.fields(&head.id, &head.event_type, &head.retry)?;
        Ok(())
    }

    /// Writes the fields before `data`, and [begins that](Self::data_line).
    #[inline(always)]
    pub(crate) fn head_and_data_line(&mut self, head: &Head) -> Result<&mut Buffer, Error> {
        self.fields_and_data_line(&head.id, &head.event_type, &head.retry)
    }

    /// The same with these fields.
    #[inline(always)]
    pub(crate) fn fields_and_data_line(
        &mut self,
        id: &IdField,
        event_type: &EventTypeField,
        retry: &Option<Result<ReconnectionTime, Kept>>,
    ) -> Result<&mut Buffer, Error> {
        let start = self.frames.committed;
        let (buffer, has_event) = self.fields(id, event_type, retry)?;
        *has_event = true;
        put_name(buffer, start, line::DATA);
        Ok(buffer)
    }

    /// Writes these fields, which stand before `data`. Tests the most frequent cases first, by one
    /// comparison each.
    #[inline(always)]
    fn fields(
        &mut self,
        id: &IdField,
        event_type: &EventTypeField,
        retry: &Option<Result<ReconnectionTime, Kept>>,
    ) -> Result<(&mut Buffer, &mut bool), Error> {
        let Self { frames, id_line, has_event } = self;
        let Frames { buffer, settings, next_id, used_ids, committed, .. } = &mut **frames;
        // One reference for all writes: if each write loaded it anew, it would wait longer for the
        // length that the one before it has stored.
        let (buffer, start): (&mut Buffer, _) = (buffer, *committed);
        let defaults = settings.defaults;
        *id_line = if !matches!(id, IdField::Automatic) {
            put_id(buffer, id)?
        } else if defaults.automatic_ids {
            let number = next_id.and_then(|id| id.checked_add(*used_ids));
            let Some(number) = number else { return Err(Kind::IdsExhausted.into()) };
            IdLine::Automatic(put_number_id(buffer, number))
        } else {
            IdLine::Unassigned
        };
        let has_id = matches!(id_line, IdLine::Automatic(_) | IdLine::Explicit(_));
        let mut has_type = true;
        if let EventTypeField::Explicit(event_type) = event_type {
            put_event_type(buffer, has_id, event_type);
        } else if !matches!(event_type, EventTypeField::Default) {
            // It is absent, or an error.
            event_type.check()?;
            has_type = false;
        } else if defaults.default_type {
            put_name(buffer, start, line::EVENT_MESSAGE);
        } else {
            has_type = false;
        }
        if let Some(retry) = retry {
            put_retry(buffer, start, retry)?;
        }
        *has_event = has_id || has_type;
        Ok((buffer, has_event))
    }

    /// Begins a line, and ends the one before it.
    #[inline]
    fn name<const N: usize>(&mut self, name: &[u8; N]) -> &mut Buffer {
        let Frames { buffer, committed, .. } = &mut *self.frames;
        put_name(buffer, *committed, name);
        buffer
    }

    /// Begins a `data` line. The caller appends its value, which has no line ending.
    #[inline]
    pub(crate) fn data_line(&mut self) -> &mut Buffer {
        self.has_event = true;
        self.name(line::DATA)
    }

    /// Writes text as `data` fields, one for each line; empty text is one empty field.
    #[inline]
    pub(crate) fn text(&mut self, text: &[u8]) -> Result<(), Error> {
        let remaining = self.frames.buffer.remaining();
        // Lines are counted only where the limit is near.
        if text.len() > remaining / line::TEXT_GROWTH && line::text_size(text) > remaining {
            return Err(self.frames.buffer.too_large());
        }
        line::put_lines(self.data_line(), line::DATA, text);
        Ok(())
    }

    /// Writes text as `data` fields. A long single line is not copied.
    pub(crate) fn shared_text(&mut self, text: &Bytes) -> Result<(), Error> {
        if Buffer::shares(text) && line::is_one_line(text) {
            self.shared_data_line(text)
        } else {
            self.text(text)
        }
    }

    /// Writes one `data` line. A long value is not copied.
    pub(crate) fn shared_data_line(&mut self, value: &Bytes) -> Result<(), Error> {
        self.data_line().put_shared(value)
    }

    /// Writes text as comments, one for each line.
    pub(crate) fn comment(&mut self, text: &[u8]) -> Result<(), Error> {
        if text.len() > self.frames.buffer.remaining() {
            return Err(self.frames.buffer.too_large());
        }
        if text.is_empty() {
            self.name(line::EMPTY_COMMENT);
        } else {
            line::put_lines(self.name(line::COMMENT), line::COMMENT, text);
        }
        Ok(())
    }

    /// Ends the last line and the frame. A frame without lines is not written.
    ///
    /// A blank line dispatches an event, in some clients even one without data. So it does not
    /// follow comments and a reconnection time by itself, which take effect line by line.
    #[inline(always)]
    pub(crate) fn end(self) -> Result<(), Error> {
        let Frames { buffer, used_ids, committed, shape, .. } = self.frames;
        let (buffer, start): (&mut Buffer, _) = (buffer, *committed);
        if buffer.len() > start {
            if self.has_event {
                buffer.put(line::BLANK_LINE);
            } else {
                buffer.put(line::END);
            }
        }
        buffer.check()?;
        if let Some(shape) = shape {
            let len = buffer.len() - start + buffer.shared_len_after(start);
            shape.add(Shape::of_frame(len, self.id_line));
        }
        *committed = buffer.len();
        if matches!(self.id_line, IdLine::Automatic(_)) {
            *used_ids += 1;
        }
        Ok(())
    }
}

/// Writes an id, if there is one.
fn put_id(buffer: &mut Buffer, id: &IdField) -> Result<IdLine, Error> {
    let id = match id {
        IdField::Automatic | IdField::Absent => return Ok(IdLine::Absent),
        IdField::Explicit(id) => id,
        IdField::Invalid(Kept(error)) => return Err(error.clone()),
    };
    Ok(IdLine::Explicit(match id.as_inline() {
        Ok((bytes, len)) => {
            buffer.put_short_line(SHORT_ID, bytes, len);
            len as u16
        }
        Err(long) => put_long_id(buffer, long),
    }))
}

/// Returns the id's length.
#[inline(always)]
fn put_number_id(buffer: &mut Buffer, number: u64) -> u16 {
    match short_digits(number) {
        Some((digits, len)) => {
            // In registers: short stores are slow to load again as one longer piece.
            let line = u128::from(u32::from_le_bytes(*line::ID)) | u128::from(digits) << 32;
            buffer.put_short(line.to_le_bytes(), line::ID.len() + len);
            len as u16
        }
        None => put_long_id(buffer, itoa::Buffer::new().format(number)),
    }
}

/// Returns the id's length.
fn put_long_id(buffer: &mut Buffer, id: &str) -> u16 {
    buffer.put(line::ID);
    buffer.put(id.as_bytes());
    // At most `EventId::MAX_LEN`.
    id.len() as u16
}

/// Writes an event type: after an id, or as the frame's first line.
#[inline(always)]
fn put_event_type(buffer: &mut Buffer, has_id: bool, event_type: &EventType) {
    match event_type.as_inline() {
        Ok((bytes, len)) if has_id => return buffer.put_short_line(SHORT_EVENT, bytes, len),
        _ if has_id => buffer.put(line::EVENT),
        _ => buffer.put(&line::EVENT[1..]),
    }
    match event_type.as_inline() {
        Ok((bytes, len)) => buffer.put_short(*bytes, len),
        Err(long) => buffer.put(long.as_bytes()),
    }
}

#[cold]
fn put_retry(
    buffer: &mut Buffer,
    start: usize,
    retry: &Result<ReconnectionTime, Kept>,
) -> Result<(), Error> {
    let time = retry.as_ref().map_err(|Kept(error)| error.clone())?;
    put_name(buffer, start, line::RETRY);
    buffer.put_number(time.as_millis().into());
    Ok(())
}

/// Begins a line of the frame that begins at `start`, and ends the line before it.
#[inline(always)]
fn put_name<const N: usize>(buffer: &mut Buffer, start: usize, name: &[u8; N]) {
    if buffer.len() == start {
        buffer.put(&name[1..]);
    } else {
        buffer.put(name);
    }
}

/// The number of events in these frames: each ends with a blank line, and nothing else has one.
pub(crate) fn count_events(frames: &[u8]) -> usize {
    let mut end_of_line = None;
    let mut count = 0;
    for at in memchr_iter(b'\n', frames) {
        if end_of_line.is_some_and(|end| end + 1 == at) {
            count += 1;
        }
        end_of_line = Some(at);
    }
    count
}

impl fmt::Debug for Frame<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The standard's rule of lines, as plainly as it can be written.
    fn naive(text: &str) -> String {
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        text.split('\n').map(|line| format!("data: {line}\n")).collect::<String>() + "\n"
    }

    fn frame(write: impl FnOnce(&mut Frame<'_, '_>) -> Result<(), Error>) -> String {
        let defaults = Defaults { automatic_ids: false, default_type: false };
        let settings = Settings { defaults, max_frame: usize::MAX };
        let mut buffer = Buffer::new();
        let mut frames = Frames::begin(&mut buffer, &settings, &None, None);
        let mut frame = frames.frame();
        write(&mut frame).unwrap();
        frame.end().unwrap();
        frames.end();
        String::from_utf8(buffer.as_slice().to_vec()).unwrap()
    }

    fn text(text: &str) -> String {
        frame(|frame| frame.text(text.as_bytes()))
    }

    #[test]
    fn every_text_of_seven_bytes_from_the_ends_of_line_is_split_as_by_the_naive_splitter() {
        let alphabet = [b'\r', b'\n', b'x', b' '];
        for code in 0..4_usize.pow(7) {
            let bytes = (0..7).map(|place| alphabet[code / 4_usize.pow(place) % 4]).collect();
            let input = String::from_utf8(bytes).unwrap();
            assert_eq!(text(&input), naive(&input), "{input:?}");
        }
    }

    #[test]
    fn the_size_of_text_is_that_of_its_fields() {
        for input in ["", "a", "\r\n", "\r\r\n\n\r", "one\ntwo\r\nthree\r", "\n\n\n\n\n\n\n\n"] {
            assert_eq!(line::text_size(input.as_bytes()) + 1, naive(input).len(), "{input:?}");
            assert!(line::text_size(input.as_bytes()) <= line::TEXT_GROWTH * input.len().max(1));
        }
    }

    #[test]
    fn long_text_is_split_as_short_text_is() {
        for input in [
            "x".repeat(line::SHORT_TEXT + 1),
            "ab\r\n\rc\n".repeat(line::SHORT_TEXT),
            "\n".repeat(line::SHORT_TEXT + 1),
        ] {
            assert_eq!(text(&input), naive(&input));
        }
    }

    /// Around the sizes of a block, and of a line whose end is searched for by itself.
    #[test]
    fn lines_of_any_length_are_split_wherever_they_lie() {
        for before in [0, 1, 63, 64, 65, 127] {
            for len in (0..70).chain([127, 128, 129, 191, 192, 255, 256, 257, 320, 400]) {
                for end in ["\r", "\n", "\r\n", "\n\r", "\r\r\n"] {
                    let line = "é".repeat(len / 2) + &"x".repeat(len % 2) + end;
                    // Few, and many.
                    for lines in [3, 1 + 1_500 / line.len()] {
                        let input = "-".repeat(before) + end + &line.repeat(lines) + "x";
                        assert_eq!(text(&input), naive(&input), "{before}, {len}, {end:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn comments_are_split_as_text_is() {
        for (comment, expected) in [
            ("", ":\n"),
            ("a", ": a\n"),
            ("a\rdata: x\n\n", ": a\n: data: x\n: \n: \n"),
            ("\r\n", ": \n: \n"),
        ] {
            assert_eq!(frame(|frame| frame.comment(comment.as_bytes())), expected, "{comment:?}");
        }
    }

    #[test]
    fn events_are_counted_by_their_blank_lines() {
        use crate::{Comment, Encode, Encoder, Event};
        let text = Event::text("\n\na\r\n\r\n");
        let rows: [(&dyn Encode, usize); 8] = [
            (&(), 0),
            (&Comment::new(""), 0),
            (&(Comment::new("\n\n"), Event::new().retry(std::time::Duration::from_secs(1))), 0),
            (&Event::text(""), 1),
            (&text, 1),
            (&[text.clone(), text.clone()], 2),
            (&(Comment::new("a"), &text, Comment::new("\n"), Event::json(1), &text), 3),
            (&Event::new().id(7), 1),
        ];
        for encoder in [Encoder::new(), Encoder::bare()] {
            for (item, count) in rows {
                let frames = encoder.clone().encode_once(item).unwrap();
                assert_eq!(count_events(frames.as_bytes()), count, "{frames:?}");
            }
        }
    }

    #[test]
    fn a_frame_without_fields_is_nothing() {
        assert_eq!(frame(|_| Ok(())), "");
    }
}
