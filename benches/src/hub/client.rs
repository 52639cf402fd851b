//! The clients of a hub's server: they read, count, and check the order.

use std::{
    cell::{Cell, RefCell},
    io,
    net::SocketAddr,
    rc::Rc,
};

use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
};

use super::server::Keeper;
use crate::loopback::{
    client::{Clock, Counter},
    now,
    process::Process,
};

/// A server process.
pub struct Server {
    process: Process,
    pub address: SocketAddr,
}

/// What a server has used and done so far.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Nanoseconds of CPU.
    pub cpu: u64,
    /// Bytes in memory.
    pub memory: u64,
    pub published: u64,
}

impl Server {
    pub fn start(keeper: Keeper, text: usize, room: Option<u32>) -> io::Result<Self> {
        let words =
            [Some(keeper.word().into()), Some(text.to_string()), room.map(|it| it.to_string())];
        let (process, address) = Process::start(words.into_iter().flatten())?;
        Ok(Self { process, address })
    }

    pub fn usage(&mut self) -> io::Result<Usage> {
        self.tell("")
    }

    /// So many events a second from now on.
    pub fn publish(&mut self, rate: u64) -> io::Result<Usage> {
        self.tell(&rate.to_string())
    }

    fn tell(&mut self, word: &str) -> io::Result<Usage> {
        let [cpu, memory, published] = self.process.tell(word)?;
        Ok(Usage { cpu, memory, published })
    }
}

/// Opens a stream. With `room`, the kernel holds little more than so many bytes for it.
pub async fn connect(
    address: SocketAddr,
    last: Option<&str>,
    room: Option<u32>,
) -> io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if let Some(room) = room {
        socket.set_recv_buffer_size(room)?;
    }
    let mut stream = socket.connect(address).await?;
    let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
    let request = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{last}\r\n");
    stream.write_all(request.as_bytes()).await?;
    Ok(stream)
}

/// What the tasks of all connections share.
pub struct Reading {
    buffer: RefCell<Vec<u8>>,
    /// How many events have come.
    pub events: Cell<u64>,
    /// How old some of them were, in nanoseconds.
    pub ages: RefCell<Vec<u64>>,
}

impl Reading {
    pub fn new() -> Rc<Self> {
        let (events, ages) = (Cell::new(0), RefCell::default());
        Rc::new(Self { buffer: RefCell::new(vec![0; 256 * 1024]), events, ages })
    }

    /// Hands on what has come, until the end.
    async fn read(&self, stream: &TcpStream, mut bytes: impl FnMut(&[u8])) {
        loop {
            if stream.readable().await.is_err() {
                return;
            }
            let mut buffer = self.buffer.borrow_mut();
            match stream.try_read(&mut buffer) {
                Ok(0) => return,
                Ok(len) => bytes(&buffer[..len]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    }

    /// Counts events, and sees how old they are if that is asked.
    pub async fn count(self: Rc<Self>, stream: TcpStream, is_aged: bool) {
        let (mut counter, mut clock) = (Counter::new(), Clock::default());
        self.read(&stream, |bytes| {
            let read = now();
            let before = counter.events;
            counter.count(bytes);
            self.events.set(self.events.get() + counter.events - before);
            if is_aged {
                let mut ages = self.ages.borrow_mut();
                clock.read(bytes, |made| ages.push(read - made));
            }
        })
        .await;
    }

    /// Follows the hub's events in their order.
    pub async fn follow(self: Rc<Self>, stream: TcpStream, client: Rc<RefCell<Client>>) {
        self.read(&stream, |bytes| client.borrow_mut().read(bytes)).await;
    }
}

/// A client that comes back: it has the last id, and knows what must come next.
#[derive(Debug, Default)]
pub struct Client {
    /// A line that has no end yet.
    line: Vec<u8>,
    /// Of the event that has no end yet.
    id: String,
    data: bool,
    gap: bool,
    pub last: String,
    pub events: u64,
    /// Whether there was a hole, an event twice, or a gap.
    pub is_wrong: bool,
    /// When the first event came after a new connection.
    pub first: Option<u64>,
}

/// The number in an id of the hub's.
fn number(id: &str) -> Option<u64> {
    id.rsplit_once('-')?.1.parse().ok()
}

impl Client {
    /// What is half read is lost with the connection.
    pub fn cut(&mut self) {
        self.line.clear();
        self.id.clear();
        (self.data, self.gap, self.first) = (false, false, None);
    }

    fn read(&mut self, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(piece);
            if let Some(line) = self.line.strip_suffix(b"\n") {
                match line {
                    b"" => self.dispatch(),
                    [b'i', b'd', b':', b' ', id @ ..] => {
                        self.id = String::from_utf8_lossy(id).into_owned();
                    }
                    b"event: gap" => self.gap = true,
                    _ => self.data |= line.starts_with(b"data: {\"n\":"),
                }
                self.line.clear();
            }
        }
    }

    fn dispatch(&mut self) {
        if self.data {
            self.is_wrong |= number(&self.id) != number(&self.last).map(|n| n + 1);
            self.events += 1;
            self.first.get_or_insert_with(now);
        } else if !self.last.is_empty() {
            // A checkpoint says where the client is already.
            self.is_wrong |= self.id != self.last;
        }
        self.is_wrong |= self.gap;
        self.last.clone_from(&self.id);
        (self.data, self.gap) = (false, false);
        self.id.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_sees_what_is_missing() {
        let event = |n: u64| format!("id: 9-{n}\nevent: tick\ndata: {{\"n\":{n}}}\n\n");
        let checkpoint = "id: 9-4\nevent: checkpoint\nretry: 5\ndata: {}\n\n";
        let run = |rest: &str| {
            let mut client = Client::default();
            client.read(checkpoint.as_bytes());
            client.read(format!("{}id: 9-6\nev", event(5)).as_bytes());
            client.cut();
            assert_eq!((&*client.last, client.events, client.is_wrong), ("9-5", 1, false));
            client.read(rest.as_bytes());
            client.is_wrong
        };
        assert!(!run(&event(6)));
        assert!(run(&event(5)));
        assert!(run(&event(7)));
        assert!(run("id: 9-5\nevent: gap\ndata: {}\n\n"));
    }
}
