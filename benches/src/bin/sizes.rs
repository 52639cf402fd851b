//! Measures what an open stream takes. `sizes OUTPUT`

use std::{env, error::Error, path::PathBuf};

use sse_encoder_benches::{allocations::Counting, figures, sizes};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn main() -> Result<(), Box<dyn Error>> {
    let output = env::args().nth(1).map(PathBuf::from).ok_or("usage: sizes OUTPUT")?;
    let rows = sizes::measure()?;
    for row in &rows {
        let peer = row.peer.map_or_else(String::new, |peer| format!(", axum's own {peer}"));
        eprintln!("{}: {} bytes{peer}", row.what, row.bytes);
    }
    figures::write(&output, &rows)?;
    Ok(())
}
