//! Measures some workloads in several layouts of the heap. `layouts OUTPUT ROUNDS`

use std::{env, error::Error, path::PathBuf};

use sse_encoder_benches::{allocations::Counting, figures, layouts, report};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<(), Box<dyn Error>> {
    const USAGE: &str = "usage: layouts OUTPUT ROUNDS";
    let mut arguments = env::args().skip(1);
    let output = arguments.next().map(PathBuf::from).ok_or(USAGE)?;
    let rounds = arguments.next().ok_or(USAGE)?.parse()?;
    let rows = layouts::measure(&output, rounds)?;
    if !rows.is_empty() {
        figures::write(&output, &rows)?;
        let mut table = String::new();
        report::write_layout_table(&mut table, &rows)?;
        eprint!("{table}");
    }
    Ok(())
}
