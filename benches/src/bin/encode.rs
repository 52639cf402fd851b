//! Measures the encoders. `encode OUTPUT ROUNDS [WORKLOAD...]`

use std::{env, path::PathBuf};

use sse_encoder_benches::{
    allocations::Counting,
    contender::{Role, Verdict},
    figures, measure, workloads,
};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() {
    let mut arguments = env::args().skip(1);
    let output = PathBuf::from(arguments.next().expect("a file for the figures"));
    let rounds =
        arguments.next().and_then(|rounds| rounds.parse().ok()).expect("a number of rounds");
    let only: Vec<String> = arguments.collect();

    let mut rows = Vec::new();
    for workload in workloads::all() {
        if !only.is_empty() && !only.iter().any(|id| id == workload.id) {
            continue;
        }
        eprintln!("{}", workload.title);
        let measured = measure::measure(&workload, rounds);
        for row in &measured {
            let mark = match (row.role, &row.verdict) {
                (Role::Ours, _) => "*",
                (_, Verdict::Other(_)) => "x",
                _ => " ",
            };
            let spread = row.nanoseconds;
            eprintln!(
                "{mark} {:36}{:10.1} ns/{} [{:.1}, {:.1}] least {:.1}{:9.0} MB/s{:8.2} allocations \
                 of {:.0} bytes",
                row.contender,
                spread.median,
                row.unit,
                spread.first_quartile,
                spread.third_quartile,
                spread.least,
                row.megabytes_per_second(),
                row.allocations,
                row.allocated,
            );
            if let Verdict::Other(what) = &row.verdict {
                eprintln!("      {what}");
            }
        }
        rows.extend(measured);
    }
    figures::write(&output, &rows).expect("the figures can be written");
}
