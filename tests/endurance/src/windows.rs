//! What a client that stops reading makes a server hold of a stream: on HTTP/1.1, on HTTP/2 with the
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
/// What a browser has on one connection at most, unless a server allows more.
const PER_CONNECTION: usize = 100;

/// Chromium's windows: of a stream, and of a connection beyond the 64 KiB that each begins with.
const STREAM_WINDOW: u32 = 6 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 15 * 1024 * 1024 - 65_535;

/// What hyper's `max_send_buf_size` is set to, where it is set. Its default is 400 KiB.
const SEND_BUFFER: &str = "16384";

/// How far apart the two looks are between which nothing may be taken.
const APART: Duration = Duration::from_secs(2);

/// A configuration: a row of the table.
struct Row {
    what: &'static str,
    /// Streams of a connection: 0 for HTTP/1.1.
    streams: usize,
    query: &'static str,
    send_buffer: Option<&'static str>,
    /// The most memory of a stream, in KiB: far more than there is, far less than a leak.
    most: u64,
}

const ROWS: [Row; 5] = [
    Row { what: "HTTP/1.1", streams: 0, query: "", send_buffer: None, most: 300 },
    Row {
        what: "HTTP/1.1, `chunk_limit(1024)`",
        streams: 0,
        query: "&chunk=1024",
        send_buffer: None,
        most: 150,
    },
    Row {
        what: "HTTP/2, one stream on a connection",
        streams: 1,
        query: "",
        send_buffer: None,
        most: 1_000,
    },
    Row {
        what: "HTTP/2, 100 streams on a connection",
        streams: PER_CONNECTION,
        query: "",
        send_buffer: None,
        most: 1_000,
    },
    Row {
        what: "HTTP/2, 100 streams, `max_send_buf_size(16 KiB)`",
        streams: PER_CONNECTION,
        query: "",
        send_buffer: Some(SEND_BUFFER),
        most: 200,
    },
];

pub(crate) async fn run(names: &[&str], checks: &mut Checks) {
    println!("\n## {STREAMS} stalled streams: memory of each, in KiB\n");
    let mut table =
        format!("| configuration | {} |\n|---|{}\n", names.join(" | "), "--:|".repeat(names.len()));
    for row in &ROWS {
        table += &format!("| {} |", row.what);
        for name in names {
            // Only the server made of hyper has the setting.
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
    for first in (0..STREAMS).step_by(row.streams.max(1)) {
        let paths = (first..first + row.streams.max(1))
            .map(|index| format!("/endless?tag=stalled{index}{}", row.query));
        let options = Options { buffer: Some(SMALL), ..Options::default() };
        let requests = if row.streams == 0 {
            paths.map(|path| http1(server.address, &path)).collect::<Vec<_>>().concat()
        } else {
            http2(server.address, paths)
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

/// The bytes of a client that opens its windows, asks for all of these, and says no more.
fn http2(address: SocketAddr, paths: impl Iterator<Item = String>) -> Vec<u8> {
    const SETTINGS: u8 = 4;
    const WINDOW_UPDATE: u8 = 8;
    const HEADERS: u8 = 1;
    const END_STREAM_AND_HEADERS: u8 = 5;

    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    // SETTINGS_INITIAL_WINDOW_SIZE.
    frame(&mut bytes, SETTINGS, 0, 0, &[&[0, 4][..], &STREAM_WINDOW.to_be_bytes()].concat());
    frame(&mut bytes, WINDOW_UPDATE, 0, 0, &CONNECTION_WINDOW.to_be_bytes());
    for (index, path) in paths.enumerate() {
        // `:method: GET` and `:scheme: http` of the static table; `:path` and `:authority` spelled out.
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

/// How many items were taken for each stalled stream.
async fn taken(server: &Server) -> Result<HashMap<String, u64>> {
    let stats = server.stats().await?;
    let taken = stats["taken"].as_object().ok_or("no stats")?;
    Ok(taken.iter().filter_map(|(tag, items)| Some((tag.clone(), items.as_u64()?))).collect())
}

/// Waits until there are all streams, and nothing more is taken for them.
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
