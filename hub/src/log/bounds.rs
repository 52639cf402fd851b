use std::time::Duration;

/// The bounds of the retained events.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) events: usize,
    pub(crate) bytes: usize,
    /// Of how many keys the newest event is kept; as many as events if there is no number.
    pub(crate) keys: Option<usize>,
    pub(crate) age: Option<Duration>,
}
