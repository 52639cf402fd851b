//! The hub's tables in Markdown.

use std::{fmt::Write, io, path::Path};

use super::{
    deliveries::HUB,
    rows::{GrowthRow, IdleRow, SocketRow, StormRow},
};
use crate::{
    figures::{self, Line, Row, Spread},
    report::digits,
};

/// All that has been measured of the hub.
#[derive(Debug, Default)]
pub struct HubFigures {
    pub deliveries: Vec<Row>,
    pub growth: Vec<GrowthRow>,
    pub idle: Vec<IdleRow>,
    pub sockets: Vec<SocketRow>,
    pub storm: Vec<StormRow>,
}

impl HubFigures {
    fn is_empty(&self) -> bool {
        let Self { deliveries, growth, idle, sockets, storm } = self;
        deliveries.is_empty()
            && growth.is_empty()
            && idle.is_empty()
            && sockets.is_empty()
            && storm.is_empty()
    }

    /// Any part may not have run yet.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut sockets = rows(folder, "hub-sockets.tsv")?;
        sockets.extend(rows(folder, "hub-stalled.tsv")?);
        Ok(Self {
            deliveries: rows(folder, "hub-deliveries.tsv")?,
            growth: rows(folder, "hub-growth.tsv")?,
            idle: rows(folder, "hub-idle.tsv")?,
            sockets,
            storm: rows(folder, "hub-storm.tsv")?,
        })
    }
}

fn rows<T: Line>(folder: &Path, name: &str) -> io::Result<Vec<T>> {
    figures::read(&folder.join(name)).or_else(|error| {
        if error.kind() == io::ErrorKind::NotFound { Ok(Vec::new()) } else { Err(error) }
    })
}

pub fn read(folder: &Path) -> io::Result<String> {
    let mut out = String::new();
    let result = write_hub(&mut out, &HubFigures::read(folder)?);
    debug_assert!(result.is_ok());
    Ok(out)
}

pub fn write_hub(out: &mut String, figures: &HubFigures) -> std::fmt::Result {
    let HubFigures { deliveries, growth, idle, sockets, storm } = figures;
    if figures.is_empty() {
        return Ok(());
    }
    out.push_str("## The hub\n\n");
    if !deliveries.is_empty() {
        write_deliveries(out, deliveries)?;
    }
    if !growth.is_empty() {
        write_growth(out, growth)?;
    }
    if !idle.is_empty() {
        write_idle(out, idle)?;
    }
    if !sockets.is_empty() {
        write_sockets(out, sockets)?;
    }
    storm.iter().try_for_each(|row| write_storm(out, row))
}

fn write_deliveries(out: &mut String, rows: &[Row]) -> std::fmt::Result {
    out.push_str(
        "### One event to many subscribers\n\n\
         `benches/run hub-alone`: an order of 180 bytes is published once, and each body of \
         axum's is polled until it is pending, with a waker that does nothing. Nanoseconds per \
         delivery; in brackets the least of all rounds, in which all take turns.\n\n\
         | subscribers | | ns | ÷ hub | allocations |\n|--:|---|--:|--:|--:|\n",
    );
    for row in rows {
        // The passes of one size stand together.
        let of_size = |other: &&Row| other.title == row.title && other.contender == HUB;
        let Some(hub) = rows.iter().find(of_size) else { continue };
        let (of, one) = (row.nanoseconds, hub.nanoseconds);
        writeln!(
            out,
            "| {} | {} | {} ({}) | {:.2} ({:.2}) | {:.2} |",
            row.title,
            row.contender,
            digits(of.median),
            digits(of.least),
            of.median / one.median,
            of.least / one.least,
            row.allocations,
        )?;
    }
    out.push('\n');
    Ok(())
}

fn write_growth(out: &mut String, rows: &[GrowthRow]) -> std::fmt::Result {
    out.push_str(
        "### Growth\n\n\
         `benches/run hub-alone`. The wakers do nothing; who subscribes takes the checkpoint and \
         the first event that it missed.\n\n\
         | | how many | ns | least |\n|---|--:|--:|--:|\n",
    );
    for GrowthRow { what, size, nanoseconds: Spread { median, least, .. } } in rows {
        writeln!(out, "| {what} | {size} | {} | {} |", digits(*median), digits(*least))?;
    }
    out.push('\n');
    Ok(())
}

fn write_idle(out: &mut String, rows: &[IdleRow]) -> std::fmt::Result {
    out.push_str(
        "### A stream that waits\n\n\
         `benches/run hub-alone`: all that is held for each of 10,000.\n\n\
         | | bytes |\n|---|--:|\n",
    );
    for IdleRow { what, bytes } in rows {
        writeln!(out, "| {what} | {bytes:.0} |")?;
    }
    out.push('\n');
    Ok(())
}

fn write_sockets(out: &mut String, rows: &[SocketRow]) -> std::fmt::Result {
    out.push_str(
        "### Over loopback\n\n\
         `benches/run hub-sockets`, `benches/run hub-stalled`: one server of axum's with one \
         thread for the streams and one that publishes, the clients in another process. The CPU \
         time is the server's, user and system, for each event that a client has read. Come is \
         the share of what was published \
         that clients have read in the time; who is too slow for a `broadcast` misses the rest \
         without a word. Medians of all runs, which take turns.\n\n\
         | load | | come | CPU ns per delivery | of one processor | latency: median, ms \
         | 99th percentile, ms | memory, MiB | growth, MiB |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    let mebibytes = |bytes: Spread| bytes.median / f64::from(1 << 20);
    for row in rows {
        writeln!(
            out,
            "| {} | {} | {:.2} | {} | {:.2} | {} | {} | {:.0} | {:+.1} |",
            row.load,
            row.contender,
            row.share.median,
            digits(row.cpu.median),
            row.busy.median,
            digits(row.median.median / 1e6),
            digits(row.high.median / 1e6),
            mebibytes(row.memory),
            mebibytes(row.grown),
        )?;
    }
    out.push('\n');
    Ok(())
}

fn write_storm(out: &mut String, row: &StormRow) -> std::fmt::Result {
    let StormRow { connections, missed, wrong, half, all, cpu } = row;
    writeln!(
        out,
        "### A storm\n\n\
         `benches/run hub-storm`: {connections} connections are cut at once, miss the events of \
         half a second, and come back at once with their ids. Medians of all runs.\n\n\
         | half are served after, ms | all, ms | third quartile, ms | CPU µs per client \
         | missed, and sent again | sequences with a hole or an event twice |\n\
         |--:|--:|--:|--:|--:|--:|\n\
         | {} | {} | {} | {} | {missed} | {wrong} |\n",
        digits(half.median / 1e6),
        digits(all.median / 1e6),
        digits(all.third_quartile / 1e6),
        digits(cpu.median / 1e3),
    )
}
