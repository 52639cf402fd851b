//! The client's end of a connection: the part of HTTP/1.1 that the servers need.

use std::{io, net::SocketAddr, time::Duration};

use bytes::{Buf, Bytes, BytesMut};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time,
};

/// The segment size of Ethernet. On the loopback interface it would be 64 KiB, and the kernel would
/// accept megabytes from a server before its client counts as stalled.
const SEGMENT: u32 = 1_460;

/// A receive buffer that fills at once.
pub(crate) const SMALL: u32 = 4 * 1024;

/// The deadline for each step, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A request that was sent, and the response as far as it has been read.
pub(crate) struct Connection {
    socket: TcpStream,
    buffer: BytesMut,
    /// The unread bytes of the current chunk.
    left: usize,
    /// Whether a chunk's line end is still unread.
    in_chunk: bool,
    received: u64,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct Options {
    pub(crate) last_event_id: Option<u64>,
    /// The receive buffer in bytes, to limit what the kernel accepts for a client that does not
    /// read.
    pub(crate) buffer: Option<u32>,
}

impl Connection {
    /// Connects and sends a request, without reading yet.
    pub(crate) async fn open(
        address: SocketAddr,
        path: &str,
        options: Options,
    ) -> io::Result<Self> {
        let mut request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n");
        if let Some(id) = options.last_event_id {
            request += &format!("last-event-id: {id}\r\n");
        }
        request += "\r\n";
        Self::begin(address, request.as_bytes(), options).await
    }

    /// Connects and sends this, which may be less than a request.
    pub(crate) async fn begin(
        address: SocketAddr,
        request: &[u8],
        options: Options,
    ) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        if let Some(bytes) = options.buffer {
            socket.set_recv_buffer_size(bytes)?;
            SockRef::from(&socket).set_tcp_mss(SEGMENT)?;
        }
        let mut socket = time::timeout(PATIENCE, socket.connect(address)).await??;
        socket.write_all(request).await?;
        Ok(Self { socket, buffer: BytesMut::new(), left: 0, in_chunk: false, received: 0 })
    }

    /// Reads the head of the response, which must be an event stream's; returns its length.
    pub(crate) async fn head(&mut self) -> io::Result<usize> {
        let end = loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n\r\n") {
                break end + 4;
            }
            self.fill().await?;
        };
        let head = self.buffer.split_to(end);
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        if head.starts_with("http/1.1 200 ")
            && head.contains("\r\ncontent-type: text/event-stream; charset=utf-8\r\n")
            && head.contains("\r\ntransfer-encoding: chunked\r\n")
        {
            Ok(end)
        } else {
            Err(io::Error::other(format!("no event stream: {head}")))
        }
    }

    /// The next bytes of the body, as they arrive; `None` at its end.
    pub(crate) async fn piece(&mut self) -> io::Result<Option<Bytes>> {
        loop {
            if self.left > 0 && !self.buffer.is_empty() {
                let piece = self.buffer.split_to(self.left.min(self.buffer.len())).freeze();
                self.left -= piece.len();
                return Ok(Some(piece));
            }
            if self.left == 0
                && let Some(size) = self.next_chunk()?
            {
                if size == 0 {
                    return Ok(None);
                }
                self.left = size;
            } else {
                self.fill().await?;
            }
        }
    }

    /// The size of the next chunk, once its first line is complete.
    fn next_chunk(&mut self) -> io::Result<Option<usize>> {
        let start = if self.in_chunk { 2 } else { 0 };
        let line = self.buffer.get(start..).unwrap_or_default();
        let Some(end) = memchr::memmem::find(line, b"\r\n") else { return Ok(None) };
        let size = std::str::from_utf8(&line[..end]).ok();
        let size = size.and_then(|size| usize::from_str_radix(size, 16).ok());
        let size = size.ok_or_else(|| io::Error::other("a chunk without a size"))?;
        self.buffer.advance(start + end + 2);
        self.in_chunk = true;
        Ok(Some(size))
    }

    async fn fill(&mut self) -> io::Result<()> {
        self.buffer.reserve(16 * 1024);
        let read = self.socket.read_buf(&mut self.buffer).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.received += read as u64;
        Ok(())
    }

    /// The bytes received so far.
    pub(crate) fn received(&self) -> u64 {
        self.received
    }

    /// The client's port, by which the kernel knows the connection.
    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// Resets the connection.
    pub(crate) fn reset(self) {
        let _ = SockRef::from(&self.socket).set_linger(Some(Duration::ZERO));
    }

    /// Disconnects, by a reset or by a close.
    pub(crate) fn leave(self, reset: bool) {
        if reset {
            self.reset();
        }
    }
}

/// The body of a response with a `Content-Length`.
pub(crate) async fn get(address: SocketAddr, path: &str) -> io::Result<Bytes> {
    let request = async {
        let mut socket = TcpStream::connect(address).await?;
        let request =
            format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        socket.write_all(request.as_bytes()).await?;
        let mut response = Vec::new();
        socket.read_to_end(&mut response).await?;
        let mut response = Bytes::from(response);
        let head = memchr::memmem::find(&response, b"\r\n\r\n");
        let head = head.ok_or_else(|| io::Error::other("a response without a head"))?;
        response.advance(head + 4);
        Ok(response)
    };
    time::timeout(PATIENCE, request).await?
}
