//! The bytes that a server holds for a client that stops reading: on HTTP/1.1, on HTTP/2 with the
//! windows of a browser, and with many streams on one connection.

use std::{collections::HashMap, net::SocketAddr, time::Duration};

use tokio::time::{self, Instant};

use crate::{
    Result,
    checks::Checks,
    connection::{Connection, Options, PATIENCE, SMALL},
    server::Server,
};

/// Streams of each kind.
const STREAMS: usize = 200;
/// The most streams of a browser on one connection, unless a server allows more.
const PER_CONNECTION: usize = 100;

/// The windows of a client: a stream's, and a connection's beyond its initial 64 KiB.
#[derive(Clone, Copy)]
struct Windows {
    stream: u32,
    connection: u32,
}

const CHROMIUM: Windows =
    Windows { stream: 6 * 1024 * 1024, connection: 15 * 1024 * 1024 - 65_535 };

/// The largest possible.
const LARGEST: Windows = Windows { stream: i32::MAX as u32, connection: i32::MAX as u32 - 65_535 };

/// A value for hyper's `max_send_buf_size`, of which the default is 400 KiB.
const SEND_BUFFER: &str = "16384";

/// The time between two equal samples of a settled stream.
const APART: Duration = Duration::from_secs(2);

/// A configuration: a row of the table.
#[derive(Clone, Copy)]
struct Row {
    what: &'static str,
    /// For HTTP/2: the streams of a connection, and its windows.
    http2: Option<(usize, Windows)>,
    query: &'static str,
    send_buffer: Option<&'static str>,
    /// The limit of a stream's memory in KiB: far above the measured value, far below a leak.
    most: u64,
}

const HTTP1: Row = Row { what: "HTTP/1.1", http2: None, query: "", send_buffer: None, most: 300 };

const ROWS: [Row; 6] = [
    HTTP1,
    Row { what: "HTTP/1.1, `chunk_limit(1024)`", query: "&chunk=1024", ..HTTP1 },
    Row {
        what: "HTTP/2, one stream on a connection",
        http2: Some((1, CHROMIUM)),
        most: 1_000,
        ..HTTP1
    },
    Row {
        what: "HTTP/2, 100 streams on a connection",
        http2: Some((PER_CONNECTION, CHROMIUM)),
        most: 1_000,
        ..HTTP1
    },
    Row {
        what: "HTTP/2, 100 streams on a connection, the largest windows",
        http2: Some((PER_CONNECTION, LARGEST)),
        most: 1_000,
        ..HTTP1
    },
    Row {
        what: "the same with `max_send_buf_size(16 KiB)`",
        http2: Some((PER_CONNECTION, LARGEST)),
        send_buffer: Some(SEND_BUFFER),
        ..HTTP1
    },
];

pub(crate) async fn run(names: &[&str], checks: &mut Checks) {
    println!("\n## {STREAMS} stalled streams: memory of each, in KiB\n");
    let mut table =
        format!("| configuration | {} |\n|---|{}\n", names.join(" | "), "--:|".repeat(names.len()));
    for row in &ROWS {
        table += &format!("| {} |", row.what);
        for name in names {
            // Only the hyper server has the setting.
            let cell = if row.send_buffer.is_some() && *name != "hyper" {
                None
            } else {
                let held = measure(name, row).await;
                checks.result(format_args!("{name}, {}: the part came to its end", row.what), held)
            };
            if let Some(held) = cell {
                checks.check(
                    format_args!(
                        "{name}, {}: {held} KiB of a stream, {} allowed",
                        row.what, row.most
                    ),
                    held <= row.most,
                );
            }
            table += &cell.map_or(" – |".into(), |held| format!(" {held} |"));
        }
        table += "\n";
    }
    println!("\n{table}");
}

/// The memory of a stalled stream, in KiB.
async fn measure(name: &str, row: &Row) -> Result<u64> {
    let environment: Vec<_> =
        row.send_buffer.map(|bytes| ("MAX_SEND_BUFFER", bytes)).into_iter().collect();
    let server = Server::start(name, &environment).await?;
    let before = server.held()?.resident;
    let mut connections = Vec::new();
    let per_connection = row.http2.map_or(1, |(streams, _)| streams);
    for first in (0..STREAMS).step_by(per_connection) {
        let mut paths = (first..first + per_connection)
            .map(|index| format!("/endless?tag=stalled{index}{}", row.query));
        let options = Options { buffer: Some(SMALL), ..Options::default() };
        let requests = match row.http2 {
            Some((_, windows)) => http2(server.address, windows, paths),
            None => http1(server.address, &paths.next().unwrap_or_default()),
        };
        connections.push(Connection::begin(server.address, &requests, options).await?);
    }
    let first = settled(&server).await?;
    time::sleep(APART).await;
    if taken(&server).await? != first {
        return Err("more is taken for clients that do not read".into());
    }
    let held = server.held()?.resident.saturating_sub(before);
    drop(connections);
    server.until_open(0).await?;
    server.end().await?;
    Ok(held / STREAMS as u64)
}

fn http1(address: SocketAddr, path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes()
}

/// The bytes of a client that opens its windows and requests all of these.
fn http2(address: SocketAddr, windows: Windows, paths: impl Iterator<Item = String>) -> Vec<u8> {
    const SETTINGS: u8 = 4;
    const WINDOW_UPDATE: u8 = 8;
    const HEADERS: u8 = 1;
    const END_STREAM_AND_HEADERS: u8 = 5;

    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS_INITIAL_WINDOW_SIZE.
    frame(&mut bytes, SETTINGS, 0, 0, &[&[0, 4][..], &windows.stream.to_be_bytes()].concat());
    frame(&mut bytes, WINDOW_UPDATE, 0, 0, &windows.connection.to_be_bytes());
    for (index, path) in paths.enumerate() {
        // `:method: GET` and `:scheme: http` by the static table; `:path` and `:authority` as text.
        let mut fields = vec![0x82, 0x86];
        for (name, value) in [(0x04, &path), (0x01, &address.to_string())] {
            fields.extend([name, value.len() as u8]);
            fields.extend(value.bytes());
        }
        frame(&mut bytes, HEADERS, END_STREAM_AND_HEADERS, 2 * index as u32 + 1, &fields);
    }
    bytes
}

fn frame(bytes: &mut Vec<u8>, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
    bytes.extend(&(payload.len() as u32).to_be_bytes()[1..]);
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
}

/// The items taken for each stalled stream.
async fn taken(server: &Server) -> Result<HashMap<String, u64>> {
    let stats = server.stats().await?;
    let taken = stats["taken"].as_object().ok_or("no stats")?;
    Ok(taken.iter().filter_map(|(tag, items)| Some((tag.clone(), items.as_u64()?))).collect())
}

/// Waits until all streams are open and no more items are taken.
async fn settled(server: &Server) -> Result<HashMap<String, u64>> {
    let until = Instant::now() + PATIENCE;
    let mut before = HashMap::new();
    loop {
        let now = taken(server).await?;
        if now == before && now.len() == STREAMS {
            return Ok(now);
        }
        if Instant::now() > until {
            let count = now.len();
            return Err(format!("of {STREAMS} streams there are {count}, not all at rest").into());
        }
        before = now;
        time::sleep(Duration::from_secs(1)).await;
    }
}
