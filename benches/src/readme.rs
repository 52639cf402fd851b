//! The README's tables.

use std::fmt::Write;

use crate::{
    figures::{Figures, LoadRow},
    report::{OURS, digits, write_linger_table, write_size_table, write_summary},
};

pub fn markdown(figures: &Figures) -> String {
    let mut out = String::new();
    let result = write_tables(&mut out, figures);
    debug_assert!(result.is_ok());
    out
}

fn write_tables(out: &mut String, figures: &Figures) -> std::fmt::Result {
    let Figures { encoders, loads, lingers, sizes, .. } = figures;
    write_summary(out, encoders)?;
    write_size_table(out, sizes)?;
    write_load_table(out, loads)?;
    write_linger_table(out, lingers)
}

/// The framework's own events and ours in one row.
fn write_load_table(out: &mut String, rows: &[LoadRow]) -> std::fmt::Result {
    out.push_str(
        "| load, over loopback | in | its own event type | `SseEncoder` | events per CPU second \
         | events per write: its own | ours |\n\
         |---|---|--:|--:|--:|--:|--:|\n",
    );
    for ours in rows.iter().filter(|row| row.contender == OURS) {
        let own = rows.iter().find(|own| {
            own.load == ours.load && own.framework == ours.framework && own.contender != OURS
        });
        let Some(own) = own else { continue };
        let per_write = |row: &LoadRow| row.events_per_write.map(digits).unwrap_or_default();
        writeln!(
            out,
            "| {} | {} | {} | {} | {:.2} × | {} | {} |",
            ours.load,
            ours.framework,
            digits(own.cpu.median),
            digits(ours.cpu.median),
            own.cpu.median / ours.cpu.median,
            per_write(own),
            per_write(ours),
        )?;
    }
    out.push('\n');
    Ok(())
}
