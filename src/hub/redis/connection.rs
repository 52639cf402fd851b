//! The log on a Redis stream, by the commands of Redis 6.2 and Valkey 7.2.

use std::time::Duration;

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, IntoConnectionInfo, Pipeline,
    ProtocolVersion, RedisError, Value, aio::MultiplexedConnection, cmd, io::tcp::TcpSettings,
};

use super::source::{Entry, News, Source};
use crate::{
    error::{Error, LogFailure},
    hub::{position::Position, random},
};

const CONNECT: Duration = Duration::from_secs(2);
/// How long a read waits for news: also how soon a connection that died unseen is noticed.
const BLOCK: Duration = Duration::from_secs(2);
/// How long an answer may take, beyond what the command itself waits.
pub(super) const ANSWER: Duration = Duration::from_secs(4);

/// Where a stream is.
pub(super) struct Place {
    client: Client,
    pub(super) stream: String,
}

impl Place {
    pub(super) fn new(url: &str, stream: &str) -> Result<Self, Error> {
        let wrong = |error: RedisError| Error::from(LogFailure::Url(error.to_string()));
        let info: ConnectionInfo = url.into_connection_info().map_err(wrong)?;
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        let tcp = TcpSettings::default().set_nodelay(true);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        if !info.addr().is_supported() {
            let reason = "TLS needs the feature `redis-rustls`";
            return Err(LogFailure::Url(reason.into()).into());
        }
        #[cfg(feature = "redis-rustls")]
        provide_cryptography(&info);
        let client = Client::open(info).map_err(wrong)?;
        Ok(Self { client, stream: stream.to_owned() })
    }

    async fn connect(&self, answer: Duration) -> Result<MultiplexedConnection, Error> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(answer));
        self.client.get_multiplexed_async_connection_with_config(&config).await.map_err(failed)
    }

    /// A connection to publish by.
    pub(super) async fn publisher(&self) -> Result<MultiplexedConnection, Error> {
        self.connect(ANSWER).await
    }

    /// A connection to read by. It waits most of the time, so it is no use for anything else.
    pub(super) async fn reader(&self) -> Result<Reader, Error> {
        let connection = self.connect(BLOCK + ANSWER).await?;
        Ok(Reader { connection, stream: self.stream.clone() })
    }
}

/// Without one that the process has chosen, the client would panic.
#[cfg(feature = "redis-rustls")]
fn provide_cryptography(info: &ConnectionInfo) {
    let is_tls = matches!(info.addr(), redis::ConnectionAddr::TcpTls { .. });
    if is_tls && rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

pub(super) fn failed(error: RedisError) -> Error {
    LogFailure::Connection(error.to_string()).into()
}

fn unexpected() -> Error {
    LogFailure::Connection("the answer is not what the command gives".into()).into()
}

pub(super) struct Reader {
    connection: MultiplexedConnection,
    stream: String,
}

impl Reader {
    async fn ask(&mut self, command: &Cmd) -> Result<Value, Error> {
        self.connection.send_packed_command(command).await.map_err(failed)
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
        let mut both = Pipeline::with_capacity(2);
        both.cmd("XREAD").arg("COUNT").arg(count).arg("BLOCK").arg(BLOCK.as_millis() as u64);
        both.arg("STREAMS").arg(&self.stream).arg(&after);
        // In the same round trip, and after it.
        both.cmd("XRANGE").arg(&self.stream).arg(&after).arg(&after);
        let mut answers =
            self.connection.send_packed_commands(&both, 0, 2).await.map_err(failed)?;
        let (Some(there), Some(news)) = (answers.pop(), answers.pop()) else {
            return Err(unexpected());
        };
        let entries = match news {
            Value::Nil => Vec::new(),
            Value::Array(streams) => match streams.into_iter().next() {
                Some(Value::Array(mut stream)) => entries(stream.pop().ok_or_else(unexpected)?)?,
                _ => return Err(unexpected()),
            },
            other => return Err(refused(other)),
        };
        let is_there = match there {
            Value::Array(found) => !found.is_empty(),
            other => return Err(refused(other)),
        };
        Ok(News { entries, is_there })
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

/// The server's refusal, where it stands in the place of an answer.
fn refused(answer: Value) -> Error {
    match answer.extract_error() {
        Err(error) => failed(error),
        Ok(_) => unexpected(),
    }
}

/// `[[id, [name, value, ..]], ..]`.
fn entries(value: Value) -> Result<Vec<Entry>, Error> {
    let Value::Array(entries) = value else { return Err(refused(value)) };
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
