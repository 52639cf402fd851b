//! A Redis Cluster: three primaries on free ports, each with a replica if wanted.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use redis::{Cmd, Value};
use tokio::time::sleep;

use crate::{
    PATIENCE, Server,
    certificates::tls_args,
    node::STREAM,
    server::{Snapshot, line},
};

const PRIMARIES: usize = 3;
const SLOTS: usize = 16_384;
/// The distance from a server's port to its cluster bus port.
const BUS: u16 = 10_000;

#[derive(Debug)]
pub struct Cluster {
    scheme: &'static str,
    servers: Vec<(Server, u16)>,
    slot: String,
}

/// A slot that moves from one server to another.
#[derive(Clone, Copy, Debug)]
pub struct Move {
    from: usize,
    to: usize,
}

impl Cluster {
    /// Starts a cluster and waits until it serves. `None` if Redis is not installed, nor required.
    ///
    /// # Panics
    ///
    /// It does not start.
    pub async fn start(has_replicas: bool) -> Option<Self> {
        let count = if has_replicas { 2 * PRIMARIES } else { PRIMARIES };
        Self::of("redis", count, "--port", &[]).await
    }

    /// Starts a cluster that speaks only TLS, with the certificates in this directory.
    pub async fn start_with_tls(certificates: &Path) -> Option<Self> {
        let args = tls_args(certificates, "own");
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let args = [&["--tls-cluster", "yes", "--tls-replication", "yes"], &args[..]].concat();
        Self::of("rediss", PRIMARIES, "--tls-port", &args).await
    }

    async fn of(scheme: &'static str, count: usize, of_port: &str, args: &[&str]) -> Option<Self> {
        let mut servers = Vec::new();
        while servers.len() < count {
            let args = [
                &["--cluster-enabled", "yes", "--cluster-announce-ip", "127.0.0.1"][..],
                &["--cluster-node-timeout", "1000", "--cluster-replica-validity-factor", "0"],
                &["--repl-diskless-sync-delay", "0"],
                args,
            ];
            servers.push(Server::start_on_port(of_port, BUS, &args.concat())?);
        }
        let slot: usize = servers[0].0.run(&["CLUSTER", "KEYSLOT", STREAM]).await;
        let cluster = Self { scheme, servers, slot: slot.to_string() };
        cluster.form().await;
        Some(cluster)
    }

    async fn form(&self) {
        for (number, (server, _)) in self.servers.iter().enumerate().take(PRIMARIES) {
            let slots = SLOTS * number / PRIMARIES..SLOTS * (number + 1) / PRIMARIES;
            let mut command = line(&["CLUSTER", "ADDSLOTS"]);
            slots.for_each(|slot| {
                command.arg(slot);
            });
            self.send(server, &command).await;
        }
        for (_, port) in &self.servers[1..] {
            let port = port.to_string();
            self.servers[0].0.run::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port]).await;
        }
        self.all_agree().await;
        for (number, (server, _)) in self.servers.iter().enumerate().skip(PRIMARIES) {
            let primary = self.id(number - PRIMARIES).await;
            server.run::<()>(&["CLUSTER", "REPLICATE", &primary]).await;
            server.follows().await;
        }
    }

    async fn send(&self, server: &Server, command: &Cmd) {
        command.query_async::<()>(&mut server.connect().await).await.unwrap();
    }

    /// Whether all servers know each other, and that every slot is served.
    async fn all_agree(&self) {
        let known = format!("cluster_known_nodes:{}", self.servers.len());
        for (server, _) in &self.servers {
            server.says(&["CLUSTER", "INFO"], &["cluster_state:ok", &known]).await;
        }
    }

    async fn id(&self, number: usize) -> String {
        self.servers[number].0.run(&["CLUSTER", "MYID"]).await
    }

    /// For each server, a URL that names it first, then all others.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        let all: Vec<_> = (0..self.servers.len()).collect();
        (0..all.len()).map(|first| self.url_of(&[&all[first..], &all[..first]].concat())).collect()
    }

    /// A URL that names these servers.
    #[must_use]
    pub fn url_of(&self, servers: &[usize]) -> String {
        let host = |server: &usize| format!("127.0.0.1:{}", self.servers[*server].1);
        let hosts: Vec<_> = servers.iter().map(host).collect();
        format!("{}://{}/", self.scheme, hosts.join(","))
    }

    /// The server that has the stream. After a failure, waits for its replica to take over.
    ///
    /// # Panics
    ///
    /// No server has the stream.
    pub async fn owner(&self) -> usize {
        let found = async {
            loop {
                for (number, (server, _)) in self.servers.iter().enumerate() {
                    if server.is_running() && self.is_owner(server).await {
                        return number;
                    }
                }
                sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, found).await.expect("one of them has the stream")
    }

    pub async fn snapshot(&self) -> Snapshot {
        self.servers[self.owner().await].0.snapshot(STREAM).await
    }

    async fn is_owner(&self, server: &Server) -> bool {
        // All others redirect to it.
        let mut connection = server.connect().await;
        line(&["XLEN", STREAM]).query_async::<usize>(&mut connection).await.is_ok()
    }

    /// Moves the stream to another server, over this time.
    ///
    /// # Panics
    ///
    /// The servers refuse.
    pub async fn move_stream(&self, takes: Duration) {
        let moving = self.begin_move().await;
        sleep(takes / 2).await;
        self.carry(moving).await;
        sleep(takes / 2).await;
        self.end_move(moving).await;
    }

    /// Starts to move the stream's slot. Existing keys stay until they are carried over; new keys
    /// are created on the other server.
    pub async fn begin_move(&self) -> Move {
        let from = self.owner().await;
        let to = (from + 1) % PRIMARIES;
        self.set_slot(to, "IMPORTING", from).await;
        self.set_slot(from, "MIGRATING", to).await;
        Move { from, to }
    }

    pub async fn carry(&self, moving: Move) {
        self.migrate(moving.from, moving.to).await;
    }

    async fn migrate(&self, from: usize, to: usize) {
        let port = self.servers[to].1.to_string();
        // All keys of the slot, of which there may be only the first one.
        let endings = format!("{{{STREAM}}}:endings");
        let command = ["MIGRATE", "127.0.0.1", &port, "", "0", "5000", "KEYS", STREAM, &endings];
        self.servers[from].0.run::<()>(&command).await;
    }

    /// Carries the keys back: the slot stays at its first server. The other server learns that only
    /// from [`end_give_up`](Self::end_give_up).
    pub async fn begin_give_up(&self, Move { from, to }: Move) {
        self.settle(from).await;
        self.migrate(to, from).await;
    }

    pub async fn end_give_up(&self, moving: Move) {
        self.settle(moving.to).await;
    }

    async fn settle(&self, server: usize) {
        let stable = ["CLUSTER", "SETSLOT", &self.slot, "STABLE"];
        self.servers[server].0.run::<()>(&stable).await;
    }

    /// Adds an event at the stream's server.
    pub async fn add(&self, data: &str) {
        let owner = self.owner().await;
        self.servers[owner].0.run::<()>(&["XADD", STREAM, "*", "data", data]).await;
    }

    /// The number of servers with a stream of that name, with or without its slot.
    pub async fn streams(&self) -> usize {
        let mut streams = 0;
        for (server, _) in &self.servers {
            let info: String = server.run(&["INFO", "keyspace"]).await;
            streams += usize::from(info.contains("keys=1"));
        }
        streams
    }

    pub async fn end_move(&self, Move { from, to }: Move) {
        for server in [to, from] {
            self.set_slot(server, "NODE", to).await;
        }
    }

    async fn set_slot(&self, server: usize, state: &str, other: usize) {
        let id = self.id(other).await;
        let command = ["CLUSTER", "SETSLOT", &self.slot, state, &id];
        self.servers[server].0.run::<()>(&command).await;
    }

    /// Takes the stream's slot from all servers.
    pub async fn give_up_slot(&self) {
        for (server, _) in &self.servers {
            server.run::<()>(&["CLUSTER", "DELSLOTS", &self.slot]).await;
        }
    }

    /// Ends the stream's server as `kill -9` does. Once its replica has taken over, starts it again
    /// as the replica.
    ///
    /// # Panics
    ///
    /// It does not.
    pub async fn lose_owner(&mut self) {
        let lost = self.lose_owner_for_good().await;
        self.servers[lost].0.restart();
        self.servers[lost].0.follows().await;
    }

    /// Ends the stream's server, and waits until its replica has taken over.
    ///
    /// # Panics
    ///
    /// It does not.
    pub async fn lose_owner_for_good(&mut self) -> usize {
        let lost = self.owner().await;
        self.servers[lost].0.kill();
        self.owner().await;
        lost
    }

    /// The owner fails and is removed from the cluster: it then has no slots, and knows no other
    /// server.
    ///
    /// # Panics
    ///
    /// No replica takes over.
    pub async fn forget_owner(&self) {
        let owner = self.owner().await;
        let replica = (owner + PRIMARIES) % self.servers.len();
        let mut connection = self.servers[owner].0.connect().await;
        self.servers[owner].0.signal("STOP");
        // It does so as soon as it runs again, before it hears from the others.
        let reset = tokio::spawn(async move {
            let mut both = redis::pipe();
            both.cmd("FLUSHALL").cmd("CLUSTER").arg("RESET").arg("HARD");
            both.query_async::<Value>(&mut connection).await
        });
        let taken_over = async {
            while !self.is_owner(&self.servers[replica].0).await {
                sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, taken_over).await.expect("the replica takes over");
        self.servers[owner].0.signal("CONT");
        reset.await.unwrap().unwrap();
    }

    /// Makes the replica take over while both run.
    ///
    /// # Panics
    ///
    /// It does not.
    pub async fn change_owner(&self) {
        let owner = self.owner().await;
        let replica = (owner + PRIMARIES) % self.servers.len();
        let (owner, replica) = (&self.servers[owner].0, &self.servers[replica].0);
        let changed = async {
            loop {
                // The server may refuse, or give up silently.
                let mut connection = replica.connect().await;
                let failover = line(&["CLUSTER", "FAILOVER"]);
                let _: Result<Value, _> = failover.query_async(&mut connection).await;
                let given_up = Instant::now() + Duration::from_secs(6);
                while Instant::now() < given_up {
                    if owner.is_up_to_date().await && !replica.is_up_to_date().await {
                        return;
                    }
                    sleep(Duration::from_millis(20)).await;
                }
            }
        };
        tokio::time::timeout(PATIENCE, changed).await.expect("the replica takes over");
    }
}
