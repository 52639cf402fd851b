use std::{
    pin::Pin,
    task::{Context, Poll},
};

use super::timer::Timer;
use crate::{error::Error, event::Encode, frame::Frames};

/// A type without values: the timer of a stream that has none, the last item of a signal that never
/// comes.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::exhaustive_enums, reason = "it never gets a value")]
pub enum Never {}

impl Timer for Never {
    fn reset(self: Pin<&mut Self>) {
        match *self {}
    }

    fn poll_elapsed(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match *self {}
    }
}

impl Encode for Never {
    fn encode(&self, _: &mut Frames<'_>) -> Result<(), Error> {
        match *self {}
    }
}
