use std::{error::Error as StdError, fmt, str::Utf8Error, time::Duration};

type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a value was refused, or an item could not be written.
///
/// The error is opaque: ask it with the methods below. An item's error leaves no trace in the
/// stream: no byte of the item is written, no automatic id is used up, the next item follows.
///
/// The text of [`Display`](fmt::Display) names the field and the position; its wording is not part
/// of the semver contract. The cause, where there is one, is in [`source`](StdError::source).
///
/// ```
/// use sse_encoder::EventId;
///
/// let error = EventId::new("7\nevent: forged").unwrap_err();
/// assert!(error.is_forbidden_byte());
/// assert_eq!((error.field(), error.position()), (Some("id"), Some(1)));
/// assert_eq!(error.to_string(), "`id` has a line feed (0x0A) at byte 1");
/// ```
pub struct Error {
    // Boxed: a `Result` with it is the hot path's return value.
    kind: Box<Kind>,
}

#[derive(Debug)]
pub(crate) enum Kind {
    ForbiddenByte {
        field: &'static str,
        byte: u8,
        position: usize,
    },
    IdsExhausted,
    NoMembers {
        part: &'static str,
        found: &'static str,
    },
    NotAnItem {
        found: &'static str,
    },
    NotScalar {
        field: &'static str,
        found: &'static str,
    },
    ReconnectionTime(Duration),
    #[cfg(feature = "hub")]
    Refused(Refusal),
    Serialize {
        part: &'static str,
        error: serde_json::Error,
    },
    Source(BoxError),
    Syntax(serde_json::Error),
    TooLarge {
        limit: usize,
    },
    Utf8(Utf8Error),
}

/// Why a hub refuses an item.
#[cfg(feature = "hub")]
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    AlreadyEncoded,
    Begun,
    Closed,
    DuplicateId,
    EmptyId,
    Frames(usize),
    NotThePosition,
    ReservedId,
}

impl Error {
    /// An error of the caller's own, to be returned from an [`Encode`](crate::Encode) implementation.
    ///
    /// It is in [`source`](StdError::source), and [`into_source`](Self::into_source) gives it back.
    ///
    /// ```
    /// let error = sse_encoder::Error::from_source("the price is not known");
    /// assert!(error.is_source());
    /// assert_eq!(error.to_string(), "the price is not known");
    /// ```
    /// An error of this crate is itself.
    pub fn from_source(source: impl Into<BoxError>) -> Self {
        match source.into().downcast::<Self>() {
            Ok(error) => *error,
            Err(source) => Kind::Source(source).into(),
        }
    }

    /// The field or the item's member that is wrong: `id`, `type`, `data`, `other` or `retry`.
    /// `None` where the fault lies elsewhere.
    pub fn field(&self) -> Option<&'static str> {
        match &*self.kind {
            Kind::ForbiddenByte { field, .. } | Kind::NotScalar { field, .. } => Some(field),
            Kind::NoMembers { part, .. } | Kind::Serialize { part, .. } => Some(part),
            Kind::IdsExhausted => Some("id"),
            #[cfg(feature = "hub")]
            Kind::Refused(
                Refusal::DuplicateId
                | Refusal::EmptyId
                | Refusal::NotThePosition
                | Refusal::ReservedId,
            ) => Some("id"),
            #[cfg(feature = "hub")]
            Kind::Refused(_) => None,
            Kind::ReconnectionTime(_) => Some("retry"),
            Kind::Utf8(_) => Some("data"),
            Kind::NotAnItem { .. } | Kind::Source(_) | Kind::Syntax(_) | Kind::TooLarge { .. } => {
                None
            }
        }
    }

    /// The byte of the field's value, counted from 0, at which the fault lies.
    ///
    /// `None` where the fault has no place in a text. For a syntax error of JSON see its
    /// [`source`](StdError::source), which has line and column.
    pub fn position(&self) -> Option<usize> {
        match &*self.kind {
            Kind::ForbiddenByte { position, .. } => Some(*position),
            Kind::Utf8(error) => Some(error.valid_up_to()),
            _ => None,
        }
    }

    /// Whether an id or an event type has a byte that would end its line (CR, LF), or that makes
    /// clients ignore it (NUL in an id).
    pub fn is_forbidden_byte(&self) -> bool {
        matches!(&*self.kind, Kind::ForbiddenByte { .. })
    }

    /// Whether the counter of automatic ids has come to its end, [`u64::MAX`].
    pub fn is_exhausted(&self) -> bool {
        matches!(&*self.kind, Kind::IdsExhausted)
    }

    /// Whether the data's own `Serialize` failed, or the data has no form in JSON.
    pub fn is_serialize(&self) -> bool {
        matches!(&*self.kind, Kind::Serialize { .. })
    }

    /// Whether an item that came as JSON is not valid JSON.
    pub fn is_syntax(&self) -> bool {
        matches!(&*self.kind, Kind::Syntax(_))
    }

    /// Whether a value is of a kind that cannot stand where it was put: an id or a type that is an
    /// array or an object, an item that is not an object, merged data without members.
    pub fn is_wrong_type(&self) -> bool {
        matches!(
            &*self.kind,
            Kind::NoMembers { .. } | Kind::NotAnItem { .. } | Kind::NotScalar { .. }
        )
    }

    /// Whether the frame would be larger than [`Encoder::max_frame`](crate::Encoder::max_frame)
    /// allows.
    pub fn is_too_large(&self) -> bool {
        matches!(&*self.kind, Kind::TooLarge { .. })
    }

    /// Whether the [hub](crate::Hub) has been closed: nothing more can be published.
    #[cfg(feature = "hub")]
    pub fn is_closed(&self) -> bool {
        matches!(&*self.kind, Kind::Refused(Refusal::Closed))
    }

    /// Whether the [hub](crate::Hub) retains an event with this id already.
    #[cfg(feature = "hub")]
    pub fn is_duplicate_id(&self) -> bool {
        matches!(&*self.kind, Kind::Refused(Refusal::DuplicateId))
    }

    /// Whether this is the caller's own error, passed through: that of a `Result` item, or one made
    /// by [`from_source`](Self::from_source).
    pub fn is_source(&self) -> bool {
        matches!(&*self.kind, Kind::Source(_))
    }

    /// The caller's own error, untouched, or this error back where it is none.
    ///
    /// # Errors
    ///
    /// Gives back `self` where [`is_source`](Self::is_source) is false.
    pub fn into_source(self) -> Result<BoxError, Self> {
        match *self.kind {
            Kind::Source(source) => Ok(source),
            kind => Err(kind.into()),
        }
    }

    /// What `serde_json` says of writing: its I/O error is the limit of a frame's size, and the frame
    /// knows that.
    #[cold]
    pub(crate) fn from_writing(error: serde_json::Error) -> Self {
        if error.is_io() {
            Kind::TooLarge { limit: 0 }.into()
        } else {
            Kind::Serialize { part: "data", error }.into()
        }
    }

    /// The same error, of the fields beside `data`.
    #[cold]
    pub(crate) fn of_other(mut self) -> Self {
        if let Kind::Serialize { part, .. } = &mut *self.kind {
            *part = "other";
        }
        self
    }
}

impl From<Kind> for Error {
    #[cold]
    fn from(kind: Kind) -> Self {
        Self { kind: Box::new(kind) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Error").field(&self.kind).finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.kind {
            Kind::ForbiddenByte { field, byte, position } => {
                let name = match byte {
                    b'\n' => "line feed",
                    b'\r' => "carriage return",
                    _ => "null",
                };
                write!(f, "`{field}` has a {name} (0x{byte:02X}) at byte {position}")
            }
            Kind::IdsExhausted => f.write_str("the automatic `id` has come to its end"),
            Kind::NoMembers { part, found } => {
                write!(f, "`{part}` is {found}, which has no members to merge")
            }
            Kind::NotAnItem { found } => write!(f, "the item is {found}, not an object"),
            Kind::NotScalar { field, found } => {
                write!(f, "`{field}` is {found}, not a string or a number")
            }
            Kind::ReconnectionTime(time) => write!(
                f,
                "`retry` of {time:?} is not between 1 and {} milliseconds",
                crate::ReconnectionTime::MAX.as_millis()
            ),
            #[cfg(feature = "hub")]
            Kind::Refused(refusal) => refusal.fmt(f),
            Kind::Serialize { part, error } => write!(f, "`{part}` cannot be serialized: {error}"),
            Kind::Source(error) => error.fmt(f),
            Kind::Syntax(error) => write!(f, "the item is not valid JSON: {error}"),
            Kind::TooLarge { limit } => write!(f, "the frame is larger than {limit} bytes"),
            Kind::Utf8(error) => write!(f, "the text of `data` is not UTF-8: {error}"),
        }
    }
}

#[cfg(feature = "hub")]
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlreadyEncoded => "the item is encoded already; a hub encodes what it publishes",
            Self::Begun => "the subscription has begun; its state comes before everything else",
            Self::Closed => "the hub is closed",
            Self::DuplicateId => "`id` is that of an event which the hub retains already",
            Self::EmptyId => "`id` is empty; clients would forget their position",
            Self::Frames(0) => {
                "the item writes no frame; a hub publishes exactly one for each item"
            }
            Self::Frames(frames) => {
                return write!(
                    f,
                    "the item writes {frames} frames; a hub publishes exactly one for each item"
                );
            }
            Self::NotThePosition => {
                "`id` of the state is the subscription's position; it cannot be set or left out"
            }
            Self::ReservedId => "`id` has the form of the hub's automatic ids",
        })
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.kind {
            Kind::Serialize { error, .. } | Kind::Syntax(error) => Some(error),
            Kind::Source(error) => Some(&**error),
            Kind::Utf8(error) => Some(error),
            _ => None,
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

    /// One of each kind, with what the questions answer: forbidden byte, exhausted, serialize, syntax, wrong
    /// type, too large, source; and whether it has a cause.
    #[test]
    fn each_kind_answers_yes_to_its_own_question_and_has_its_cause() {
        let json = || serde_json::from_str::<u8>("x").unwrap_err();
        let utf8 = String::from_utf8(b"a\xFF".to_vec()).unwrap_err().utf8_error();
        let kinds = [
            (Kind::ForbiddenByte { field: "id", byte: 0, position: 1 }, "forbidden byte", false),
            (Kind::IdsExhausted, "exhausted", false),
            (Kind::NoMembers { part: "data", found: "a number" }, "wrong type", false),
            (Kind::NotAnItem { found: "a number" }, "wrong type", false),
            (Kind::NotScalar { field: "id", found: "an array" }, "wrong type", false),
            (Kind::ReconnectionTime(Duration::ZERO), "", false),
            (Kind::Serialize { part: "data", error: json() }, "serialize", true),
            (Kind::Source("mine".into()), "source", true),
            (Kind::Syntax(json()), "syntax", true),
            (Kind::TooLarge { limit: 1 }, "too large", false),
            (Kind::Utf8(utf8), "", true),
        ];
        for (kind, question, has_cause) in kinds {
            let error = Error::from(kind);
            let yes: Vec<_> = [
                ("forbidden byte", error.is_forbidden_byte()),
                ("exhausted", error.is_exhausted()),
                ("serialize", error.is_serialize()),
                ("syntax", error.is_syntax()),
                ("wrong type", error.is_wrong_type()),
                ("too large", error.is_too_large()),
                ("source", error.is_source()),
            ]
            .into_iter()
            .filter_map(|(question, yes)| yes.then_some(question))
            .collect();
            let expected: Vec<_> =
                Some(question).filter(|text| !text.is_empty()).into_iter().collect();
            assert_eq!(yes, expected, "{error:?}");
            assert_eq!(error.source().is_some(), has_cause, "{error:?}");
        }
    }

    #[test]
    fn debug_shows_the_kind() {
        assert_eq!(format!("{:?}", Error::from(Kind::IdsExhausted)), "Error(IdsExhausted)");
    }
}
