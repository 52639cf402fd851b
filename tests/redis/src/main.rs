//! Prints the table of faults: `cargo run --release -p test-redis [TIMES]`.

use test_redis::faults::{self, HEAD, Row};

#[tokio::main]
async fn main() {
    let times = std::env::args().nth(1).and_then(|times| times.parse().ok()).unwrap_or(6);
    println!("{HEAD}");
    show(faults::killed_without_aof(times).await);
    show(faults::killed_with_aof_every_second(times).await);
    show(faults::killed_with_aof_always(times).await);
    show(faults::frozen(times).await);
    show(faults::frozen_for_long(times.div_ceil(3)).await);
    show(faults::cut(times).await);
    show(faults::delayed(times).await);
    show(faults::flushed(times).await);
    show(faults::trimmed(times).await);
    show(faults::restored(times).await);
    show(faults::failed_over(times).await);
    show(faults::out_of_memory(times).await);
    show(faults::moved_in_a_cluster(times).await);
    show(faults::handed_over_in_a_cluster(times).await);
    show(faults::killed_in_a_cluster(times).await);
}

fn show(row: Option<Row>) {
    let Some(row) = row else { std::process::exit(1) };
    println!("{row}");
    row.check();
}
