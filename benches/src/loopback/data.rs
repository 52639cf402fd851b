//! The data of the events.

use serde::Serialize;

use crate::items::{self, Tick};

/// Data that a server's handler makes.
pub trait Item: Serialize + Send + Sync + 'static {
    /// The data of the event with this index, which was made at this time.
    fn make(index: usize, made: u64) -> Self;
}

impl Item for Tick {
    fn make(index: usize, _: u64) -> Self {
        items::tick(index)
    }
}

/// Text that makes an event of 1 KiB.
#[derive(Serialize)]
pub struct Page {
    count: u64,
    text: &'static str,
}

const TEXT: &str = match str::from_utf8(&[b'.'; 980]) {
    Ok(text) => text,
    Err(_) => "",
};

impl Item for Page {
    fn make(index: usize, _: u64) -> Self {
        Self { count: index as u64, text: TEXT }
    }
}

/// When the event was made.
#[derive(Serialize)]
pub struct Stamp {
    made: u64,
}

impl Item for Stamp {
    fn make(_: usize, made: u64) -> Self {
        Self { made }
    }
}

/// What comes before the time in the data of a [`Stamp`].
pub const MADE: &[u8] = b"\"made\":";
