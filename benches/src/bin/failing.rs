//! Measures the processor time of bodies that fail while a handler of its own collects each. `failing`

use std::error::Error;

use sse_encoder_benches::{
    failing::{BODIES, measure},
    figures::Spread,
};

const RUNS: usize = 7;

fn main() -> Result<(), Box<dyn Error>> {
    let Spread { median, least, .. } = Spread::of(measure(RUNS)?);
    println!(
        "{BODIES} failing bodies, all collected at the same time: {median:.1} ms of processor \
         time (median of {RUNS} runs; least {least:.1})"
    );
    Ok(())
}
