use std::{
    convert::Infallible, error::Error as StdError, fmt, io, str::Utf8Error, sync::Arc,
    time::Duration,
};

pub(crate) type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a value was refused, or an item could not be written.
///
/// The error is opaque: ask it with the methods below, one for each kind. An item's error leaves no
/// trace in the stream: no byte of the item is written, no automatic id is used up, the next item
/// follows.
///
/// The text of [`Display`](fmt::Display) names the field and the position; `{:#}` appends the chain
/// of causes, so that one line of a log is enough. [`source`](StdError::source) is the cause:
/// `serde_json`'s error, the `Utf8Error`, or the source of the caller's own error, whose text is
/// this error's. The wording is not part of the semver contract. A clone is the same error, shared.
///
/// ```
/// use sse_encoder::EventId;
///
/// let error = EventId::new("7\nevent: forged").unwrap_err();
/// assert!(error.is_forbidden_byte());
/// assert_eq!((error.field(), error.position()), (Some("id"), Some(1)));
/// assert_eq!(error.to_string(), "`id` has a line feed (0x0A) at byte 1");
///
/// let error = "{\"data\":".parse::<sse_encoder::Event>().unwrap_err();
/// assert_eq!(error.to_string(), "the item is not valid JSON");
/// assert_eq!(
///     format!("{error:#}"),
///     "the item is not valid JSON: EOF while parsing a value at line 1 column 8"
/// );
/// ```
#[derive(Clone)]
pub struct Error {
    // One pointer: a `Result` with it is the hot path's return value. Shared: an event that cannot
    // be encoded returns it each time.
    kind: Arc<Kind>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    ForbiddenByte { field: &'static str, byte: u8, position: usize },
    IdsExhausted,
    NoMembers { part: &'static str, found: &'static str },
    NotAnItem { found: &'static str },
    NotScalar { field: &'static str, found: &'static str },
    NotTagged { found: String },
    Other(BoxError),
    ReconnectionTime { time: Duration, max: Duration },
    Serialize { part: &'static str, error: serde_json::Error },
    Syntax(serde_json::Error),
    TooLarge { limit: usize },
    TooLong { field: &'static str, limit: usize },
    Utf8(Utf8Error),
}

impl Error {
    /// An error of the caller's own, to be returned from an [`Encode`](crate::Encode)
    /// implementation. An error of this crate is itself.
    ///
    /// [`get_ref`](Self::get_ref) shows it, and [`into_inner`](Self::into_inner) gives it back.
    ///
    /// ```
    /// let error = sse_encoder::Error::other("the price is not known");
    /// assert!(error.is_other());
    /// assert_eq!(error.to_string(), "the price is not known");
    /// ```
    pub fn other(error: impl Into<BoxError>) -> Self {
        match error.into().downcast::<Self>() {
            Ok(error) => *error,
            Err(error) => Kind::Other(error).into(),
        }
    }

    /// The field or the member that is wrong: `id`, `type`, `data`, `other` or `retry`; `item`
    /// where a whole item cannot be serialized. `None` for any other error.
    pub fn field(&self) -> Option<&'static str> {
        match &*self.kind {
            Kind::ForbiddenByte { field, .. }
            | Kind::NotScalar { field, .. }
            | Kind::TooLong { field, .. } => Some(field),
            Kind::NoMembers { part, .. } | Kind::Serialize { part, .. } => Some(part),
            Kind::IdsExhausted => Some("id"),
            Kind::ReconnectionTime { .. } => Some("retry"),
            Kind::Utf8(_) => Some("data"),
            Kind::NotAnItem { .. }
            | Kind::NotTagged { .. }
            | Kind::Other(_)
            | Kind::Syntax(_)
            | Kind::TooLarge { .. } => None,
        }
    }

    /// The index of the faulty byte in the field's value.
    ///
    /// `None` where the fault has no index. (The [`source`](StdError::source) of a syntax
    /// error of JSON, a `serde_json::Error`, knows its line and column.)
    pub fn position(&self) -> Option<usize> {
        match &*self.kind {
            Kind::ForbiddenByte { position, .. } => Some(*position),
            Kind::TooLong { limit, .. } => Some(*limit),
            Kind::Utf8(error) => Some(error.valid_up_to()),
            _ => None,
        }
    }

    /// Whether an id or an event type has a byte that would end its line (CR, LF), or that makes
    /// clients ignore it (NUL in an id).
    pub fn is_forbidden_byte(&self) -> bool {
        matches!(&*self.kind, Kind::ForbiddenByte { .. })
    }

    /// Whether the automatic ids are used up, up to [`u64::MAX`].
    pub fn is_exhausted(&self) -> bool {
        matches!(&*self.kind, Kind::IdsExhausted)
    }

    /// Whether the data's own `Serialize` failed, or the data has no form in JSON.
    pub fn is_serialize(&self) -> bool {
        matches!(&*self.kind, Kind::Serialize { .. })
    }

    /// Whether an item that arrived as JSON is not valid JSON.
    pub fn is_syntax(&self) -> bool {
        matches!(&*self.kind, Kind::Syntax(_))
    }

    /// Whether a value is of a kind that cannot stand where it was put: an id or a type that is an
    /// array or an object, an item that is not an object, merged data without members, a value for
    /// [`Event::tagged`](crate::Event::tagged) that is not a tagged enum.
    pub fn is_wrong_type(&self) -> bool {
        matches!(
            &*self.kind,
            Kind::NoMembers { .. }
                | Kind::NotAnItem { .. }
                | Kind::NotScalar { .. }
                | Kind::NotTagged { .. }
        )
    }

    /// Whether a frame would be larger than [`Encoder::max_frame`](crate::Encoder::max_frame)
    /// allows, or an id longer than [`EventId::MAX_LEN`](crate::EventId::MAX_LEN).
    pub fn is_too_large(&self) -> bool {
        matches!(&*self.kind, Kind::TooLarge { .. } | Kind::TooLong { .. })
    }

    /// Whether a time cannot be a [`ReconnectionTime`](crate::ReconnectionTime).
    pub fn is_reconnection_time(&self) -> bool {
        matches!(&*self.kind, Kind::ReconnectionTime { .. })
    }

    /// Whether bytes of [`Event::shared_text`](crate::Event::shared_text) are not UTF-8.
    pub fn is_utf8(&self) -> bool {
        matches!(&*self.kind, Kind::Utf8(_))
    }

    /// Whether this is the caller's own error, passed through: that of a `Result` item, or one made
    /// by [`other`](Self::other).
    pub fn is_other(&self) -> bool {
        matches!(&*self.kind, Kind::Other(_))
    }

    /// The caller's own error; `None` for an error of this crate.
    ///
    /// ```
    /// use std::io;
    ///
    /// let error = sse_encoder::Error::other(io::Error::from(io::ErrorKind::TimedOut));
    /// let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<io::Error>());
    /// assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::TimedOut));
    /// ```
    pub fn get_ref(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        match &*self.kind {
            Kind::Other(error) => Some(&**error),
            _ => None,
        }
    }

    /// The caller's own error, if it is of this type.
    ///
    /// An `anyhow::Error` is never found, nor is its cause: `anyhow` hides both in a private type.
    /// Downcast it before it becomes an item, for example with `map_err`, where [`Error::other`]
    /// takes either.
    ///
    /// ```
    /// use std::io;
    ///
    /// let error = sse_encoder::Error::other(io::Error::from(io::ErrorKind::TimedOut));
    /// let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
    /// assert_eq!(kind, Some(io::ErrorKind::TimedOut));
    /// ```
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.get_ref()?.downcast_ref()
    }

    /// The caller's own error as it was, or this error if it is not the caller's.
    ///
    /// # Errors
    ///
    /// Gives back `self` if [`is_other`](Self::is_other) is false, or if a clone of it is alive:
    /// [`on_close`](crate::SseEncoder::on_close) makes one.
    pub fn into_inner(self) -> Result<BoxError, Self> {
        match Arc::try_unwrap(self.kind) {
            Ok(Kind::Other(error)) => Ok(error),
            Ok(kind) => Err(kind.into()),
            Err(kind) => Err(Self { kind }),
        }
    }

    #[cold]
    pub(crate) fn too_large(limit: usize) -> Self {
        Kind::TooLarge { limit }.into()
    }
}

/// The error of an invalid part of an event, kept until that is encoded. Only clones are equal.
#[derive(Clone, Debug)]
pub(crate) struct Kept(pub(crate) Error);

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0.kind, &other.0.kind)
    }
}

impl Eq for Kept {}

impl From<Kind> for Error {
    #[cold]
    fn from(kind: Kind) -> Self {
        Self { kind: Arc::new(kind) }
    }
}

/// For conversions that cannot fail.
impl From<Infallible> for Error {
    fn from(never: Infallible) -> Self {
        match never {}
    }
}

/// For code that reads and writes: the caller's own I/O error comes back as it was, any other error
/// of the caller's has the kind [`Other`](io::ErrorKind::Other), and an error of this crate
/// [`InvalidData`](io::ErrorKind::InvalidData). An error of the caller's of which a clone is alive
/// cannot be taken out: it has the kind `InvalidData`, too.
///
/// ```
/// use std::io;
///
/// let cause = sse_encoder::Error::other(io::Error::from(io::ErrorKind::TimedOut));
/// assert_eq!(io::Error::from(cause).kind(), io::ErrorKind::TimedOut);
/// let error = sse_encoder::EventId::new("\n").unwrap_err();
/// assert_eq!(io::Error::from(error).kind(), io::ErrorKind::InvalidData);
/// ```
impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        match error.into_inner() {
            Ok(cause) => match cause.downcast::<Self>() {
                Ok(cause) => *cause,
                Err(cause) => Self::other(Error::other(cause)),
            },
            Err(error) => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Error").field(&self.kind).finish()
    }
}

/// `{:#}` appends the chain of causes.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)?;
        if f.alternate() {
            let mut cause = self.source();
            while let Some(error) = cause {
                write!(f, ": {error}")?;
                cause = error.source();
            }
        }
        Ok(())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ForbiddenByte { field, byte, position } => {
                let name = match byte {
                    b'\n' => "line feed",
                    b'\r' => "carriage return",
                    _ => "null",
                };
                write!(f, "`{field}` has a {name} (0x{byte:02X}) at byte {position}")
            }
            Self::IdsExhausted => f.write_str("the automatic ids are used up"),
            Self::NoMembers { part, found } => {
                write!(f, "`{part}` is {found}, which has no members to merge")
            }
            Self::NotAnItem { found } => write!(f, "the item is {found}, not an object"),
            Self::NotScalar { field, found } => {
                write!(f, "`{field}` is {found}, not a string or a number")
            }
            Self::NotTagged { found } => write!(
                f,
                "the value is not an enum that serde tags: externally (the default), adjacently \
                 (`tag` and `content`) or internally (`tag`): {found}"
            ),
            Self::Other(error) => write!(f, "{error}"),
            Self::ReconnectionTime { time, max } => write!(
                f,
                "`retry` of {time:?} is not between 1 and {} milliseconds",
                max.as_millis()
            ),
            Self::Serialize { part, .. } => write!(f, "`{part}` cannot be serialized"),
            Self::Syntax(_) => f.write_str("the item is not valid JSON"),
            Self::TooLarge { limit } => write!(f, "the frame is larger than {limit} bytes"),
            Self::TooLong { field, limit } => write!(f, "`{field}` is longer than {limit} bytes"),
            Self::Utf8(_) => f.write_str("the text of `data` is not UTF-8"),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.kind {
            // Its own text is this error's.
            Kind::Other(error) => error.source(),
            Kind::Serialize { error, .. } | Kind::Syntax(error) => Some(error),
            Kind::Utf8(error) => Some(error),
            Kind::ForbiddenByte { .. }
            | Kind::IdsExhausted
            | Kind::NoMembers { .. }
            | Kind::NotAnItem { .. }
            | Kind::NotScalar { .. }
            | Kind::NotTagged { .. }
            | Kind::ReconnectionTime { .. }
            | Kind::TooLarge { .. }
            | Kind::TooLong { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_one_pointer_wide_and_crosses_threads() {
        fn crosses_threads<T: Send + Sync + 'static>() {}
        crosses_threads::<Error>();
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<(), Error>>(), size_of::<usize>());
    }

    #[test]
    fn each_kind_answers_yes_to_its_own_question_and_no_other() {
        let json = || serde_json::from_str::<u8>("x").unwrap_err();
        let utf8 = String::from_utf8(b"a\xFF".to_vec()).unwrap_err().utf8_error();
        let time = Duration::ZERO;
        let kinds = [
            (Kind::ForbiddenByte { field: "id", byte: 0, position: 1 }, "forbidden byte"),
            (Kind::IdsExhausted, "exhausted"),
            (Kind::NoMembers { part: "data", found: "a number" }, "wrong type"),
            (Kind::NotAnItem { found: "a number" }, "wrong type"),
            (Kind::NotScalar { field: "id", found: "an array" }, "wrong type"),
            (Kind::NotTagged { found: "a number".into() }, "wrong type"),
            (Kind::Other("mine".into()), "other"),
            (Kind::ReconnectionTime { time, max: time }, "reconnection time"),
            (Kind::Serialize { part: "data", error: json() }, "serialize"),
            (Kind::Syntax(json()), "syntax"),
            (Kind::TooLarge { limit: 1 }, "too large"),
            (Kind::TooLong { field: "id", limit: 1 }, "too large"),
            (Kind::Utf8(utf8), "utf8"),
        ];
        for (kind, question) in kinds {
            let error = Error::from(kind);
            let yes: Vec<_> = [
                ("forbidden byte", error.is_forbidden_byte()),
                ("exhausted", error.is_exhausted()),
                ("serialize", error.is_serialize()),
                ("syntax", error.is_syntax()),
                ("wrong type", error.is_wrong_type()),
                ("too large", error.is_too_large()),
                ("other", error.is_other()),
                ("reconnection time", error.is_reconnection_time()),
                ("utf8", error.is_utf8()),
            ]
            .into_iter()
            .filter_map(|(question, yes)| yes.then_some(question))
            .collect();
            assert_eq!(yes, [question], "{error:?}");
        }
    }

    /// A reporter that prints the whole chain prints each cause once.
    #[test]
    fn the_cause_is_in_the_text_or_in_the_source_but_not_in_both() {
        let json = || serde_json::from_str::<u8>("x").unwrap_err();
        let utf8 = String::from_utf8(b"a\xFF".to_vec()).unwrap_err().utf8_error();
        for (kind, text, cause) in [
            (Kind::Syntax(json()), "the item is not valid JSON", json().to_string()),
            (
                Kind::Serialize { part: "other", error: json() },
                "`other` cannot be serialized",
                json().to_string(),
            ),
            (Kind::Utf8(utf8), "the text of `data` is not UTF-8", utf8.to_string()),
        ] {
            let error = Error::from(kind);
            assert_eq!(error.to_string(), text);
            assert_eq!(error.source().unwrap().to_string(), cause);
            assert_eq!(format!("{error:#}"), format!("{text}: {cause}"));
            assert_eq!(error.source().unwrap().is::<serde_json::Error>(), !error.is_utf8());
            assert!(error.downcast_ref::<serde_json::Error>().is_none(), "not the caller's");
        }

        #[derive(Debug)]
        struct Outer(io::Error);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("outer")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = Error::other(Outer(io::Error::other("inner")));
        assert_eq!(error.to_string(), "outer");
        assert_eq!(error.source().unwrap().to_string(), "inner");
        assert_eq!(format!("{error:#}"), "outer: inner");
    }

    #[test]
    fn an_error_that_is_shared_is_not_taken_apart() {
        let error = Error::other("mine");
        let clone = error.clone();
        assert!(error.into_inner().is_err());
        assert_eq!(clone.into_inner().unwrap().to_string(), "mine");
    }

    #[test]
    fn debug_shows_the_kind() {
        assert_eq!(format!("{:?}", Error::from(Kind::IdsExhausted)), "Error(IdsExhausted)");
    }
}
