//! Prints the figures of the docs: `cargo run --release -p test-redis --bin figures [SECONDS]`.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream};
use sse_encoder::{Event, LastEventId};
use sse_hub::{Hub, Target};
use test_redis::{Node, Server, until};
use tokio::{
    runtime,
    time::{MissedTickBehavior, interval},
};

#[path = "../../../../tests/support/allocations.rs"]
mod allocations;

#[global_allocator]
static ALLOCATOR: allocations::Counting = allocations::Counting;

const SIZE: usize = 200;
const RETAINED: usize = 10_000;

fn main() {
    let seconds = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5);
    runtime::Runtime::new().unwrap().block_on(async {
        println!("| events/s | received | p50 | p99 | Redis, of one core |\n|---|---|---|---|---|");
        for rate in [100, 1_000, 10_000] {
            latency(rate, seconds).await;
        }
        println!(
            "\n| servers | events/s | received by each | Redis, of one core |\n|---|---|---|---|"
        );
        for servers in [1, 10, 50, 100] {
            load(servers, seconds).await;
        }
        burst().await;
    });
    // Only one thread's allocations are counted.
    runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        println!("\n| 10,000 retained events | bytes in a server | of frames | bytes in Redis |");
        println!("|---|---|---|---|");
        memory("plain", |hub, _| hub.to("")).await;
        memory("each with a key", |hub, name| hub.key(name)).await;
        memory("each with a topic", |hub, name| hub.to(name)).await;
    });
}

fn event(start: Instant) -> Event {
    let mut text = format!("{:020}", start.elapsed().as_micros());
    text.push_str(&"x".repeat(SIZE - text.len()));
    Event::text(text).into()
}

/// The time from `publish` on A to the event at a client of B.
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
    publish(&a.hub, rate, total, start).await;
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

/// Publishes this many events at this rate.
async fn publish(hub: &Hub, rate: u64, total: u64, start: Instant) {
    // In steps of a millisecond, the resolution of a timer.
    let step = Duration::from_millis(1).max(Duration::from_secs(1) / rate as u32);
    let each = (rate as f64 * step.as_secs_f64()).round() as u64;
    let mut timer = interval(step);
    timer.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for _ in 0..total / each {
        timer.tick().await;
        for _ in 0..each {
            let hub = hub.clone();
            tokio::spawn(async move { hub.publish(&event(start)).await.map(drop) });
        }
    }
}

/// The cost, for Redis, of this many servers that read a stream.
async fn load(servers: usize, seconds: u64) {
    const RATE: u64 = 1_000;
    let Some(server) = Server::start(&[]) else { return };
    let mut nodes = Vec::new();
    for _ in 0..servers {
        nodes.push(Node::live(Hub::builder(), &server.url()).await);
    }
    let (start, before) = (Instant::now(), cpu(&server).await);
    publish(&nodes[0].hub, RATE, RATE * seconds, start).await;
    let all = |node: &Node| node.hub.stats().published >= RATE * seconds;
    until("all have all", || nodes.iter().all(all)).await;
    let used = (cpu(&server).await - before) / start.elapsed().as_secs_f64();
    println!("| {servers} | {RATE} | {} | {:.1} % |", RATE * seconds, used * 100.0);
}

/// The processor time of Redis, in seconds.
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

/// The memory of one server's ring.
async fn memory(what: &str, to: for<'a> fn(&'a Hub, &'a str) -> Target<'a>) {
    let Some(server) = Server::start(&[]) else { return };
    let node = Node::live(Hub::builder().retain_events(RETAINED), &server.url()).await;
    let (hub, start) = (&node.hub, Instant::now());
    let publish = async |name: &str, count: usize| {
        let before = hub.stats().published;
        for n in 0..count {
            to(hub, &format!("{name} {n}")).publish(&event(start)).await.unwrap();
        }
        let all = before + count as u64;
        until("all are here", || hub.stats().published == all).await;
    };
    // Connections and buffers are allocated before.
    publish("warm", 1).await;
    let before = allocations::count().live;
    publish("name", RETAINED - 1).await;
    let bytes = allocations::count().live - before;
    let stats = hub.stats();
    assert_eq!(stats.retained, RETAINED);
    let redis: i64 = server.run(&["MEMORY", "USAGE", "orders", "SAMPLES", "0"]).await;
    println!("| {what} | {bytes} | {} | {redis} |", stats.retained_bytes);
}
