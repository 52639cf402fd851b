//! The cookbook's program for presence, on two servers with one Redis.

#[allow(dead_code, unused_imports, reason = "a program without its handler")]
mod program {
    include!(concat!(env!("OUT_DIR"), "/presence.rs"));
}

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use futures_util::StreamExt;
use sse_encoder::LastEventId;
use sse_hub::Subscriber;
use test_redis::{Node, Server as Redis};
use tokio::{task::JoinHandle, time};

const GRACE: Duration = Duration::from_millis(500);

/// A server of the service.
struct Server {
    node: Node,
    task: JoinHandle<()>,
}

impl Server {
    async fn start(redis: &Redis, name: &'static str) -> Self {
        let (builder, changes) = program::builder();
        let node = Node::live(builder, &redis.url()).await;
        let task = tokio::spawn(program::announce(node.hub.clone(), name, changes, GRACE));
        Self { node, task }
    }

    /// A tab of this user.
    fn tab(&self, user: &str) -> Subscriber {
        let none = LastEventId::none();
        let mut events = self.node.hub.subscribe_to([&*format!("user:{user}"), "presence"], &none);
        events.begin_with_latest().unwrap();
        events
    }

    /// It can say nothing any more, as after `kill -9`.
    fn kill(self) {
        self.task.abort();
        self.node.drop_driver();
    }
}

async fn servers(redis: &Redis) -> [Server; 2] {
    [Server::start(redis, "one").await, Server::start(redis, "two").await]
}

/// The view of a page: each user, and the server that says so.
#[derive(Default)]
struct Page {
    here: BTreeSet<String>,
    /// The users that were away for a moment.
    flickered: BTreeSet<String>,
    has_gap: bool,
}

impl Page {
    fn users(&self) -> BTreeSet<&str> {
        self.here.iter().filter_map(|entry| entry.split('"').nth(1)).collect()
    }

    fn take(&mut self, frame: &str) {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        let data = field("data: ").unwrap_or_default();
        match field("event: ") {
            Some("here") => _ = self.here.insert(data.into()),
            Some("removed") => {
                self.here.remove(data);
                let user = data.split('"').nth(1).unwrap();
                if !self.users().contains(user) {
                    self.flickered.insert(user.into());
                }
            }
            Some("gap") => self.has_gap = true,
            _ => {}
        }
    }

    /// Reads until the page says so.
    async fn reads(&mut self, events: &mut Subscriber, until: impl Fn(&Self) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(30);
        while !until(self) {
            let left = deadline.saturating_duration_since(Instant::now());
            let frame = time::timeout(left, events.next()).await.expect("an event").unwrap();
            self.take(str::from_utf8(frame.as_bytes()).unwrap());
        }
    }

    /// Reads for this time.
    async fn reads_for(&mut self, events: &mut Subscriber, time: Duration) {
        let _ = time::timeout(time, async {
            while let Some(frame) = events.next().await {
                self.take(str::from_utf8(frame.as_bytes()).unwrap());
            }
        })
        .await;
    }
}

#[tokio::test]
async fn a_user_with_tabs_on_two_servers_is_there_until_the_last_one_is_closed() {
    let Some(redis) = Redis::start(&[]) else { return };
    let [one, two] = servers(&redis).await;
    let (mut ann, mut page) = (one.tab("ann"), Page::default());
    let tabs = [two.tab("bob"), two.tab("bob"), one.tab("bob")];
    page.reads(&mut ann, |page| page.here.len() == 3).await;
    assert_eq!(page.users(), ["ann", "bob"].into());
    let [first, second, third] = tabs;
    // Another one is open on the same server.
    drop(first);
    page.reads_for(&mut ann, 3 * GRACE).await;
    assert_eq!(page.here.len(), 3);
    // On the other server.
    drop(second);
    page.reads(&mut ann, |page| page.here.len() == 2).await;
    assert!(page.users().contains("bob") && page.flickered.is_empty());
    drop(third);
    page.reads(&mut ann, |page| page.users() == ["ann"].into()).await;
}

#[tokio::test]
async fn a_user_who_reconnects_to_another_server_does_not_flicker() {
    let Some(redis) = Redis::start(&[]) else { return };
    let [one, two] = servers(&redis).await;
    let (mut ann, mut page) = (one.tab("ann"), Page::default());
    let mut bob = two.tab("bob");
    page.reads(&mut ann, |page| page.users().contains("bob")).await;
    for server in [&one, &two, &one] {
        drop(bob);
        page.reads_for(&mut ann, GRACE / 5).await;
        bob = server.tab("bob");
        page.reads_for(&mut ann, 3 * GRACE).await;
    }
    assert!(page.users().contains("bob"));
    assert!(page.flickered.is_empty(), "{:?}", page.flickered);
    drop(bob);
}

#[tokio::test]
async fn the_users_of_a_killed_server_expire_and_those_of_others_stay() {
    let Some(redis) = Redis::start(&[]) else { return };
    let [one, two] = servers(&redis).await;
    let (mut ann, mut page) = (one.tab("ann"), Page::default());
    let bob = two.tab("bob");
    page.reads(&mut ann, |page| page.users().contains("bob")).await;
    two.kill();
    drop(bob);
    // Ann is renewed meanwhile.
    page.reads_for(&mut ann, program::EXPIRY + 2 * program::RENEWAL).await;
    assert!(page.flickered.is_empty(), "nobody says that bob has gone");
    let mut state = Page::default();
    let mut late = one.tab("cid");
    state.reads(&mut late, |page| page.users().contains("cid")).await;
    if redis.counts_entries().await {
        assert!(!state.has_gap);
        assert_eq!(state.users(), ["ann", "cid"].into());
    }
}
