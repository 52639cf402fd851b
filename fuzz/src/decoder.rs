//! A client, by the letter of the standard: HTML, "Server-sent events", parsing and interpreting.

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
    /// Whether the stream ended inside a line or before a blank line.
    pub unfinished: bool,
    data_buffer: String,
    event_type_buffer: String,
    last_event_id_buffer: String,
}

/// Interprets a whole stream. Panics if it is not UTF-8: the crate never writes anything else.
pub fn decode(stream: &[u8]) -> Client {
    let text = std::str::from_utf8(stream).expect("the stream is UTF-8");
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut client = Client::default();
    let mut line = String::new();
    let mut open = false;
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        if char != '\r' && char != '\n' {
            line.push(char);
            continue;
        }
        if char == '\r' && chars.peek() == Some(&'\n') {
            chars.next();
        }
        open = !line.is_empty();
        client.line(&line);
        line.clear();
    }
    client.unfinished = open || !line.is_empty();
    client
}

impl Client {
    fn line(&mut self, line: &str) {
        if line.is_empty() {
            self.dispatch();
        } else if let Some(comment) = line.strip_prefix(':') {
            self.comments.push(comment.into());
        } else if let Some(colon) = line.find(':') {
            let value = &line[colon + 1..];
            self.field(&line[..colon], value.strip_prefix(' ').unwrap_or(value));
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
                self.retries.push(value.parse().expect("a small number"));
            }
            _ => self.unknown.push(name.into()),
        }
    }

    fn dispatch(&mut self) {
        self.last_event_id = self.last_event_id_buffer.clone();
        if self.data_buffer.is_empty() {
            self.event_type_buffer.clear();
            return;
        }
        self.data_buffer.pop();
        let event_type = std::mem::take(&mut self.event_type_buffer);
        self.messages.push(Message {
            event_type: if event_type.is_empty() { "message".into() } else { event_type },
            data: std::mem::take(&mut self.data_buffer),
            last_event_id: self.last_event_id.clone(),
        });
    }
}
