//! The errors of a hub.

#[cfg(feature = "disk")]
use std::io;
use std::{error::Error as StdError, fmt, sync::Arc};

/// Why an item is not published, a subscription does not begin as it should, or a log cannot be
/// used.
///
/// The error is opaque: each kind has a method of its own, and exactly one of these is true. `{}`
/// gives the reason, `{:#}` also that of each cause below it, which [`source`](StdError::source)
/// gives one by one. The wording is not part of the semver contract. A clone is the same error,
/// shared.
///
/// ```
/// use sse_encoder::Event;
/// use sse_hub::Hub;
///
/// let hub = Hub::new();
/// let error = hub.try_publish(&Event::text("a").id("two\nlines")).unwrap_err();
/// assert!(error.is_encode());
/// assert!(error.encode_error().is_some_and(sse_encoder::Error::is_forbidden_byte));
/// assert_eq!(error.to_string(), "the item cannot be encoded");
/// let chain = "the item cannot be encoded: `id` has a line feed (0x0A) at byte 3";
/// assert_eq!(format!("{error:#}"), chain);
/// ```
#[derive(Clone)]
pub struct Error {
    // One pointer, to keep the result of `publish` small; shared, to be cloned.
    kind: Arc<Kind>,
}

#[derive(Debug)]
enum Kind {
    AlreadyPolled,
    BatchTooLong,
    Closed,
    #[cfg(feature = "redis")]
    Connection(String),
    DuplicateId,
    EmptyId,
    Encode(sse_encoder::Error),
    #[cfg(feature = "disk")]
    ForeignFile(String, &'static str),
    #[cfg(feature = "disk")]
    InUse,
    #[cfg(feature = "redis")]
    InvalidEntry {
        field: &'static str,
        reason: &'static str,
    },
    #[cfg(feature = "redis")]
    InvalidUrl(&'static str),
    #[cfg(feature = "disk")]
    Io(&'static str, io::Error),
    NameTooLong {
        field: &'static str,
        limit: usize,
    },
    #[cfg(any(feature = "disk", feature = "redis"))]
    NotAppended(String),
    NotInMemory,
    NotSingleFrame,
    #[cfg(feature = "disk")]
    OtherVersion(String, u32),
    #[cfg(any(feature = "disk", feature = "redis"))]
    OutcomeUnknown(String),
    ReservedId,
    ReservedType,
    StalePosition,
    StateId,
}

/// The questions, each with the kind for which it is true.
macro_rules! questions {
    ($($(#[$doc:meta])* $name:ident => $kind:pat,)*) => {
        impl Error {
            $($(#[$doc])*
            pub fn $name(&self) -> bool {
                matches!(&*self.kind, $kind)
            })*
        }
    };
}

questions! {
    /// Whether the stream of the subscription has been polled already: too late for a state to
    /// [begin with](crate::Subscriber::begin_with).
    is_already_polled => Kind::AlreadyPolled,
    /// Whether events to be published [as one](crate::Hub::publish_all) are more, or have more
    /// bytes, than the hub retains: a client that is cut off within them could not resume.
    is_batch_too_long => Kind::BatchTooLong,
    /// Whether the [hub](crate::Hub) has been closed: nothing more can be published.
    is_closed => Kind::Closed,
    /// Whether the hub already retains an event with this id of its own in one of its topics, or
    /// two events to be published [as one](crate::Hub::publish_all) have the same id.
    is_duplicate_id => Kind::DuplicateId,
    /// Whether the item's own id is empty: clients would forget their position.
    is_empty_id => Kind::EmptyId,
    /// Whether the item cannot be encoded, or is larger than
    /// [`max_frame`](crate::HubBuilder::max_frame); [`encode_error`](Self::encode_error) is the
    /// cause.
    is_encode => Kind::Encode(_),
    /// Whether the log is not in memory, so that [`try_publish`](crate::Hub::try_publish) cannot be
    /// used.
    is_not_in_memory => Kind::NotInMemory,
    /// Whether a name has more than 4 KiB: a topic or a key for a log on Redis, or the name of
    /// streams to be [ended](crate::Hub::end_owner), with any log.
    is_name_too_long => Kind::NameTooLong { .. },
    /// Whether the item writes no frame or several: a cut within an item could not be resumed.
    is_not_single_frame => Kind::NotSingleFrame,
    /// Whether the item's own id has the form of the hub's automatic ones.
    is_reserved_id => Kind::ReservedId,
    /// Whether the item's type is that of the hub's own [checkpoints or
    /// gaps](crate::HubBuilder::notice_types): a page would take it for the hub's word.
    is_reserved_type => Kind::ReservedType,
    /// Whether the log gave an entry a position that is not beyond the newest one. Never for a
    /// published item.
    is_stale_position => Kind::StalePosition,
    /// Whether the state that a subscription is to [begin with](crate::Subscriber::begin_with) has
    /// an id of its own, or [no id](sse_encoder::Event::no_id): it gets that of the position.
    is_state_id => Kind::StateId,
}

#[cfg(feature = "disk")]
questions! {
    /// Whether a file in the folder of the log has the name of one of its files, and is not one:
    /// another program's, or that of another log. Nothing is changed.
    is_foreign_file => Kind::ForeignFile(..),
    /// Whether another hub has the folder of the log, in this process or in another one.
    is_in_use => Kind::InUse,
    /// Whether the file system has failed or refused;
    /// [`source`](std::error::Error::source) is its error.
    is_io => Kind::Io(..),
    /// Whether the log was written by a version of this crate that has another format. Nothing is
    /// changed.
    is_other_version => Kind::OtherVersion(..),
}

#[cfg(feature = "redis")]
questions! {
    /// Whether the log cannot be read: there is no connection, or Redis refuses.
    is_connection => Kind::Connection(_),
    /// Whether an entry of the log has no data, or a field that cannot be read; or an event cannot
    /// be an entry, as it has nothing but an id, or more than 256 topics.
    is_invalid_entry => Kind::InvalidEntry { .. },
    /// Whether the URL of the log cannot be used.
    is_invalid_url => Kind::InvalidUrl(_),
}

impl Error {
    /// Whether the event is not in the hub's log, because the log could not be reached, or refused
    /// it, as a full disk does. It is not the event's fault, and a later attempt may succeed. Never
    /// with a log in memory.
    pub fn is_not_appended(&self) -> bool {
        #[cfg(any(feature = "disk", feature = "redis"))]
        return matches!(&*self.kind, Kind::NotAppended(_));
        #[cfg(not(any(feature = "disk", feature = "redis")))]
        false
    }

    /// Whether it is unknown if the event is in the hub's log, because the connection ended, the
    /// answer did not come in time, or the disk failed. Publishing it again may publish it twice.
    /// Never with a log in memory.
    pub fn is_outcome_unknown(&self) -> bool {
        #[cfg(any(feature = "disk", feature = "redis"))]
        return matches!(&*self.kind, Kind::OutcomeUnknown(_));
        #[cfg(not(any(feature = "disk", feature = "redis")))]
        false
    }

    /// Why the item [cannot be encoded](Self::is_encode).
    pub fn encode_error(&self) -> Option<&sse_encoder::Error> {
        match &*self.kind {
            Kind::Encode(error) => Some(error),
            _ => None,
        }
    }

    /// The member of the item, or the field of the entry, that is wrong; `None` where the fault
    /// lies elsewhere.
    pub fn field(&self) -> Option<&'static str> {
        match &*self.kind {
            Kind::DuplicateId | Kind::EmptyId | Kind::ReservedId | Kind::StateId => Some("id"),
            Kind::ReservedType => Some("type"),
            Kind::Encode(error) => error.field(),
            #[cfg(feature = "redis")]
            Kind::InvalidEntry { field, .. } => Some(field),
            Kind::NameTooLong { field, .. } => Some(field),
            _ => None,
        }
    }

    #[cold]
    pub(crate) fn already_polled() -> Self {
        Kind::AlreadyPolled.into()
    }

    #[cold]
    pub(crate) fn batch_too_long() -> Self {
        Kind::BatchTooLong.into()
    }

    #[cold]
    pub(crate) fn closed() -> Self {
        Kind::Closed.into()
    }

    #[cold]
    pub(crate) fn duplicate_id() -> Self {
        Kind::DuplicateId.into()
    }

    #[cold]
    pub(crate) fn empty_id() -> Self {
        Kind::EmptyId.into()
    }

    #[cold]
    pub(crate) fn not_in_memory() -> Self {
        Kind::NotInMemory.into()
    }

    #[cold]
    pub(crate) fn not_single_frame() -> Self {
        Kind::NotSingleFrame.into()
    }

    #[cold]
    pub(crate) fn name_too_long(field: &'static str, limit: usize) -> Self {
        Kind::NameTooLong { field, limit }.into()
    }

    #[cold]
    pub(crate) fn reserved_id() -> Self {
        Kind::ReservedId.into()
    }

    #[cold]
    pub(crate) fn reserved_type() -> Self {
        Kind::ReservedType.into()
    }

    #[cold]
    pub(crate) fn stale_position() -> Self {
        Kind::StalePosition.into()
    }

    #[cold]
    pub(crate) fn state_id() -> Self {
        Kind::StateId.into()
    }
}

#[cfg(feature = "redis")]
impl Error {
    pub(crate) fn connection(reason: impl Into<String>) -> Self {
        Kind::Connection(reason.into()).into()
    }

    pub(crate) fn invalid_entry(field: &'static str, reason: &'static str) -> Self {
        Kind::InvalidEntry { field, reason }.into()
    }

    /// The reason why the field of an entry is rejected.
    pub(crate) fn reason(&self) -> Option<&'static str> {
        match &*self.kind {
            Kind::InvalidEntry { reason, .. } => Some(reason),
            _ => None,
        }
    }

    pub(crate) fn invalid_url(reason: &'static str) -> Self {
        Kind::InvalidUrl(reason).into()
    }
}

#[cfg(any(feature = "disk", feature = "redis"))]
impl Error {
    pub(crate) fn not_appended(reason: impl Into<String>) -> Self {
        Kind::NotAppended(reason.into()).into()
    }

    pub(crate) fn outcome_unknown(reason: impl Into<String>) -> Self {
        Kind::OutcomeUnknown(reason.into()).into()
    }
}

#[cfg(feature = "disk")]
impl Error {
    pub(crate) fn foreign_file(name: &str, reason: &'static str) -> Self {
        Kind::ForeignFile(name.into(), reason).into()
    }

    pub(crate) fn in_use() -> Self {
        Kind::InUse.into()
    }

    pub(crate) fn io(what: &'static str, error: io::Error) -> Self {
        Kind::Io(what, error).into()
    }

    pub(crate) fn other_version(name: &str, version: u32) -> Self {
        Kind::OtherVersion(name.into(), version).into()
    }
}

impl From<Kind> for Error {
    fn from(kind: Kind) -> Self {
        Self { kind: Arc::new(kind) }
    }
}

/// An item's error, as one that [`is_encode`](Error::is_encode).
impl From<sse_encoder::Error> for Error {
    #[cold]
    fn from(error: sse_encoder::Error) -> Self {
        Kind::Encode(error).into()
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Error").field(&self.kind).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        let mut cause = self.source().filter(|_| f.alternate());
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyPolled => "the stream has been polled, and its state comes first",
            Self::BatchTooLong => "the events are more than the hub retains",
            Self::Closed => "the hub is closed",
            Self::DuplicateId => "the hub retains an event with this `id` already",
            Self::EmptyId => "`id` is empty, and clients would forget their position",
            Self::Encode(_) => "the item cannot be encoded",
            Self::NotInMemory => "the log is not in memory; await `publish`",
            Self::NotSingleFrame => "the item does not write exactly one frame",
            Self::ReservedId => "`id` has the form of the hub's automatic ids",
            Self::ReservedType => "`type` is that of the hub's own checkpoints or gaps",
            Self::StalePosition => "the position is not beyond the newest one",
            Self::StateId => "the state's `id` is its position, and can be neither set nor omitted",
            #[cfg(feature = "redis")]
            Self::Connection(reason) => return write!(f, "the log cannot be read: {reason}"),
            #[cfg(feature = "redis")]
            Self::InvalidEntry { field, reason } => return write!(f, "`{field}` {reason}"),
            #[cfg(feature = "redis")]
            Self::InvalidUrl(reason) => {
                return write!(f, "the URL of the log cannot be used: {reason}");
            }
            Self::NameTooLong { field, limit } => {
                return write!(f, "`{field}` is longer than {limit} bytes");
            }
            #[cfg(feature = "disk")]
            Self::ForeignFile(name, reason) => return write!(f, "the file `{name}` {reason}"),
            #[cfg(feature = "disk")]
            Self::InUse => "another hub uses the folder",
            #[cfg(feature = "disk")]
            Self::Io(what, _) => what,
            #[cfg(feature = "disk")]
            Self::OtherVersion(name, version) => {
                return write!(
                    f,
                    "the file `{name}` has the format {version}, unknown to this version"
                );
            }
            #[cfg(any(feature = "disk", feature = "redis"))]
            Self::NotAppended(reason) => return write!(f, "the event is not appended: {reason}"),
            #[cfg(any(feature = "disk", feature = "redis"))]
            Self::OutcomeUnknown(reason) => {
                return write!(f, "whether the event is appended is unknown: {reason}");
            }
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.kind {
            Kind::Encode(error) => Some(error),
            #[cfg(feature = "disk")]
            Kind::Io(_, error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_answers_yes_to_one_question() {
        let kinds = [
            Kind::AlreadyPolled,
            Kind::BatchTooLong,
            Kind::Closed,
            #[cfg(feature = "redis")]
            Kind::Connection("a".into()),
            Kind::DuplicateId,
            Kind::EmptyId,
            Kind::Encode(sse_encoder::Error::other("mine")),
            #[cfg(feature = "disk")]
            Kind::ForeignFile("a".into(), "b"),
            #[cfg(feature = "disk")]
            Kind::InUse,
            #[cfg(feature = "redis")]
            Kind::InvalidEntry { field: "data", reason: "a" },
            #[cfg(feature = "redis")]
            Kind::InvalidUrl("a"),
            #[cfg(feature = "disk")]
            Kind::Io("a", io::Error::other("mine")),
            Kind::NameTooLong { field: "topic", limit: 1 },
            #[cfg(any(feature = "disk", feature = "redis"))]
            Kind::NotAppended("a".into()),
            Kind::NotInMemory,
            Kind::NotSingleFrame,
            #[cfg(feature = "disk")]
            Kind::OtherVersion("a".into(), 2),
            #[cfg(any(feature = "disk", feature = "redis"))]
            Kind::OutcomeUnknown("a".into()),
            Kind::ReservedId,
            Kind::ReservedType,
            Kind::StalePosition,
            Kind::StateId,
        ];
        let questions: &[fn(&Error) -> bool] = &[
            Error::is_already_polled,
            Error::is_batch_too_long,
            Error::is_closed,
            #[cfg(feature = "redis")]
            Error::is_connection,
            Error::is_duplicate_id,
            Error::is_empty_id,
            Error::is_encode,
            #[cfg(feature = "disk")]
            Error::is_foreign_file,
            #[cfg(feature = "disk")]
            Error::is_in_use,
            #[cfg(feature = "redis")]
            Error::is_invalid_entry,
            #[cfg(feature = "redis")]
            Error::is_invalid_url,
            #[cfg(feature = "disk")]
            Error::is_io,
            Error::is_name_too_long,
            #[cfg(any(feature = "disk", feature = "redis"))]
            Error::is_not_appended,
            Error::is_not_in_memory,
            Error::is_not_single_frame,
            #[cfg(feature = "disk")]
            Error::is_other_version,
            #[cfg(any(feature = "disk", feature = "redis"))]
            Error::is_outcome_unknown,
            Error::is_reserved_id,
            Error::is_reserved_type,
            Error::is_stale_position,
            Error::is_state_id,
        ];
        assert_eq!(kinds.len(), questions.len());
        for (n, kind) in kinds.into_iter().enumerate() {
            let error = Error::from(kind);
            let yes: Vec<_> = (0..questions.len()).filter(|n| questions[*n](&error)).collect();
            assert_eq!(yes, [n], "{error:?}");
            assert!(!error.to_string().contains(": mine"), "{error}");
        }
    }

    #[test]
    fn the_alternate_form_names_each_cause_once() {
        let error = Error::from(sse_encoder::Error::other("mine"));
        assert_eq!(error.to_string(), "the item cannot be encoded");
        assert_eq!(format!("{error:#}"), "the item cannot be encoded: mine");
        assert_eq!(error.source().map(ToString::to_string), Some("mine".into()));
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }
}
