use std::{
    borrow::{Borrow, Cow},
    fmt, hash,
    str::FromStr,
    sync::Arc,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::text::{INLINE, Rule, Text, from_integers, text_value, try_from_text};
use crate::error::Error;

/// A last event ID: the value of an event's `id` field, which a reconnecting client returns in
/// `Last-Event-ID`.
///
/// It is any text without CR, LF and NUL, or any integer, of at most [4 KiB](Self::MAX_LEN). CR and
/// LF would end the field, and clients
/// [ignore](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)
/// an id with NUL. If every client must return the id intact, use short texts of visible ASCII:
/// some clients do not reconnect at all after an id that their HTTP library refuses as a header,
/// and most trim blanks.
///
/// An [empty](Self::EMPTY) id makes the client forget its last event ID. An event without an id
/// does not.
///
/// ```
/// use sse_encoder::EventId;
///
/// const FIRST: EventId = EventId::from_static("2026-11-24/1");
/// assert_eq!(EventId::new("2026-11-24/1")?, FIRST);
/// assert_eq!(EventId::from(7_u64), "7");
/// # Ok::<(), sse_encoder::Error>(())
/// ```
///
/// An invalid literal does not compile:
///
/// ```compile_fail
/// const FORGED: sse_encoder::EventId = sse_encoder::EventId::from_static("1\ndata: forged");
/// # let _ = FORGED;
/// ```
#[derive(Clone)]
pub struct EventId(Text);

const RULE: Rule = Rule { field: "id", nul_is_forbidden: true, max_len: EventId::MAX_LEN };

text_value!(EventId, RULE, "an event id may not have CR, LF or NUL, nor more than 4 KiB");
from_integers!(EventId: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

impl EventId {
    /// The maximum length, in bytes: 4 KiB.
    ///
    /// A client sends the id back in a header. By default nginx refuses requests with more than 8
    /// KiB of headers, and Apache with more than 8,190 bytes in one: a browser whose reconnection
    /// is refused gives up for good. Half of that leaves room for cookies.
    pub const MAX_LEN: usize = 4 * 1024;

    /// The empty id. It makes the client forget its last event ID and reconnect without one.
    pub const EMPTY: Self = Self::from_static("");

    /// An id read back from a frame of this crate.
    pub(crate) fn from_checked(id: &[u8]) -> Self {
        Self(Text::new(str::from_utf8(id).unwrap_or_default()))
    }

    /// The id as an automatic id's number: the plain digits of a `u64`, without a sign or leading
    /// zeros; `None` for any other id.
    ///
    /// ```
    /// use sse_encoder::EventId;
    ///
    /// assert_eq!(EventId::from_static("41").as_u64(), Some(41));
    /// assert_eq!(EventId::from_static("041").as_u64(), None);
    /// ```
    pub fn as_u64(&self) -> Option<u64> {
        plain_number(self.as_str())
    }
}

/// Parses plain digits: no sign, no leading zeros.
pub(crate) fn plain_number(digits: &str) -> Option<u64> {
    let is_plain = digits == "0" || digits.starts_with(|first| matches!(first, '1'..='9'));
    if is_plain { digits.parse().ok() } else { None }
}
