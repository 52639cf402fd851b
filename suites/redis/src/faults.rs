//! The faults, each with two servers that publish, and clients that stay or move between them.

use std::{fmt, fs, time::Duration};

use sse_hub::Hub;
use tokio::time::sleep;

use crate::{
    aof,
    check::{Loss, Oracle, Rule, Truth, Verdict},
    client::{Reading, Stop},
    cluster::Cluster,
    load::{Outcomes, publish_surely, publisher},
    node::{Node, STREAM},
    now,
    proxy::Proxy,
    server::{Server, Snapshot},
};

const END: &str = "the end";

/// One line of the table.
#[derive(Debug)]
pub struct Row {
    pub fault: &'static str,
    pub cycles: usize,
    pub acknowledged: usize,
    pub not_appended: usize,
    pub unknown: usize,
    /// The verdicts on the two clients that stay, on the one that moves, and on ids and outcomes.
    pub stay: Verdict,
    pub moves: Verdict,
    pub all: Verdict,
}

impl Row {
    /// # Panics
    ///
    /// A promise was broken, or more was lost unread than one event each time.
    pub fn check(&self) {
        for verdict in [&self.stay, &self.moves, &self.all] {
            assert!(verdict.breaches.is_empty(), "{}: {:#?}", self.fault, verdict.breaches);
            assert!(verdict.lost_unread <= 2 * self.cycles, "{self:#?}");
        }
        assert!(self.acknowledged > 0, "{self:#?}");
    }
}

pub const HEAD: &str = "| fault | times | acknowledged | not appended | unknown, of these received \
    | received by two clients | gaps told | lost in a gap | lost unread | lost silently \
    | twice or out of order |\n|---|---|---|---|---|---|---|---|---|---|---|";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, cycles, acknowledged, not_appended, unknown, stay, .. } = self;
        let Verdict { received, gaps, lost_in_gaps, unknown_received, .. } = stay;
        let all = [stay, &self.moves, &self.all];
        let unread: usize = all.iter().map(|verdict| verdict.lost_unread).sum();
        let count = |rules: &[Rule]| all.iter().map(|verdict| verdict.count(rules)).sum::<usize>();
        let silent = count(&[Rule::NoSilentLoss]);
        let wrong = count(&[Rule::Once, Rule::Order, Rule::Identity]);
        write!(
            f,
            "| {fault} | {cycles} | {acknowledged} | {not_appended} | {unknown}, {} \
             | {received} | {gaps} | {lost_in_gaps} | {unread} | {silent} | {wrong} |",
            unknown_received / 2
        )
    }
}

/// The servers and proxies that a fault acts on.
#[derive(Debug)]
pub struct Scene<'a> {
    pub server: &'a mut Server,
    pub proxies: &'a [Proxy],
    pub hubs: &'a [Hub],
}

/// Whether the log may lose entries in a fault.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Log {
    Keeps,
    MayLose,
    /// It keeps fewer entries than there are events.
    Trims,
}

/// Runs the load on one Redis, with the fault this many times.
async fn run(
    fault: &'static str,
    cycles: usize,
    args: &[&str],
    log: Log,
    action: impl AsyncFnMut(Scene<'_>),
) -> Option<Row> {
    Some(run_on(Server::start(args)?, fault, cycles, log, action).await)
}

async fn run_on(
    mut server: Server,
    fault: &'static str,
    cycles: usize,
    log: Log,
    mut action: impl AsyncFnMut(Scene<'_>),
) -> Row {
    let proxies = ["a", "b"].map(|name| Proxy::new(&server.socket(), name));
    let urls = [proxies[0].url(), proxies[1].url()];
    load(fault, cycles, &urls, log, async |hubs| {
        if let Some(hubs) = hubs {
            action(Scene { server: &mut server, proxies: &proxies, hubs }).await;
        }
        server.snapshot(STREAM).await
    })
    .await
}

/// Runs the load with two hubs, with the fault this many times: an action on the hubs, or none,
/// that gives the log as it then is.
async fn load(
    fault: &'static str,
    cycles: usize,
    urls: &[String; 2],
    log: Log,
    mut action: impl AsyncFnMut(Option<&[Hub]>) -> Snapshot,
) -> Row {
    let retain = if log == Log::Trims { 100 } else { 100_000 };
    let builder = Hub::builder().retain_events(retain).retain_bytes(64 << 20);
    let mut nodes = Vec::new();
    for url in urls {
        nodes.push(Node::live(builder.clone(), url).await);
    }
    let hubs: Vec<_> = nodes.iter().map(|node| node.hub.clone()).collect();
    let numbered: Vec<_> = hubs.iter().cloned().enumerate().collect();
    let stay = [0, 1].map(|n| Reading::start(&numbered[n..=n], None, END));
    let moves = Reading::start(&numbered, Some(50), END);
    let stop = Stop::default();
    // The clients are connected before the first event, so they must get all events.
    sleep(Duration::from_millis(100)).await;
    let publishers: Vec<_> = (0..4)
        .map(|n| publisher(&hubs[n % 2], format!("{n}:"), Duration::from_millis(2), &stop))
        .collect();
    let mut losses = Vec::new();
    for _ in 0..cycles {
        sleep(Duration::from_millis(500)).await;
        let began = now();
        let after = action(Some(&hubs)).await;
        if log == Log::MayLose {
            losses.push(Loss { began, after });
        }
    }
    sleep(Duration::from_millis(500)).await;
    stop.set();
    let mut outcomes = Outcomes::default();
    for publisher in publishers {
        outcomes.add(publisher.await.unwrap());
    }
    for node in &nodes {
        node.is_live().await;
    }
    outcomes.add(publish_surely(&hubs[0], END).await);
    let mut clients = Vec::new();
    for reading in stay.into_iter().chain([moves]) {
        clients.push(reading.end().await.record);
    }
    let is_trimmed = log == Log::Trims;
    let truth = Truth { outcomes, losses, log: action(None).await, is_trimmed };
    let oracle = Oracle::new(&truth, &clients);
    let mut stay = oracle.judge(&clients[0]);
    stay.add(oracle.judge(&clients[1]));
    let moves = oracle.judge(&clients[2]);
    let all = oracle.verdict;
    let Outcomes { acknowledged, not_appended, unknown, .. } = &truth.outcomes;
    let [acknowledged, not_appended, unknown] =
        [acknowledged.len(), not_appended.len(), unknown.len()];
    Row { fault, cycles, acknowledged, not_appended, unknown, stay, moves, all }
}

async fn kill(fault: &'static str, cycles: usize, args: &[&str], log: Log) -> Option<Row> {
    run(fault, cycles, args, log, async |scene| {
        scene.server.kill();
        sleep(Duration::from_millis(300)).await;
        scene.server.restart();
        all_live(scene.hubs).await;
    })
    .await
}

async fn all_live(hubs: &[Hub]) {
    // The hub may not have noticed the lost connection yet.
    sleep(Duration::from_millis(300)).await;
    for hub in hubs {
        hub.live().await;
    }
}

pub async fn killed_without_aof(cycles: usize) -> Option<Row> {
    kill("kill -9, no persistence", cycles, &["--appendonly", "no"], Log::MayLose).await
}

pub async fn killed_with_aof_every_second(cycles: usize) -> Option<Row> {
    let args = ["--appendonly", "yes", "--appendfsync", "everysec"];
    kill("kill -9, AOF every second", cycles, &args, Log::MayLose).await
}

pub async fn killed_with_aof_always(cycles: usize) -> Option<Row> {
    let args = ["--appendonly", "yes", "--appendfsync", "always"];
    kill("kill -9, AOF always", cycles, &args, Log::Keeps).await
}

pub async fn frozen(cycles: usize) -> Option<Row> {
    run("Redis frozen for 3 s (SIGSTOP)", cycles, &[], Log::Keeps, async |scene| {
        scene.server.signal("STOP");
        sleep(Duration::from_secs(3)).await;
        scene.server.signal("CONT");
        all_live(scene.hubs).await;
    })
    .await
}

pub async fn frozen_for_long(cycles: usize) -> Option<Row> {
    run("Redis frozen for 10 s (SIGSTOP)", cycles, &[], Log::Keeps, async |scene| {
        scene.server.signal("STOP");
        sleep(Duration::from_secs(10)).await;
        scene.server.signal("CONT");
        all_live(scene.hubs).await;
    })
    .await
}

pub async fn cut(cycles: usize) -> Option<Row> {
    run("connections cut", cycles, &[], Log::Keeps, async |scene| {
        for proxy in scene.proxies {
            proxy.cut();
            sleep(Duration::from_millis(100)).await;
        }
        all_live(scene.hubs).await;
    })
    .await
}

pub async fn delayed(cycles: usize) -> Option<Row> {
    run("network delayed by 200 ms, then cut", cycles, &[], Log::Keeps, async |scene| {
        for proxy in scene.proxies {
            proxy.delay(Duration::from_millis(200));
        }
        sleep(Duration::from_secs(1)).await;
        for proxy in scene.proxies {
            proxy.cut();
            proxy.delay(Duration::ZERO);
        }
        all_live(scene.hubs).await;
    })
    .await
}

pub async fn flushed(cycles: usize) -> Option<Row> {
    run("FLUSHALL", cycles, &[], Log::MayLose, async |scene| {
        scene.server.run::<()>(&["FLUSHALL"]).await;
        sleep(Duration::from_millis(200)).await;
    })
    .await
}

pub async fn trimmed(cycles: usize) -> Option<Row> {
    run("trimmed faster than a stalled reader reads", cycles, &[], Log::Trims, async |scene| {
        scene.proxies[1].delay(Duration::from_millis(1_500));
        sleep(Duration::from_secs(3)).await;
        scene.proxies[1].delay(Duration::ZERO);
        sleep(Duration::from_millis(500)).await;
    })
    .await
}

pub async fn restored(cycles: usize) -> Option<Row> {
    let args = ["--appendonly", "yes", "--appendfsync", "always"];
    run("an older log restored", cycles, &args, Log::MayLose, async |scene| {
        let older = scene.server.directory().join("older");
        aof::copy(scene.server.directory(), &older);
        sleep(Duration::from_millis(300)).await;
        scene.server.kill();
        aof::remove(scene.server.directory());
        aof::copy(&older, scene.server.directory());
        fs::remove_dir_all(&older).unwrap();
        scene.server.restart();
        all_live(scene.hubs).await;
    })
    .await
}

/// A replica that has stopped replicating becomes the primary.
///
/// # Panics
///
/// The replica does not replicate.
pub async fn failed_over(cycles: usize) -> Option<Row> {
    let args = ["--repl-diskless-sync-delay", "0"];
    let (first, mut primary_port) = Server::start_on_port("--port", 0, &args)?;
    let mut gone = Vec::new();
    let fault = "failover to a replica that lags";
    let row = run_on(first, fault, cycles, Log::MayLose, async |scene| {
        let of = ["--replicaof", "127.0.0.1", &primary_port.to_string()];
        let (replica, port) =
            Server::start_on_port("--port", 0, &[&args[..], &of].concat()).unwrap();
        replica.follows().await;
        sleep(Duration::from_millis(300)).await;
        replica.run::<()>(&["REPLICAOF", "NO", "ONE"]).await;
        sleep(Duration::from_millis(200)).await;
        scene.server.kill();
        for proxy in scene.proxies {
            proxy.lead_to(&replica.socket());
        }
        // The server's directory has the proxies' sockets.
        gone.push(std::mem::replace(scene.server, replica));
        primary_port = port;
        all_live(scene.hubs).await;
    });
    Some(row.await)
}

/// Runs the load on a cluster. One hub's URL names the stream's server, the other hub's another.
async fn cluster(
    fault: &'static str,
    cycles: usize,
    has_replicas: bool,
    log: Log,
    mut action: impl AsyncFnMut(&mut Cluster),
) -> Option<Row> {
    let mut cluster = Cluster::start(has_replicas).await?;
    let (owner, urls) = (cluster.owner().await, cluster.urls());
    let urls = [urls[owner].clone(), urls[(owner + 1) % 3].clone()];
    let row = load(fault, cycles, &urls, log, async |hubs| {
        if let Some(hubs) = hubs {
            action(&mut cluster).await;
            all_live(hubs).await;
        }
        cluster.snapshot().await
    });
    Some(row.await)
}

pub async fn moved_in_a_cluster(cycles: usize) -> Option<Row> {
    cluster(
        "cluster: the stream moved to another server",
        cycles,
        false,
        Log::Keeps,
        async |cluster| {
            cluster.move_stream(Duration::from_secs(1)).await;
        },
    )
    .await
}

pub async fn handed_over_in_a_cluster(cycles: usize) -> Option<Row> {
    cluster("cluster: handed over to the replica", cycles, true, Log::Keeps, async |cluster| {
        cluster.change_owner().await;
    })
    .await
}

pub async fn killed_in_a_cluster(cycles: usize) -> Option<Row> {
    let fault = "cluster: kill -9, the replica takes over";
    // An event may be acknowledged and not yet passed on to the replica and the readers.
    cluster(fault, cycles, true, Log::MayLose, async |cluster| cluster.lose_owner().await).await
}

pub async fn out_of_memory(cycles: usize) -> Option<Row> {
    run("out of memory (noeviction)", cycles, &[], Log::Keeps, async |scene| {
        scene.server.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await;
        sleep(Duration::from_millis(300)).await;
        scene.server.run::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await;
    })
    .await
}
