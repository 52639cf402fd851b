//! The client: starts a server, asks for events, reads bytes and counts.

use std::{
    cell::RefCell,
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Builder,
    sync::mpsc,
    task::{LocalSet, spawn_local},
    time::sleep,
};

use super::{Setup, data::MADE, now, process::Process, servers::END};

/// Whatever is wrong, no run takes longer than this.
const DEADLINE: Duration = Duration::from_secs(120);

/// Events before the clock runs.
const WARM_UP: usize = 2_000;

/// A server process.
pub struct Server {
    process: Process,
    address: SocketAddr,
}

/// What a server has used and done so far.
#[derive(Clone, Copy, Debug)]
struct Usage {
    /// Nanoseconds of CPU.
    cpu: u64,
    /// Where they are counted: write calls, and their bytes.
    writes: u64,
    bytes: u64,
}

impl Server {
    pub fn start(setup: Setup) -> io::Result<Self> {
        let (process, address) = Process::start(setup.to_words())?;
        Ok(Self { process, address })
    }

    fn usage(&mut self) -> io::Result<Usage> {
        self.tell("")
    }

    fn tell(&mut self, word: &str) -> io::Result<Usage> {
        let [cpu, writes, bytes] = self.process.tell(word)?;
        Ok(Usage { cpu, writes, bytes })
    }
}

/// What a run has shown.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub events_per_second: f64,
    /// Nanoseconds of the server's CPU per event.
    pub cpu: f64,
    /// Where writes are counted.
    pub events_per_write: f64,
}

impl Run {
    fn of(events: u64, elapsed: Duration, before: Usage, after: Usage) -> Self {
        let events = events as f64;
        Self {
            events_per_second: events / elapsed.as_secs_f64(),
            cpu: (after.cpu - before.cpu) as f64 / events,
            events_per_write: events / (after.writes - before.writes) as f64,
        }
    }
}

/// One connection, that many events.
pub fn one_connection(server: &mut Server, events: usize) -> io::Result<Run> {
    read_events(server.address, WARM_UP)?;
    let before = server.usage()?;
    let start = Instant::now();
    let read = read_events(server.address, events)?;
    let elapsed = start.elapsed();
    Ok(Run::of(read, elapsed, before, server.usage()?))
}

fn request(events: usize) -> String {
    format!("GET /{events} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
}

fn connect(address: SocketAddr, events: usize) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(request(events).as_bytes())?;
    Ok(stream)
}

fn read_events(address: SocketAddr, events: usize) -> io::Result<u64> {
    let mut stream = connect(address, events)?;
    let mut counter = Counter::new();
    let mut buffer = vec![0; 256 * 1024];
    while counter.events < events as u64 {
        match stream.read(&mut buffer)? {
            0 => return Err(io::Error::other(format!("{} of {events} events", counter.events))),
            len => counter.count(&buffer[..len]),
        }
    }
    Ok(counter.events)
}

/// That many connections, for that long; each gets what the server's pace gives it.
pub fn many_connections(
    server: &mut Server,
    connections: usize,
    period: Duration,
) -> io::Result<Run> {
    let total = Arc::new(AtomicU64::new(0));
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut readers = Vec::with_capacity(connections);
        for _ in 0..connections {
            let mut stream = tokio::net::TcpStream::connect(server.address).await?;
            // More than come in the time that there is.
            stream.write_all(request(usize::MAX).as_bytes()).await?;
            let total = Arc::clone(&total);
            readers.push(tokio::spawn(async move {
                let mut counter = Counter::new();
                let mut buffer = [0; 4096];
                while let Ok(len @ 1..) = stream.read(&mut buffer).await {
                    let before = counter.events;
                    counter.count(&buffer[..len]);
                    total.fetch_add(counter.events - before, Ordering::Relaxed);
                }
            }));
        }
        sleep(Duration::from_millis(500)).await;
        let (before, events) = (server.usage()?, total.load(Ordering::Relaxed));
        let start = Instant::now();
        sleep(period).await;
        let events = total.load(Ordering::Relaxed) - events;
        let elapsed = start.elapsed();
        let after = server.usage()?;
        if let Some(broken) = readers.iter().find(|reader| reader.is_finished()) {
            return Err(io::Error::other(format!("a connection has ended: {broken:?}")));
        }
        readers.iter().for_each(|reader| reader.abort());
        Ok(Run::of(events, elapsed, before, after))
    })
}

/// How old events are, in nanoseconds, when their bytes have been read, on that many connections
/// that get those of the feed for that long.
pub fn ages(server: &Server, connections: usize, period: Duration) -> io::Result<Vec<u64>> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut readers = Vec::with_capacity(connections);
        for _ in 0..connections {
            let mut stream = tokio::net::TcpStream::connect(server.address).await?;
            stream.write_all(request(usize::MAX).as_bytes()).await?;
            let sender = sender.clone();
            readers.push(tokio::spawn(async move {
                let mut clock = Clock::default();
                let mut buffer = [0; 4096];
                while let Ok(len @ 1..) = stream.read(&mut buffer).await {
                    let read = now();
                    clock.read(&buffer[..len], |made| {
                        let _ = sender.send((made, read));
                    });
                }
            }));
        }
        sleep(Duration::from_millis(300)).await;
        let start = now();
        sleep(period).await;
        if let Some(broken) = readers.iter().find(|reader| reader.is_finished()) {
            return Err(io::Error::other(format!("a connection has ended: {broken:?}")));
        }
        readers.iter().for_each(|reader| reader.abort());
        let mut ages = Vec::new();
        while let Ok((made, read)) = receiver.try_recv() {
            if made >= start {
                ages.push(read - made);
            }
        }
        Ok(ages)
    })
}

/// That many connections at the server's pace, for that long: what it cost the server, and how old
/// the events were, in nanoseconds, when their bytes had been read.
pub fn many_aged(
    server: &mut Server,
    connections: usize,
    period: Duration,
) -> io::Result<(Run, Vec<u64>)> {
    let ages = Rc::new(RefCell::new(Vec::new()));
    let runtime = Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut readers = Vec::with_capacity(connections);
        for _ in 0..connections {
            let mut stream = tokio::net::TcpStream::connect(server.address).await?;
            stream.write_all(request(usize::MAX).as_bytes()).await?;
            let ages = Rc::clone(&ages);
            readers.push(spawn_local(async move {
                let mut clock = Clock::default();
                let mut buffer = [0; 4096];
                while let Ok(len @ 1..) = stream.read(&mut buffer).await {
                    let read = now();
                    let mut ages = ages.borrow_mut();
                    clock.read(&buffer[..len], |made| ages.push(read - made));
                }
            }));
        }
        sleep(Duration::from_millis(500)).await;
        let before = server.usage()?;
        ages.borrow_mut().clear();
        let start = Instant::now();
        sleep(period).await;
        let ages = ages.take();
        let elapsed = start.elapsed();
        let after = server.usage()?;
        if let Some(broken) = readers.iter().find(|reader| reader.is_finished()) {
            return Err(io::Error::other(format!("a connection has ended: {broken:?}")));
        }
        readers.iter().for_each(|reader| reader.abort());
        Ok((Run::of(ages.len() as u64, elapsed, before, after), ages))
    })
}

/// How many bytes of a stream without an end a server holds when the client has stopped reading
/// after so many bytes: what still comes when it has been told to make no more, and was not written
/// before.
pub fn held(server: &mut Server, read_before: u64) -> io::Result<u64> {
    let deadline = Instant::now() + DEADLINE;
    let mut stream = connect(server.address, usize::MAX)?;
    let mut received = io::copy(&mut (&stream).take(read_before), &mut io::sink())?;
    let (mut written, mut unchanged) = (0, 0);
    while unchanged < UNCHANGED {
        if Instant::now() > deadline {
            return Err(io::Error::other("the server goes on writing"));
        }
        thread::sleep(Duration::from_millis(10));
        let bytes = server.usage()?.bytes;
        unchanged = if bytes == written && bytes > 0 { unchanged + 1 } else { 0 };
        written = bytes;
    }
    let written = server.tell(END)?.bytes;

    let mut buffer = vec![0; 256 * 1024];
    let mut last = Vec::new();
    while last != LAST_CHUNK {
        match stream.read(&mut buffer)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            len => {
                received += len as u64;
                last.extend_from_slice(&buffer[len.saturating_sub(LAST_CHUNK.len())..len]);
                last.drain(..last.len().saturating_sub(LAST_CHUNK.len()));
            }
        }
    }
    Ok(received - LAST_CHUNK.len() as u64 - written)
}

/// What ends a body in chunks; no data here has a CR.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// How often it must be seen that a server has written nothing more.
const UNCHANGED: usize = 5;

/// Finds in events when they were made.
#[derive(Default)]
pub(crate) struct Clock {
    /// A line that has no end yet.
    line: Vec<u8>,
}

impl Clock {
    pub(crate) fn read(&mut self, bytes: &[u8], mut event: impl FnMut(u64)) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                if let Some(at) = memmem::find(&self.line, MADE) {
                    let digits = self.line[at + MADE.len()..].iter().copied();
                    let digits = digits.take_while(u8::is_ascii_digit);
                    event(digits.fold(0, |time, digit| time * 10 + u64::from(digit - b'0')));
                }
                self.line.clear();
            }
        }
    }
}

/// Counts events by their data fields, wherever the bytes are cut.
pub(crate) struct Counter {
    finder: memmem::Finder<'static>,
    /// The last bytes of what came before.
    tail: Vec<u8>,
    pub(crate) events: u64,
}

const FIELD: &[u8] = b"\ndata:";

impl Counter {
    pub(crate) fn new() -> Self {
        Self { finder: memmem::Finder::new(FIELD), tail: Vec::new(), events: 0 }
    }

    pub(crate) fn count(&mut self, bytes: &[u8]) {
        let seam = FIELD.len() - 1;
        let tail = self.tail.len();
        self.tail.extend_from_slice(&bytes[..bytes.len().min(seam)]);
        // What stands in the seam begins in the tail, and what begins after it is in the bytes.
        let across = self.finder.find_iter(&self.tail).filter(|at| *at < tail).count();
        self.events += (across + self.finder.find_iter(bytes).count()) as u64;
        if bytes.len() >= seam {
            self.tail.clear();
            self.tail.extend_from_slice(&bytes[bytes.len() - seam..]);
        } else {
            let excess = self.tail.len().saturating_sub(seam);
            self.tail.drain(..excess);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_counted_wherever_the_bytes_are_cut() {
        let stream = b"id: 1\ndata: \ndatadata:\n\nid: 2\nevent: x\ndata: 1\n\n\ndata:\ndata:";
        for size in 1..stream.len() {
            let mut counter = Counter::new();
            stream.chunks(size).for_each(|bytes| counter.count(bytes));
            assert_eq!(counter.events, 4, "in pieces of {size}");
        }
    }
    #[test]
    fn times_are_found_wherever_the_bytes_are_cut() {
        let stream = b"id: 1\ndata: {\"made\":12345}\n\n1c\r\ndata: 1\n\ndata: {\"made\":67}\n\n";
        for size in 1..stream.len() {
            let mut clock = Clock::default();
            let mut times = Vec::new();
            stream.chunks(size).for_each(|bytes| clock.read(bytes, |time| times.push(time)));
            assert_eq!(times, [12345, 67], "in pieces of {size}");
        }
    }
}
