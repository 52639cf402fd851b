//! Prints the figures of the docs: `cargo run --release -p test-redis --bin figures [SECONDS]`.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use sse_encoder::{Event, Hub, LastEventId};
use test_redis::{Node, Server};
use tokio::time::{interval, sleep};

const SIZE: usize = 200;

#[tokio::main]
async fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    println!("| events/s | received | p50 | p99 | Redis, of one core |\n|---|---|---|---|---|");
    for rate in [100, 1_000, 10_000] {
        latency(rate, seconds).await;
    }
    burst().await;
    memory().await;
}

fn event(start: Instant) -> Event {
    let mut text = format!("{:020}", start.elapsed().as_micros());
    text.push_str(&"x".repeat(SIZE - text.len()));
    Event::text(text).into()
}

/// From `publish` on A to the client of B.
async fn latency(rate: u64, seconds: u64) {
    let Some(server) = Server::start(&[]) else { return };
    let builder = Hub::builder().retain_events(10_000);
    let a = Node::live(builder.clone(), &server.url()).await;
    let b = Node::live(builder, &server.url()).await;
    let total = rate * seconds;
    let start = Instant::now();
    let mut subscriber = b.hub.subscribe(&LastEventId::none());
    let client = tokio::spawn(async move {
        let mut latencies = Vec::new();
        while latencies.len() < total as usize {
            let Some(frame) = subscriber.next().await else { break };
            let now = start.elapsed().as_micros() as u64;
            let text = String::from_utf8_lossy(frame.as_bytes()).into_owned();
            let Some((_, data)) = text.split_once("\ndata: ") else { continue };
            let Some(at) = data.get(..20).and_then(|text| text.parse::<u64>().ok()) else {
                continue;
            };
            latencies.push(now.saturating_sub(at));
        }
        latencies.sort_unstable();
        latencies
    });
    let cpu = cpu(&server).await;
    // In steps of ten milliseconds where a timer is too coarse.
    let step = Duration::from_millis(10).max(Duration::from_secs(1) / rate as u32);
    let each = (rate as f64 * step.as_secs_f64()).round() as u64;
    let mut timer = interval(step);
    let hub = a.hub.clone();
    for _ in 0..total / each {
        timer.tick().await;
        for _ in 0..each {
            let hub = hub.clone();
            tokio::spawn(async move { hub.publish(&event(start)).await.map(drop) });
        }
    }
    let latencies = client.await.unwrap();
    let used = (self::cpu(&server).await - cpu) / start.elapsed().as_secs_f64();
    let at = |part: f64| latencies[(latencies.len() as f64 * part) as usize] as f64 / 1_000.0;
    let (p50, p99) = (at(0.5), at(0.99));
    println!(
        "| {rate} | {} | {p50:.2} ms | {p99:.2} ms | {:.1} % |",
        latencies.len(),
        used * 100.0
    );
}

/// The seconds that Redis has computed.
async fn cpu(server: &Server) -> f64 {
    let info: String = server.run(&["INFO", "cpu"]).await;
    let fields = ["used_cpu_user:", "used_cpu_sys:"];
    let seconds =
        |line: &str| fields.iter().find_map(|f| line.strip_prefix(f)?.parse::<f64>().ok());
    info.lines().filter_map(|line| seconds(line.trim())).sum::<f64>()
}

async fn burst() {
    let Some(server) = Server::start(&[]) else { return };
    let a = Node::live(Hub::builder().retain_events(10_000), &server.url()).await;
    let start = Instant::now();
    for in_flight in [1, 64] {
        let (begun, total) = (Instant::now(), 20_000 * in_flight.min(5));
        let published = stream::iter(0..total)
            .map(|_| a.hub.publish(&event(start)))
            .buffer_unordered(in_flight)
            .filter(|published| std::future::ready(published.is_ok()))
            .count()
            .await;
        let rate = published as f64 / begun.elapsed().as_secs_f64();
        println!("\n{in_flight} in flight: {rate:.0} events/s ({published} of {total})");
    }
}

async fn memory() {
    let Some(server) = Server::start(&[]) else { return };
    let node = Node::live(Hub::builder().retain_events(10_000), &server.url()).await;
    let start = Instant::now();
    node.hub.publish(&event(start)).await.unwrap();
    let before = resident();
    let _ = stream::iter(0..10_000)
        .map(|_| node.hub.publish(&event(start)))
        .buffer_unordered(64)
        .count()
        .await;
    sleep(Duration::from_secs(1)).await;
    let (after, stats) = (resident(), node.hub.stats());
    println!(
        "\n{} events retained: {} KiB of frames, {} KiB of memory more",
        stats.retained,
        stats.retained_bytes / 1024,
        after.saturating_sub(before)
    );
    let usage: i64 = server.run(&["MEMORY", "USAGE", "orders"]).await;
    println!("\nin Redis: {} KiB", usage / 1024);
}

/// The resident memory of this process in KiB.
fn resident() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
