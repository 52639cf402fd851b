//! Reads the log, by the commands of Redis 6.2 and Valkey 7.2.

use std::time::Duration;

use redis::{Cmd, Value, cmd};

use super::{
    answer::{entries, unexpected},
    connection::{Connection, Failure},
    endpoint::Endpoint,
    record::mark,
    source::{Entry, News, Source},
};
use crate::{
    error::Error,
    position::{Check, Position},
    random,
};

/// How long a read waits for entries. `Hub::wait_for` may wait for two reads in turn.
const BLOCK: Duration = Duration::from_millis(400);

/// How many endings of streams are read at once: each may have a name of 4 KiB.
const ENDINGS: usize = 256;

/// The reading connection, which waits for an answer most of the time.
pub(super) struct Reader {
    connection: Connection,
    stream: String,
    /// The key of the endings of streams.
    endings: String,
    /// Whether the stream is on another server now, or on its way there.
    has_moved: bool,
    /// Whether an answer was not in time.
    is_slow: bool,
}

impl Reader {
    /// Connects. `answer` is how long an answer may take to a command that does not wait itself.
    pub(super) async fn open(endpoint: &Endpoint, answer: Duration) -> Result<Self, Failure> {
        let mut connection = endpoint.connect(BLOCK + answer).await?;
        let stream = endpoint.stream.clone();
        // A missing right must show here, before the hub is live.
        let mut news = cmd("XREAD");
        news.arg("COUNT").arg(1).arg("STREAMS").arg(&stream).arg("$");
        let mut last = cmd("XRANGE");
        last.arg(&stream).arg("-").arg("+").arg("COUNT").arg(1);
        connection.ask_all([news, last]).await?;
        let endings = endpoint.endings();
        Ok(Self { connection, stream, endings, has_moved: false, is_slow: false })
    }

    async fn ask(&mut self, command: &Cmd) -> Result<Value, Error> {
        self.connection.ask(command).await.map_err(|failure| self.failed(failure))
    }

    fn failed(&mut self, failure: Failure) -> Error {
        self.has_moved |= failure.is_moving();
        self.is_slow |= failure.error.is_timeout();
        failure.into()
    }
}

impl Source for Reader {
    async fn newest(
        &mut self,
        before: Option<Position>,
        count: usize,
    ) -> Result<Vec<Entry>, Error> {
        let before =
            before.map_or_else(|| "+".to_owned(), |before| format!("({}", entry_id(before)));
        let mut command = cmd("XREVRANGE");
        command.arg(&self.stream).arg(before).arg("-").arg("COUNT").arg(count);
        entries(self.ask(&command).await?)
    }

    async fn from(&mut self, position: Position, count: usize) -> Result<Vec<Entry>, Error> {
        let mut command = cmd("XRANGE");
        command.arg(&self.stream).arg(entry_id(position)).arg("+").arg("COUNT").arg(count);
        entries(self.ask(&command).await?)
    }

    async fn wait(&mut self, after: Option<Position>, count: usize) -> Result<News, Error> {
        let after = entry_id(after.unwrap_or(Position::START));
        let mut news = cmd("XREAD");
        news.arg("COUNT").arg(count).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        news.arg("STREAMS").arg(&self.stream).arg(&after);
        let mut last = cmd("XRANGE");
        last.arg(&self.stream).arg(&after).arg(&after);
        // In the same round trip, after the entries are read.
        let answers = self.connection.ask_all([news, last]).await;
        let [news, last] = answers.map_err(|failure| self.failed(failure))?;
        let news = match news {
            Value::Nil => Vec::new(),
            Value::Array(streams) => match streams.into_iter().next() {
                Some(Value::Array(mut stream)) => entries(stream.pop().ok_or_else(unexpected)?)?,
                _ => return Err(unexpected()),
            },
            _ => return Err(unexpected()),
        };
        Ok(News { entries: news, last: entries(last)?.pop() })
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
        // Before Redis 7 the entries are not counted.
        let added = number(b"entries-added");
        Ok(added.is_some() && added == number(b"length"))
    }

    async fn mark(&mut self) -> Result<bool, Error> {
        let (name, value) = mark();
        let mut command = cmd("XADD");
        command.arg(&self.stream).arg("*").arg(name).arg(&value[..]);
        match self.connection.ask(&command).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_refusal() && !failure.is_moving() => Ok(false),
            Err(failure) => Err(self.failed(failure)),
        }
    }

    async fn before_all(&mut self) -> Result<Position, Error> {
        let Value::Array(time) = self.ask(&cmd("TIME")).await? else { return Err(unexpected()) };
        let Some(Value::BulkString(seconds)) = time.first() else { return Err(unexpected()) };
        let seconds = str::from_utf8(seconds).ok().and_then(|text| text.parse::<u64>().ok());
        // A second earlier, as the next entry may be from this very millisecond.
        let seconds = seconds.and_then(|seconds| seconds.checked_sub(1)).ok_or_else(unexpected)?;
        let epoch = seconds.saturating_mul(1_000);
        Ok(Position { epoch, n: random::number(), check: Check::of_gap(random::number()) })
    }

    async fn endings(&mut self) -> Result<Result<Vec<Entry>, Error>, Error> {
        let mut all: Vec<Entry> = Vec::new();
        loop {
            let after = all.last().map(|last| format!("({}", entry_id(last.position)));
            let mut command = cmd("XRANGE");
            command.arg(&self.endings).arg(after.as_deref().unwrap_or("-")).arg("+");
            command.arg("COUNT").arg(ENDINGS);
            let page = match self.connection.ask(&command).await {
                Ok(page) => entries(page)?,
                Err(failure) if failure.is_useless_key() => return Ok(Err(failure.into())),
                Err(failure) => return Err(self.failed(failure)),
            };
            let is_last = page.len() < ENDINGS;
            all.extend(page);
            if is_last {
                return Ok(Ok(all));
            }
        }
    }

    fn is_slow(&self) -> bool {
        self.is_slow
    }

    fn has_moved(&self) -> bool {
        self.has_moved
    }
}

/// The id of the entry at this position.
fn entry_id(position: Position) -> String {
    let (epoch, n) = position.numbers();
    format!("{epoch}-{n}")
}
