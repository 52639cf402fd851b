//! A client, by the letter of the standard: HTML, "Server-sent events", parsing and interpreting an
//! event stream.

use std::{mem, str};

#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    pub event_type: String,
    pub data: String,
    pub last_event_id: String,
}

#[derive(Debug, Default)]
pub struct Client {
    pub messages: Vec<Message>,
    pub comments: Vec<String>,
    pub retries: Vec<u64>,
    pub last_event_id: String,
    /// The names of fields that the standard does not know.
    pub unknown: Vec<String>,
    /// Whether the stream ended inside a line, or inside an event.
    pub unfinished: bool,
    data_buffer: String,
    event_type_buffer: String,
    last_event_id_buffer: String,
}

/// Interprets a whole stream.
///
/// # Errors
///
/// The stream is not UTF-8. A client would replace the invalid bytes, but no encoder may write any.
pub fn decode(stream: &[u8]) -> Result<Client, str::Utf8Error> {
    let stream = str::from_utf8(stream)?;
    let mut rest = stream.strip_prefix('\u{FEFF}').unwrap_or(stream);
    let mut client = Client::default();
    let mut in_event = false;
    // A last line without an end is discarded.
    while let Some(end) = rest.find(['\r', '\n']) {
        let line = &rest[..end];
        let end_len = if rest[end..].starts_with("\r\n") { 2 } else { 1 };
        rest = &rest[end + end_len..];
        // Comments and reconnection times need no blank line.
        let needs_end = !line.starts_with(':') && !line.starts_with("retry:");
        in_event = !line.is_empty() && (in_event || needs_end);
        client.line(line);
    }
    client.unfinished = in_event || !rest.is_empty();
    Ok(client)
}

impl Client {
    fn line(&mut self, line: &str) {
        if line.is_empty() {
            self.dispatch();
        } else if let Some(comment) = line.strip_prefix(':') {
            self.comments.push(comment.into());
        } else if let Some((name, value)) = line.split_once(':') {
            self.field(name, value.strip_prefix(' ').unwrap_or(value));
        } else {
            self.field(line, "");
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        match name {
            "event" => self.event_type_buffer = value.into(),
            "data" => {
                self.data_buffer.push_str(value);
                self.data_buffer.push('\n');
            }
            "id" if value.contains('\0') => self.unknown.push("an id with NUL".into()),
            "id" => self.last_event_id_buffer = value.into(),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retries.push(value.parse().unwrap_or(u64::MAX));
            }
            _ => self.unknown.push(name.into()),
        }
    }

    fn dispatch(&mut self) {
        self.last_event_id = self.last_event_id_buffer.clone();
        let event_type = mem::take(&mut self.event_type_buffer);
        if self.data_buffer.is_empty() {
            return;
        }
        self.data_buffer.pop();
        self.messages.push(Message {
            event_type: if event_type.is_empty() { "message".into() } else { event_type },
            data: mem::take(&mut self.data_buffer),
            last_event_id: self.last_event_id.clone(),
        });
    }
}
