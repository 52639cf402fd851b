//! Random faults on a real server, with hubs, publishers and clients, and an [oracle](crate::check).
//!
//! A seed gives a [`Script`]: the hubs, the clients, and the faults with their times. The times are
//! those of a real clock, so a seed repeats the script, and not the order in which servers, hubs and
//! clients take their steps.

use std::{fmt, fs, time::Duration};

use futures_util::{FutureExt, StreamExt, stream};
use redis::{Cmd, Value};
use sse_hub::{Hub, Subscriber};
use tokio::{
    sync::watch,
    task::JoinHandle,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    Node, Proxy, Server, aof,
    check::{Breach, Loss, Oracle, Truth, Verdict},
    client::{Client, Record, Stop},
    load::{Outcomes, publish_surely_to, publish_to},
    node::STREAM,
    now,
    server::line,
};

const END: &str = "the end";
const TOPICS: [&str; 3] = ["a", "b", "c"];
/// Each client has the last event this long after the faults.
const LIVENESS: Duration = Duration::from_secs(30);
/// How many runs go at once: most of the time they wait.
const AT_ONCE: usize = 6;

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The server is killed, and a hub may start again meanwhile.
    Kill {
        down: u64,
        file: File,
        restarts: Option<usize>,
    },
    FailOver {
        lag: u64,
        restarts: Option<usize>,
    },
    RestartHub {
        hub: usize,
    },
    // The server stands still.
    Freeze {
        time: u64,
    },
    Pause {
        time: u64,
    },
    // The network.
    Cut {
        hub: usize,
    },
    CutAll,
    Delay {
        hub: usize,
        by: u64,
        time: u64,
    },
    // It takes no events.
    OutOfMemory {
        time: u64,
    },
    RefuseWrites {
        time: u64,
    },
    // It loses events.
    Flush,
    Delete,
    Evict {
        time: u64,
    },
    /// Another program appends, deletes, and appends again, at once.
    Rewrite {
        events: u64,
    },
    /// The same one by one, so that a hub can read the first event, and then start again.
    Reissue {
        times: u64,
        restarts: Option<usize>,
    },
    /// Only where the log is short.
    Trim {
        keep: u64,
    },
}

/// The server's file, when it starts again.
#[derive(Clone, Copy, Debug)]
enum File {
    Whole,
    Empty,
    WithoutTail {
        bytes: u64,
    },
    /// As it was so long before.
    Older {
        age: u64,
    },
}

impl Fault {
    const fn may_lose(self) -> bool {
        match self {
            Self::Kill { file, .. } => !matches!(file, File::Whole),
            Self::FailOver { .. }
            | Self::Flush
            | Self::Delete
            | Self::Evict { .. }
            | Self::Rewrite { .. }
            | Self::Reissue { .. } => true,
            _ => false,
        }
    }
}

#[derive(Clone, Debug)]
struct Plan {
    topics: Vec<&'static str>,
    /// Its first hub.
    hub: usize,
    /// After some frames it goes to any hub, if it moves at all. The first frame may bring nothing.
    frames: Option<u64>,
    /// The longest pauses before it subscribes, before its first poll, and after each frame.
    pauses: [u64; 3],
}

/// All that a seed determines.
#[derive(Debug)]
pub struct Script {
    hubs: usize,
    retain: usize,
    clients: Vec<Plan>,
    /// Each fault, and the time before it.
    faults: Vec<(u64, Fault)>,
}

impl Script {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut draws = Draws(seed);
        let hubs = 2 + draws.below(2) as usize;
        let kind = draws.below(6);
        let (is_short, is_gentle) = (kind == 0, kind == 1);
        let clients = (0..6).map(|n| plan(&mut draws, n, hubs)).collect();
        let faults = (0..3 + draws.below(4)).map(|_| {
            let pause = draws.below(400);
            loop {
                let fault = fault(&mut draws, hubs);
                let fits = match fault {
                    Fault::Trim { .. } => is_short,
                    fault => !(fault.may_lose() && (is_short || is_gentle)),
                };
                if fits {
                    return (pause, fault);
                }
            }
        });
        let faults = faults.collect();
        Self { hubs, retain: if is_short { 100 } else { 100_000 }, clients, faults }
    }

    const fn is_short(&self) -> bool {
        self.retain < 1_000
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} hubs that retain {} events", self.hubs, self.retain)?;
        for (n, plan) in self.clients.iter().enumerate() {
            writeln!(f, "client {n}: {plan:?}")?;
        }
        self.faults.iter().try_for_each(|(pause, fault)| writeln!(f, "{pause} ms, {fault:?}"))
    }
}

fn plan(draws: &mut Draws, number: usize, hubs: usize) -> Plan {
    let topics = match draws.below(6) {
        0 => vec!["a"],
        1 => vec!["c"],
        2 => vec!["b", "c"],
        _ => TOPICS.to_vec(),
    };
    let mut pause = |most| if draws.below(3) == 0 { 1 + draws.below(most) } else { 0 };
    let pauses = [pause(200), pause(100), pause(20)];
    let frames = (number >= hubs).then(|| 2 + draws.below(60));
    Plan { topics, hub: number % hubs, frames, pauses }
}

fn fault(draws: &mut Draws, hubs: usize) -> Fault {
    let hub = draws.below(hubs as u64) as usize;
    let restarts = (draws.below(2) == 0).then_some(hub);
    let time = 30 + draws.below(500);
    let kill = |file| Fault::Kill { down: time, file, restarts };
    match draws.below(25) {
        0 | 1 => kill(File::Whole),
        2 => kill(File::Empty),
        3 | 4 => kill(File::WithoutTail { bytes: 1 + draws.below(3_000) }),
        5 | 6 => kill(File::Older { age: draws.below(500) }),
        7 => Fault::FailOver { lag: draws.below(200), restarts },
        8 | 9 => Fault::RestartHub { hub },
        10 => Fault::Freeze { time },
        11 => Fault::Pause { time },
        12 | 13 => Fault::Cut { hub },
        14 => Fault::CutAll,
        15 | 16 => Fault::Delay { hub, by: 10 + draws.below(300), time },
        17 => Fault::OutOfMemory { time },
        18 => Fault::RefuseWrites { time },
        19 => Fault::Flush,
        20 => Fault::Delete,
        21 => Fault::Evict { time },
        22 => Fault::Rewrite { events: 1 + draws.below(4) },
        23 => Fault::Reissue { times: 1 + draws.below(6), restarts },
        _ => Fault::Trim { keep: draws.below(100) },
    }
}

/// A generator of numbers (splitmix64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ mixed >> 31) >> 33) % most
    }

    /// Sleeps for less than this many milliseconds.
    async fn pause(&mut self, most: u64) {
        if most > 0 {
            sleep(Duration::from_millis(self.below(most))).await;
        }
    }
}

/// A hub and its number, another one each time that it starts.
type Numbered = (usize, Hub);

/// A hub that is replaced when it starts again.
struct Place {
    proxy: Proxy,
    node: Node,
    current: watch::Sender<Numbered>,
}

struct World {
    retain: usize,
    server: Server,
    /// Former servers. The directory of the first one has the proxies' sockets.
    former: Vec<Server>,
    places: Vec<Place>,
    /// The number of hubs that were started.
    started: usize,
    /// Clients that hear all that a hub reads.
    witnesses: Vec<JoinHandle<Client>>,
    foreign: Vec<(String, String)>,
}

impl World {
    async fn new(script: &Script) -> Option<Self> {
        let server = Self::server()?;
        let (retain, former, places) = (script.retain, Vec::new(), Vec::new());
        let (witnesses, foreign) = (Vec::new(), Vec::new());
        let mut world = Self { retain, server, former, places, started: 0, witnesses, foreign };
        for n in 0..script.hubs {
            let proxy = Proxy::new(&world.server.socket(), &n.to_string());
            let (node, client, subscriber) = world.start_hub(&proxy.url());
            let current = watch::Sender::new((client.hub, node.hub.clone()));
            world.witnesses.push(tokio::spawn(witness(client, subscriber, current.subscribe())));
            world.places.push(Place { proxy, node, current });
        }
        for place in &world.places {
            place.node.is_live().await;
        }
        Some(world)
    }

    /// A server that loses nothing when it is killed.
    fn server() -> Option<Server> {
        let args = ["--appendonly", "yes", "--appendfsync", "always"];
        let args = [&args[..], &["--repl-diskless-sync-delay", "0"]].concat();
        Some(Server::start_on_port("--port", 0, &args)?.0)
    }

    /// A hub, and a client that hears all that it reads.
    fn start_hub(&mut self, url: &str) -> (Node, Client, Subscriber) {
        let builder = Hub::builder().retain_events(self.retain).retain_bytes(64 << 20);
        let (hub, driver) = builder.redis(url, STREAM).unwrap();
        let mut client = Client { hub: self.started, ..Client::default() };
        client.record.topics = TOPICS.to_vec();
        self.started += 1;
        let subscriber = client.subscribe(&hub);
        (Node::spawn(hub, driver), client, subscriber)
    }

    fn hubs(&self) -> Vec<watch::Receiver<Numbered>> {
        self.places.iter().map(|place| place.current.subscribe()).collect()
    }

    /// Gives the losses that there may have been.
    async fn strike(&mut self, fault: Fault) -> Vec<Loss> {
        let mut losses = Vec::new();
        if let Fault::Reissue { times, restarts } = fault {
            for n in 0..times {
                let began = now();
                self.reissue(n, restarts).await;
                losses.push(self.look(began).await);
            }
            return losses;
        }
        let began = now();
        self.inflict(fault).await;
        if fault.may_lose() {
            losses.push(self.look(began).await);
        }
        losses
    }

    async fn look(&self, began: u64) -> Loss {
        // The snapshot is newer than all entries of this millisecond.
        sleep(Duration::from_millis(2)).await;
        Loss { began, after: self.server.snapshot(STREAM).await }
    }

    async fn inflict(&mut self, fault: Fault) {
        let wait = |time| sleep(Duration::from_millis(time));
        match fault {
            Fault::Kill { down, file, restarts } => {
                let older = self.server.directory().join("older");
                if let File::Older { age } = file {
                    aof::copy(self.server.directory(), &older);
                    wait(age).await;
                }
                self.server.kill();
                restarts.into_iter().for_each(|hub| self.restart_hub(hub));
                let directory = self.server.directory();
                match file {
                    File::Whole => {}
                    File::Empty => aof::remove(directory),
                    File::WithoutTail { bytes } => aof::cut(directory, bytes),
                    File::Older { .. } => {
                        aof::remove(directory);
                        aof::copy(&older, directory);
                        fs::remove_dir_all(&older).unwrap();
                    }
                }
                wait(down).await;
                self.server.restart();
            }
            Fault::FailOver { lag, restarts } => self.fail_over(lag, restarts).await,
            Fault::RestartHub { hub } => self.restart_hub(hub),
            Fault::Freeze { time } => {
                self.server.signal("STOP");
                wait(time).await;
                self.server.signal("CONT");
            }
            Fault::Pause { time } => self.run(&["CLIENT", "PAUSE", &time.to_string()]).await,
            Fault::Cut { hub } => self.places[hub].proxy.cut(),
            Fault::CutAll => self.run(&["CLIENT", "KILL", "TYPE", "normal"]).await,
            Fault::Delay { hub, by, time } => {
                self.places[hub].proxy.delay(Duration::from_millis(by));
                wait(time).await;
                self.places[hub].proxy.delay(Duration::ZERO);
            }
            Fault::OutOfMemory { time } => {
                self.set("maxmemory", "1").await;
                wait(time).await;
                self.set("maxmemory", "0").await;
            }
            Fault::RefuseWrites { time } => {
                self.set("min-replicas-to-write", "1").await;
                wait(time).await;
                self.set("min-replicas-to-write", "0").await;
            }
            Fault::Flush => self.run(&["FLUSHALL"]).await,
            Fault::Delete => self.run(&["DEL", STREAM]).await,
            Fault::Evict { time } => {
                self.set("maxmemory-policy", "allkeys-random").await;
                self.set("maxmemory", "1").await;
                wait(time).await;
                self.set("maxmemory", "0").await;
                self.set("maxmemory-policy", "noeviction").await;
            }
            Fault::Rewrite { events } => self.rewrite(events).await,
            Fault::Reissue { .. } => unreachable!("it has a loss each time"),
            Fault::Trim { keep } => {
                self.run(&["XTRIM", STREAM, "MAXLEN", &keep.to_string()]).await;
            }
        }
    }

    fn foreign_event(&self, n: u64) -> String {
        format!("a/{n}, {}, {}", self.foreign.len(), now())
    }

    async fn run(&self, command: &[&str]) {
        self.server.run::<Value>(command).await;
    }

    async fn set(&self, name: &str, value: &str) {
        self.run(&["CONFIG", "SET", name, value]).await;
    }

    fn restart_hub(&mut self, n: usize) {
        let (node, client, subscriber) = self.start_hub(&self.places[n].proxy.url());
        let Place { current, node: former, .. } = &mut self.places[n];
        current.send_replace((client.hub, node.hub.clone()));
        *former = node;
        self.witnesses.push(tokio::spawn(witness(client, subscriber, current.subscribe())));
    }

    /// The first half is lost before any hub can read it, and has the ids of the second.
    async fn rewrite(&mut self, events: u64) {
        let mut all = redis::pipe();
        all.atomic();
        let events: Vec<_> = (0..2 * events).map(|n| self.foreign_event(n)).collect();
        for (n, event) in events.iter().enumerate() {
            if n == events.len() / 2 {
                all.cmd("DEL").arg(STREAM).ignore();
            }
            all.add_command(append(event));
        }
        let ids: Vec<String> = all.query_async(&mut self.server.connect().await).await.unwrap();
        self.foreign.extend(ids.into_iter().zip(events));
    }

    /// The first event is lost when a hub may have read it. The second often has the same id.
    async fn reissue(&mut self, n: u64, restarts: Option<usize>) {
        let mut connection = self.server.connect().await;
        let events = [2 * n, 2 * n + 1].map(|n| self.foreign_event(n));
        let first: String = append(&events[0]).query_async(&mut connection).await.unwrap();
        let until = std::time::Instant::now() + Duration::from_micros(200);
        while std::time::Instant::now() < until {
            tokio::task::yield_now().await;
        }
        restarts.into_iter().for_each(|hub| self.restart_hub(hub));
        let mut both = redis::pipe();
        both.atomic().cmd("DEL").arg(STREAM).ignore().add_command(append(&events[1]));
        let (second,): (String,) = both.query_async(&mut connection).await.unwrap();
        self.foreign.extend([first, second].into_iter().zip(events));
    }

    /// A replica that has stopped replicating becomes the primary.
    async fn fail_over(&mut self, lag: u64, restarts: Option<usize>) {
        let replica = Self::server().unwrap();
        let port: Vec<String> = self.server.run(&["CONFIG", "GET", "port"]).await;
        replica.run::<()>(&["REPLICAOF", "127.0.0.1", &port[1]]).await;
        replica.follows().await;
        // Otherwise it has no file of its own yet.
        replica.says(&["INFO", "persistence"], &["aof_rewrite_in_progress:0"]).await;
        replica.says(&["INFO", "persistence"], &["aof_rewrite_scheduled:0"]).await;
        replica.run::<()>(&["REPLICAOF", "NO", "ONE"]).await;
        sleep(Duration::from_millis(lag)).await;
        self.server.kill();
        restarts.into_iter().for_each(|hub| self.restart_hub(hub));
        for place in &self.places {
            place.proxy.lead_to(&replica.socket());
        }
        self.former.push(std::mem::replace(&mut self.server, replica));
    }
}

fn append(event: &str) -> Cmd {
    line(&["XADD", STREAM, "*", "data", event, "topic", "a"])
}

/// Reads until the hub is replaced.
async fn witness(
    mut client: Client,
    mut subscriber: Subscriber,
    mut current: watch::Receiver<Numbered>,
) -> Client {
    loop {
        tokio::select! {
            _ = current.changed() => break,
            _ = client.read(&mut subscriber, 1) => {}
        }
        if is_at_end(&client) {
            return client;
        }
    }
    // The hub had read more.
    while client.read(&mut subscriber, 1).now_or_never() == Some(true) {}
    client
}

fn is_at_end(client: &Client) -> bool {
    client.seen.last().is_some_and(|seen| seen.data().starts_with(END))
}

/// A client that stays at its hub's place, or moves, until it has the last event. Once publishing
/// has stopped, it reads on as fast as it can.
async fn follow(
    plan: Plan,
    hubs: Vec<watch::Receiver<Numbered>>,
    mut draws: Draws,
    stop: Stop,
) -> Client {
    let mut client = Client::default();
    client.record.topics = plan.topics;
    let (mut place, mut pauses) = (plan.hub, plan.pauses);
    loop {
        let mut current = hubs[place].clone();
        let (number, hub) = current.borrow_and_update().clone();
        client.hub = number;
        tokio::select! {
            _ = current.changed() => continue,
            () = client.wait_for(&hub) => {}
        }
        draws.pause(pauses[0]).await;
        let mut subscriber = client.subscribe(&hub);
        draws.pause(pauses[1]).await;
        let mut frames = plan.frames.unwrap_or(u64::MAX);
        while frames > 0 {
            let quiet = Duration::from_millis(if plan.frames.is_some() { 200 } else { 60_000 });
            tokio::select! {
                _ = current.changed() => break,
                read = timeout(quiet, client.read(&mut subscriber, 1)) => {
                    if read != Ok(true) {
                        break;
                    }
                }
            }
            if is_at_end(&client) {
                return client;
            }
            if stop.is_set() {
                pauses = [0; 3];
            } else {
                frames -= 1;
            }
            draws.pause(pauses[2]).await;
        }
        if plan.frames.is_some() {
            place = draws.below(hubs.len() as u64) as usize;
        }
    }
}

/// Publishes to any hub until it is stopped.
async fn publish(
    name: usize,
    hubs: Vec<watch::Receiver<Numbered>>,
    pause: u64,
    mut draws: Draws,
    stop: Stop,
) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for n in 0.. {
        if stop.is_set() {
            break;
        }
        let (_, hub) = hubs[draws.below(hubs.len() as u64) as usize].borrow().clone();
        // One topic is quiet.
        let topic = TOPICS[draws.below(40).checked_sub(1).map_or(2, |n| n as usize % 2)];
        publish_to(hub.to(topic), format!("{topic}/{name}:{n}"), &mut outcomes).await;
        draws.pause(pause).await;
    }
    outcomes
}

/// The sums over good runs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Figures {
    pub runs: usize,
    pub faults: usize,
    pub events: usize,
    pub received: usize,
    pub gaps: usize,
    pub lost_in_gaps: usize,
    pub lost_unread: usize,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.runs += other.runs;
        self.faults += other.faults;
        self.events += other.events;
        self.received += other.received;
        self.gaps += other.gaps;
        self.lost_in_gaps += other.lost_in_gaps;
        self.lost_unread += other.lost_unread;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { runs, faults, events, received, gaps, lost_in_gaps, lost_unread } = self;
        write!(
            f,
            "{runs} runs with {faults} faults: {events} events acknowledged, {received} received \
             by clients, {gaps} gaps told, {lost_in_gaps} events lost in them, {lost_unread} lost \
             before a server had read them; 0 lost silently, 0 twice, 0 out of order"
        )
    }
}

/// One run. `None` without a server.
///
/// # Errors
///
/// A rule was broken.
pub async fn run(seed: u64) -> Option<Result<Figures, String>> {
    let script = Script::new(seed);
    let world = World::new(&script).await?;
    Some(match attempt(&script, world, seed).await {
        Ok((figures, breaches)) if breaches.is_empty() => Ok(figures),
        Ok((_, breaches)) => Err(failure(seed, &script, &breaches)),
        Err(text) => Err(failure(seed, &script, &[text])),
    })
}

fn failure(seed: u64, script: &Script, breaches: &[String]) -> String {
    let some = breaches.iter().take(12).map(|breach| format!("\n  {breach}"));
    let (count, some) = (breaches.len(), some.collect::<String>());
    format!("seed {seed}: {count} breaches:{some}\n{script}")
}

async fn attempt(
    script: &Script,
    mut world: World,
    seed: u64,
) -> Result<(Figures, Vec<String>), String> {
    let stop = Stop::default();
    let draws = |n: usize| Draws(seed ^ (n as u64 + 1) << 40);
    let clients: Vec<_> = (script.clients.iter().cloned().enumerate())
        .map(|(n, plan)| tokio::spawn(follow(plan, world.hubs(), draws(n), stop.clone())))
        .collect();
    let pause = if script.is_short() { 2 } else { 4 };
    let publishers: Vec<_> = (0..3)
        .map(|n| tokio::spawn(publish(n, world.hubs(), pause, draws(100 + n), stop.clone())))
        .collect();
    let mut losses = Vec::new();
    for (pause, fault) in &script.faults {
        sleep(Duration::from_millis(*pause)).await;
        losses.extend(world.strike(*fault).await);
    }
    sleep(Duration::from_millis(100)).await;
    stop.set();
    let deadline = Instant::now() + LIVENESS;
    let mut outcomes =
        Outcomes { foreign: std::mem::take(&mut world.foreign), ..Outcomes::default() };
    for publisher in publishers {
        let published = timeout_at(deadline, publisher).await;
        outcomes.add(published.map_err(|_| "a publisher gets no answer")?.unwrap());
    }
    let hub = world.places[0].node.hub.clone();
    let end = publish_surely_to(hub.to_all(&TOPICS), END);
    outcomes.add(timeout_at(deadline, end).await.map_err(|_| "nothing can be published")?);
    let mut records: Vec<Record> = Vec::new();
    for (n, client) in clients.into_iter().enumerate() {
        let client = timeout_at(deadline, client).await;
        let client = client.map_err(|_| format!("client {n} does not hear the last event"))?;
        records.push(client.unwrap().record);
    }
    let count = records.len();
    for witness in std::mem::take(&mut world.witnesses) {
        let witness = timeout_at(deadline, witness).await;
        records.push(witness.map_err(|_| "a hub does not read the last event")?.unwrap().record);
    }
    let log = world.server.snapshot(STREAM).await;
    let truth = Truth { outcomes, losses, log, is_trimmed: script.is_short() };
    Ok(judge(script, &truth, &records, count))
}

fn judge(
    script: &Script,
    truth: &Truth,
    records: &[Record],
    clients: usize,
) -> (Figures, Vec<String>) {
    let oracle = Oracle::new(truth, records);
    let tell = |who: &str, verdict: &Verdict| -> Vec<_> {
        let tell = |Breach { rule, text }: &Breach| format!("{who}: {rule:?}: {text}");
        verdict.breaches.iter().map(tell).collect()
    };
    let mut breaches = tell("all", &oracle.verdict);
    let mut sum = Verdict::default();
    for (n, record) in records[..clients].iter().enumerate() {
        let verdict = oracle.judge(record);
        breaches.extend(tell(&format!("client {n}"), &verdict));
        sum.add(verdict);
    }
    let Verdict { received, gaps, lost_in_gaps, lost_unread, .. } = sum;
    let (faults, events) = (script.faults.len(), truth.outcomes.acknowledged.len());
    (Figures { runs: 1, faults, events, received, gaps, lost_in_gaps, lost_unread }, breaches)
}

/// Runs these seeds, several at once. Prints each failure, and gives the figures of the others, and
/// how many have failed. `None` without a server.
pub async fn run_all(seeds: std::ops::Range<u64>) -> Option<(Figures, usize)> {
    let run = |seed| async move {
        let outcome = tokio::spawn(run(seed)).await;
        outcome.unwrap_or_else(|panic| {
            Some(Err(failure(seed, &Script::new(seed), &[panic.to_string()])))
        })
    };
    let outcomes: Vec<_> = stream::iter(seeds).map(run).buffer_unordered(AT_ONCE).collect().await;
    let (mut figures, mut failed) = (Figures::default(), 0);
    for outcome in outcomes {
        match outcome? {
            Ok(run) => figures.add(&run),
            Err(text) => {
                println!("{text}");
                failed += 1;
            }
        }
    }
    Some((figures, failed))
}
