//! Positions in the log, and their ids.

use std::{
    fmt::{self, Write},
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use sse_encoder::EventId;

use crate::random;

/// A place in the log, between two entries: `<epoch>-<n>`.
///
/// In memory the epoch is the hub's own, and `n` counts its entries. In a remote log both are the
/// log's own.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Position {
    pub(crate) epoch: u64,
    pub(crate) n: u64,
}

impl Position {
    /// Before all positions of entries.
    pub(crate) const START: Self = Self { epoch: 0, n: 0 };

    /// Two numbers of at most 20 digits each.
    const MAX_LEN: usize = 41;

    pub(crate) fn to_id(self) -> EventId {
        let mut text = Text { bytes: [0; Self::MAX_LEN], len: 0 };
        // Two `u64`s always fit, and digits are never refused.
        let _ = write!(text, "{self}");
        EventId::new(text.as_str()).unwrap_or(EventId::EMPTY)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.n)
    }
}

/// The text is not a position.
#[derive(Debug)]
pub(crate) struct NotAPosition;

impl FromStr for Position {
    type Err = NotAPosition;

    /// Accepts exactly what `Display` writes: no signs, no leading zeros, no other characters.
    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        if text.len() > Self::MAX_LEN {
            return Err(NotAPosition);
        }
        let (epoch, n) = text.split_once('-').ok_or(NotAPosition)?;
        let number = |digits| plain_number(digits).ok_or(NotAPosition);
        Ok(Self { epoch: number(epoch)?, n: number(n)? })
    }
}

/// A plain decimal number: only digits, without leading zeros.
fn plain_number(digits: &str) -> Option<u64> {
    let is_plain = digits.bytes().all(|byte| byte.is_ascii_digit())
        && (digits == "0" || !digits.starts_with('0'));
    digits.parse().ok().filter(|_| is_plain)
}

/// A short text on the stack.
struct Text {
    bytes: [u8; Position::MAX_LEN],
    len: usize,
}

impl Text {
    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl Write for Text {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// A new epoch: the microseconds since 1970, with three random last digits, as two processes may
/// start at the same instant. It is below 2^53 until the year 2255.
pub(crate) fn epoch() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // A clock that stands far in the future gives some epoch below 2^53, too.
    let millis = now.as_millis() as u64 % ((1 << 53) / 1000 - 1);
    millis.max(1) * 1000 + random::between(0, 999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_the_round_trip_through_its_id() {
        for (epoch, n) in [(0, 0), (1, 2), (1_795_333_614_958_123, 84), (u64::MAX, u64::MAX)] {
            let position = Position { epoch, n };
            let id = position.to_id();
            assert_eq!(id.as_str(), format!("{epoch}-{n}"));
            assert_eq!(id.as_str().parse::<Position>().unwrap(), position);
        }
    }

    #[test]
    fn other_texts_are_not_positions() {
        for text in [
            "",
            "-",
            "+",
            "1",
            "1-",
            "-1",
            "01-1",
            "1-01",
            "1-+1",
            "+1-1",
            "1-1-1",
            "1-1 ",
            " 1-1",
            "1 -1",
            "1--1",
            "a-1",
            "1-a",
            "1_0-1",
            "１-1",
            "18446744073709551616-1",
            "1-18446744073709551616",
            "1–1",
            "(1-1",
            "1-00",
            "00-1",
        ] {
            assert!(text.parse::<Position>().is_err(), "{text:?}");
        }
        assert!("1".repeat(1 << 20).parse::<Position>().is_err());
    }

    #[test]
    fn epochs_differ_and_are_exact_in_javascript() {
        let epochs: std::collections::HashSet<_> = (0..20).map(|_| epoch()).collect();
        assert!(epochs.len() > 1);
        assert!(epochs.iter().all(|&epoch| epoch > 0 && epoch < 1 << 53));
    }
}
