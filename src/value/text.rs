//! The checked text of a field.

use std::sync::Arc;

use crate::error::{Error, Kind};

/// The longest inline text; a `u64` and most ids and types fit.
pub(super) const INLINE: usize = 22;

#[derive(Clone)]
pub(super) enum Text {
    Inline { len: u8, bytes: [u8; INLINE] },
    Shared(Arc<str>),
    Static(&'static str),
}

impl Text {
    pub(super) fn new(text: &str) -> Self {
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

    pub(super) const fn from_static(text: &'static str) -> Self {
        if text.len() > INLINE {
            return Self::Static(text);
        }
        let mut bytes = [0; INLINE];
        let mut index = 0;
        while index < text.len() {
            bytes[index] = text.as_bytes()[index];
            index += 1;
        }
        Self::Inline { len: text.len() as u8, bytes }
    }

    /// Short text as bytes that begin with it, and its length; long text is the error.
    #[inline(always)]
    pub(super) fn as_inline(&self) -> Result<(&[u8; INLINE], usize), &str> {
        match self {
            Self::Inline { len, bytes } => Ok((bytes, usize::from(*len))),
            Self::Shared(text) => Err(text),
            Self::Static(text) => Err(text),
        }
    }

    #[inline]
    pub(super) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Inline { len, bytes } => &bytes[..usize::from(*len)],
            Self::Shared(text) => text.as_bytes(),
            Self::Static(text) => text.as_bytes(),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            // Copied whole from a `str`.
            Self::Inline { .. } => str::from_utf8(self.as_bytes()).unwrap_or_default(),
            Self::Shared(text) => text,
            Self::Static(text) => text,
        }
    }
}

/// The constraints on the text of a field.
pub(super) struct Rule {
    pub(super) field: &'static str,
    pub(super) nul_is_forbidden: bool,
    pub(super) max_len: usize,
}

impl Rule {
    /// The index of the first forbidden byte.
    pub(super) const fn forbidden(&self, value: &[u8]) -> Option<usize> {
        let mut index = 0;
        while index < value.len() {
            let byte = value[index];
            if byte == b'\n' || byte == b'\r' || (self.nul_is_forbidden && byte == 0) {
                return Some(index);
            }
            index += 1;
        }
        None
    }

    pub(super) fn check(&self, value: &str) -> Result<(), Error> {
        let field = self.field;
        if value.len() > self.max_len {
            return Err(Kind::TooLong { field, limit: self.max_len }.into());
        }
        match self.forbidden(value.as_bytes()) {
            None => Ok(()),
            Some(position) => {
                let byte = value.as_bytes()[position];
                Err(Kind::ForbiddenByte { field, byte, position }.into())
            }
        }
    }
}

macro_rules! text_value {
    ($name:ident, $rule:expr, $message:literal) => {
        impl $name {
            /// Checks and keeps `text`. Up to 22 bytes need no allocation.
            ///
            /// # Errors
            ///
            /// Refuses texts that break the rules of [the type](Self); the error names the byte and
            /// its index.
            pub fn new(text: impl AsRef<str>) -> Result<Self, Error> {
                let text = text.as_ref();
                $rule.check(text)?;
                Ok(Self(Text::new(text)))
            }

            /// A value from a literal, checked by the compiler in a `const`.
            ///
            /// # Panics
            ///
            /// If [the type](Self) refuses the text: in a `const` that is a compile error. For
            /// other text use [`new`](Self::new).
            pub const fn from_static(text: &'static str) -> Self {
                if text.len() > $rule.max_len || $rule.forbidden(text.as_bytes()).is_some() {
                    panic!($message);
                }
                Self(Text::from_static(text))
            }

            /// The text, unchanged.
            pub fn as_str(&self) -> &str {
                self.0.as_str()
            }

            fn as_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }

            /// Short text as bytes that begin with it, and its length; long text is the error.
            #[inline(always)]
            pub(crate) fn as_inline(&self) -> Result<(&[u8; INLINE], usize), &str> {
                self.0.as_inline()
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

        impl PartialEq<String> for $name {
            fn eq(&self, other: &String) -> bool {
                self.as_bytes() == other.as_bytes()
            }
        }

        impl PartialEq<$name> for str {
            fn eq(&self, other: &$name) -> bool {
                other == self
            }
        }

        impl PartialEq<$name> for &str {
            fn eq(&self, other: &$name) -> bool {
                other == self
            }
        }

        impl PartialEq<$name> for String {
            fn eq(&self, other: &$name) -> bool {
                other == self
            }
        }

        // As for `str`: a map with such keys can be queried with text.
        impl hash::Hash for $name {
            fn hash<H: hash::Hasher>(&self, state: &mut H) {
                self.as_str().hash(state);
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        /// Serializes as text.
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        /// Deserializes from text, and checks it.
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<str>::deserialize(deserializer).and_then(|text| {
                    Self::new(text).map_err(de::Error::custom)
                })
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self, Error> {
                Self::new(text)
            }
        }

        try_from_text!($name: &str, &String, String, &Cow<'_, str>, Cow<'_, str>, Box<str>, Arc<str>);

        impl From<&$name> for $name {
            fn from(value: &$name) -> Self {
                value.clone()
            }
        }
    };
}

macro_rules! try_from_text {
    ($name:ident: $($text:ty),*) => {$(
        impl TryFrom<$text> for $name {
            type Error = Error;

            fn try_from(text: $text) -> Result<Self, Error> {
                Self::new(text)
            }
        }
    )*};
}

macro_rules! from_integers {
    ($name:ident: $($integer:ty)*) => {$(
        impl From<$integer> for $name {
            fn from(value: $integer) -> Self {
                Self(Text::new(itoa::Buffer::new().format(value)))
            }
        }

        impl From<&$integer> for $name {
            fn from(value: &$integer) -> Self {
                Self::from(*value)
            }
        }
    )*};
}

pub(super) use {from_integers, text_value, try_from_text};
