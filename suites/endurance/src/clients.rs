//! The clients of a soak: what each does, in a loop, and what it must receive.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tokio::time;

use crate::{
    Result,
    connection::{self, Connection, Options, PATIENCE, SMALL},
    events::{Block, Events},
};

/// The behaviour of a client.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// Reads paced events, is cut off, and resumes.
    Paced,
    /// The same with events that are always ready, most of them in flight when it is cut off.
    Bursting,
    /// Stops reading for some seconds, then reads to the end.
    Stalling,
    /// Waits on a stream of keep-alives.
    Idle,
    /// Reads an event of a mebibyte.
    Giant,
    /// Reads a stream in which an item fails.
    Failing,
    /// Requests an endless stream and disconnects.
    Leaving,
    /// Connects and disconnects without a request.
    Wordless,
}

impl Kind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Paced,
        Self::Bursting,
        Self::Stalling,
        Self::Idle,
        Self::Giant,
        Self::Failing,
        Self::Leaving,
        Self::Wordless,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Paced => "cut off and resuming, paced events",
            Self::Bursting => "cut off and resuming, ready events",
            Self::Stalling => "stalling, then reading on",
            Self::Idle => "idle, kept alive",
            Self::Giant => "an event of a mebibyte",
            Self::Failing => "a stream with an error",
            Self::Leaving => "leaving an endless stream",
            Self::Wordless => "leaving before it has asked",
        }
    }

    /// The number of concurrent clients of this kind.
    pub(crate) fn clients(self) -> usize {
        match self {
            Self::Paced => 100,
            Self::Bursting => 5,
            Self::Stalling => 20,
            Self::Idle => 100,
            Self::Giant => 3,
            Self::Failing => 5,
            Self::Leaving => 20,
            Self::Wordless => 5,
        }
    }
}

#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    fn add(&self, count: u64) {
        self.0.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Default)]
pub(crate) struct Tally {
    pub(crate) connections: Counter,
    pub(crate) events: Counter,
    pub(crate) keep_alives: Counter,
    pub(crate) resumes: Counter,
    pub(crate) bytes: Counter,
    times: [Counter; Kind::ALL.len()],
    failures: [Mutex<Vec<String>>; Kind::ALL.len()],
}

impl Tally {
    /// The completed rounds of all clients of this kind.
    pub(crate) fn times(&self, kind: Kind) -> u64 {
        self.times[kind as usize].get()
    }

    pub(crate) fn failures(&self, kind: Kind) -> Vec<String> {
        self.failures[kind as usize].lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, kind: Kind, result: Result<()>) {
        self.times[kind as usize].add(1);
        if let Err(error) = result {
            let failures = &self.failures[kind as usize];
            failures.lock().unwrap_or_else(PoisonError::into_inner).push(error.to_string());
        }
    }
}

/// State that all clients share.
#[derive(Clone)]
pub(crate) struct Load {
    address: SocketAddr,
    pub(crate) tally: Arc<Tally>,
}

impl Load {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, tally: Arc::default() }
    }

    /// Behaves like such a client, round after round.
    pub(crate) async fn keep_up(self, kind: Kind, index: u64) {
        let mut random = Random(index);
        // Staggered.
        random.pause(Duration::from_secs(2)).await;
        loop {
            let life = time::timeout(PATIENCE, self.live(kind, &mut random));
            let result = life.await.unwrap_or_else(|_| Err("it comes to no end".into()));
            let failed = result.is_err();
            self.tally.note(kind, result);
            if failed {
                // If the server has gone, do not ask a million times.
                time::sleep(Duration::from_secs(1)).await;
            }
        }
    }

    async fn live(&self, kind: Kind, random: &mut Random) -> Result<()> {
        match kind {
            Kind::Paced => self.resume("/count?interval=20&keep_alive=15000", 100, random).await,
            Kind::Bursting => self.resume("/count", 5_000, random).await,
            Kind::Stalling => self.stall(random).await,
            Kind::Idle => self.idle(random).await,
            Kind::Giant => self.giant(random).await,
            Kind::Failing => self.fail(random).await,
            Kind::Leaving => self.leave_endless(random).await,
            Kind::Wordless => self.say_nothing(random).await,
        }
    }

    /// Each event must arrive exactly once, however often the connection is cut.
    async fn resume(&self, path: &str, most: u64, random: &mut Random) -> Result<()> {
        let mut last = None;
        for _ in 0..=random.below(10) {
            let mut events = self.events(path, last, false).await?;
            if last.is_some() {
                self.tally.resumes.add(1);
            }
            for _ in 0..=random.below(most) {
                last = Some(self.counted(&mut events, last).await?);
            }
            self.leave(events, random);
            random.pause(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    async fn stall(&self, random: &mut Random) -> Result<()> {
        const EVENTS: u64 = 10_000;
        let path = format!("/count?max={EVENTS}&then=end");
        let mut events = self.events(&path, None, true).await?;
        let mut last = None;
        let stalls = random.below(EVENTS);
        for n in 0..EVENTS {
            if n == stalls {
                random.pause(Duration::from_secs(5)).await;
            }
            last = Some(self.counted(&mut events, last).await?);
        }
        self.ends(events).await
    }

    async fn idle(&self, random: &mut Random) -> Result<()> {
        let mut events = self.events("/idle?keep_alive=500", None, false).await?;
        events.next().await?.ok_or("a stream has not opened")?;
        for _ in 0..random.below(20) {
            let block = events.next().await?.ok_or("an idle stream has ended")?;
            if block.data.is_some() {
                return Err("an event on an idle stream".into());
            }
            self.tally.keep_alives.add(1);
        }
        self.leave(events, random);
        Ok(())
    }

    async fn giant(&self, random: &mut Random) -> Result<()> {
        const GIANT: usize = 1024 * 1024;
        let mut events = self.events("/giant?max=1", None, false).await?;
        self.event(&mut events).await?;
        random.pause(Duration::from_millis(500)).await;
        connection::get(self.address, "/release").await?;
        let event = self.event(&mut events).await?;
        if event.data.is_none_or(|data| data.len() != GIANT) {
            return Err("an event is not whole".into());
        }
        random.pause(Duration::from_secs(2)).await;
        self.leave(events, random);
        Ok(())
    }

    async fn fail(&self, random: &mut Random) -> Result<()> {
        const REPLACED: &str = "no such item";
        let (policy, expected): (_, &[_]) = match random.below(4) {
            0 => ("skip", &["1", "2", "3", "4"]),
            1 => ("end", &["1", "2"]),
            2 => ("replace", &["1", "2", REPLACED, "3", "4"]),
            _ => ("fail", &["1", "2"]),
        };
        let path = format!("/error?pause=20&policy={policy}");
        let mut events = self.events(&path, None, false).await?;
        for text in expected {
            let event = self.event(&mut events).await?;
            if event.data.as_deref() != Some(text.as_bytes()) {
                return Err(format!("{policy}: something else in place of {text}").into());
            }
        }
        match (policy, events.next_event().await) {
            ("fail", Ok(_)) => Err("a stream that fails goes on, or ends cleanly".into()),
            ("fail", Err(_)) => Ok(()),
            (_, Ok(None)) => Ok(()),
            (_, Ok(Some(_))) => Err(format!("{policy}: one event too many").into()),
            (_, Err(error)) => Err(error.into()),
        }
    }

    async fn leave_endless(&self, random: &mut Random) -> Result<()> {
        let mut connection = self.open("/endless", None, true).await?;
        // Disconnects before the response, at its head, or later.
        random.pause(Duration::from_secs(3)).await;
        if random.toss() {
            connection.head().await?;
            for _ in 0..random.below(20) {
                connection.piece().await?;
            }
        }
        self.tally.bytes.add(connection.received());
        connection.leave(random.toss());
        Ok(())
    }

    async fn say_nothing(&self, random: &mut Random) -> Result<()> {
        let beginning = if random.toss() { "" } else { "GET /count HTTP/1.1\r\nho" };
        let connection =
            Connection::begin(self.address, beginning.as_bytes(), Options::default()).await?;
        self.tally.connections.add(1);
        random.pause(Duration::from_secs(1)).await;
        connection.leave(random.toss());
        Ok(())
    }

    async fn open(&self, path: &str, last: Option<u64>, small: bool) -> io::Result<Connection> {
        let options = Options { last_event_id: last, buffer: small.then_some(SMALL) };
        let connection = Connection::open(self.address, path, options).await?;
        self.tally.connections.add(1);
        Ok(connection)
    }

    async fn events(&self, path: &str, last: Option<u64>, small: bool) -> io::Result<Events> {
        Events::of(self.open(path, last, small).await?).await
    }

    async fn event(&self, events: &mut Events) -> Result<Block> {
        let event = events.next_event().await?.ok_or("a stream has ended")?;
        self.tally.events.add(1);
        Ok(event)
    }

    /// Reads the event that follows this one.
    async fn counted(&self, events: &mut Events, last: Option<u64>) -> Result<u64> {
        let event = self.event(events).await?;
        let expected = last.map_or(1, |last| last + 1);
        let data: Value = serde_json::from_slice(&event.data.unwrap_or_default())?;
        if event.id == Some(expected) && data["n"] == expected {
            Ok(expected)
        } else {
            Err(format!("event {:?} in place of {expected}", event.id).into())
        }
    }

    async fn ends(&self, mut events: Events) -> Result<()> {
        if events.next_event().await?.is_some() {
            return Err("one event too many".into());
        }
        self.tally.bytes.add(events.connection().received());
        Ok(())
    }

    fn leave(&self, events: Events, random: &mut Random) {
        self.tally.bytes.add(events.connection().received());
        events.into_connection().leave(random.toss());
    }
}

/// SplitMix64, with the same seeds in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }

    fn toss(&mut self) -> bool {
        self.below(2) == 0
    }

    /// Waits for a random time up to this.
    async fn pause(&mut self, most: Duration) {
        time::sleep(Duration::from_millis(self.below(most.as_millis() as u64 + 1))).await;
    }
}
