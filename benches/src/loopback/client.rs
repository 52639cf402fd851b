//! The client: starts a server, asks for events, reads bytes and counts.

use std::{
    env,
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Builder,
    time::sleep,
};

use super::{Framework, Load, Writer};

/// Whatever is wrong, no run takes longer than this.
const DEADLINE: Duration = Duration::from_secs(120);

/// Events before the clock runs.
const WARM_UP: usize = 2_000;

/// A server process, which ends with its standard input.
pub struct Server {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Server {
    pub fn start(framework: Framework, writer: Writer, load: Load) -> io::Result<Self> {
        let words = [framework.to_string(), writer.to_string(), load.to_string()];
        let mut child = Command::new(env::current_exe()?)
            .arg("serve")
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take();
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut server = Self { child, input, output: BufReader::new(output), address };
        let port = server.number()?;
        server.address.set_port(u16::try_from(port).map_err(io::Error::other)?);
        Ok(server)
    }

    fn number(&mut self) -> io::Result<u64> {
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        line.trim().parse().map_err(io::Error::other)
    }

    /// The CPU time that it has used, in nanoseconds.
    fn cpu(&mut self) -> io::Result<u64> {
        self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?.write_all(b"\n")?;
        self.number()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// What a run has shown.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    pub events_per_second: f64,
    /// Nanoseconds of the server's CPU per event.
    pub cpu: f64,
}

impl Run {
    fn of(events: u64, elapsed: Duration, cpu: u64) -> Self {
        let events = events as f64;
        Self { events_per_second: events / elapsed.as_secs_f64(), cpu: cpu as f64 / events }
    }
}

/// One connection, that many events.
pub fn one_connection(server: &mut Server, events: usize) -> io::Result<Run> {
    read_events(server.address, WARM_UP)?;
    let before = server.cpu()?;
    let start = Instant::now();
    let read = read_events(server.address, events)?;
    let elapsed = start.elapsed();
    Ok(Run::of(read, elapsed, server.cpu()? - before))
}

fn request(events: usize) -> String {
    format!("GET /{events} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
}

fn read_events(address: SocketAddr, events: usize) -> io::Result<u64> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(DEADLINE))?;
    stream.write_all(request(events).as_bytes())?;
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
        let (before, events) = (server.cpu()?, total.load(Ordering::Relaxed));
        let start = Instant::now();
        sleep(period).await;
        let events = total.load(Ordering::Relaxed) - events;
        let elapsed = start.elapsed();
        let cpu = server.cpu()? - before;
        if let Some(broken) = readers.iter().find(|reader| reader.is_finished()) {
            return Err(io::Error::other(format!("a connection has ended: {broken:?}")));
        }
        readers.iter().for_each(|reader| reader.abort());
        Ok(Run::of(events, elapsed, cpu))
    })
}

/// Counts events by their data fields, wherever the bytes are cut.
struct Counter {
    finder: memmem::Finder<'static>,
    /// The last bytes of what came before.
    tail: Vec<u8>,
    events: u64,
}

const FIELD: &[u8] = b"\ndata:";

impl Counter {
    fn new() -> Self {
        Self { finder: memmem::Finder::new(FIELD), tail: Vec::new(), events: 0 }
    }

    fn count(&mut self, bytes: &[u8]) {
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
}
