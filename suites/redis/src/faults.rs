//! The faults, each with two servers that publish, and clients that stay or move between them.

use std::{fmt, fs, path::Path, time::Duration};

use sse_hub::{Hub, HubBuilder};
use tokio::time::sleep;

use crate::{
    check::{Verdict, agree, judge},
    client::{Reading, Stop},
    cluster::Cluster,
    load::{Outcomes, publish_surely, publisher},
    node::Node,
    proxy::Proxy,
    server::Server,
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
    /// The verdicts on the two clients that stay, and on the one that moves.
    pub stay: Verdict,
    pub moves: Verdict,
    pub agree: bool,
    /// The number of acknowledged events that Redis may have lost before any reader saw them.
    pub may_be_lost: usize,
}

impl Row {
    /// # Panics
    ///
    /// An event was lost silently, came twice, or came in another order.
    pub fn check(&self) {
        for verdict in [self.stay, self.moves] {
            let lost = verdict.lost_silently;
            let (verdict, may_be_lost) =
                (Verdict { lost_silently: 0, ..verdict }, 2 * self.may_be_lost);
            assert!(verdict.is_good() && lost <= may_be_lost, "{self:#?}");
        }
        assert!(self.agree, "{self:#?}");
        assert!(self.acknowledged > 0, "{self:#?}");
    }
}

pub const HEAD: &str = "| fault | times | acknowledged | not appended | unknown, of these received \
    | received by two clients | gaps told | lost in a gap | lost silently | twice or out of order |\n\
    |---|---|---|---|---|---|---|---|---|---|";

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fault, cycles, acknowledged, not_appended, unknown, stay, moves, .. } = self;
        let Verdict { received, gaps, lost_in_gaps, unknown_received, .. } = stay;
        let silent = stay.lost_silently + moves.lost_silently;
        let wrong = [stay, moves].map(|verdict| verdict.repeated + verdict.out_of_order);
        let wrong = wrong[0] + wrong[1] + usize::from(!self.agree);
        write!(
            f,
            "| {fault} | {cycles} | {acknowledged} | {not_appended} | {unknown}, {} \
             | {received} | {gaps} | {lost_in_gaps} | {silent} | {wrong} |",
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

/// Runs the load on one Redis, with the fault this many times.
async fn run(
    fault: &'static str,
    cycles: usize,
    args: &[&str],
    builder: HubBuilder,
    action: impl AsyncFnMut(Scene<'_>),
) -> Option<Row> {
    Some(run_on(Server::start(args)?, fault, cycles, builder, action).await)
}

async fn run_on(
    mut server: Server,
    fault: &'static str,
    cycles: usize,
    builder: HubBuilder,
    mut action: impl AsyncFnMut(Scene<'_>),
) -> Row {
    let proxies = ["a", "b"].map(|name| Proxy::new(&server.socket(), name));
    let urls = [proxies[0].url(), proxies[1].url()];
    load(fault, cycles, &urls, builder, async |hubs| {
        action(Scene { server: &mut server, proxies: &proxies, hubs }).await;
    })
    .await
}

/// Runs the load with two hubs, with the fault this many times.
async fn load(
    fault: &'static str,
    cycles: usize,
    urls: &[String; 2],
    builder: HubBuilder,
    mut action: impl AsyncFnMut(&[Hub]),
) -> Row {
    let mut nodes = Vec::new();
    for url in urls {
        nodes.push(Node::live(builder.clone(), url).await);
    }
    let hubs: Vec<_> = nodes.iter().map(|node| node.hub.clone()).collect();
    let stay = [0, 1].map(|n| Reading::start(&hubs[n..=n], None, END));
    let moves = Reading::start(&hubs, Some(50), END);
    let stop = Stop::default();
    // The clients are connected before the first event, so they must get all events.
    sleep(Duration::from_millis(100)).await;
    let publishers: Vec<_> = (0..4)
        .map(|n| publisher(&hubs[n % 2], format!("{n}:"), Duration::from_millis(2), &stop))
        .collect();
    for _ in 0..cycles {
        sleep(Duration::from_millis(500)).await;
        action(&hubs).await;
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
    publish_surely(&hubs[0], END).await;
    let [one, two] = stay;
    let (one, two, other) = (one.end().await, two.end().await, moves.end().await);
    let mut stay = judge(&one.seen, &outcomes);
    stay.add(judge(&two.seen, &outcomes));
    let agree = agree(&one.seen, &two.seen) && agree_or_gap(&one.seen, &other.seen);
    Row {
        fault,
        cycles,
        acknowledged: outcomes.acknowledged.len(),
        not_appended: outcomes.not_appended.len(),
        unknown: outcomes.unknown.len(),
        stay,
        moves: judge(&other.seen, &outcomes),
        agree,
        may_be_lost: 0,
    }
}

/// After a gap, a client may get the retained events from their beginning.
fn agree_or_gap(one: &[crate::Seen], other: &[crate::Seen]) -> bool {
    other.split(|seen| matches!(seen, crate::Seen::Gap { .. })).all(|between| agree(one, between))
}

fn roomy() -> HubBuilder {
    Hub::builder().retain_events(10_000)
}

async fn kill(fault: &'static str, cycles: usize, args: &[&str]) -> Option<Row> {
    run(fault, cycles, args, roomy(), async |scene| {
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
    kill("kill -9, no persistence", cycles, &["--appendonly", "no"]).await
}

pub async fn killed_with_aof_every_second(cycles: usize) -> Option<Row> {
    let args = ["--appendonly", "yes", "--appendfsync", "everysec"];
    kill("kill -9, AOF every second", cycles, &args).await
}

pub async fn killed_with_aof_always(cycles: usize) -> Option<Row> {
    let args = ["--appendonly", "yes", "--appendfsync", "always"];
    kill("kill -9, AOF always", cycles, &args).await
}

pub async fn frozen(cycles: usize) -> Option<Row> {
    run("Redis frozen for 3 s (SIGSTOP)", cycles, &[], roomy(), async |scene| {
        scene.server.signal("STOP");
        sleep(Duration::from_secs(3)).await;
        scene.server.signal("CONT");
        all_live(scene.hubs).await;
    })
    .await
}

pub async fn frozen_for_long(cycles: usize) -> Option<Row> {
    run("Redis frozen for 10 s (SIGSTOP)", cycles, &[], roomy(), async |scene| {
        scene.server.signal("STOP");
        sleep(Duration::from_secs(10)).await;
        scene.server.signal("CONT");
        all_live(scene.hubs).await;
    })
    .await
}

pub async fn cut(cycles: usize) -> Option<Row> {
    run("connections cut", cycles, &[], roomy(), async |scene| {
        for proxy in scene.proxies {
            proxy.cut();
            sleep(Duration::from_millis(100)).await;
        }
        all_live(scene.hubs).await;
    })
    .await
}

pub async fn delayed(cycles: usize) -> Option<Row> {
    run("network delayed by 200 ms, then cut", cycles, &[], roomy(), async |scene| {
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
    run("FLUSHALL", cycles, &[], roomy(), async |scene| {
        scene.server.run::<()>(&["FLUSHALL"]).await;
        sleep(Duration::from_millis(200)).await;
    })
    .await
}

pub async fn trimmed(cycles: usize) -> Option<Row> {
    let builder = Hub::builder().retain_events(100);
    run("trimmed faster than a stalled reader reads", cycles, &[], builder, async |scene| {
        scene.proxies[1].delay(Duration::from_millis(1_500));
        sleep(Duration::from_secs(3)).await;
        scene.proxies[1].delay(Duration::ZERO);
        sleep(Duration::from_millis(500)).await;
    })
    .await
}

pub async fn restored(cycles: usize) -> Option<Row> {
    let args = ["--appendonly", "yes", "--appendfsync", "always"];
    run("an older log restored", cycles, &args, roomy(), async |scene| {
        let older = scene.server.directory().join("older");
        copy(scene.server.directory(), &older);
        sleep(Duration::from_millis(300)).await;
        scene.server.kill();
        for name in AOF {
            let now = scene.server.directory().join(name);
            let _ = fs::remove_dir_all(&now);
            let _ = fs::remove_file(&now);
        }
        copy(&older, scene.server.directory());
        fs::remove_dir_all(&older).unwrap();
        scene.server.restart();
        all_live(scene.hubs).await;
    })
    .await
}

/// The AOF is a directory since Redis 7, and was a file before.
const AOF: [&str; 2] = ["appendonlydir", "appendonly.aof"];

/// Copies the AOF.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in AOF {
        let (from, to) = (from.join(name), to.join(name));
        if from.is_dir() {
            fs::create_dir_all(&to).unwrap();
            for file in fs::read_dir(&from).unwrap() {
                let file = file.unwrap();
                fs::copy(file.path(), to.join(file.file_name())).unwrap();
            }
        } else if from.exists() {
            fs::copy(from, to).unwrap();
        }
    }
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
    let row = run_on(first, fault, cycles, roomy(), async |scene| {
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
    mut action: impl AsyncFnMut(&mut Cluster),
) -> Option<Row> {
    let mut cluster = Cluster::start(has_replicas).await?;
    let (owner, urls) = (cluster.owner().await, cluster.urls());
    let urls = [urls[owner].clone(), urls[(owner + 1) % 3].clone()];
    let row = load(fault, cycles, &urls, roomy(), async |hubs| {
        action(&mut cluster).await;
        all_live(hubs).await;
    });
    Some(row.await)
}

pub async fn moved_in_a_cluster(cycles: usize) -> Option<Row> {
    cluster("cluster: the stream moved to another server", cycles, false, async |cluster| {
        cluster.move_stream(Duration::from_secs(1)).await;
    })
    .await
}

pub async fn handed_over_in_a_cluster(cycles: usize) -> Option<Row> {
    cluster("cluster: handed over to the replica", cycles, true, async |cluster| {
        cluster.change_owner().await;
    })
    .await
}

pub async fn killed_in_a_cluster(cycles: usize) -> Option<Row> {
    let fault = "cluster: kill -9, the replica takes over";
    let row = cluster(fault, cycles, true, async |cluster| cluster.lose_owner().await).await?;
    // One for each time: acknowledged, but not yet passed on to the replica and the readers.
    Some(Row { may_be_lost: cycles, ..row })
}

pub async fn out_of_memory(cycles: usize) -> Option<Row> {
    run("out of memory (noeviction)", cycles, &[], roomy(), async |scene| {
        scene.server.run::<()>(&["CONFIG", "SET", "maxmemory", "1"]).await;
        sleep(Duration::from_millis(300)).await;
        scene.server.run::<()>(&["CONFIG", "SET", "maxmemory", "0"]).await;
    })
    .await
}
