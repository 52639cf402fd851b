//! Reads the log, by the commands of Redis 6.2 and Valkey 7.2.

use std::time::Duration;

use redis::{Cmd, Value, cmd};

use super::{
    connection::{Connection, failed},
    source::{Entry, News, Source},
};
use crate::{
    error::{Error, LogFailure},
    hub::{position::Position, random},
};

/// How long a read waits for news: also how soon a connection that died unseen is noticed.
pub(super) const BLOCK: Duration = Duration::from_secs(2);

pub(super) struct Reader {
    connection: Connection,
    stream: String,
}

impl Reader {
    pub(super) const fn new(connection: Connection, stream: String) -> Self {
        Self { connection, stream }
    }

    async fn ask(&mut self, command: &Cmd) -> Result<Value, Error> {
        self.connection.ask(command).await.map_err(failed)
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
        entries(self.ask(&command).await?)
    }

    async fn from(&mut self, position: Position, count: usize) -> Result<Vec<Entry>, Error> {
        let mut command = cmd("XRANGE");
        command.arg(&self.stream).arg(position.to_string()).arg("+").arg("COUNT").arg(count);
        entries(self.ask(&command).await?)
    }

    async fn wait(&mut self, after: Option<Position>, count: usize) -> Result<News, Error> {
        let after = after.unwrap_or(Position { epoch: 0, n: 0 }).to_string();
        let mut news = cmd("XREAD");
        news.arg("COUNT").arg(count).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        news.arg("STREAMS").arg(&self.stream).arg(&after);
        let mut there = cmd("XRANGE");
        there.arg(&self.stream).arg(&after).arg(&after);
        // In the same round trip, and after it.
        let [news, there] = self.connection.ask_all([news, there]).await.map_err(failed)?;
        let entries = match news {
            Value::Nil => Vec::new(),
            Value::Array(streams) => match streams.into_iter().next() {
                Some(Value::Array(mut stream)) => entries(stream.pop().ok_or_else(unexpected)?)?,
                _ => return Err(unexpected()),
            },
            _ => return Err(unexpected()),
        };
        let Value::Array(there) = there else { return Err(unexpected()) };
        Ok(News { entries, is_there: !there.is_empty() })
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
