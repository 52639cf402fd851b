//! End to end over loopback: a framework's server in one process, a client that counts in another.

pub mod client;
pub mod counted;
pub mod data;
pub mod latency;
pub mod limits;
pub mod linger;
pub mod loads;
pub mod process;
pub mod servers;
pub mod source;

use std::{fmt, str::FromStr, time::Duration};

use rustix::time::{ClockId, clock_gettime};
use sse_encoder::SseEncoder;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// Every event is ready at once.
    Together,
    /// The same without an end, until the client says so.
    Endless,
    /// After each event the source is pending until another task has made the next one.
    OneByOne,
    /// A hundred events per second, made when the stream's task is woken.
    Paced,
    /// Another thread makes an event each millisecond, or less often if every one of many
    /// connections gets it.
    Feed,
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

/// What an event's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Data {
    Tick,
    Page,
    Stamp,
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

words!(
    Load: Load::Together = "together", Load::Endless = "endless", Load::OneByOne = "one-by-one",
    Load::Paced = "paced", Load::Feed = "feed"
);
words!(Writer: Writer::Own = "own", Writer::Ours = "ours");
words!(Framework: Framework::Actix = "actix-web", Framework::Axum = "axum", Framework::Warp = "warp");
words!(Data: Data::Tick = "tick", Data::Page = "page", Data::Stamp = "stamp");

/// What a server is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    pub framework: Framework,
    pub writer: Writer,
    pub load: Load,
    pub data: Data,
    /// Of [`SseEncoder`].
    pub chunk_limit: usize,
    /// How long its streams wait for more, in axum; zero for not at all.
    pub linger: Duration,
    /// Whether its writes are counted. What is timed is the server as its users start it.
    pub counted: bool,
}

impl Setup {
    pub fn new(framework: Framework, writer: Writer, load: Load) -> Self {
        let chunk_limit = SseEncoder::DEFAULT_CHUNK_LIMIT;
        Self {
            framework,
            writer,
            load,
            data: Data::Tick,
            chunk_limit,
            linger: Duration::ZERO,
            counted: false,
        }
    }

    fn to_words(self) -> [String; 7] {
        let Self { framework, writer, load, data, chunk_limit, linger, counted } = self;
        [
            framework.to_string(),
            writer.to_string(),
            load.to_string(),
            data.to_string(),
            chunk_limit.to_string(),
            linger.as_millis().to_string(),
            counted.to_string(),
        ]
    }

    pub fn from_words(words: &[&str]) -> Option<Self> {
        let [framework, writer, load, data, chunk_limit, linger, counted] = words else {
            return None;
        };
        Some(Self {
            framework: framework.parse().ok()?,
            writer: writer.parse().ok()?,
            load: load.parse().ok()?,
            data: data.parse().ok()?,
            chunk_limit: chunk_limit.parse().ok()?,
            linger: Duration::from_millis(linger.parse().ok()?),
            counted: counted.parse().ok()?,
        })
    }
}

const FRAMEWORKS: [Framework; 3] = [Framework::Axum, Framework::Actix, Framework::Warp];

/// The framework's own events next to ours in each framework.
fn contenders(load: Load) -> Vec<Setup> {
    FRAMEWORKS
        .into_iter()
        .flat_map(|framework| {
            [Writer::Own, Writer::Ours].map(|writer| Setup::new(framework, writer, load))
        })
        .collect()
}

/// The name of a writer in the report.
fn name(writer: Writer) -> &'static str {
    match writer {
        Writer::Own => "its own events",
        Writer::Ours => crate::report::OURS,
    }
}

/// Nanoseconds of a clock that all processes share.
pub(crate) fn now() -> u64 {
    nanoseconds(ClockId::Monotonic)
}

pub(crate) fn nanoseconds(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    (time.tv_sec * 1_000_000_000 + time.tv_nsec).try_into().expect("no clock is before its start")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setup_survives_its_words() {
        let setup = Setup {
            data: Data::Page,
            chunk_limit: 1_024,
            linger: Duration::from_millis(20),
            counted: true,
            ..Setup::new(Framework::Warp, Writer::Ours, Load::Endless)
        };
        let words = setup.to_words();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(Setup::from_words(&words), Some(setup));
    }
}
