//! The server as its users start it, and a client of HTTP/1.0: bodies without chunks.

#![allow(dead_code, reason = "no test uses all of it")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use serde_json::Value;

/// How long an answer may take, which is no measure of speed.
const DEADLINE: Duration = Duration::from_secs(30);

pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_example-hub"));
        for name in ["RETAIN", "REDIS_URL", "STREAM", "DATA", "KEEP_ALIVE_MS"] {
            command.env_remove(name);
        }
        command.env("ADDR", "127.0.0.1:0").envs(variables.iter().copied());
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
        Self { child, address }
    }

    /// Sends the server a signal, such as `TERM`.
    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    /// Whether it ends by itself, with status 0.
    pub fn has_ended(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }

    /// The status and the body.
    pub fn get(&self, path: &str) -> (u16, String) {
        self.ask("GET", path, "")
    }

    pub fn json(&self, path: &str) -> Value {
        let (status, body) = self.get(path);
        assert_eq!(status, 200, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    pub fn post(&self, path: &str, body: &str) -> (u16, String) {
        self.ask("POST", path, body)
    }

    /// Publishes the lines, and gives their ids.
    pub fn publish(&self, query: &str, body: &str) -> Vec<String> {
        let (status, answer) = self.post(&format!("/publish?{query}"), body);
        assert_eq!(status, 200, "{answer}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let ids = answer["ids"].as_array().unwrap();
        assert_eq!(answer["published"], ids.len());
        ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
    }

    fn ask(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let mut answer = String::new();
        self.send(method, path, body).read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Sends a request, whose answer is still to be read.
    pub fn send(&self, method: &str, path: &str, body: &str) -> TcpStream {
        let mut socket = TcpStream::connect(&self.address).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.0\r\nContent-Length: {length}\r\n\r\n");
        socket.write_all(head.as_bytes()).unwrap();
        // A server that refuses the body may have closed.
        let _ = socket.write_all(body.as_bytes());
        socket
    }

    pub fn events(&self, path: &str) -> Events {
        let mut lines = BufReader::new(self.send("GET", path, ""));
        let mut line = String::new();
        lines.read_line(&mut line).unwrap();
        assert!(line.contains(" 200 "), "{line}");
        while !line.trim().is_empty() {
            line.clear();
            lines.read_line(&mut line).unwrap();
        }
        Events(lines)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An event of a stream.
#[derive(Debug, Default)]
pub struct Event {
    pub id: String,
    pub event_type: String,
    pub data: String,
}

pub struct Events(BufReader<TcpStream>);

impl Events {
    /// The next event with data.
    pub fn next(&mut self) -> Event {
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "the stream has ended");
            match line.trim_end_matches('\n').split_once(": ") {
                Some(("id", id)) => event.id = id.to_owned(),
                Some(("event", event_type)) => event.event_type = event_type.to_owned(),
                Some(("data", data)) => event.data += data,
                _ if line == "\n" && !event.data.is_empty() => return event,
                _ => {}
            }
        }
    }

    /// Nothing more comes, and the connection ends.
    pub fn ends(&mut self) {
        let mut rest = String::new();
        self.0.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
    }

    /// The data of the next event that is not the hub's own.
    pub fn data(&mut self) -> String {
        loop {
            let event = self.next();
            if event.event_type != "checkpoint" {
                assert_ne!(event.event_type, "gap", "{event:?}");
                return event.data;
            }
        }
    }
}
