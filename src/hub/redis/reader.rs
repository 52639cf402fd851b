//! Reads the log, by the commands of Redis 6.2 and Valkey 7.2.

use std::time::{Duration, Instant};

use redis::{Cmd, Value, cmd};

use super::{
    connection::{Connection, Failure},
    record::MARK_FIELD,
    source::{Entry, News, Source},
};
use crate::{
    error::{Error, LogFailure},
    hub::{position::Position, random},
};

/// How long a read waits for news: also how soon a connection that died unseen is noticed.
pub(super) const BLOCK: Duration = Duration::from_secs(2);

/// How long a server is asked for a stream that is only on its way there. Nobody tells who has
/// waited there that it has not come, or has gone back.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(3);

pub(super) struct Reader {
    connection: Connection,
    stream: String,
    /// Until when it is certain that the stream is here, or is not: the server that has its slot has
    /// led here.
    certain_until: Option<Instant>,
    /// Whether something has been waited for since then.
    has_waited: bool,
    /// Whether the stream is on another server, or may be.
    is_left: bool,
    /// Whether an answer has not come in time.
    is_slow: bool,
}

impl Reader {
    pub(super) fn new(connection: Connection, stream: String) -> Self {
        let certain_until = connection.is_asking().then(|| Instant::now() + ASK_AGAIN);
        let (has_waited, is_left, is_slow) = (false, false, false);
        Self { connection, stream, certain_until, has_waited, is_left, is_slow }
    }

    async fn ask(&mut self, command: &Cmd) -> Result<Value, Error> {
        self.connection.ask(command).await.map_err(|failure| self.failed(failure))
    }

    fn failed(&mut self, failure: Failure) -> Error {
        self.is_left |= failure.is_redirected();
        self.is_slow |= failure.error.is_timeout();
        failure.into()
    }

    /// Whether the stream is on another server now.
    pub(super) const fn is_left(&self) -> bool {
        self.is_left
    }

    /// Whether less should be asked for at once.
    pub(super) const fn is_slow(&self) -> bool {
        self.is_slow
    }

    /// Some of the stream's entries.
    async fn read(&mut self, command: &Cmd) -> Result<Vec<Entry>, Error> {
        let entries = entries(self.ask(command).await?)?;
        if entries.is_empty() && self.connection.is_asking() && self.has_waited {
            return Err(self.ask_elsewhere());
        }
        Ok(entries)
    }

    /// The stream may have gone back to where it came from: there one has to ask first.
    fn ask_elsewhere(&mut self) -> Error {
        self.is_left = true;
        let reason = "the stream is on its way from one server to another";
        LogFailure::Connection(reason.into()).into()
    }
}

impl Source for Reader {
    async fn newest(
        &mut self,
        before: Option<Position>,
        count: usize,
    ) -> Result<Vec<Entry>, Error> {
        let before = before.map_or_else(|| "+".to_owned(), |before| format!("({before}"));
        let mut command = cmd("XREVRANGE");
        command.arg(&self.stream).arg(before).arg("-").arg("COUNT").arg(count);
        self.read(&command).await
    }

    async fn from(&mut self, position: Position, count: usize) -> Result<Vec<Entry>, Error> {
        let mut command = cmd("XRANGE");
        command.arg(&self.stream).arg(position.to_string()).arg("+").arg("COUNT").arg(count);
        self.read(&command).await
    }

    async fn wait(&mut self, after: Option<Position>, count: usize) -> Result<News, Error> {
        self.has_waited = true;
        if self.certain_until.is_some_and(|until| until < Instant::now()) {
            return Err(self.ask_elsewhere());
        }
        let after = after.unwrap_or(Position::START).to_string();
        let mut news = cmd("XREAD");
        news.arg("COUNT").arg(count).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        news.arg("STREAMS").arg(&self.stream).arg(&after);
        let mut last = cmd("XRANGE");
        last.arg(&self.stream).arg(&after).arg(&after);
        // In the same round trip, and after it.
        let answers = self.connection.ask_all([news, last]).await;
        let [news, last] = answers.map_err(|failure| self.failed(failure))?;
        let entries = match news {
            Value::Nil => Vec::new(),
            Value::Array(streams) => match streams.into_iter().next() {
                Some(Value::Array(mut stream)) => entries(stream.pop().ok_or_else(unexpected)?)?,
                _ => return Err(unexpected()),
            },
            _ => return Err(unexpected()),
        };
        let last = self::entries(last)?.pop();
        Ok(News { entries, last })
    }

    async fn is_complete(&mut self) -> Result<bool, Error> {
        let mut command = cmd("XINFO");
        command.arg("STREAM").arg(&self.stream);
        let Value::Array(info) = self.ask(&command).await? else { return Err(unexpected()) };
        let number = |name: &[u8]| {
            info.chunks_exact(2).find_map(|pair| match pair {
                [Value::BulkString(found), Value::Int(number)] if found == name => Some(*number),
                _ => None,
            })
        };
        // Before Redis 7 nobody knows how many there were.
        let added = number(b"entries-added");
        Ok(added.is_some() && added == number(b"length"))
    }

    async fn mark(&mut self) -> Result<bool, Error> {
        if self.connection.is_asking() {
            // It could be a second stream.
            return Ok(false);
        }
        let (name, value) = MARK_FIELD;
        let mut command = cmd("XADD");
        command.arg(&self.stream).arg("*").arg(name).arg(value);
        match self.connection.ask(&command).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_refusal() && !failure.is_redirected() => Ok(false),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    async fn before_all(&mut self) -> Result<Position, Error> {
        let Value::Array(time) = self.ask(&cmd("TIME")).await? else { return Err(unexpected()) };
        let Some(Value::BulkString(seconds)) = time.first() else { return Err(unexpected()) };
        let seconds = str::from_utf8(seconds).ok().and_then(|text| text.parse::<u64>().ok());
        // A second before, as the next entry can be of this very millisecond.
        let seconds = seconds.and_then(|seconds| seconds.checked_sub(1)).ok_or_else(unexpected)?;
        let epoch = seconds.saturating_mul(1_000);
        Ok(Position { epoch, n: random::number() })
    }
}

fn unexpected() -> Error {
    LogFailure::Connection("the answer is not what the command gives".into()).into()
}

/// `[[id, [name, value, ..]], ..]`.
fn entries(value: Value) -> Result<Vec<Entry>, Error> {
    let Value::Array(entries) = value else { return Err(unexpected()) };
    // An entry that was deleted while it was read is nil.
    entries.into_iter().filter(|entry| *entry != Value::Nil).map(entry).collect()
}

fn entry(value: Value) -> Result<Entry, Error> {
    let Value::Array(parts) = value else { return Err(unexpected()) };
    let mut parts = parts.into_iter();
    let (Some(id), Some(Value::Array(values))) = (parts.next(), parts.next()) else {
        return Err(unexpected());
    };
    let position = position(&id).ok_or_else(unexpected)?;
    let mut fields = Vec::with_capacity(values.len() / 2);
    let mut values = values.into_iter();
    while let (Some(name), Some(value)) = (values.next(), values.next()) {
        let (Value::BulkString(name), Value::BulkString(value)) = (name, value) else {
            return Err(unexpected());
        };
        fields.push((name, value));
    }
    Ok(Entry { position, fields })
}

/// The id of an entry.
pub(super) fn position(id: &Value) -> Option<Position> {
    let Value::BulkString(id) = id else { return None };
    str::from_utf8(id).ok()?.parse().ok()
}
