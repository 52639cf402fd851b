use std::time::Duration;

/// The bounds of the retained events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    /// How many keys keep their newest event; `None`: as many as events.
    pub(crate) keys: Option<usize>,
    pub(crate) age: Option<Duration>,
}
