//! The end of the streams of an owner, or of a topic.

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use sse_encoder::ReconnectionTime;

use crate::error::Error;

/// The longest name of an owner or a topic whose streams can be ended, in bytes; on Redis also the
/// longest topic and key.
pub(crate) const MAX_NAME: usize = 4 * 1024;

/// Whether the clients of ended streams come back: for [`Hub::end_owner`](crate::Hub::end_owner)
/// and [`Hub::end_topic`](crate::Hub::end_topic).
///
/// A browser's `EventSource` reconnects whenever a stream ends. Whether it may come back is up to
/// the handler, which [asks the subscriber](crate::Subscriber::ended).
///
/// ```
/// use sse_encoder::ReconnectionTime;
/// use sse_hub::{Hub, Reconnect};
///
/// const A_MINUTE: ReconnectionTime = ReconnectionTime::from_secs(60).unwrap();
///
/// # futures_executor::block_on(async {
/// let hub = Hub::new();
/// // New rights: the client is to be authorized again.
/// hub.end_owner("user:7", Reconnect::Soon).await?;
/// // A tenant moves to other servers.
/// hub.end_owner("tenant:3", Reconnect::After(A_MINUTE)).await?;
/// // A logout, or a ban.
/// hub.end_owner("user:8", Reconnect::Never).await?;
/// # Ok::<(), sse_hub::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Reconnect {
    /// After a random time of the hub's [range](crate::HubBuilder::reconnection_time), which is in
    /// the last event of each stream, as when the hub is [closed](crate::Hub::close).
    Soon,
    /// After this time, the same for all; it is in the last event of each stream.
    After(ReconnectionTime),
    /// Not with the authorization that the stream had. The stream ends without a last event; when
    /// the client returns, the handler answers [`StopReconnecting`](sse_encoder::StopReconnecting).
    Never,
}

impl Reconnect {
    const SOON: u32 = u32::MAX - 1;
    const NEVER: u32 = u32::MAX;

    /// A number other than 0. The greater of two codes is the stricter.
    pub(crate) const fn code(self) -> u32 {
        match self {
            // Milliseconds: at least 1, and below 2^31.
            Self::After(time) => time.as_millis(),
            Self::Soon => Self::SOON,
            Self::Never => Self::NEVER,
        }
    }

    /// `None` for 0.
    pub(crate) const fn from_code(code: u32) -> Option<Self> {
        match code {
            0 => None,
            Self::NEVER => Some(Self::Never),
            millis => Some(match ReconnectionTime::from_millis(millis) {
                Some(time) => Self::After(time),
                None => Self::Soon,
            }),
        }
    }
}

/// Whether the streams of an owner or of a topic end.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Kind {
    Owner,
    Topic,
}

/// The end of some streams, as a log keeps it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Ending {
    pub(crate) kind: Kind,
    pub(crate) name: Arc<str>,
    /// Authorizations up to this time are no longer valid.
    pub(crate) at: Time,
    pub(crate) reconnect: Reconnect,
}

impl Ending {
    /// An ending that happens now.
    ///
    /// # Errors
    ///
    /// The name is too long.
    pub(crate) fn new(kind: Kind, name: &str, reconnect: Reconnect) -> Result<Self, Error> {
        if name.len() > MAX_NAME {
            let field = if kind == Kind::Owner { "owner" } else { "topic" };
            return Err(Error::name_too_long(field, MAX_NAME));
        }
        Ok(Self { kind, name: name.into(), at: Time::now().next(), reconnect })
    }
}

/// Microseconds since 1970.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Time(pub(crate) u64);

impl Time {
    pub(crate) const NEVER: Self = Self(0);

    pub(crate) fn now() -> Self {
        #[cfg(test)]
        if let Some(time) = clock::get() {
            return time;
        }
        SystemTime::now().into()
    }

    /// The microsecond after it: an authorization within this one counts as earlier.
    const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl From<SystemTime> for Time {
    /// Rounded down; times before 1970 are all the same.
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// A clock that a test sets.
#[cfg(test)]
pub(crate) mod clock {
    use std::cell::Cell;

    use super::Time;

    thread_local! {
        static TIME: Cell<Option<Time>> = const { Cell::new(None) };
    }

    pub(super) fn get() -> Option<Time> {
        TIME.get()
    }

    #[cfg(all(feature = "disk", feature = "redis"))]
    pub(crate) fn set(time: Time) {
        TIME.set(Some(time));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_way_to_come_back_has_a_code_of_its_own() {
        let times = [1, 1_234, ReconnectionTime::MAX.as_millis()];
        let times =
            times.map(|time| Reconnect::After(ReconnectionTime::from_millis(time).unwrap()));
        for reconnect in times.into_iter().chain([Reconnect::Soon, Reconnect::Never]) {
            assert_eq!(Reconnect::from_code(reconnect.code()), Some(reconnect));
            assert!(reconnect.code() <= Reconnect::Never.code());
        }
        assert_eq!(Reconnect::from_code(0), None);
    }

    #[test]
    fn an_ending_is_later_than_what_was_authorized_before_it() {
        let authorized = Time::now();
        let ending = Ending::new(Kind::Owner, "a", Reconnect::Never).unwrap();
        assert!(authorized < ending.at);
        assert_eq!(Time::from(UNIX_EPOCH - Duration::from_secs(1)), Time::NEVER);
    }

    #[test]
    fn a_name_that_no_log_takes_is_refused() {
        let long = "x".repeat(MAX_NAME + 1);
        assert!(Ending::new(Kind::Owner, &long[1..], Reconnect::Soon).is_ok());
        for (kind, field) in [(Kind::Owner, "owner"), (Kind::Topic, "topic")] {
            let error = Ending::new(kind, &long, Reconnect::Soon).unwrap_err();
            assert!(error.is_name_too_long());
            assert_eq!(error.field(), Some(field));
        }
    }
}
