//! What the tests share: scripted sources, signals and clocks, a counting waker, a decoder.
// Each test target uses a part of it.
#![allow(dead_code, unreachable_pub, unused_imports)]

mod clock;
pub mod decoder;
mod frame;
mod poll;
mod script;
mod signal;
mod wakes;

pub use self::{
    clock::Clock,
    frame::{encode, field},
    poll::{all_chunks, assert_chunk, assert_end, assert_error, chunk, poll, ready_chunks, text},
    script::{
        Script,
        Step::{self, Item, Pending},
    },
    signal::Signal,
    wakes::Wakes,
};
