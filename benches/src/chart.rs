//! The report as a picture: SVG by hand, readable on a light page and on a dark one.

use std::fmt::Write;

use crate::{
    contender::{Role, Verdict},
    figures::{LoadRow, Row},
    report::{OURS, digits},
};

/// The workloads that are shown, of all that are measured.
const SHOWN: &[&str] =
    &["small-quiet", "small", "merged-typed", "delta-text", "lines", "broadcast-1000"];

const WIDTH: usize = 880;
const COLUMNS: usize = 2;
const MARGIN: usize = 20;
const PANEL: usize = (WIDTH - MARGIN * (COLUMNS + 1)) / COLUMNS;
const HEADING: usize = 34;
const BAR: usize = 18;
/// Where bars begin, after their names.
const NAMES: usize = 126;
/// What a bar leaves for its number.
const NUMBERS: usize = 64;

const STYLE: &str = "\
    text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;fill:#1f2328}\
    .title{font-weight:600;font-size:13px}.unit{fill:#59636e;font-weight:400}\
    .page{fill:#fff;stroke:#d1d9e0}.floor{fill:#b6bfc9}.ours{fill:#1a7f37}.peer{fill:#5b8def}\
    .strong{font-weight:600}\
    @media(prefers-color-scheme:dark){text{fill:#e6edf3}.unit{fill:#9198a1}\
    .page{fill:#0d1117;stroke:#3d444d}.floor{fill:#57606a}.ours{fill:#3fb950}.peer{fill:#4078c0}}";

struct Panel {
    title: String,
    unit: String,
    bars: Vec<Bar>,
}

struct Bar {
    name: String,
    class: &'static str,
    length: f64,
    number: String,
}

pub fn svg(rows: &[Row], loads: &[LoadRow]) -> String {
    let panels: Vec<Panel> = SHOWN
        .iter()
        .filter_map(|workload| panel(rows, workload))
        .chain(load_panels(loads))
        .collect();
    let mut body = String::new();
    let mut top = MARGIN;
    for pair in panels.chunks(COLUMNS) {
        for (column, panel) in pair.iter().enumerate() {
            draw(&mut body, panel, MARGIN + column * (PANEL + MARGIN), top);
        }
        let tallest = pair.iter().map(|panel| panel.bars.len()).max().unwrap_or_default();
        top += HEADING + tallest * BAR + MARGIN;
    }
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {top}\" width=\"{WIDTH}\" \
         height=\"{top}\" role=\"img\" aria-label=\"sse-encoder next to its peers\">\n\
         <style>{STYLE}</style>\n\
         <rect class=\"page\" x=\".5\" y=\".5\" width=\"{}\" height=\"{}\" rx=\"8\"/>\n{body}</svg>\n",
        WIDTH - 1,
        top - 1
    )
}

/// The floor, ours, and each peer in its fastest way.
fn panel(rows: &[Row], workload: &str) -> Option<Panel> {
    let of_workload: Vec<&Row> = rows.iter().filter(|row| row.workload == workload).collect();
    let first = of_workload.first()?;
    let mut bars: Vec<(&str, &Row)> = vec![("floor, by hand", first)];
    bars.extend(
        of_workload
            .iter()
            .filter(|row| row.role == Role::Ours)
            .take(1)
            .map(|row| ("sse-encoder", *row)),
    );
    let mut peers: Vec<(&str, &Row)> = Vec::new();
    for row in of_workload.iter().filter(|row| row.role == Role::Peer) {
        if matches!(row.verdict, Verdict::Other(_)) {
            continue;
        }
        let name = row.contender.split([',', ' ']).next().unwrap_or_default();
        match peers.iter_mut().find(|peer| peer.0 == name) {
            Some(peer) if row.nanoseconds.median < peer.1.nanoseconds.median => peer.1 = row,
            Some(_) => {}
            None => peers.push((name, row)),
        }
    }
    peers.sort_by(|a, b| a.1.nanoseconds.median.total_cmp(&b.1.nanoseconds.median));
    bars.extend(peers);
    let bars = bars.into_iter().map(|(name, row)| Bar {
        name: name.into(),
        class: match row.role {
            Role::Floor => "floor",
            Role::Ours => "ours",
            Role::Peer => "peer",
        },
        length: row.nanoseconds.median,
        number: digits(row.nanoseconds.median),
    });
    Some(Panel {
        title: first.title.clone(),
        unit: format!("ns per {}, less is better", first.unit),
        bars: bars.collect(),
    })
}

fn load_panels(loads: &[LoadRow]) -> Vec<Panel> {
    let mut panels: Vec<Panel> = Vec::new();
    for row in loads {
        if panels.last().is_none_or(|panel| panel.title != row.load) {
            panels.push(Panel {
                title: row.load.clone(),
                unit: "server CPU, ns per event".into(),
                bars: Vec::new(),
            });
        }
        let ours = row.contender == OURS;
        if let Some(panel) = panels.last_mut() {
            panel.bars.push(Bar {
                name: format!("{}{}", row.framework, if ours { " + ours" } else { "" }),
                class: if ours { "ours" } else { "peer" },
                length: row.cpu.median,
                number: digits(row.cpu.median),
            });
        }
    }
    panels
}

fn draw(out: &mut String, panel: &Panel, left: usize, top: usize) {
    let longest = panel.bars.iter().map(|bar| bar.length).fold(0.0, f64::max);
    let room = (PANEL - NAMES - NUMBERS) as f64;
    let _ = writeln!(
        out,
        "<text class=\"title\" x=\"{left}\" y=\"{}\">{}</text>\
         <text class=\"unit\" x=\"{left}\" y=\"{}\">{}</text>",
        top + 10,
        escape(&panel.title),
        top + 25,
        escape(&panel.unit)
    );
    for (place, bar) in panel.bars.iter().enumerate() {
        let y = top + HEADING + place * BAR;
        let width = (bar.length / longest * room).max(1.0);
        let strong = if bar.class == "ours" { " class=\"strong\"" } else { "" };
        let _ = writeln!(
            out,
            "<text{strong} x=\"{left}\" y=\"{}\">{}</text>\
             <rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{width:.1}\" height=\"{}\" rx=\"2\"/>\
             <text{strong} x=\"{:.1}\" y=\"{}\">{}</text>",
            y + 12,
            escape(&bar.name),
            bar.class,
            left + NAMES,
            y + 2,
            BAR - 5,
            (left + NAMES) as f64 + width + 6.0,
            y + 12,
            escape(&bar.number)
        );
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('`', "")
}
