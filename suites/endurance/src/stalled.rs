//! Clients that stop reading or disconnect, next to healthy ones.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::Value;
use sse_encoder::SseEncoder;
use tokio::{
    task::{JoinHandle, JoinSet},
    time::{self, Instant},
};

use crate::{
    Result,
    checks::Checks,
    connection::{Connection, Options, PATIENCE, SMALL},
    events::Events,
    figures::{median, mib, quantile},
    kernel,
    server::Server,
};

const STALLED: usize = 1_000;
const SLOW: usize = 50;
const DEAD: usize = 100;

const HEALTHY: usize = 100;
const INTERVAL: Duration = Duration::from_millis(50);
/// Five seconds of events without the others, and twenty with them.
const ALONE: u64 = 100;
const BESIDE: u64 = 400;

/// The time between two equal samples of a settled stream.
const APART: Duration = Duration::from_secs(5);

/// The frame that an endless stream repeats.
const FRAME: &[u8] = b"data: 0123456789\n\n";
const CHUNK: u64 = SseEncoder::DEFAULT_CHUNK_LIMIT as u64;
/// The framing of a chunk of this size in HTTP/1.1: four digits and two line ends.
const CHUNK_FRAMING: u64 = 8;

/// The most bytes that a server may hold for one stream.
fn bound(name: &str) -> u64 {
    let chunk = CHUNK + FRAME.len() as u64 + CHUNK_FRAMING;
    match name {
        // It polls while the connection's buffer has less than this.
        "actix" => 32 * 1024 + chunk,
        // Sixteen buffers for one write, and one more that waits.
        _ => 17 * chunk,
    }
}

pub(crate) async fn run(names: &[&str], checks: &mut Checks) {
    println!(
        "\n## {STALLED} stalled clients, {SLOW} slow ones, {DEAD} that go in the middle; {HEALTHY} healthy ones\n"
    );
    let mut rows = Vec::new();
    for name in names {
        let row = server(name, checks).await;
        rows.extend(checks.result(format_args!("{name}: the part came to its end"), row));
    }
    println!(
        "\n| server | held of a stalled stream, KiB: median | most | allowed | in the kernel, KiB | \
         memory of a stalled stream, KiB | latency alone, ms: median | 99 % | while they connect: median | 99 % | beside the stalled: median \
         | 99 % | memory at first, MiB | with the stalled | without them | with as many again |"
    );
    println!("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|");
    for row in rows {
        println!("{row}");
    }
}

async fn server(name: &str, checks: &mut Checks) -> Result<String> {
    let server = Server::start(name, &[]).await?;
    let address = server.address;

    let (alone, _) = healthy(address, ALONE).await?;
    checks.check(
        format_args!("{name}: a healthy client gets every event"),
        alone.len() == HEALTHY * ALONE as usize,
    );
    server.until_open(0).await?;
    let before = server.held()?;

    let beside = tokio::spawn(healthy(address, BESIDE));
    let head = head_of(address).await?;
    // Otherwise the memory of the healthy clients would count for the stalled ones.
    time::sleep(Duration::from_secs(1)).await;
    let start = server.held()?;
    let stalled = connect("stalled", STALLED, address).await?;
    settled(&server, "stalled").await?;
    let grown = server.held()?.resident.saturating_sub(start.resident);

    let mut dead = connect("dead", DEAD, address).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let slow = slow(address, &stop).await?;
    for (index, mut connection) in dead.drain(..).enumerate() {
        connection.head().await?;
        connection.leave(index % 2 == 0);
    }

    let first = settled(&server, "stalled").await?;
    let quiet = unix_millis()?;
    let queued = kernel::queued(address.port())?;
    time::sleep(APART).await;
    let second = taken(&server, "stalled").await?;
    checks.check(
        format_args!("{name}: nothing is taken for a stalled client"),
        first == second && first.len() == STALLED,
    );

    let (mut held, mut in_kernel) = (Vec::new(), Vec::new());
    for (index, connection) in stalled.iter().enumerate() {
        let items = first.get(&format!("stalled{index}")).copied().unwrap_or_default();
        let body = items * FRAME.len() as u64;
        let written = head as u64 + body + body / CHUNK * CHUNK_FRAMING;
        let queued = queued.get(&connection.port()?).copied().unwrap_or_default();
        held.push(written.saturating_sub(queued));
        in_kernel.push(queued);
    }
    let (held_median, held_most) = (median(&mut held), quantile(&mut held, 1.0));
    checks.check(
        format_args!("{name}: {held_most} bytes of a stream are held, {} allowed", bound(name)),
        held_most <= bound(name),
    );
    let full = server.held()?;

    let (beside, took) = beside.await??;
    checks.check(
        format_args!("{name}: a healthy client gets every event beside stalled ones"),
        beside.len() == HEALTHY * BESIDE as usize,
    );
    let expected = INTERVAL * BESIDE as u32;
    checks.check(format_args!("{name}: {took:?} in place of {expected:?}"), took < expected * 5);

    let mut alone: Vec<_> = alone.into_iter().map(|event| event.late).collect();
    let late = |connecting| {
        let events = beside.iter().filter(move |event| (event.arrived < quiet) == connecting);
        events.map(|event| event.late).collect::<Vec<_>>()
    };
    let (mut connecting, mut beside) = (late(true), late(false));

    stop.store(true, Ordering::Relaxed);
    for slow in slow {
        let read = time::timeout(PATIENCE, slow).await??;
        checks.result(format_args!("{name}: a slow client gets what was sent"), read);
    }
    for (index, connection) in stalled.into_iter().enumerate() {
        connection.leave(index % 2 == 0);
    }
    checks.result(format_args!("{name}: each source is dropped"), server.until_open(0).await);
    checks.result(
        format_args!("{name}: each connection is closed"),
        server.until_files(before.files).await,
    );
    time::sleep(Duration::from_secs(1)).await;
    let after = server.held()?;
    let again = again(&server).await?;
    checks.check(
        format_args!("{name}: {:.1} MiB with as many once more", mib(again)),
        again <= full.resident + full.resident / 4 + 16 * 1_024,
    );
    server.end().await?;

    let kib = |bytes: u64| bytes as f64 / 1_024.0;
    Ok(format!(
        "| {name} | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} |",
        kib(held_median),
        kib(held_most),
        kib(bound(name)),
        kib(median(&mut in_kernel)),
        grown as f64 / STALLED as f64,
        median(&mut alone),
        quantile(&mut alone, 0.99),
        median(&mut connecting),
        quantile(&mut connecting, 0.99),
        median(&mut beside),
        quantile(&mut beside, 0.99),
        mib(before.resident),
        mib(full.resident),
        mib(after.resident),
        mib(again),
    ))
}

/// The memory with the same number of stalled clients again: they reuse the freed memory.
async fn again(server: &Server) -> Result<u64> {
    let stalled = connect("again", STALLED, server.address).await?;
    settled(server, "again").await?;
    let held = server.held()?;
    drop(stalled);
    server.until_open(0).await?;
    Ok(held.resident)
}

/// Clients that request an endless stream and never read.
async fn connect(tag: &str, count: usize, address: SocketAddr) -> Result<Vec<Connection>> {
    let mut connections = Vec::with_capacity(count);
    for index in 0..count {
        let path = format!("/endless?tag={tag}{index}");
        let options = Options { buffer: Some(SMALL), ..Options::default() };
        connections.push(Connection::open(address, &path, options).await?);
    }
    Ok(connections)
}

async fn head_of(address: SocketAddr) -> Result<usize> {
    let mut connection = Connection::open(address, "/endless", Options::default()).await?;
    Ok(connection.head().await?)
}

/// The items taken for each stalled client.
async fn taken(server: &Server, tag: &str) -> Result<HashMap<String, u64>> {
    let stats = server.stats().await?;
    let taken = stats["taken"].as_object().ok_or("no stats")?;
    let stalled = taken.iter().filter(|(known, _)| known.starts_with(tag));
    Ok(stalled.filter_map(|(tag, items)| Some((tag.clone(), items.as_u64()?))).collect())
}

/// Waits until each stalled client has a stream and no more items are taken.
async fn settled(server: &Server, tag: &str) -> Result<HashMap<String, u64>> {
    let until = Instant::now() + PATIENCE;
    let mut before = HashMap::new();
    loop {
        let now = taken(server, tag).await?;
        if now == before && now.len() == STALLED {
            return Ok(now);
        }
        if Instant::now() > until {
            return Err("more and more is taken for stalled clients".into());
        }
        before = now;
        time::sleep(Duration::from_secs(1)).await;
    }
}

/// Clients that read a little, five times a second, and check the bytes.
async fn slow(address: SocketAddr, stop: &Arc<AtomicBool>) -> Result<Vec<JoinHandle<Result<()>>>> {
    let mut tasks = Vec::with_capacity(SLOW);
    for mut connection in connect("slow", SLOW, address).await? {
        let stop = Arc::clone(stop);
        tasks.push(tokio::spawn(async move {
            connection.head().await?;
            let mut expected = b":\n".iter().chain(FRAME.iter().cycle());
            while !stop.load(Ordering::Relaxed) {
                let piece = connection.piece().await?.ok_or("an endless stream has ended")?;
                if !piece.iter().all(|byte| expected.next() == Some(byte)) {
                    return Err("something is missing".into());
                }
                time::sleep(Duration::from_millis(200)).await;
            }
            Ok(())
        }));
    }
    Ok(tasks)
}

/// The time of an event's arrival at a healthy client, and its delay in ms.
struct Arrival {
    arrived: f64,
    late: f64,
}

/// Clients that read each event as it arrives: all their events, and the time until the last one.
async fn healthy(address: SocketAddr, events: u64) -> Result<(Vec<Arrival>, Duration)> {
    let since = Instant::now();
    let mut clients = JoinSet::new();
    for _ in 0..HEALTHY {
        clients.spawn(read(address, events));
    }
    let mut arrivals = Vec::new();
    while let Some(client) = clients.join_next().await {
        arrivals.extend(client??);
    }
    Ok((arrivals, since.elapsed()))
}

async fn read(address: SocketAddr, max: u64) -> Result<Vec<Arrival>> {
    let interval = INTERVAL.as_secs_f64() * 1_000.0;
    let path = format!("/count?interval={}&max={max}&then=end", INTERVAL.as_millis());
    let connection = Connection::open(address, &path, Options::default()).await?;
    let mut events = Events::of(connection).await?;
    let mut arrivals = Vec::new();
    // The arrival of the first, if the source had sent every event on time.
    let mut start = f64::MAX;
    while let Some(event) = time::timeout(PATIENCE, events.next_event()).await?? {
        let arrived = unix_millis()?;
        let data: Value = serde_json::from_slice(&event.data.unwrap_or_default())?;
        let n = arrivals.len() as u64 + 1;
        if event.id != Some(n) || data["n"] != n {
            return Err(format!("event {:?} in place of {n}", event.id).into());
        }
        let due = interval * (n - 1) as f64;
        start = start.min(data["at"].as_f64().ok_or("no time")? - due);
        arrivals.push(Arrival { arrived, late: arrived - due });
    }
    for arrival in &mut arrivals {
        arrival.late -= start;
    }
    Ok(arrivals)
}

fn unix_millis() -> Result<f64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs_f64() * 1_000.0)
}
