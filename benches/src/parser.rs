//! The parser of the HTML standard ("parsing an event stream" and "interpreting an event stream"),
//! as literally as it can be written: what every contender's output must say to a client.

/// An event as a client's listener sees it.
#[derive(Debug, PartialEq, Eq)]
pub struct Dispatched {
    pub event_type: String,
    pub data: String,
    pub last_event_id: String,
}

/// The events of a whole stream.
pub fn parse(stream: &[u8]) -> Result<Vec<Dispatched>, String> {
    let stream = str::from_utf8(stream).map_err(|error| error.to_string())?;
    let stream = stream.strip_prefix('\u{FEFF}').unwrap_or(stream);
    let mut events = Vec::new();
    let mut interpreter = Interpreter::default();
    for line in complete_lines(stream) {
        interpreter.line(line, &mut events);
    }
    Ok(events)
}

/// The lines that have an end: what follows the last one is incomplete and is discarded.
fn complete_lines(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let end = rest.find(['\r', '\n'])?;
        let line = &rest[..end];
        let after = if rest[end..].starts_with("\r\n") { end + 2 } else { end + 1 };
        rest = &rest[after..];
        Some(line)
    })
}

#[derive(Default)]
struct Interpreter {
    data: String,
    event_type: String,
    last_event_id_buffer: String,
}

impl Interpreter {
    fn line(&mut self, line: &str, events: &mut Vec<Dispatched>) {
        if line.is_empty() {
            self.dispatch(events);
        } else if let Some((name, value)) = line.split_once(':') {
            // An empty name is a comment.
            self.field(name, value.strip_prefix(' ').unwrap_or(value));
        } else {
            self.field(line, "");
        }
    }

    fn field(&mut self, name: &str, value: &str) {
        match name {
            "event" => self.event_type = value.into(),
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.last_event_id_buffer = value.into(),
            _ => {}
        }
    }

    fn dispatch(&mut self, events: &mut Vec<Dispatched>) {
        let event_type = std::mem::take(&mut self.event_type);
        if self.data.is_empty() {
            return;
        }
        let mut data = std::mem::take(&mut self.data);
        data.pop();
        events.push(Dispatched {
            event_type: if event_type.is_empty() { "message".into() } else { event_type },
            data,
            last_event_id: self.last_event_id_buffer.clone(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_the_standard() {
        let stream = "data: This is the first message.\n\n\
             : test stream\n\ndata: second event\nid: 1\n\ndata:third event\nid\n\n\
             data\n\ndata\ndata\n\nevent: add\rdata:  x\r\n\r\ndata: incomplete";
        let event = |event_type: &str, data: &str, id: &str| Dispatched {
            event_type: event_type.into(),
            data: data.into(),
            last_event_id: id.into(),
        };
        assert_eq!(
            parse(stream.as_bytes()).unwrap(),
            [
                event("message", "This is the first message.", ""),
                event("message", "second event", "1"),
                event("message", "third event", ""),
                event("message", "", ""),
                event("message", "\n", ""),
                event("add", " x", ""),
            ]
        );
    }
}
