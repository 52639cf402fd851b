//! Repairs that are taken out: the simulation finds each. The numbers are those of
//! [`mutant`](crate::mutant).

use super::{
    tape::{Tape, shrink},
    tests::variable,
    world::run,
};
use crate::mutant;

/// A repair, and a tape on which the lack of it shows.
const MUTANTS: [(u32, &str); 6] = [
    (29, "an unreadable last event ID is unknown"),
    (38, "no position is told before the gap"),
    (39, "what was read and is lost is before a loss"),
    (40, "no id is given twice"),
    (43, "after an unknown position nothing comes twice"),
    (46, "an event that is too large is a gap"),
];

/// How many runs are tried to find one.
const RUNS: u64 = 5_000;

#[test]
fn each_repair_is_missed_when_it_is_taken_out() {
    for (row, name) in MUTANTS {
        mutant::take_out(Some(row));
        let times = variable("SSE_HUB_MUTANTS").unwrap_or(1);
        let mut from = 0;
        let mut found: Vec<u64> = (0..times)
            .map(|_| {
                let failing = (from..from + RUNS).find(|seed| run(Tape::new(*seed)).0.is_err());
                let failing = failing.unwrap_or_else(|| panic!("row {row}: not found"));
                let runs = failing + 1 - from;
                from = failing + 1;
                runs
            })
            .collect();
        if variable("SSE_HUB_TAPES").is_some() {
            let draws = run(Tape::new(from - 1)).1.into_draws();
            let fails = |draws: &[u32]| run(Tape::replay(draws.to_vec())).0.is_err();
            println!("{:?}", shrink(draws, fails));
        }
        mutant::take_out(None);
        found.sort_unstable();
        let (median, most) = (found[found.len() / 2], found[found.len() - 1]);
        println!(
            "row {row}, {name}: found {times} times, after {median} runs (median), {most} (most)"
        );
    }
}
