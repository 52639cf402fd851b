//! The report in Markdown.

use std::fmt::Write;

use crate::{
    contender::{Role, Verdict},
    figures::{LoadRow, Row, Spread},
    machine,
};

/// Whose versions are stated.
const STATED: &[&str] = &[
    "actix-web",
    "actix-web-lab",
    "axum",
    "poem",
    "rocket",
    "russe",
    "salvo",
    "sse-stream",
    "tokio_sse_codec",
    "warp",
    "bytes",
    "hyper",
    "serde_json",
];

/// Quartiles further apart than this share of the median say that the machine had other work.
const BUSY: f64 = 0.2;

pub fn markdown(rows: &[Row], loads: &[LoadRow]) -> String {
    let mut out = String::new();
    let result = write_report(&mut out, rows, loads);
    debug_assert!(result.is_ok());
    out
}

fn write_report(out: &mut String, rows: &[Row], loads: &[LoadRow]) -> std::fmt::Result {
    writeln!(out, "# Measurements\n")?;
    writeln!(out, "Written by `benches/run`.\n")?;
    writeln!(out, "- {}", machine::processor())?;
    writeln!(out, "- {}, profile `release` as cargo has it", machine::rustc())?;
    writeln!(out, "- {}\n", machine::versions(STATED).join(", "))?;
    if !rows.is_empty() {
        write_encoders(out, rows)?;
    }
    if !loads.is_empty() {
        write_loads(out, loads)?;
    }
    Ok(())
}

fn write_encoders(out: &mut String, rows: &[Row]) -> std::fmt::Result {
    out.push_str(
        "## Encoders\n\n\
         Events go in, the bytes of a response's body come out: one thread, no server, no network, \
         every event ready. All take turns in many rounds; the numbers are medians. What each wrote \
         was decoded first and compared with the events that went in. The floor is the same frames \
         written by hand, with `serde_json::to_writer`, into one buffer that is used again and again; \
         a peer is counted with its fastest way of those that gave the events back.\n\n",
    );
    let busy = rows.iter().filter(|row| apart(row.nanoseconds) > BUSY).count();
    if busy > 0 {
        writeln!(
            out,
            "The quartiles of {busy} of the {} rows are more than a fifth apart: the machine had other \
             work, and the least is then the better number.\n",
            rows.len()
        )?;
    }
    out.push_str(
        "In brackets: the same ratio between the least of all rounds, which other work on the machine \
         touches less.\n\n\
         | workload | floor, ns | sse-encoder, ns | × floor | fastest peer, ns | peer ÷ ours | allocations |\n\
         |---|--:|--:|--:|---|--:|--:|\n",
    );
    for ours in rows.iter().filter(|row| row.role == Role::Ours) {
        let (Some(floor), peer) = (floor_of(rows, ours), fastest_peer(rows, ours)) else {
            continue;
        };
        let title = match ours.contender.strip_prefix("sse-encoder") {
            Some("") | None => ours.title.clone(),
            Some(variant) => format!("{}:{}", ours.title, variant.trim_start_matches(',')),
        };
        let median = ours.nanoseconds.median;
        write!(
            out,
            "| {title} | {} | **{}** | {} |",
            nanoseconds(floor.nanoseconds.median),
            nanoseconds(median),
            times(ours.nanoseconds, floor.nanoseconds)
        )?;
        match peer {
            Some(peer) => {
                let peers = peer.nanoseconds.median;
                write!(
                    out,
                    " {}, {} | {:.2} |",
                    peer.contender,
                    nanoseconds(peers),
                    peers / median
                )?;
            }
            None => out.push_str(" none | |"),
        }
        writeln!(out, " {:.2} |", ours.allocations)?;
    }
    out.push('\n');

    let mut workloads: Vec<&Row> = Vec::new();
    for row in rows {
        if workloads.last().is_none_or(|last| last.workload != row.workload) {
            workloads.push(row);
        }
    }
    for first in workloads {
        writeln!(out, "### {}\n", first.title)?;
        writeln!(
            out,
            "| | ns per {} | quartiles | least | MB/s | allocations | chunks | |\n\
             |---|--:|--:|--:|--:|--:|--:|---|",
            first.unit
        )?;
        let mut of_workload: Vec<&Row> =
            rows.iter().filter(|row| row.workload == first.workload).collect();
        of_workload.sort_by(|a, b| {
            let key = |row: &Row| (row.role != Role::Floor, row.role != Role::Ours);
            key(a).cmp(&key(b)).then(a.nanoseconds.median.total_cmp(&b.nanoseconds.median))
        });
        for row in of_workload {
            let Spread { least, median, first_quartile, third_quartile } = row.nanoseconds;
            let bold = if row.role == Role::Ours { "**" } else { "" };
            writeln!(
                out,
                "| {bold}{}{bold} | {} | {} – {} | {} | {:.0} | {:.2} | {:.2} | {} |",
                row.contender,
                nanoseconds(median),
                nanoseconds(first_quartile),
                nanoseconds(third_quartile),
                nanoseconds(least),
                row.megabytes_per_second(),
                row.allocations,
                row.chunks,
                match &row.verdict {
                    Verdict::Same => "",
                    Verdict::KeyTwice => "the key stands there twice",
                    Verdict::Other(_) => "not counted",
                }
            )?;
        }
        out.push('\n');
    }
    Ok(())
}

fn write_loads(out: &mut String, rows: &[LoadRow]) -> std::fmt::Result {
    out.push_str(
        "## End to end\n\n\
         Over loopback, HTTP/1.1, the server in a process of its own with one thread for the streams, \
         the client in another one that only counts. The CPU time is the server's, user and system. \
         The framework's own event type takes turns with `SseEncoder` in the same framework.\n\n\
         | load | framework | | events/s | CPU ns per event | quartiles | events per CPU second, × own |\n\
         |---|---|---|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let own = rows.iter().find(|own| {
            own.load == row.load && own.framework == row.framework && own.contender != OURS
        });
        let times = match own {
            Some(own) if row.contender == OURS => {
                format!("**{:.2}**", own.cpu.median / row.cpu.median)
            }
            _ => String::new(),
        };
        writeln!(
            out,
            "| {} | {} | {} | {:.0} | {} | {} – {} | {times} |",
            row.load,
            row.framework,
            row.contender,
            row.events_per_second.median,
            nanoseconds(row.cpu.median),
            nanoseconds(row.cpu.first_quartile),
            nanoseconds(row.cpu.third_quartile),
        )?;
    }
    Ok(())
}

/// The name of ours in a [`LoadRow`].
pub const OURS: &str = "`SseEncoder`";

pub fn floor_of<'a>(rows: &'a [Row], ours: &Row) -> Option<&'a Row> {
    let mut floors =
        rows.iter().filter(|row| row.workload == ours.workload && row.role == Role::Floor);
    if ours.contender.contains("shared_text") {
        floors.find(|floor| floor.contender.contains("not copied"))
    } else {
        floors.next()
    }
}

pub fn fastest_peer<'a>(rows: &'a [Row], ours: &Row) -> Option<&'a Row> {
    rows.iter()
        .filter(|row| row.workload == ours.workload && row.role == Role::Peer)
        .filter(|row| !matches!(row.verdict, Verdict::Other(_)))
        .min_by(|a, b| a.nanoseconds.median.total_cmp(&b.nanoseconds.median))
}

fn times(of: Spread, one: Spread) -> String {
    format!("{:.2} ({:.2})", of.median / one.median, of.least / one.least)
}

fn apart(spread: Spread) -> f64 {
    (spread.third_quartile - spread.first_quartile) / spread.median
}

/// With as many digits as mean something.
pub fn nanoseconds(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}
