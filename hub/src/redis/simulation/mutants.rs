//! Repairs that are taken out: the simulation finds each. The numbers are those of
//! [`mutant`](crate::mutant).

use super::{
    tape::{Tape, shrink},
    tests::variable,
    world::run,
};
use crate::mutant;

/// Without 49, 50, 53 and 54, of which one run in some 40,000, 400,000, 10,000 and 50,000 has need:
/// their tapes show them.
const ROWS: [u32; 8] = [29, 38, 39, 40, 43, 46, 51, 52];

/// How many runs are tried to find one.
const RUNS: u64 = 200_000;

/// `SSE_HUB_MUTANTS` is how often each is to be found, by default never: the tapes below are
/// faster. With `SSE_HUB_TAPES` the last failing tape is shrunk and printed.
#[test]
fn each_repair_is_missed_when_it_is_taken_out() {
    let Some(times) = variable("SSE_HUB_MUTANTS").filter(|times| *times > 0) else { return };
    for row in ROWS {
        mutant::take_out(Some(row));
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
        println!("row {row}: found {times} times, after {median} runs (median), {most} (most)");
    }
}

/// A run that fails without the repair, and is whole with it.
fn compare(row: u32, draws: &[u32]) {
    mutant::take_out(Some(row));
    let (broken, _) = run(Tape::replay(draws.to_vec()));
    mutant::take_out(None);
    let reason = broken.expect_err("the tape no longer shows it: draw another one");
    println!("{reason}");
    assert_eq!(run(Tape::replay(draws.to_vec())).0, Ok(()));
}

/// The shrunken tapes, each kept as a test. After a change of the draws make them anew.
macro_rules! tapes {
    ($($name:ident: $row:literal, [$($draw:literal),* $(,)?];)*) => {
        $(#[test]
        fn $name() {
            compare($row, &[$($draw),*]);
        })*
    };
}

tapes! {
    an_unreadable_id_is_unknown: 29, [
        50030, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 10, 0, 0, 2, 0, 0, 0, 1, 0, 7, 0, 0, 1, 0, 0, 0,
        0, 0, 17, 0, 0, 1, 17, 0, 6, 0, 0, 12, 0, 14, 0, 0, 0, 0, 17,
    ];
    no_position_is_told_before_the_gap: 38, [
        0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0,
        1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 13, 0, 0, 7, 0,
        0, 16, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 0, 0, 15, 0, 0, 9, 0, 0, 0, 0, 14, 0,
        0, 0, 0, 16,
    ];
    what_was_read_and_is_lost_is_before_a_loss: 39, [
        0, 0, 0, 0, 0, 2, 0, 3, 0, 0, 0, 0, 9, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 7, 0, 0, 7, 0, 0,
        2, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 1, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 17, 0, 0, 0, 14, 0, 0, 17, 0, 0, 0, 0, 0,
        0, 0, 6, 0, 0, 18, 3, 0, 6,
    ];
    no_id_is_given_twice: 40, [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 6, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 8, 0, 0,
        9, 0, 0, 0, 0, 17, 1, 0, 0, 1, 0, 0, 0, 0, 0, 9, 0, 0, 12, 1, 0, 16, 1, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 19, 4, 0, 0, 15, 1, 0, 7, 0, 0, 8, 0, 0, 17, 0, 0, 0, 11, 0, 0, 1, 0, 0,
        0, 0, 0, 15,
    ];
    nothing_comes_twice_after_an_unknown_position: 43, [
        0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 3, 1, 0, 0, 0, 0,
        7, 0, 0, 2, 0, 0, 0, 0, 0, 19, 10, 0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 10, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 6, 0, 0, 14, 0, 2, 1, 0, 0, 0, 0, 0, 19, 9, 0, 0,
        19, 3, 0, 4,
    ];
    an_event_that_is_too_large_is_a_gap: 46, [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 19, 0, 0,
        1,
    ];
    what_was_missed_is_no_news_when_it_comes_back: 49, [
        0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 9, 1, 0, 8, 1, 0, 3, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 7, 0, 0, 16, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 9, 1, 0,
        19, 5, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 17, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 19, 7,
        0, 6, 0, 0, 6, 1, 0, 10, 1, 0, 0, 0, 17, 0, 1, 9, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 17, 0,
        1, 18, 5, 0, 1, 0, 0, 0, 0, 0, 0, 16, 0, 1,
    ];
    nothing_comes_twice_on_a_server_that_has_not_noticed_a_loss: 50, [
        52995, 0, 0, 1, 0, 9, 0, 0, 0, 1, 1, 1, 0, 0, 0, 4, 0, 0, 0, 0, 2, 1, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0,
        0, 0, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 2, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 17, 0, 1, 0, 0, 0, 0, 18, 3, 0, 7, 8,
        1, 0, 0, 0, 7, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 13, 0, 0, 0, 0, 0, 15,
    ];
    nothing_comes_twice_on_a_server_that_takes_larger_events: 50, [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 7, 0, 0, 10, 0, 0,
        0, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 14, 0, 1, 0, 0, 0, 0, 0, 0,
        0, 0, 9, 1, 0, 4, 1, 0, 0, 1, 0, 17, 0, 8, 1, 0, 17, 0, 1, 8, 1, 0, 8, 1, 0, 17,
        0, 0, 0, 12, 0, 1, 15,
    ];
    nothing_comes_twice_if_a_server_starts_after_a_loss: 50, [
        0, 0, 0, 0, 0, 0, 0, 7, 0, 1, 0, 0, 0, 0, 9, 1, 0, 8, 0, 0, 3, 0, 0, 0, 0, 0, 3,
        0, 0, 0, 0, 0, 1, 11, 0, 0, 0, 0, 0, 0, 7, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 10, 0, 0, 17, 0, 1, 0, 7, 1, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0,
        0, 0, 14, 0, 0, 8, 1, 0, 0, 0, 0, 0, 13, 0, 1, 0, 0, 18, 3, 0, 2, 0, 0, 19, 9,
        1, 0, 17, 0, 1, 8, 1, 0, 2, 0, 0, 0, 0, 0, 6, 1, 0, 0, 0, 16, 0, 0, 0, 0, 0, 14,
        0, 0, 0, 0, 0, 0, 14, 0, 0, 0, 0, 0, 0, 0, 0, 15,
    ];
    a_stream_that_is_ended_before_its_first_poll_gives_nothing: 51, [
        0, 6, 0, 0, 0, 0, 0, 0, 0, 20,
    ];
    the_ends_of_a_part_that_was_missed_are_known_before_the_next_event: 52, [
        0, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 9, 9, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 9, 5, 0, 0, 0, 20,
        0, 0, 0, 0, 19, 10, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 16, 0, 1, 0, 2,
    ];
    a_stream_ends_if_more_ends_were_missed_than_are_kept: 53, [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 0, 3, 0, 0, 0, 2, 0, 0, 0, 0, 0, 9, 17, 0, 9, 2, 0, 15,
        1, 0, 20, 0, 2, 0, 0, 20, 0, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 16, 1, 1, 0, 0, 0, 0, 0, 0,
        20, 0, 0, 0, 0, 20, 0, 0, 0, 0, 17, 1, 2, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 20,
    ];
    nothing_comes_twice_after_a_gap_beside_the_last_event: 54, [
        13967, 0, 0, 1, 0, 7, 0, 0, 2, 2, 0, 0, 0, 16, 0, 20, 0, 0, 7, 2, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 10, 1, 0, 0, 0, 0, 0, 9, 2, 0, 0, 0, 16, 0, 0, 0, 7, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 7, 0, 0, 5, 1, 1, 0, 0, 0, 4, 0, 0, 0, 0, 5, 0, 0, 0, 0, 6, 2, 0, 12, 2, 0, 15, 0, 15,
        0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 4, 0,
        0, 0, 0, 20, 1, 0, 0, 0, 1,
    ];
}
