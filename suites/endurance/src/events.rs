//! The events of a connection: the part of their syntax that the servers write.

use std::io;

use bytes::{Bytes, BytesMut};

use crate::connection::Connection;

pub(crate) struct Events {
    connection: Connection,
    text: BytesMut,
    /// The length of the text that is known to have no end of an event.
    searched: usize,
}

/// The lines of an event, up to its blank line; or one line without an event.
#[derive(Default)]
pub(crate) struct Block {
    pub(crate) id: Option<u64>,
    pub(crate) data: Option<Bytes>,
}

impl Events {
    /// Reads the head of the response first.
    pub(crate) async fn of(mut connection: Connection) -> io::Result<Self> {
        connection.head().await?;
        Ok(Self { connection, text: BytesMut::new(), searched: 0 })
    }

    /// The next event or comment; `None` at the end, which must follow a whole one.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Block>> {
        loop {
            let from = self.searched.saturating_sub(1);
            let is_line = self.text.starts_with(b":") || self.text.starts_with(b"retry: ");
            let end: &[u8] = if is_line { b"\n" } else { b"\n\n" };
            if let Some(at) = memchr::memmem::find(&self.text[from..], end) {
                let block = self.text.split_to(from + at + end.len()).freeze();
                self.searched = 0;
                if self.text.is_empty() {
                    // Free a giant's buffer: there are thousands of clients.
                    self.text = BytesMut::new();
                }
                return block_of(&block).map(Some);
            }
            self.searched = self.text.len();
            match self.connection.piece().await? {
                Some(piece) => self.text.extend_from_slice(&piece),
                None if self.text.is_empty() => return Ok(None),
                None => return Err(io::Error::other("a frame was cut")),
            }
        }
    }

    /// The next block that has data.
    pub(crate) async fn next_event(&mut self) -> io::Result<Option<Block>> {
        loop {
            match self.next().await? {
                Some(block) if block.data.is_none() => {}
                other => return Ok(other),
            }
        }
    }

    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }
}

fn block_of(bytes: &Bytes) -> io::Result<Block> {
    let mut block = Block::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        if let Some(id) = line.strip_prefix(b"id: ") {
            block.id = std::str::from_utf8(id).ok().and_then(|id| id.parse().ok());
        } else if let Some(data) = line.strip_prefix(b"data: ") {
            block.data = Some(bytes.slice_ref(data));
        } else if !(line.is_empty()
            || line.starts_with(b":")
            || line.starts_with(b"event: ")
            || line.starts_with(b"retry: "))
        {
            let line = String::from_utf8_lossy(&line[..line.len().min(100)]);
            return Err(io::Error::other(format!("no line of an event stream: {line}")));
        }
    }
    Ok(block)
}
