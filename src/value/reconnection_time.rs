use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    ops::RangeInclusive,
    time::Duration,
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Kind};

/// A reconnection time: the value of the `retry` field, and the client's delay before it
/// reconnects. Whole milliseconds, from 1 to 2^31 − 1 (some 24 days).
///
/// Zero and values above 2^31 − 1 are refused: clients with a signed 32-bit timer then reconnect in
/// a tight loop, hundreds of times in a second.
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
    /// The maximum: 2^31 − 1 milliseconds.
    pub const MAX: Self = Self(i32::MAX as u32);

    /// The time in whole milliseconds; fractions of a millisecond are dropped.
    ///
    /// # Errors
    ///
    /// Refuses less than one millisecond, and more than [`MAX`](Self::MAX).
    pub fn new(time: Duration) -> Result<Self, Error> {
        u32::try_from(time.as_millis())
            .ok()
            .and_then(Self::from_millis)
            .ok_or_else(|| Kind::ReconnectionTime { time, max: Self::MAX.into() }.into())
    }

    /// The time from milliseconds; `None` for 0 and for more than [`MAX`](Self::MAX).
    pub const fn from_millis(millis: u32) -> Option<Self> {
        if millis == 0 || millis > Self::MAX.0 { None } else { Some(Self(millis)) }
    }

    /// The time from seconds; `None` for 0 and for more than [`MAX`](Self::MAX).
    ///
    /// ```
    /// use sse_encoder::ReconnectionTime;
    ///
    /// const LATER: ReconnectionTime = ReconnectionTime::from_secs(30).unwrap();
    /// assert_eq!(LATER.as_millis(), 30_000);
    /// ```
    pub const fn from_secs(secs: u32) -> Option<Self> {
        match secs.checked_mul(1_000) {
            Some(millis) => Self::from_millis(millis),
            None => None,
        }
    }

    /// A uniformly random time in the range, which spreads the reconnections of clients that are
    /// sent away together. An inverted range gives its start.
    ///
    /// On `wasm32-unknown-unknown` the standard library has no randomness, and each instance draws
    /// the same times: there, pass a random number of the host to
    /// [`from_millis`](Self::from_millis).
    ///
    /// ```
    /// use sse_encoder::ReconnectionTime;
    ///
    /// const SOON: ReconnectionTime = ReconnectionTime::from_secs(1).unwrap();
    /// const LATER: ReconnectionTime = ReconnectionTime::from_secs(10).unwrap();
    /// let time = ReconnectionTime::jittered(SOON..=LATER);
    /// assert!((SOON..=LATER).contains(&time));
    /// ```
    pub fn jittered(range: RangeInclusive<Self>) -> Self {
        let (Self(start), Self(end)) = range.into_inner();
        let span = u64::from(end.saturating_sub(start)) + 1;
        // Each `RandomState` has new random keys.
        let random = RandomState::new().build_hasher().finish();
        let offset = (u128::from(random) * u128::from(span)) >> 64;
        Self(start + offset as u32)
    }

    /// The time in milliseconds, as in the `retry` field.
    pub const fn as_millis(self) -> u32 {
        self.0
    }
}

/// Milliseconds, as in the `retry` field.
impl fmt::Display for ReconnectionTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// As a number of milliseconds.
impl Serialize for ReconnectionTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(self.0)
    }
}

/// From a number of milliseconds, which is checked.
impl<'de> Deserialize<'de> for ReconnectionTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = u64::deserialize(deserializer)?;
        Self::new(Duration::from_millis(millis)).map_err(de::Error::custom)
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
