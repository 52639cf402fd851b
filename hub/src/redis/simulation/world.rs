//! The servers, the clients, and the steps that they take.

use std::{
    future::Future,
    iter,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::{Duration, UNIX_EPOCH},
};

use futures_core::Stream;
use futures_util::FutureExt;

use sse_encoder::{Event as Item, EventId, LastEventId, ReconnectionTime};

use super::{
    log::{Fields, Kind as Entry, Loss, MOST_ENDS, SimLog, Way},
    oracle::{Claims, End, Event, History, Origin, Read, Truth, Verdict},
    tape::Tape,
};
use crate::{
    Hub, HubBuilder, OnGap, Reconnect, Subscriber,
    disk::{
        fake::{self as disk, Disk},
        parts::{Command, Record, Writer, answer},
    },
    ending::{self, Ending, Kind, Time},
    feed::Feed,
    frame::encode,
    handle::Handle,
    log::{Draft, Names, Next, Numbering, Resumed},
    memory::Memory,
    owners::When,
    position::{Position, clock},
    random,
    redis::{
        driver::read, follower::Follower, link::Link, log::RedisLog, queue::Queue, record,
        rejected::Reporter,
    },
    topic::EVERYTHING,
};

const SECOND: ReconnectionTime = ReconnectionTime::from_secs(1).unwrap();
const TOPICS: [&str; 3] = ["", "a", "b"];
const OWNERS: [&str; 3] = ["ann", "bob", "all"];
/// Whose each client is: two users, their tenant, and nobody.
const OWNED: [&[&str]; 3] = [&["ann", "all"], &["bob", "all"], &[]];
/// A step takes so many microseconds.
const STEP_TIME: u64 = 10;
/// Frames of this server are smaller than the largest events.
const SMALL_FRAME: usize = 100;
/// How many steps a run has, and how many rounds everybody has to get what follows the faults.
const STEPS: u32 = 150;
const ROUNDS: usize = 50;

/// The kinds of faults.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// The log loses its newest entries.
    LoseTail,
    /// The log loses everything.
    Empty,
    /// An older content comes back.
    Restore,
    /// The clock of the log's machine goes back.
    ClockBack,
    /// The oldest entries are trimmed.
    Trim,
    /// One entry is deleted.
    Delete,
    /// A server has smaller limits, and events are too large for it.
    SmallFrame,
    /// An answer of the log can be too large for a connection.
    SmallAnswer,
    /// Servers may not append to the log.
    RefuseMarks,
    /// A server starts anew.
    Restart,
    /// A server stands still.
    Freeze,
    /// A connection to the log is cut.
    Cut,
    /// Clients do not read for a while.
    Slow,
    /// Entries that are no events.
    Foreign,
    /// Clients send ids of which some cannot be read.
    Unreadable,
}

impl Fault {
    /// Those that can lose something, or seem to.
    const LOSING: u32 = 1 << Self::LoseTail as u32
        | 1 << Self::Empty as u32
        | 1 << Self::Restore as u32
        | 1 << Self::Trim as u32
        | 1 << Self::Delete as u32
        | 1 << Self::SmallFrame as u32
        | 1 << Self::RefuseMarks as u32
        | 1 << Self::Restart as u32
        | 1 << Self::Unreadable as u32;
    const ALL: u32 = (1 << (Self::Unreadable as u32 + 1)) - 1;
}

struct Server {
    hub: Hub,
    feed: Arc<Feed>,
    /// `None` for a log in memory or on disk.
    reader: Option<Reader>,
    disk: Option<DiskLog>,
    is_frozen: bool,
    /// When it has begun.
    begun: Time,
    /// The number of ends that it has read or made.
    endings: u32,
    read: Read,
    /// How far `read` goes.
    seen: u64,
}

impl Server {
    fn new(hub: Hub, feed: Arc<Feed>, reader: Option<Reader>, disk: Option<DiskLog>) -> Self {
        let (begun, read) = (Time::now(), Read::default());
        Self { hub, feed, reader, disk, is_frozen: false, begun, endings: 0, read, seen: 0 }
    }
}

struct Reader {
    link: Arc<Link>,
    way: Way,
    task: Pin<Box<dyn Future<Output = ()>>>,
}

/// The log of a server on its own disk.
struct DiskLog {
    disk: Disk,
    /// `None` if it cannot be written any more.
    writer: Option<Writer<Disk>>,
}

struct Client {
    topics: Vec<usize>,
    last: Option<String>,
    /// When it has logged in.
    authorized: Time,
    /// Whether its server did not know the ends of streams when it was asked.
    is_too_early: bool,
    /// It sends its last event ID in Latin-1.
    is_latin: bool,
    connection: Connection,
    history: History,
    woken: Arc<Woken>,
}

enum Connection {
    None,
    /// It waits until the server has read the log.
    Waiting(usize, Box<dyn Fn(&Link) -> bool>),
    /// The server loads a state, which replaces what was before the subscription.
    Loading(usize, Subscriber, Origin),
    Open(usize, Subscriber, Origin),
}

#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(super) struct World {
    tape: Tape,
    faults: u32,
    retain: usize,
    on_gap: OnGap,
    has_own_ids: bool,
    log: Arc<Mutex<SimLog>>,
    servers: Vec<Server>,
    clients: Vec<Client>,
    truth: Truth,
    content: usize,
    time: Time,
    /// Each step, for the eye.
    pub(super) trace: Vec<String>,
}

/// Runs a tape to its end.
pub(super) fn run(tape: Tape) -> (Verdict, World) {
    random::seeded::begin(1);
    let mut world = World::new(tape);
    let verdict = world.run();
    (verdict, world)
}

impl World {
    fn new(mut tape: Tape) -> Self {
        let some = tape.draw(1 << 16);
        let (is_gentle, is_in_memory) = (tape.once_in(5), tape.once_in(6));
        // All faults, or about half of them.
        let mut faults = if tape.once_in(3) { some & Fault::ALL } else { Fault::ALL };
        // After a loss, ids of one's own tell nothing of the order.
        let has_own_ids = tape.once_in(4);
        if is_gentle || has_own_ids {
            faults &= !Fault::LOSING;
        }
        if has_own_ids && !is_gentle {
            faults |= some & 1 << Fault::Unreadable as u32;
        }
        if !has_own_ids {
            faults &= !(1 << Fault::Unreadable as u32);
        }
        let retain = if is_gentle { 1_000 } else { 3 + tape.draw(10) as usize };
        let on_gap = if tape.once_in(4) { OnGap::Newest } else { OnGap::Oldest };
        let mut log = SimLog::default();
        log.clock = 10_000;
        log.max_len = if is_gentle { 1_000 } else { retain + tape.draw(8) as usize };
        log.max_answer = usize::MAX;
        let mut world = Self {
            faults,
            retain,
            on_gap,
            has_own_ids,
            log: Arc::new(Mutex::new(log)),
            servers: Vec::new(),
            clients: Vec::new(),
            truth: Truth::default(),
            content: 0,
            time: Time(1 << 50),
            trace: Vec::new(),
            tape,
        };
        world.pass_time();
        if world.has(Fault::SmallAnswer) {
            world.log().max_answer = 700;
        }
        let refuses_marks = world.has(Fault::RefuseMarks) && world.tape.once_in(2);
        world.log().refuses_marks = refuses_marks;
        world.truth.marks_are_refused = refuses_marks;
        let is_on_disk = is_in_memory && world.tape.once_in(2);
        if is_on_disk {
            // Its own log loses nothing that it has acknowledged, and is nobody else's.
            world.faults &= !Fault::LOSING | 1 << Fault::Unreadable as u32;
            world.faults |= 1 << Fault::Restart as u32;
            if is_gentle {
                world.faults &= !(1 << Fault::Cut as u32);
            }
        }
        let servers = if is_in_memory { 1 } else { 1 + world.tape.draw(3) };
        for n in 0..servers {
            let server = if is_on_disk {
                world.disk_server(Disk::default())
            } else if is_in_memory {
                world.memory_server()
            } else {
                world.server(n as usize)
            };
            world.servers.push(server);
        }
        for _ in 0..1 + world.tape.draw(3) {
            let topics = match world.tape.draw(4) {
                0 => vec![0],
                1 => vec![1],
                2 => vec![0, 1],
                _ => vec![0, 1, 2],
            };
            let client = Client {
                topics,
                last: None,
                authorized: Time::now(),
                is_too_early: false,
                is_latin: world.has(Fault::Unreadable) && world.tape.once_in(2),
                connection: Connection::None,
                history: History::default(),
                woken: Arc::default(),
            };
            world.clients.push(client);
        }
        world
    }

    fn log(&self) -> MutexGuard<'_, SimLog> {
        self.log.lock().unwrap()
    }

    fn has(&self, fault: Fault) -> bool {
        self.faults >> fault as u32 & 1 == 1
    }

    fn builder(&self, n: usize) -> HubBuilder {
        let builder = Hub::builder().retain_events(self.retain).on_gap(self.on_gap);
        let builder = builder.retain_endings(MOST_ENDS);
        let builder = builder.reconnection_time(SECOND..=SECOND);
        let is_small = n == 1 && self.has(Fault::SmallFrame);
        if is_small { builder.max_frame(SMALL_FRAME) } else { builder }
    }

    fn server(&self, n: usize) -> Server {
        let feed = Feed::new(self.builder(n).settings(), Numbering::Given);
        let (link, (queue, _)) = (Link::new(), Queue::new());
        let log = RedisLog::new(feed.clone(), link.clone(), queue);
        let hub = Hub::on(Handle::new(feed.clone(), log));
        let follower = Follower::new(feed.clone(), link.clone(), Reporter::default());
        let way = Way::new(self.log.clone());
        let task = {
            let (link, way) = (link.clone(), way.clone());
            Box::pin(async move { read(&link, &way, follower).await })
        };
        let reader = Some(Reader { link, way, task });
        Server::new(hub, feed, reader, None)
    }

    fn memory_server(&self) -> Server {
        // The last digits are random in truth.
        let epoch = self.log().clock * 1_000 + self.content as u64;
        let feed = Feed::new(self.builder(0).settings(), Numbering::Counted { epoch });
        let hub = Hub::on(Handle::new(feed.clone(), Memory::new(feed.clone())));
        Server::new(hub, feed, None, None)
    }

    /// A server that reads its log from this disk.
    fn disk_server(&self, disk: Disk) -> Server {
        clock::set(self.log().clock);
        let feed = Feed::new(self.builder(0).settings(), Numbering::Continued);
        let hub = Hub::on(Handle::new(feed.clone(), Memory::new(feed.clone())));
        let writer = Writer::open(disk.clone(), feed.clone(), None).ok();
        Server::new(hub, feed, None, Some(DiskLog { disk, writer }))
    }

    fn run(&mut self) -> Verdict {
        for _ in 0..STEPS {
            self.step()?;
        }
        self.end()
    }

    fn note(&mut self, step: String) {
        self.trace.push(step);
    }

    fn pass_time(&mut self) {
        self.time.0 += STEP_TIME;
        ending::clock::set(self.time);
    }

    fn step(&mut self) -> Verdict {
        self.pass_time();
        match self.tape.draw(21) {
            0 => {
                let time = u64::from(self.tape.draw(3));
                self.log().clock += time;
            }
            1..=5 => self.publish(),
            6..=10 => self.serve(),
            11..=14 => return self.read(),
            15..=17 => return self.connect(),
            18..=19 => self.fault(),
            _ => self.end_streams(),
        }
        Ok(())
    }

    /// An event is appended by any server, or by another program; or it is refused.
    fn publish(&mut self) {
        let number = self.truth.events.len();
        let topic = self.tape.draw(3) as usize;
        let key = self.tape.once_in(4).then(|| self.tape.draw(2));
        let is_ephemeral = self.tape.once_in(8);
        let own_id = (self.has_own_ids && self.tape.once_in(2)).then(|| format!("é{number}"));
        let is_large = self.has(Fault::SmallFrame) && self.tape.once_in(5);
        let is_appended = !self.tape.once_in(12);
        let is_ephemeral = is_ephemeral && own_id.is_none();
        let content = self.content;
        let event = Event {
            topic,
            key,
            is_ephemeral,
            is_appended,
            content,
            lost: None,
            at: (0, 0),
            is_unknown: false,
        };
        self.truth.events.push(event);
        self.note(format!("publish {number} to {topic}, {key:?} {is_ephemeral} {is_appended}"));
        if !is_appended {
            return;
        }
        let data = format!("{number} {}", "x".repeat(if is_large { SMALL_FRAME } else { 20 }));
        if self.servers[0].reader.is_none() {
            let item = Item::text(data);
            let item = match own_id {
                Some(id) => item.id(EventId::new(id).unwrap()),
                None if is_ephemeral => item.no_id(),
                None => item,
            };
            let hub = self.servers[0].hub.clone();
            let key = key.map(|key| key.to_string());
            if self.servers[0].disk.is_some() {
                let event = encode(&item, self.servers[0].feed.settings.rules()).unwrap();
                let topics = Names::One(TOPICS[topic]);
                self.append_to_disk(number, &Draft { topics, key: key.as_deref(), event });
            } else {
                let target = hub.to(TOPICS[topic]);
                let target = if let Some(key) = &key { target.key(key) } else { target };
                target.try_publish(&item).unwrap();
            }
            self.look(0);
            return;
        }
        let mut fields: Fields = vec![(b"data".to_vec(), data.into_bytes())];
        let mut add = |name: &str, text: String| fields.push((name.into(), text.into()));
        add("topic", TOPICS[topic].into());
        key.into_iter().for_each(|key| add("key", key.to_string()));
        own_id.into_iter().for_each(|id| add("id", id));
        if is_ephemeral {
            add("ephemeral", "1".into());
        }
        let nonce = self.log().nonce();
        fields.push((b"nonce".to_vec(), nonce));
        let at = self.log().append(fields, Entry::Event(number));
        self.truth.events[number].at = at;
        self.lose();
    }

    /// A server ends the streams of an owner or a topic; or the log does not keep that.
    fn end_streams(&mut self) {
        let n = self.tape.draw(self.servers.len() as u32) as usize;
        let (kind, name) = match self.tape.draw(6) as usize {
            owner @ 0..3 => (Kind::Owner, OWNERS[owner]),
            topic => (Kind::Topic, TOPICS[topic - 3]),
        };
        let reconnect = match self.tape.draw(3) {
            0 => Reconnect::Soon,
            1 => Reconnect::After(SECOND),
            _ => Reconnect::Never,
        };
        let is_refused = self.tape.once_in(8);
        let server = &mut self.servers[n];
        if server.is_frozen {
            return;
        }
        let ending = Ending::new(kind, name, reconnect).unwrap();
        server.feed.end(&ending, When::Now);
        let number = self.truth.ends.len();
        let is_kept = match (&server.reader, &mut server.disk) {
            _ if is_refused => false,
            (Some(_), _) => {
                let fields = record::ending_fields(&ending).into_iter();
                let fields = fields.map(|(name, text)| (name.into(), text.to_vec()));
                let mut fields: Fields = fields.collect();
                let nonce = self.log().nonce();
                fields.push((b"nonce".to_vec(), nonce));
                self.log().append(fields, Entry::End(number));
                true
            }
            (None, Some(DiskLog { writer: Some(writer), .. })) => {
                let (promise, answer) = answer();
                writer.end(vec![(ending.clone(), promise)]);
                answer.now_or_never().unwrap().is_ok()
            }
            (None, Some(_)) => false,
            // In memory the server itself is the log.
            (None, None) => true,
        };
        self.note(format!("end {number} at {n}: {ending:?}, kept {is_kept}"));
        self.truth.ends.push(End { ending, before: self.truth.events.len(), is_kept });
        self.look(n);
        self.lose();
    }

    fn append_to_disk(&mut self, number: usize, draft: &Draft<'_>) {
        let Some(DiskLog { writer, .. }) = &mut self.servers[0].disk else { return };
        let Some(writing) = writer else {
            self.truth.events[number].is_appended = false;
            return;
        };
        let (command, answer) = Command::new(Record::new(draft));
        if writing.append(vec![command]).is_err() {
            *writer = None;
        }
        let event = &mut self.truth.events[number];
        let outcome = answer.now_or_never().unwrap();
        event.is_appended = outcome.is_ok();
        event.is_unknown = outcome.as_ref().is_err_and(|error| error.is_outcome_unknown());
        self.note(format!("{number} on disk: {outcome:?}"));
    }

    /// What the log has lost becomes known to the oracle.
    fn lose(&mut self) {
        let lost = std::mem::take(&mut self.log().lost);
        self.truth.lose(lost);
        let lost = std::mem::take(&mut self.log().lost_ends);
        self.truth.lose_ends(lost);
    }

    /// A server takes a step.
    fn serve(&mut self) {
        let n = self.tape.draw(self.servers.len() as u32) as usize;
        let (executes, polls) = match self.tape.draw(4) {
            0 | 1 => (true, true),
            2 => (true, false),
            _ => (false, true),
        };
        self.note(format!("server {n}: {executes} {polls}"));
        self.drive(n, executes, polls);
    }

    fn drive(&mut self, n: usize, executes: bool, polls: bool) {
        let server = &mut self.servers[n];
        let Some(reader) = server.reader.as_mut().filter(|_| !server.is_frozen) else { return };
        if executes {
            reader.way.execute();
        }
        let tip = server.feed.read().retained.tip_position();
        if polls {
            let _ = reader.task.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        }
        let (now, numbers) = {
            let retained = &server.feed.read().retained;
            (retained.tip_position(), (retained.evicted(), retained.tip()))
        };
        if now != tip {
            self.note(format!("server {n} at {}, {numbers:?}", now.to_id()));
        }
        self.look(n);
    }

    /// Notes what a server has read.
    fn look(&mut self, n: usize) {
        let server = &mut self.servers[n];
        let retained = &server.feed.read().retained;
        server.read.tip = retained.tip_position().numbers();
        let endings = server.feed.owners.endings();
        if endings != server.endings {
            server.endings = endings;
            server.read.last_end = Some(self.time);
            let (kept, _) = server.feed.owners.kept();
            let ends = self.truth.ends.iter().enumerate();
            let known = ends.filter(|(_, end)| knows(&kept, &end.ending));
            server.read.ends.extend(known.map(|(n, _)| n));
        }
        loop {
            match retained.next(iter::once(EVERYTHING), server.seen, 0) {
                Next::Entry(seq, frame) => {
                    server.seen = seq;
                    let number = event_of(frame.as_bytes());
                    server.read.events.insert(number);
                    server.read.contents.insert(self.truth.events[number].content);
                }
                Next::Lost(loss) => server.seen = retained.tell(loss, false).position.seq(),
                Next::Nothing(position) => {
                    server.seen = position.seq();
                    return;
                }
            }
        }
    }

    /// A client reads some frames.
    fn read(&mut self) -> Verdict {
        let n = self.tape.draw(self.clients.len() as u32) as usize;
        let most = if self.has(Fault::Slow) { 1 + self.tape.draw(3) } else { 10 };
        for _ in 0..most {
            if !self.read_one(n)? {
                break;
            }
        }
        Ok(())
    }

    /// A client reads a frame, if there is one.
    fn read_one(&mut self, n: usize) -> Result<bool, String> {
        let client = &mut self.clients[n];
        let Connection::Open(server, subscriber, _) = &mut client.connection else {
            return Ok(false);
        };
        let server = *server;
        if self.servers[server].is_frozen || !client.woken.0.load(Ordering::Relaxed) {
            return Ok(false);
        }
        client.woken.0.store(false, Ordering::Relaxed);
        let waker = Waker::from(client.woken.clone());
        let poll = Pin::new(subscriber).poll_next(&mut Context::from_waker(&waker));
        let frame = match poll {
            Poll::Pending => return Ok(false),
            Poll::Ready(None) => return self.end_of(n, server).map(|()| false),
            Poll::Ready(Some(frame)) => frame,
        };
        // What is ready may not be all.
        client.woken.0.store(true, Ordering::Relaxed);
        let frame = String::from_utf8(frame.into_bytes().to_vec()).unwrap();
        self.note(format!("client {n} at {server}: {}", frame.trim_end().replace('\n', " | ")));
        self.hear(n, server, &frame)?;
        Ok(true)
    }

    /// Whose stream it is.
    fn claims(&self, n: usize) -> Claims<'static> {
        let Client { topics, authorized, .. } = &self.clients[n];
        // One of all topics names none.
        let named = topics.iter().filter(|_| topics.len() < TOPICS.len());
        Claims {
            owners: OWNED[n],
            topics: named.map(|topic| TOPICS[*topic]).collect(),
            authorized: *authorized,
        }
    }

    /// The stream of a client has ended: it logs in again.
    fn end_of(&mut self, n: usize, server: usize) -> Verdict {
        self.note(format!("client {n} at {server}: the end"));
        let Server { read, begun, disk, .. } = &self.servers[server];
        let claims = self.claims(n);
        // With a damaged file no authorization from before the start is good.
        let is_from_before = disk.is_some() && claims.authorized <= *begun;
        if !self.clients[n].is_too_early && !is_from_before {
            self.truth.may_end(read, &claims)?;
        }
        self.clients[n].authorized = self.time;
        self.cut(n);
        Ok(())
    }

    fn hear(&mut self, n: usize, server: usize, frame: &str) -> Verdict {
        let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
        let (id, data) = (field("id: "), field("data: ").unwrap_or_default());
        let event_type = field("event: ");
        let is_event = !matches!(event_type, Some("checkpoint" | "gap" | "state"));
        // The last word of a stream is a checkpoint without an id.
        if id.is_some() || event_type != Some("checkpoint") {
            let event = is_event.then(|| number(data));
            self.truth.may_give(&self.servers[server].read, &self.claims(n), event)?;
        }
        let next = match (event_type, id) {
            (Some("gap"), Some(id)) => self.next_after(server, id),
            _ => None,
        };
        let losing = match self.servers[0].disk {
            Some(_) => Fault::LOSING & !(1 << Fault::Restart as u32) | 1 << Fault::Cut as u32,
            None => Fault::LOSING,
        };
        let may_lose = self.faults & losing != 0 || self.retain < 1_000;
        let Client { history, topics, last, connection, .. } = &mut self.clients[n];
        let read = &self.servers[server].read;
        match event_type {
            Some("checkpoint") => {
                let position = id.and_then(|id| id.parse::<Position>().ok());
                if let Some(position) = position {
                    history.hear_checkpoint(&self.truth, read, position.numbers());
                }
            }
            Some("gap") => history.hear_gap(&self.truth, next, may_lose)?,
            Some("state") => {
                if let Connection::Open(.., origin) = connection {
                    history.hear_state(origin.clone(), id.is_some());
                }
            }
            _ => history.hear(&mut self.truth, read, topics, number(data), id)?,
        }
        if let Some(id) = id {
            *last = Some(id.to_owned());
        }
        Ok(())
    }

    /// The event that follows this position on a server.
    fn next_after(&self, server: usize, id: &str) -> Option<usize> {
        let retained = &self.servers[server].feed.read().retained;
        let id = EventId::new(id).unwrap();
        let Resumed::Exact(position) = retained.resume(iter::once(EVERYTHING), Some(&id)) else {
            return None;
        };
        match retained.next(iter::once(EVERYTHING), position.seq(), u64::MAX) {
            Next::Entry(_, frame) => Some(event_of(frame.as_bytes())),
            _ => None,
        }
    }

    /// A client is cut off, or goes on with its connection.
    fn connect(&mut self) -> Verdict {
        let n = self.tape.draw(self.clients.len() as u32) as usize;
        match self.clients[n].connection {
            Connection::None => {
                let server = self.tape.draw(self.servers.len() as u32) as usize;
                self.ask(n, server);
                self.go_on(n);
            }
            Connection::Waiting(..) if self.tape.once_in(4) => self.cut(n),
            Connection::Waiting(..) => self.go_on(n),
            Connection::Loading(..) => self.load(n),
            Connection::Open(..) => self.cut(n),
        }
        Ok(())
    }

    fn cut(&mut self, n: usize) {
        self.note(format!("client {n}: cut"));
        self.clients[n].connection = Connection::None;
        self.clients[n].history.cut();
    }

    fn last(&self, n: usize) -> LastEventId {
        let client = &self.clients[n];
        let Some(last) = &client.last else { return LastEventId::none() };
        if client.is_latin {
            let bytes: Vec<u8> = last.chars().map(|char| char as u32 as u8).collect();
            return LastEventId::from_headers([bytes]);
        }
        LastEventId::from_headers([last.as_bytes()])
    }

    /// A client asks a server for the events after its last one.
    fn ask(&mut self, n: usize, server: usize) {
        let was_read: Box<dyn Fn(&Link) -> bool> = match &self.servers[server].reader {
            Some(reader) => Box::new(reader.link.read_since()),
            None => Box::new(|_| true),
        };
        self.clients[n].connection = Connection::Waiting(server, was_read);
    }

    /// Subscribes a client whose server knows its id, or has read the log meanwhile.
    fn go_on(&mut self, n: usize) {
        let Connection::Waiting(s, was_read) = &self.clients[n].connection else { return };
        let (s, last) = (*s, self.last(n));
        let server = &self.servers[s];
        if server.is_frozen {
            return;
        }
        if let Some(reader) = &server.reader {
            let is_known = reader.link.is_known(&server.feed, &last);
            if !is_known && !was_read(&reader.link) {
                return;
            }
        }
        let client = &mut self.clients[n];
        let topics = client.topics.iter().map(|topic| TOPICS[*topic]);
        let subscriber = match client.topics.len() {
            3 => server.hub.subscribe_all(&last),
            _ => server.hub.subscribe_to(topics, &last),
        };
        if OWNED[n].is_empty() {
            client.authorized = self.time;
        }
        let authorized_at = UNIX_EPOCH + Duration::from_micros(client.authorized.0);
        let subscriber = OWNED[n]
            .iter()
            .fold(subscriber, |subscriber, owner| subscriber.owner(owner, authorized_at));
        let knows_ends = server.reader.as_ref().is_none_or(|reader| reader.way.has_given_ends());
        client.is_too_early = !knows_ends;
        let (resumption, at) = (subscriber.resumption(), Origin::new(&self.truth, &server.read));
        if client.last.is_none() {
            client.history.begin(at.clone());
        }
        client.woken.0.store(true, Ordering::Relaxed);
        let loads = resumption.needs_state() && self.tape.once_in(3);
        self.clients[n].connection = match loads {
            true => Connection::Loading(s, subscriber, at),
            false => Connection::Open(s, subscriber, at),
        };
        let topics = self.clients[n].topics.clone();
        self.note(format!(
            "client {n} at {s}, {topics:?}: {resumption:?}, {last:?}, loads {loads}"
        ));
    }

    /// The state of a client is there.
    fn load(&mut self, n: usize) {
        let connection = &mut self.clients[n].connection;
        if !matches!(connection, Connection::Loading(..)) {
            return;
        }
        let connection = std::mem::replace(connection, Connection::None);
        if let Connection::Loading(server, mut subscriber, at) = connection {
            subscriber.begin_with(&Item::text("").event_type("state")).unwrap();
            self.clients[n].connection = Connection::Open(server, subscriber, at);
            self.note(format!("client {n}: its state"));
        }
    }

    fn fault(&mut self) {
        const FAULTS: [Fault; 12] = [
            Fault::Slow,
            Fault::Freeze,
            Fault::Cut,
            Fault::LoseTail,
            Fault::Empty,
            Fault::Restore,
            Fault::ClockBack,
            Fault::Trim,
            Fault::Delete,
            Fault::Restart,
            Fault::Foreign,
            Fault::SmallFrame,
        ];
        let fault = FAULTS[self.tape.draw(FAULTS.len() as u32) as usize];
        if !self.has(fault) {
            return;
        }
        let server = self.tape.draw(self.servers.len() as u32) as usize;
        let number = self.tape.draw(8) as usize;
        // These two hold for the whole run.
        if matches!(fault, Fault::Slow | Fault::SmallFrame) {
            return;
        }
        self.note(format!("fault: {fault:?}, server {server}, {number}"));
        let len = self.log().content.entries.len();
        match fault {
            Fault::Freeze => {
                let is_frozen = &mut self.servers[server].is_frozen;
                *is_frozen = !*is_frozen;
            }
            Fault::Cut => {
                if let Some(reader) = &self.servers[server].reader {
                    reader.way.cut(number.is_multiple_of(2));
                }
                if let Some(DiskLog { disk, .. }) = &self.servers[server].disk {
                    const KINDS: [disk::Fault; 3] =
                        [disk::Fault::Fail, disk::Fault::Short, disk::Fault::Late];
                    disk.fail(disk.operations() + number, KINDS[number % 3]);
                }
            }
            Fault::LoseTail => self.log().lose_tail(number.min(len)),
            Fault::Empty => {
                self.log().empty(number.is_multiple_of(2));
                self.content += 1;
            }
            Fault::Restore => {
                let mut log = self.log();
                if number.is_multiple_of(2) {
                    let content = log.content.clone();
                    log.snapshots.push(content);
                } else if let Some(content) = log.snapshots.pop() {
                    log.restore(content);
                }
            }
            Fault::ClockBack => self.log().set_back(2 * number as u64),
            Fault::Trim => self.log().trim(number),
            Fault::Delete if number < len => self.log().delete(len - 1 - number),
            Fault::Restart if self.servers[server].disk.is_some() => self.restart_on_disk(number),
            Fault::Restart => self.restart(server),
            Fault::Foreign => self.foreign(number),
            _ => {}
        }
        self.lose();
    }

    /// The hub is closed, its process is killed, or the power fails.
    fn restart_on_disk(&mut self, number: usize) {
        let Some(DiskLog { disk, writer }) = self.servers[0].disk.take() else { return };
        match writer {
            Some(writer) if number < 2 => writer.close(),
            _ => {}
        }
        if number > 4 {
            disk.power_failure(|| self.tape.once_in(2));
        }
        self.servers[0] = self.disk_server(disk.clone());
        if self.servers[0].disk.as_ref().is_some_and(|disk| disk.writer.is_none()) {
            // The fault of an operation came at the start: once more without.
            disk.power_failure(|| true);
            self.servers[0] = self.disk_server(disk);
        }
        self.disconnect(0);
        self.look(0);
    }

    fn restart(&mut self, n: usize) {
        let is_in_memory = self.servers[n].reader.is_none();
        self.servers[n] = if is_in_memory {
            self.log().clock += 1;
            self.content += 1;
            self.truth.lose((0..self.truth.events.len()).map(|event| (event, Loss::Emptied)));
            self.truth.lose_ends(0..self.truth.ends.len());
            self.memory_server()
        } else {
            self.log().begin_server();
            self.server(n)
        };
        self.disconnect(n);
    }

    fn disconnect(&mut self, n: usize) {
        for client in &mut self.clients {
            if let Connection::Waiting(server, _)
            | Connection::Loading(server, ..)
            | Connection::Open(server, ..) = client.connection
                && server == n
            {
                client.connection = Connection::None;
                client.history.cut();
            }
        }
    }

    /// An entry that is no event.
    fn foreign(&mut self, number: usize) {
        let fields: &[(&str, &str)] = match number {
            0 => &[("other", "x")],
            1 => &[("data", "0"), ("type", "gap")],
            2 => &[("data", "0"), ("type", "checkpoint")],
            3 => &[("data", "0"), ("id", "1-1")],
            4 => &[("data", "0"), ("retry", "0")],
            _ => &[("mark", "x")],
        };
        let fields = fields.iter().map(|(name, text)| ((*name).into(), (*text).into()));
        let mut fields: Fields = fields.collect();
        // Otherwise two of them with one id could not be told apart.
        let nonce = self.log().nonce();
        match fields.iter_mut().find(|(name, _)| name == b"mark") {
            Some((_, text)) => *text = nonce,
            None => fields.push((b"nonce".to_vec(), nonce)),
        }
        self.log().append(fields, Entry::Other);
    }

    /// The faults are over: everybody gets what follows.
    fn end(&mut self) -> Verdict {
        self.note("the faults are over".into());
        self.log().max_len = 1_000;
        for server in &mut self.servers {
            server.is_frozen = false;
        }
        self.log().clock += 1_000;
        if let Some(DiskLog { disk, .. }) = &self.servers[0].disk {
            disk.fail(usize::MAX, disk::Fault::Fail);
            self.restart_on_disk(3);
        }
        // With its next event a log shows what it has lost.
        self.converge(3)?;
        self.publish_plain(0);
        self.converge(ROUNDS)?;
        let mut last = Vec::new();
        for topic in 0..TOPICS.len() {
            for _ in 0..3 {
                self.converge(2)?;
                let number = self.truth.events.len();
                self.publish_plain(topic);
                last.push((topic, number));
            }
        }
        self.converge(ROUNDS)?;
        for (n, client) in self.clients.iter().enumerate() {
            let newest = last.iter().rev().find(|(topic, _)| client.topics.contains(topic));
            if let Some((_, newest)) = newest.filter(|(_, newest)| !client.history.has(*newest)) {
                return Err(format!("rule 6: client {n} does not hear event {newest}"));
            }
        }
        Ok(())
    }

    fn publish_plain(&mut self, topic: usize) {
        let tape = std::mem::replace(&mut self.tape, Tape::replay(vec![topic as u32]));
        self.publish();
        self.tape = tape;
    }

    fn converge(&mut self, rounds: usize) -> Verdict {
        for round in 0..rounds {
            self.pass_time();
            for n in 0..self.servers.len() {
                self.drive(n, true, true);
            }
            for n in 0..self.clients.len() {
                if matches!(self.clients[n].connection, Connection::None) {
                    self.ask(n, (n + round) % self.servers.len());
                }
                self.go_on(n);
                self.load(n);
                while self.read_one(n)? {}
            }
        }
        Ok(())
    }

    pub(super) fn into_draws(self) -> Vec<u32> {
        self.tape.into_draws()
    }

    /// How many gaps the clients were told of.
    pub(super) fn gaps(&self) -> usize {
        self.clients.iter().map(|client| client.history.gaps).sum()
    }

    pub(super) fn events(&self) -> usize {
        self.truth.events.len()
    }
}

/// Whether a server that keeps these knows the end.
fn knows(kept: &[Ending], Ending { kind, name, at, .. }: &Ending) -> bool {
    kept.iter().any(|other| other.kind == *kind && other.name == *name && other.at >= *at)
}

/// The number of an event, from its frame.
fn event_of(frame: &[u8]) -> usize {
    let text = str::from_utf8(frame).unwrap();
    number(text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap())
}

fn number(data: &str) -> usize {
    data.split(' ').next().unwrap().parse().unwrap()
}
