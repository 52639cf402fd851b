//! A minimal HTTP/1.1 client, which reports how a response ended and reads only when asked to.

use std::net::SocketAddr;

use bytes::{Buf, Bytes, BytesMut};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
};

use crate::soon;

/// How a response ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum End {
    /// As the framing of the response announced.
    Clean,
    /// In the middle of the body, or of the head.
    Cut,
}

pub(crate) struct Client {
    socket: TcpStream,
    /// Read, but not parsed yet.
    unread: BytesMut,
    step: usize,
    expected: Expected,
}

/// The next part of a response with the coding `chunked`.
#[derive(Clone, Copy)]
enum Expected {
    Head,
    Size,
    Data(usize),
    EndOfData,
    EndOfBody,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr, receive_buffer: Option<usize>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        if let Some(size) = receive_buffer {
            SockRef::from(&socket).set_recv_buffer_size(size).unwrap();
        }
        let socket = soon("a connection", socket.connect(address)).await.unwrap();
        Self { socket, unread: BytesMut::new(), step: 64 * 1024, expected: Expected::Head }
    }

    pub(crate) async fn ask(mut self, path: &str) -> Self {
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        self.socket.write_all(request.as_bytes()).await.unwrap();
        self
    }

    /// Limits each read to this many bytes.
    pub(crate) fn step(&mut self, bytes: usize) {
        self.step = bytes;
    }

    /// The size of the receive buffer, with the kernel's own share.
    pub(crate) fn receive_buffer(&self) -> usize {
        SockRef::from(&self.socket).recv_buffer_size().unwrap()
    }

    /// Reads the head, which must be that of an event stream, in lower case.
    pub(crate) async fn head(&mut self) -> String {
        assert!(matches!(self.expected, Expected::Head));
        loop {
            if let Some(head) = self.take_head() {
                return head;
            }
            assert!(self.fill().await, "the head is there");
        }
    }

    /// The next bytes of the body, or how it ended.
    pub(crate) async fn next(&mut self) -> Result<Bytes, End> {
        loop {
            match self.expected {
                Expected::Head => {
                    if self.take_head().is_some() {
                        continue;
                    }
                }
                Expected::Size => {
                    if let Some(line) = self.take_until(b"\r\n") {
                        let digits = std::str::from_utf8(&line).unwrap();
                        self.expected = match usize::from_str_radix(digits, 16).unwrap() {
                            0 => Expected::EndOfBody,
                            size => Expected::Data(size),
                        };
                        continue;
                    }
                }
                Expected::Data(left) => {
                    if !self.unread.is_empty() {
                        let bytes = self.unread.split_to(left.min(self.unread.len())).freeze();
                        self.expected = match left - bytes.len() {
                            0 => Expected::EndOfData,
                            left => Expected::Data(left),
                        };
                        return Ok(bytes);
                    }
                }
                Expected::EndOfData => {
                    if let Some(line) = self.take_until(b"\r\n") {
                        assert!(line.is_empty());
                        self.expected = Expected::Size;
                        continue;
                    }
                }
                Expected::EndOfBody => {
                    if let Some(line) = self.take_until(b"\r\n") {
                        assert!(line.is_empty());
                        return Err(End::Clean);
                    }
                }
            }
            if !self.fill().await {
                return Err(End::Cut);
            }
        }
    }

    /// The rest of the body, and how it ended.
    pub(crate) async fn rest(mut self) -> (Vec<u8>, End) {
        let mut body = Vec::new();
        loop {
            match self.next().await {
                Ok(bytes) => body.extend_from_slice(&bytes),
                Err(end) => return (body, end),
            }
        }
    }

    /// The next bytes of the body: at least this many, up to the end of an event or a comment.
    pub(crate) async fn at_least(&mut self, len: usize) -> Vec<u8> {
        let mut body = Vec::new();
        while body.len() < len || !is_whole(&body) {
            let bytes = self.next().await.expect("the body goes on");
            body.extend_from_slice(&bytes);
        }
        body
    }

    fn take_head(&mut self) -> Option<String> {
        let head = self.take_until(b"\r\n\r\n")?;
        let head = String::from_utf8(head.to_vec()).unwrap().to_ascii_lowercase();
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        for header in ["content-type: text/event-stream", "transfer-encoding: chunked"] {
            assert!(head.contains(&format!("\r\n{header}")), "{head}");
        }
        self.expected = Expected::Size;
        Some(head)
    }

    /// The bytes before `end`, without it, once all of them have arrived.
    fn take_until(&mut self, end: &[u8]) -> Option<Bytes> {
        let at = self.unread.windows(end.len()).position(|window| window == end)?;
        let bytes = self.unread.split_to(at).freeze();
        self.unread.advance(end.len());
        Some(bytes)
    }

    /// Reads once; `false` at the end of the connection, clean or not.
    async fn fill(&mut self) -> bool {
        let mut piece = (&mut self.socket).take(self.step as u64);
        self.unread.reserve(self.step);
        let read = soon("something to read", piece.read_buf(&mut self.unread)).await;
        matches!(read, Ok(len) if len > 0)
    }
}

/// Whether the body ends with a blank line or a comment.
fn is_whole(body: &[u8]) -> bool {
    let Some(lines) = body.strip_suffix(b"\n") else { return false };
    let last = lines.rsplit(|byte| *byte == b'\n').next();
    last.is_none_or(|line| line.is_empty() || line.starts_with(b":"))
}
