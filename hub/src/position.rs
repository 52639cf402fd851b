//! Positions in the log, and their ids.

use std::{
    fmt::{self, Write},
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use sse_encoder::EventId;

use crate::random;

/// A place in the log, between two entries: `<epoch>-<n>`, or `<epoch>-<n>-<check>`.
///
/// In memory the epoch is the hub's own, and `n` counts its entries. In a remote log both are the
/// log's own.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Position {
    pub(crate) epoch: u64,
    pub(crate) n: u64,
    pub(crate) check: Check,
}

impl Position {
    /// Before all positions of entries.
    pub(crate) const START: Self = Self::new(0, 0);

    /// Two numbers of at most 20 digits each, and a check.
    const MAX_LEN: usize = 41 + 1 + Check::LEN;

    /// A position in a log that gives no number twice.
    pub(crate) const fn new(epoch: u64, n: u64) -> Self {
        Self { epoch, n, check: Check::NONE }
    }

    pub(crate) fn to_id(self) -> EventId {
        Claim { at: self, had: None }.to_id()
    }

    /// Both numbers, without the check.
    pub(crate) const fn numbers(self) -> (u64, u64) {
        (self.epoch, self.n)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.n)?;
        if self.check != Check::NONE { write!(f, "-{}", self.check) } else { Ok(()) }
    }
}

/// The meaning of an id of the hub's that a client sends: it was given each event up to a position,
/// or was told of its loss. `<position>`, or `<position>~<position>`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Claim {
    pub(crate) at: Position,
    /// The position beyond `at` that the client had before a gap, on a server whose log did not
    /// have it: another server may still have it.
    pub(crate) had: Option<Position>,
}

impl Claim {
    const MAX_LEN: usize = 2 * Position::MAX_LEN + 1;
    const SEPARATOR: char = '~';

    pub(crate) fn to_id(self) -> EventId {
        let mut text = Text { bytes: [0; Self::MAX_LEN], len: 0 };
        // Two positions always fit, and their characters are never refused.
        let _ = write!(text, "{self}");
        EventId::new(text.as_str()).unwrap_or(EventId::EMPTY)
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.at.fmt(f)?;
        self.had.map_or(Ok(()), |had| write!(f, "{}{had}", Self::SEPARATOR))
    }
}

impl FromStr for Claim {
    type Err = NotAPosition;

    /// Accepts exactly what `Display` writes.
    fn from_str(text: &str) -> Result<Self, NotAPosition> {
        Ok(match text.split_once(Self::SEPARATOR) {
            Some((at, had)) => Self { at: at.parse()?, had: Some(had.parse()?) },
            None => Self { at: text.parse()?, had: None },
        })
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
        let (epoch, rest) = text.split_once('-').ok_or(NotAPosition)?;
        let (n, check) = match rest.split_once('-') {
            Some((n, check)) => (n, Check::parse(check).ok_or(NotAPosition)?),
            None => (rest, Check::NONE),
        };
        let number = |digits| plain_number(digits).ok_or(NotAPosition);
        Ok(Self { epoch: number(epoch)?, n: number(n)?, check })
    }
}

/// Tells two entries apart that a log gave the same number: its clock went back after it had lost
/// its newest entries. 36 bits, of which the highest one is set for an entry; [`Check::NONE`] where
/// a log gives no number twice.
///
/// A position without an entry, after which a gap continues, has a check without that bit: so it is
/// no entry's, and lies before an entry with the same number.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) struct Check(u64);

impl Check {
    pub(crate) const NONE: Self = Self(0);

    const LEN: usize = 6;
    const ENTRY: u64 = 1 << 35;
    const DIGITS: &[u8; 64] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz.";

    /// The check of an entry, from a hash of its content.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
    pub(crate) const fn of_entry(hash: u64) -> Self {
        Self(hash >> 29 | Self::ENTRY)
    }

    /// The check of a position without an entry. Equal hashes give equal positions, on each server.
    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
    pub(crate) const fn of_gap(hash: u64) -> Self {
        Self((hash >> 29 & !Self::ENTRY) | 1)
    }

    /// Whether it is that of a position without an entry, in a log that has checks.
    pub(crate) const fn is_gap(self) -> bool {
        self.0 != 0 && self.0 & Self::ENTRY == 0
    }

    #[cfg_attr(not(feature = "redis"), allow(dead_code, reason = "for a remote log"))]
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }

    fn parse(text: &str) -> Option<Self> {
        let digit = |byte| Self::DIGITS.iter().position(|digit| *digit == byte);
        let text: [u8; Self::LEN] = text.as_bytes().try_into().ok()?;
        let bits = text.into_iter().try_fold(0, |bits, byte| Some(bits << 6 | digit(byte)? as u64));
        bits.filter(|bits| *bits != 0).map(Self)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (0..Self::LEN).rev().try_for_each(|place| {
            f.write_char(Self::DIGITS[(self.0 >> (6 * place) & 63) as usize].into())
        })
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
    bytes: [u8; Claim::MAX_LEN],
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

/// A new epoch: the milliseconds since 1970, and three digits, which are random in each process and
/// differ for its hubs of the same millisecond. It is below 2^53 until the year 2255.
pub(crate) fn epoch() -> u64 {
    // A clock that stands far in the future gives some epoch below 2^53, too.
    let millis = millis() % ((1 << 53) / 1000 - 1);
    millis.max(1) * 1000 + random::in_turn(1000)
}

/// The milliseconds since 1970.
fn millis() -> u64 {
    #[cfg(test)]
    if let Some(millis) = clock::get() {
        return millis;
    }
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as u64
}

/// A clock that a test sets.
#[cfg(test)]
pub(crate) mod clock {
    use std::cell::Cell;

    thread_local! {
        static MILLIS: Cell<Option<u64>> = const { Cell::new(None) };
    }

    pub(super) fn get() -> Option<u64> {
        MILLIS.get()
    }

    #[cfg(all(feature = "disk", feature = "redis"))]
    pub(crate) fn set(millis: u64) {
        MILLIS.set(Some(millis));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_survives_the_round_trip_through_its_id() {
        for (epoch, n) in [(0, 0), (1, 2), (1_795_333_614_958_123, 84), (u64::MAX, u64::MAX)] {
            for hash in [0, 1, 1 << 29, u64::MAX, 0x0123_4567_89AB_CDEF, 0xFEDC_BA98_7654_3210] {
                let bare = Position::new(epoch, n);
                assert_eq!(bare.to_id(), format!("{epoch}-{n}").as_str());
                let of = |check| Position { check, ..bare };
                let (gap, entry) = (of(Check::of_gap(hash)), of(Check::of_entry(hash)));
                assert!(bare < gap && gap < entry);
                for position in [bare, gap, entry] {
                    let id = position.to_id();
                    assert_eq!(id.as_str().parse::<Position>().unwrap(), position, "{id:?}");
                }
            }
        }
        let check = Check::of_entry(0x0123_4567_89AB_CDEF);
        assert_eq!(Position { check, ..Position::new(7, 8) }.to_id(), "7-8-W96Yhx");
        assert_ne!(Check::of_gap(0x0123_4567_89AB_CDEF), Check::of_gap(0xFEDC_BA98_7654_3210));
    }

    #[test]
    fn a_claim_survives_the_round_trip_through_its_id() {
        let longest = Position { check: Check::of_entry(1), ..Position::new(u64::MAX, u64::MAX) };
        for at in [Position::START, Position::new(7, 8), longest] {
            for had in [None, Some(Position::new(9, 0)), Some(longest)] {
                let claim = Claim { at, had };
                assert_eq!(claim.to_id().as_str().parse::<Claim>().unwrap(), claim);
            }
        }
        let claim = Claim { at: Position::new(7, 8), had: Some(Position::new(9, 10)) };
        assert_eq!(claim.to_id(), "7-8~9-10");
        for text in ["", "~", "7-8~", "~7-8", "7-8~9-10~11-12", "7-8~ 9-10", "7-8+9-10"] {
            assert!(text.parse::<Claim>().is_err(), "{text:?}");
            assert!(text.parse::<Position>().is_err(), "{text:?}");
        }
        assert!("7-8~9-10".parse::<Position>().is_err());
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
            "1-1-",
            "1-1-00000",
            "1-1-000000",
            "1-1-0000001",
            "1-1-00000é",
            "1-1-00000-",
            "1-1-000001-1",
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

    #[cfg(all(feature = "disk", feature = "redis"))]
    #[test]
    fn hubs_that_start_in_the_same_millisecond_differ() {
        clock::set(1_795_333_614_958);
        // Other tests may take some in between.
        let epochs: std::collections::HashSet<_> = (0..300).map(|_| epoch()).collect();
        assert_eq!(epochs.len(), 300);
    }

    #[cfg(all(feature = "disk", feature = "redis"))]
    #[test]
    fn an_epoch_begins_with_the_milliseconds_of_its_start() {
        clock::set(1_795_333_614_958);
        assert!((0..100).all(|_| epoch() / 1_000 == 1_795_333_614_958));
        // However wrong the clock is.
        for millis in [0, (1 << 53) / 1_000 - 1, (1 << 53) / 1_000, u64::MAX] {
            clock::set(millis);
            assert!((0..100).map(|_| epoch()).all(|epoch| (1_000..1 << 53).contains(&epoch)));
        }
    }
}
