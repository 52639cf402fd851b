//! The report in Markdown.

use std::fmt::Write;

use sse_encoder::SseEncoder;

use crate::{
    contender::{Role, Verdict},
    contenders::{CALLERS_BUFFER, CLONED, EACH},
    figures::{Figures, LatencyRow, LayoutRow, LimitRow, LingerRow, LoadRow, Row, SizeRow, Spread},
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

pub fn markdown(figures: &Figures) -> String {
    let mut out = String::new();
    let result = write_report(&mut out, figures);
    debug_assert!(result.is_ok());
    out
}

fn write_report(out: &mut String, figures: &Figures) -> std::fmt::Result {
    writeln!(out, "# Measurements\n")?;
    writeln!(out, "Written by `benches/run`.\n")?;
    writeln!(out, "- {}", machine::processor())?;
    writeln!(out, "- {}, profile `release` as cargo has it", machine::rustc())?;
    writeln!(out, "- {}\n", machine::versions(STATED).join(", "))?;
    let Figures { encoders, layouts, loads, latencies, limits, lingers, sizes } = figures;
    if !encoders.is_empty() {
        write_encoders(out, encoders)?;
    }
    if !layouts.is_empty() {
        write_layouts(out, layouts)?;
    }
    if !sizes.is_empty() {
        write_sizes(out, sizes)?;
    }
    if !loads.is_empty() {
        write_loads(out, loads)?;
    }
    if !latencies.is_empty() {
        write_latencies(out, latencies)?;
    }
    if !lingers.is_empty() {
        write_lingers(out, lingers)?;
    }
    if !limits.is_empty() {
        write_limits(out, limits)?;
    }
    Ok(())
}

fn write_encoders(out: &mut String, rows: &[Row]) -> std::fmt::Result {
    out.push_str(
        "## Encoders\n\n\
         From events to the bytes of a response's body: one thread, no server, no network. The \
         contenders take turns in many rounds; the numbers are medians. Each contender's output \
         was first decoded and compared with the events. A peer with several interfaces is \
         measured with the fastest one whose output is correct.\n\n\
         On a quiet stream the source has one event per wake: the body is polled until it is \
         pending, as hyper does, before the next event comes, through a channel of tokio where \
         the row says so. In all other rows every event is ready.\n\n\
         The floor is the same frames written by hand, with `serde_json::to_writer`: a stream \
         that gathers all ready events, up to our chunk limit, in the thread's buffer, and yields \
         each chunk as an exact copy; from 64 KiB on it yields the buffer itself. The floor of \
         `Encoder::encode` writes repeatedly into one buffer of the caller. In a broadcast, a \
         channel of tokio gives one event to all streams, and each stream is polled until it is \
         pending; the floor uses the channel's stream of `Bytes` as the body.\n\n",
    );
    let busy = rows.iter().filter(|row| apart(row.nanoseconds) > BUSY).count();
    if busy > 0 {
        writeln!(
            out,
            "The quartiles of {busy} of the {} rows are more than a fifth apart: the machine had other \
             work. In such a row, trust the least more than the median.\n",
            rows.len()
        )?;
    }
    out.push_str(
        "In brackets: the ratio of the fastest rounds, which other work on the machine disturbs \
         less.\n\n",
    );
    write_summary(out, rows)?;
    write_workloads(out, rows)
}

/// Ours next to the floors and the fastest peers.
pub fn write_summary(out: &mut String, rows: &[Row]) -> std::fmt::Result {
    out.push_str(
        "| workload | floor, ns | sse-encoder, ns | × floor | fastest peer, ns | peer ÷ ours \
         | allocations | of bytes |\n\
         |---|--:|--:|--:|---|--:|--:|--:|\n",
    );
    for ours in rows.iter().filter(|row| row.role == Role::Ours) {
        let (Some(floor), peer) = (floor_of(rows, ours), fastest_peer(rows, ours)) else {
            continue;
        };
        let title = match ours.contender.strip_prefix("sse-encoder") {
            Some("") | None => ours.title.clone(),
            Some(variant) => format!("{}:{}", ours.title, variant.trim_start_matches(',')),
        };
        let Spread { median, least, .. } = ours.nanoseconds;
        write!(
            out,
            "| {title} | {} | **{}** | {} |",
            digits(floor.nanoseconds.median),
            digits(median),
            times(ours.nanoseconds, floor.nanoseconds)
        )?;
        match peer {
            Some(peer) => {
                let peers = peer.nanoseconds;
                write!(
                    out,
                    " {}, {} | {:.2} ({:.2}) |",
                    peer.contender,
                    digits(peers.median),
                    peers.median / median,
                    peers.least / least
                )?;
            }
            None => out.push_str(" none | |"),
        }
        writeln!(out, " {:.2} | {:.0} |", ours.allocations, ours.allocated)?;
    }
    out.push('\n');
    Ok(())
}

fn write_workloads(out: &mut String, rows: &[Row]) -> std::fmt::Result {
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
            "| | ns per {} | quartiles | least | MB/s | allocations | of bytes | chunks | |\n\
             |---|--:|--:|--:|--:|--:|--:|--:|---|",
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
                "| {bold}{}{bold} | {} | {} – {} | {} | {:.0} | {:.2} | {:.0} | {:.2} | {} |",
                row.contender,
                digits(median),
                digits(first_quartile),
                digits(third_quartile),
                digits(least),
                row.megabytes_per_second(),
                row.allocations,
                row.allocated,
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

fn write_layouts(out: &mut String, rows: &[LayoutRow]) -> std::fmt::Result {
    out.push_str(
        "## Layouts of the heap\n\n\
         Where source and destination of a long copy lie within a page decides how long it takes on some \
         processors, and so the heap's layout does. These are the least times in the best and in the worst \
         of five layouts, each in a process of its own: as it is, with `MALLOC_TOP_PAD_`, and with \
         allocations before the items and after the buffers of threads. In both ratios ours is in \
         its worst layout, and the other in its best.\n\n",
    );
    write_layout_table(out, rows)
}

pub fn write_layout_table(out: &mut String, rows: &[LayoutRow]) -> std::fmt::Result {
    out.push_str(
        "| workload | floor, ns | sse-encoder, ns | × floor | fastest peer, ns | peer ÷ ours |\n\
         |---|--:|--:|--:|---|--:|\n",
    );
    for LayoutRow { title, peer, floor, ours, fastest } in rows {
        let both = |[least, most]: &[f64; 2]| format!("{} to {}", digits(*least), digits(*most));
        writeln!(
            out,
            "| {title} | {} | **{}** | {:.2} | {peer}, {} | {:.2} |",
            both(floor),
            both(ours),
            ours[1] / floor[0],
            both(fastest),
            fastest[0] / ours[1],
        )?;
    }
    out.push('\n');
    Ok(())
}

fn write_sizes(out: &mut String, rows: &[SizeRow]) -> std::fmt::Result {
    out.push_str(
        "## Sizes\n\n\
         The memory of an idle stream. For a body in axum, all bytes allocated for it are \
         counted, next to axum's own `Sse` with the same source, but not the server's buffers. For \
         an idle connection, all bytes that the server has allocated for it are counted.\n\n",
    );
    write_size_table(out, rows)
}

pub fn write_size_table(out: &mut String, rows: &[SizeRow]) -> std::fmt::Result {
    out.push_str(
        "| | bytes | axum's own | beyond it |\n\
         |---|--:|--:|--:|\n",
    );
    for SizeRow { what, bytes, peer } in rows {
        let beside = peer.map(|peer| (peer.to_string(), format!("{:+}", bytes - peer)));
        let (peer, beyond) = beside.unwrap_or_default();
        writeln!(out, "| {what} | {bytes} | {peer} | {beyond} |")?;
    }
    out.push('\n');
    Ok(())
}

fn write_loads(out: &mut String, rows: &[LoadRow]) -> std::fmt::Result {
    out.push_str(
        "## End to end\n\n\
         Over loopback, HTTP/1.1: a server process with one thread for the streams, and a client \
         process that only counts. The CPU time is the server's, user and system. The framework's \
         own event type takes turns with `SseEncoder` in the same framework. Write calls are \
         counted in separate runs, by a wrapper of each connection: axum accepts such a listener; \
         for actix-web and warp, their handling of a connection was rebuilt.\n\n\
         | load | framework | | events/s | CPU ns per event | quartiles | events per CPU second, × own | events per write |\n\
         |---|---|---|--:|--:|--:|--:|--:|\n",
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
            "| {} | {} | {} | {:.0} | {} | {} – {} | {times} | {} |",
            row.load,
            row.framework,
            row.contender,
            row.events_per_second.median,
            digits(row.cpu.median),
            digits(row.cpu.first_quartile),
            digits(row.cpu.third_quartile),
            row.events_per_write.map(digits).unwrap_or_default(),
        )?;
    }
    out.push('\n');
    Ok(())
}

fn write_latencies(out: &mut String, rows: &[LatencyRow]) -> std::fmt::Result {
    out.push_str(
        "## Latency\n\n\
         The time from an event's creation until the client has read its bytes. A thread of the \
         server's process creates the events one at a time, each with a time stamp. Over \
         loopback, as above. Each run has a median and a 99th percentile; the table shows the \
         medians of these over all runs, which take turns.\n\n\
         | load | framework | | median, µs | quartiles | 99th percentile, µs | quartiles |\n\
         |---|---|---|--:|--:|--:|--:|\n",
    );
    for row in rows {
        write!(out, "| {} | {} | {} |", row.load, row.framework, row.contender)?;
        for Spread { median, first_quartile, third_quartile, .. } in [row.median, row.high] {
            let [median, first_quartile, third_quartile] =
                [median, first_quartile, third_quartile].map(|value| digits(value / 1e3));
            write!(out, " {median} | {first_quartile} – {third_quartile} |")?;
        }
        out.push('\n');
    }
    out.push('\n');
    Ok(())
}

fn write_lingers(out: &mut String, rows: &[LingerRow]) -> std::fmt::Result {
    out.push_str(
        "## Lingering\n\n\
         1,000 connections to one server, each with 100 events per second. The events come one at \
         a time, are created when the stream's task wakes, and carry a time stamp. After its \
         first event, a lingering stream waits for more, at most for the time in the table. \
         Medians of all runs, which take turns; write calls are counted in a separate run.\n\n",
    );
    write_linger_table(out, rows)
}

pub fn write_linger_table(out: &mut String, rows: &[LingerRow]) -> std::fmt::Result {
    out.push_str(
        "| framework | | linger, ms | events/s | CPU ns per event | quartiles | none ÷ this \
         | events per write | latency: median, ms | 99th percentile, ms |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let none = rows.iter().find(|none| {
            none.framework == row.framework && none.contender == row.contender && none.linger == 0
        });
        let times = match none {
            Some(none) if row.linger > 0 => {
                format!("**{:.2}**", none.cpu.median / row.cpu.median)
            }
            _ => String::new(),
        };
        writeln!(
            out,
            "| {} | {} | {} | {:.0} | {} | {} – {} | {times} | {} | {:.2} | {:.2} |",
            row.framework,
            row.contender,
            row.linger,
            row.events_per_second.median,
            digits(row.cpu.median),
            digits(row.cpu.first_quartile),
            digits(row.cpu.third_quartile),
            digits(row.events_per_write),
            row.median.median / 1e6,
            row.high.median / 1e6,
        )?;
    }
    out.push('\n');
    Ok(())
}

fn write_limits(out: &mut String, rows: &[LimitRow]) -> std::fmt::Result {
    out.push_str(
        "## Chunk limit\n\n\
         `SseEncoder::chunk_limit` in the same servers: one connection, events ready together, \
         all limits in turn, medians of all runs; and the encoding alone, in one thread without a \
         server. The default is bold. *Held* counts the bytes in the encoder and the server, not \
         in the sockets: a client stops reading, the source ends, the client reads the rest; \
         *held* is the rest, less the bytes that the server had already written. A full \
         connection takes a random part of the last write, so the clients stop after different \
         numbers of bytes, and *at most* is the better number.\n\n\
         | event | in | chunk limit, KiB | events/s | CPU ns per event | quartiles | events per write | held, KiB | at most |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|\n",
    );
    for row in rows {
        let bold = if row.chunk_limit == SseEncoder::DEFAULT_CHUNK_LIMIT { "**" } else { "" };
        writeln!(
            out,
            "| {} | {} | {bold}{}{bold} | {:.0} | {bold}{}{bold} | {} – {} | {} | {} | {} |",
            row.event,
            row.place,
            row.chunk_limit / 1024,
            row.events_per_second.median,
            digits(row.cpu.median),
            digits(row.cpu.first_quartile),
            digits(row.cpu.third_quartile),
            row.events_per_write.map(digits).unwrap_or_default(),
            kibibytes(row.held),
            kibibytes(row.most_held),
        )?;
    }
    out.push('\n');
    Ok(())
}

fn kibibytes(bytes: Option<f64>) -> String {
    bytes.map(|bytes| digits(bytes / 1024.0)).unwrap_or_default()
}

/// The name of ours in a [`LoadRow`].
pub const OURS: &str = "`SseEncoder`";

/// What stands in a [`LimitRow`] where there is no server.
pub const ALONE: &str = "no server";

pub fn floor_of<'a>(rows: &'a [Row], ours: &Row) -> Option<&'a Row> {
    let mut floors =
        rows.iter().filter(|row| row.workload == ours.workload && row.role == Role::Floor);
    if ours.contender.contains("shared_text") {
        floors.find(|floor| floor.contender.contains("not copied"))
    } else if ours.contender.contains("Encoder::encode") {
        floors.find(|floor| floor.contender == CALLERS_BUFFER)
    } else {
        floors.next()
    }
}

pub fn fastest_peer<'a>(rows: &'a [Row], ours: &Row) -> Option<&'a Row> {
    rows.iter()
        .filter(|row| row.workload == ours.workload && row.role == Role::Peer)
        .filter(|row| !matches!(row.verdict, Verdict::Other(_)))
        // Who encodes in each stream is compared with those who do.
        .filter(|row| !(ours.contender.ends_with(EACH) && row.contender.ends_with(CLONED)))
        .min_by(|a, b| a.nanoseconds.median.total_cmp(&b.nanoseconds.median))
}

fn times(of: Spread, one: Spread) -> String {
    format!("{:.2} ({:.2})", of.median / one.median, of.least / one.least)
}

fn apart(spread: Spread) -> f64 {
    (spread.third_quartile - spread.first_quartile) / spread.median
}

/// With as many digits as mean something.
pub fn digits(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}
