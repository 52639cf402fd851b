//! The runs.

use std::env;

use super::{
    tape::{Tape, shrink},
    world::run,
};

pub(super) fn variable(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

#[test]
fn the_promise_holds_under_every_fault() {
    let tape = env::var("SSE_HUB_TAPE").ok().map(|text| {
        let draws = text.split([',', ' ']).filter_map(|draw| draw.parse().ok());
        Tape::replay(draws.collect())
    });
    if let Some(tape) = tape.or_else(|| variable("SSE_HUB_SEED").map(Tape::new)) {
        let (verdict, world) = run(tape);
        world.trace.iter().for_each(|step| println!("{step}"));
        return assert_eq!(verdict, Ok(()));
    }
    let (from, runs) = (variable("SSE_HUB_FROM").unwrap_or(1), variable("SSE_HUB_RUNS"));
    let (mut gaps, mut events) = (0, 0);
    let seeds = from..from + runs.unwrap_or(500);
    for seed in seeds.clone() {
        let (verdict, world) = run(Tape::new(seed));
        (gaps, events) = (gaps + world.gaps(), events + world.events());
        if let Err(reason) = verdict {
            let draws =
                shrink(world.into_draws(), |draws| run(Tape::replay(draws.to_vec())).0.is_err());
            let (shrunk, world) = run(Tape::replay(draws.clone()));
            world.trace.iter().for_each(|step| println!("{step}"));
            panic!("seed {seed}: {reason}\nshrunk to {draws:?}: {shrunk:?}");
        }
    }
    println!("seeds {seeds:?}: {events} events, {gaps} gaps");
}

#[test]
fn a_seed_gives_the_same_run_each_time() {
    for seed in 0..20 {
        let [one, two] = [(); 2].map(|()| run(Tape::new(seed)).1.trace);
        assert!(one == two, "seed {seed}");
    }
}
