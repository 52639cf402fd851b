//! The first program of README.md, which clients of `suites/clients` read from.

include!(concat!(env!("OUT_DIR"), "/first-program.rs"));
