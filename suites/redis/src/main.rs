//! Prints the table of faults: `cargo run --release -p test-redis [TIMES [NAME...]]`, either all
//! faults or those whose names contain a `NAME`. `cargo run --release -p test-redis random [RUNS
//! [SEED]]` runs random faults, by default 200 times, from any seed.

use test_redis::{
    faults::{self, HEAD, Row},
    now, random,
};

#[tokio::main(worker_threads = 8)]
async fn main() {
    let mut args = std::env::args().skip(1).peekable();
    if args.next_if_eq("random").is_some() {
        let mut number = |default| args.next().map_or(default, |arg| arg.parse().unwrap());
        let (runs, seed) = (number(200), number(now()));
        println!("seeds {seed}..{}", seed + runs);
        let Some((figures, failed)) = random::run_all(seed..seed + runs).await else {
            std::process::exit(1);
        };
        println!("{failed} runs failed; {figures}");
        std::process::exit(i32::from(failed > 0));
    }
    let times: usize = args.next().and_then(|times| times.parse().ok()).unwrap_or(6);
    let names: Vec<_> = args.collect();
    let is_named = |fault: &str| names.is_empty() || names.iter().any(|name| fault.contains(name));
    println!("{HEAD}");
    macro_rules! show {
        ($($fault:ident $(/ $slow:literal)?),* $(,)?) => {$(
            if is_named(stringify!($fault)) {
                show(faults::$fault(times $(.div_ceil($slow))?).await);
            }
        )*};
    }
    show! {
        killed_without_aof,
        killed_with_aof_every_second,
        killed_with_aof_always,
        frozen,
        frozen_for_long / 3,
        cut,
        delayed,
        flushed,
        trimmed,
        restored,
        failed_over,
        out_of_memory,
        moved_in_a_cluster,
        handed_over_in_a_cluster,
        killed_in_a_cluster,
    }
}

fn show(row: Option<Row>) {
    let Some(row) = row else { std::process::exit(1) };
    println!("{row}");
    row.check();
}
