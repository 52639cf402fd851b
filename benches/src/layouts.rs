//! The same workloads in several layouts of the heap. Where a copy's source and destination lie
//! within a page decides how long it takes on some processors, and chance decides where they lie: a
//! process has one layout, and another process another.

use std::{env, io, path::Path, process::Command};

use crate::{
    body::Sink,
    contender::Role,
    figures::{self, LayoutRow, Row},
    measure, report, workloads,
};

/// What shifts the heap of a process.
struct Layout {
    /// `MALLOC_TOP_PAD_`: glibc asks the system for so much more.
    top_pad: Option<&'static str>,
    /// Allocated before the items are made, and after the buffers of threads are.
    before: usize,
    between: usize,
}

/// The first one is the layout that a process has by itself.
const LAYOUTS: [Layout; 5] = [
    Layout { top_pad: None, before: 0, between: 0 },
    Layout { top_pad: Some("1048576"), before: 0, between: 0 },
    Layout { top_pad: None, before: 1_040, between: 0 },
    Layout { top_pad: None, before: 0, between: 2_512 },
    Layout { top_pad: Some("65536"), before: 2_064, between: 3_088 },
];

/// The workloads that are measured, by their ids: those that copy long chunks, and one that does
/// not.
const WORKLOADS: [&str; 4] = ["small-quiet", "small", "delta-text", "lines"];

/// The index of the layout, for the process that measures it.
const LAYOUT: &str = "SSE_LAYOUT";

/// Measures each layout in a process of its own, which is this program again.
pub fn measure(output: &Path, rounds: usize) -> io::Result<Vec<LayoutRow>> {
    if let Some(layout) = env::var(LAYOUT).ok().and_then(|index| index.parse::<usize>().ok()) {
        figures::write(output, &measure_one(&LAYOUTS[layout], rounds))?;
        return Ok(Vec::new());
    }
    let mut layouts = Vec::new();
    for (index, layout) in LAYOUTS.iter().enumerate() {
        let output = output.with_extension(index.to_string());
        let mut child = Command::new(env::current_exe()?);
        child.arg(&output).arg(rounds.to_string()).env(LAYOUT, index.to_string());
        if let Some(top_pad) = layout.top_pad {
            child.env("MALLOC_TOP_PAD_", top_pad);
        }
        if !child.status()?.success() {
            return Err(io::Error::other(format!("layout {index} was not measured")));
        }
        layouts.push(figures::read::<Row>(&output)?);
    }
    Ok(WORKLOADS.iter().filter_map(|id| summary(id, &layouts)).collect())
}

fn measure_one(layout: &Layout, rounds: usize) -> Vec<Row> {
    hold(layout.before);
    let mut workloads = workloads::all();
    workloads.retain(|workload| WORKLOADS.contains(&workload.id));
    for contender in workloads.iter().flat_map(|workload| &workload.contenders) {
        contender.prepare(64)(&mut Sink::default());
    }
    hold(layout.between);
    workloads.iter().flat_map(|workload| measure::measure(workload, rounds)).collect()
}

/// Allocates for as long as the process runs.
fn hold(bytes: usize) {
    if bytes > 0 {
        Vec::leak(vec![1_u8; bytes]);
    }
}

fn summary(id: &str, layouts: &[Vec<Row>]) -> Option<LayoutRow> {
    let mut row = LayoutRow::default();
    for (index, rows) in layouts.iter().enumerate() {
        let is_ours = |row: &&Row| {
            row.workload == id && row.role == Role::Ours && row.contender == "sse-encoder"
        };
        let ours = rows.iter().find(is_ours)?;
        let floor = report::floor_of(rows, ours)?;
        let peer = report::fastest_peer(rows, ours)?;
        let all = [&mut row.floor, &mut row.ours, &mut row.fastest];
        for ([least, most], of) in all.into_iter().zip([floor, ours, peer]) {
            let time = of.nanoseconds.least;
            *least = if index == 0 { time } else { time.min(*least) };
            *most = time.max(*most);
        }
        if index == 0 {
            (row.title, row.peer) = (ours.title.clone(), peer.contender.clone());
        }
    }
    Some(row)
}
