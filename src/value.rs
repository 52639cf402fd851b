//! Values of fields that are checked once, when they are made, so that writing them cannot fail.

use std::{fmt, hash, str::FromStr, sync::Arc, time::Duration};

use crate::error::{Error, Kind};

/// The longest text that is kept in place; a `u64` and most ids and types fit.
const INLINE: usize = 22;

#[derive(Clone)]
enum Text {
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Arc<str>),
    Static(&'static str),
}

impl Text {
    fn new(text: &str) -> Self {
        match Self::inline(text) {
            Some(inline) => inline,
            None => Self::Shared(text.into()),
        }
    }

    fn inline(text: &str) -> Option<Self> {
        let mut bytes = [0; INLINE];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self::Inline { len: text.len() as u8, bytes })
    }

    #[inline]
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Shared(text) => text.as_bytes(),
            Self::Static(text) => text.as_bytes(),
        }
    }

    fn as_str(&self) -> &str {
        match self {
            // It was copied whole from a `str`.
            Self::Inline { .. } => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::Shared(text) => text,
            Self::Static(text) => text,
        }
    }
}

/// The first byte that may not stand in a field's value: its index.
const fn forbidden(value: &[u8], also_nul: bool) -> Option<usize> {
    let mut index = 0;
    while index < value.len() {
        let byte = value[index];
        if byte == b'\n' || byte == b'\r' || (also_nul && byte == 0) {
            return Some(index);
        }
        index += 1;
    }
    None
}

fn check(field: &'static str, value: &str, also_nul: bool) -> Result<(), Error> {
    match forbidden(value.as_bytes(), also_nul) {
        None => Ok(()),
        Some(position) => {
            let byte = value.as_bytes()[position];
            Err(Kind::ForbiddenByte { field, byte, position }.into())
        }
    }
}

macro_rules! text_value {
    ($name:ident, $field:literal, $also_nul:literal, $message:literal) => {
        impl $name {
            /// Checks `text` and keeps it. Up to 22 bytes are kept without an allocation.
            ///
            /// # Errors
            ///
            /// Refuses the bytes that [the type](Self) names; the error says which and where.
            pub fn new(text: impl AsRef<str>) -> Result<Self, Error> {
                let text = text.as_ref();
                check($field, text, $also_nul)?;
                Ok(Self(Text::new(text)))
            }

            /// Makes one from a literal, checked by the compiler when it stands in a `const`.
            ///
            /// # Panics
            ///
            /// When the text has a byte that [the type](Self) refuses: in a `const` that is a
            /// compile error. For text that is not a literal use [`new`](Self::new).
            pub const fn from_static(text: &'static str) -> Self {
                if forbidden(text.as_bytes(), $also_nul).is_some() {
                    panic!($message);
                }
                Self(Text::Static(text))
            }

            /// The text as it was given.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            #[inline]
            pub(crate) fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.as_str()).finish()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl Eq for $name {}

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl hash::Hash for $name {
            fn hash<H: hash::Hasher>(&self, state: &mut H) {
                self.as_bytes().hash(state);
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl TryFrom<&str> for $name {
            type Error = Error;

            fn try_from(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        impl From<&$name> for $name {
            fn from(value: &$name) -> Self {
                value.clone()
            }
        }
    };
}

macro_rules! from_integers {
    ($name:ident: $($integer:ty)*) => {$(
        impl From<$integer> for $name {
            fn from(value: $integer) -> Self {
                Self(Text::new(itoa::Buffer::new().format(value)))
            }
        }
    )*};
}

/// A last event ID: what the `id` field of an event says, and what a client that reconnects sends
/// back in `Last-Event-ID`.
///
/// Any text without CR, LF and NUL: the first two would end the field, and a client
/// [ignores](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)
/// an id with the third. Any integer. For ids that come back unharmed from every client keep to
/// short texts of visible ASCII: some clients do not reconnect at all after an id that their HTTP
/// library refuses as a header, and most trim blanks.
///
/// An [empty](Self::EMPTY) id is not the same as none: it makes the client forget its last event ID.
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
/// A literal that is none does not compile:
///
/// ```compile_fail
/// const FORGED: sse_encoder::EventId = sse_encoder::EventId::from_static("1\ndata: forged");
/// # let _ = FORGED;
/// ```
#[derive(Clone)]
pub struct EventId(Text);

text_value!(EventId, "id", true, "an event id may not have CR, LF or NUL");
from_integers!(EventId: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

impl EventId {
    /// The empty id, which makes the client forget its last event ID: it will reconnect without one.
    pub const EMPTY: Self = Self::from_static("");

    /// The number of an automatic id: the id is the plain digits of a `u64`, without a sign or zeros in
    /// front.
    ///
    /// ```
    /// use sse_encoder::EventId;
    ///
    /// assert_eq!(EventId::from_static("41").as_u64(), Some(41));
    /// assert_eq!(EventId::from_static("041").as_u64(), None);
    /// ```
    pub fn as_u64(&self) -> Option<u64> {
        let text = self.as_str();
        let is_plain = text == "0" || text.starts_with(|first: char| matches!(first, '1'..='9'));
        if is_plain { text.parse().ok() } else { None }
    }
}

/// An event type: what the `event` field says, and which listener of the client is called.
///
/// Any text without CR and LF, which would end the field. Any integer. Clients take an empty type
/// for `message`.
///
/// ```
/// use sse_encoder::EventType;
///
/// const PRICE: EventType = EventType::from_static("price");
/// assert_eq!(EventType::new(String::from("price"))?, PRICE);
/// assert_eq!(EventType::new("a\rb").unwrap_err().position(), Some(1));
/// # Ok::<(), sse_encoder::Error>(())
/// ```
///
/// A literal that is none does not compile:
///
/// ```compile_fail
/// const FORGED: sse_encoder::EventType = sse_encoder::EventType::from_static("a\rdata: forged");
/// # let _ = FORGED;
/// ```
#[derive(Clone)]
pub struct EventType(Text);

text_value!(EventType, "type", false, "an event type may not have CR or LF");
from_integers!(EventType: u8 u16 u32 u64 u128 usize i8 i16 i32 i64 i128 isize);

impl EventType {
    /// `message`, the type of events that name none.
    pub const MESSAGE: Self = Self::from_static("message");
}

/// A reconnection time: what the `retry` field says, and how long a client waits before it
/// reconnects. Whole milliseconds, from 1 to 2^31 − 1 (some 24 days).
///
/// Zero, and anything above 2^31 − 1, is refused: clients that keep the time in a signed 32-bit timer
/// then reconnect at once, over and over, hundreds of times in a second.
///
/// ```
/// use sse_encoder::ReconnectionTime;
/// use std::time::Duration;
///
/// const SOON: ReconnectionTime = ReconnectionTime::from_millis(2_500).unwrap();
/// assert_eq!(ReconnectionTime::new(Duration::from_millis(2_500))?, SOON);
/// assert!(ReconnectionTime::new(Duration::ZERO).is_err());
/// assert!(ReconnectionTime::new(Duration::from_millis(1 << 31)).is_err());
/// # Ok::<(), sse_encoder::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ReconnectionTime(u32);

impl ReconnectionTime {
    /// The longest one: 2^31 − 1 milliseconds.
    pub const MAX: Self = Self(i32::MAX as u32);

    /// The time in whole milliseconds; what is below a millisecond is dropped.
    ///
    /// # Errors
    ///
    /// Refuses what is less than one millisecond or more than [`MAX`](Self::MAX).
    pub fn new(time: Duration) -> Result<Self, Error> {
        u32::try_from(time.as_millis())
            .ok()
            .and_then(Self::from_millis)
            .ok_or_else(|| Kind::ReconnectionTime(time).into())
    }

    /// The time from milliseconds; `None` for 0 and for more than [`MAX`](Self::MAX).
    pub const fn from_millis(millis: u32) -> Option<Self> {
        if millis == 0 || millis > Self::MAX.0 { None } else { Some(Self(millis)) }
    }

    /// The time in milliseconds, as the `retry` field says it.
    pub const fn as_millis(self) -> u32 {
        self.0
    }
}

impl TryFrom<Duration> for ReconnectionTime {
    type Error = Error;

    fn try_from(time: Duration) -> Result<Self, Error> {
        Self::new(time)
    }
}

impl From<ReconnectionTime> for Duration {
    fn from(time: ReconnectionTime) -> Self {
        Self::from_millis(time.0.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_any_length_comes_back() {
        for len in [0, 1, 21, 22, 23, 1_000] {
            let text = "é".repeat(len / 2) + &"x".repeat(len % 2);
            assert_eq!(EventId::new(&text).unwrap().as_str(), text);
            assert_eq!(EventType::new(text.clone()).unwrap(), text.as_str());
        }
    }

    #[test]
    fn integers_are_their_digits() {
        assert_eq!(EventId::from(u64::MAX), "18446744073709551615");
        assert_eq!(EventId::from(i128::MIN), "-170141183460469231731687303715884105728");
        assert_eq!(EventType::from(-1_i8), "-1");
    }

    #[test]
    fn forbidden_bytes_are_named_with_their_place() {
        for (text, byte, position) in
            [("a\nb", 10, 1), ("\r", 13, 0), ("abc\r\n", 13, 3), ("é\0", 0, 2)]
        {
            let error = EventId::new(text).unwrap_err();
            assert_eq!(error.position(), Some(position), "{text:?}");
            assert!(error.to_string().contains(&format!("0x{byte:02X}")), "{error}");
        }
        assert!(EventType::new("a\0b").is_ok());
        assert!(EventType::new("a\nb").unwrap_err().is_forbidden_byte());
    }

    #[test]
    fn unicode_line_separators_are_ordinary() {
        let text = "\u{85}\u{2028}\u{2029}\u{b}\u{c}\u{feff}";
        assert_eq!(EventId::new(text).unwrap(), text);
    }

    #[test]
    fn equal_texts_are_equal_however_they_were_made() {
        use std::collections::HashSet;
        let ids: HashSet<_> =
            [EventId::from(7), EventId::from_static("7"), EventId::new("7").unwrap()].into();
        assert_eq!(ids.len(), 1);
    }

    #[test]
    fn reconnection_time_keeps_its_bounds() {
        assert!(ReconnectionTime::new(Duration::from_micros(999)).is_err());
        assert_eq!(ReconnectionTime::new(Duration::from_micros(1_999)).unwrap().as_millis(), 1);
        assert_eq!(ReconnectionTime::from_millis(1 << 31), None);
        let max = ReconnectionTime::from_millis((1 << 31) - 1);
        assert_eq!(max, Some(ReconnectionTime::MAX));
        assert_eq!(max.map(Duration::from), Some(Duration::from_millis((1 << 31) - 1)));
        assert!(ReconnectionTime::new(Duration::MAX).is_err());
        assert_eq!(ReconnectionTime::MAX.as_millis(), 2_147_483_647);
    }
}
