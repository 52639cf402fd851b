//! A simulation of the log, the servers and their clients, with every fault: one thread, one seed.
//!
//! The servers are real ones, from the [reading of the log](super::driver::read) to the frames of
//! their subscribers. The log, the clock and the network are [played](log), and what the clients
//! hear is compared with [what must hold](oracle). Most runs have one to three servers on Redis,
//! some a single one with its log in memory or on disk.
//!
//! `cargo test -p sse-hub --all-features simulation` runs it; these variables change it:
//!
//! | variable | |
//! |---|---|
//! | `SSE_HUB_SEED` | this seed only, with each step printed |
//! | `SSE_HUB_TAPE` | this tape only, as a failure prints it |
//! | `SSE_HUB_RUNS` | so many runs instead of 500 |
//! | `SSE_HUB_FROM` | the first seed, instead of 1 |
//! | `SSE_HUB_MUTANTS` | how often the lack of each repair is to be found |
//! | `SSE_HUB_TAPES` | a shrunken tape for each repair is printed, to be kept as a test |
//!
//! A failure prints its seed, and the tape to which it was shrunk: keep that as a test.

mod log;
mod mutants;
mod oracle;
mod tape;
mod tests;
mod world;
