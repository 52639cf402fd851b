//! End to end over loopback: a framework's server in one process, a client that counts in another.

pub mod client;
pub mod servers;
pub mod source;

use std::{fmt, str::FromStr};

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Every event is ready at once.
    Together,
    /// After each event the source is pending until another task has made the next one.
    OneByOne,
    /// A hundred events per second.
    Paced,
}

/// Who writes the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writer {
    /// The framework's own event type.
    Own,
    Ours,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    Actix,
    Axum,
    Warp,
}

macro_rules! words {
    ($type:ty: $($value:path = $word:literal),*) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $($value => $word),* })
            }
        }

        impl FromStr for $type {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                match word { $($word => Ok($value),)* _ => Err(word.into()) }
            }
        }
    };
}

words!(Load: Load::Together = "together", Load::OneByOne = "one-by-one", Load::Paced = "paced");
words!(Writer: Writer::Own = "own", Writer::Ours = "ours");
words!(Framework: Framework::Actix = "actix-web", Framework::Axum = "axum", Framework::Warp = "warp");
