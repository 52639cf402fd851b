//! Connections to the server that has the stream.

use std::{fmt, sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ConnectionInfo, ErrorKind,
    IntoConnectionInfo, Pipeline, ProtocolVersion, RedisError, RedisResult, Value,
    aio::MultiplexedConnection, cmd, io::tcp::TcpSettings,
};
use tokio::time::timeout;

use super::{
    reader::{BLOCK, Reader},
    route::{Route, Target},
};
use crate::error::{Error, LogFailure};

/// How long it may take to connect.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take, beyond what the command itself waits.
pub(super) const ANSWER: Duration = Duration::from_secs(4);
/// How many redirections are followed, one after the other.
pub(super) const REDIRECTIONS: usize = 5;

/// Where a stream is.
pub(super) struct Place {
    pub(super) stream: String,
    info: ConnectionInfo,
    route: Arc<Route>,
}

impl Place {
    pub(super) fn new(url: &str, stream: &str) -> Result<Self, Error> {
        if url.starts_with("rediss:") && !cfg!(feature = "redis-rustls") {
            return Err(LogFailure::Url("TLS needs the feature `redis-rustls`".into()).into());
        }
        // Its own errors may show a part of what they do not understand: a password, say.
        let wrong = |_: RedisError| Error::from(LogFailure::Url(FORM.into()));
        let (first, others) = each(url);
        let info: ConnectionInfo = first.as_str().into_connection_info().map_err(wrong)?;
        let addr_of = |url: &String| Ok(url.as_str().into_connection_info()?.addr().clone());
        let others: RedisResult<Vec<_>> = others.iter().map(addr_of).collect();
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP2);
        let tcp = TcpSettings::default().set_nodelay(true);
        let info = info.set_redis_settings(settings).set_tcp_settings(tcp);
        #[cfg(feature = "redis-rustls")]
        provide_cryptography(&info);
        let route = Arc::new(Route::new(info.addr().clone(), others.map_err(wrong)?));
        Client::open(info.clone()).map_err(wrong)?;
        Ok(Self { stream: stream.to_owned(), info, route })
    }

    /// A connection to publish by.
    pub(super) async fn publisher(&self) -> Result<Connection, Failure> {
        self.connect(ANSWER).await
    }

    /// A connection to read by, which may wait so long for an answer that does not wait itself. It
    /// does most of the time, so it is no use for anything else.
    pub(super) async fn reader(&self, answer: Duration) -> Result<Reader, Failure> {
        let mut connection = self.connect(BLOCK + answer).await?;
        // Whether that is allowed shows here, and not after the hub has been called live.
        let mut news = cmd("XREAD");
        news.arg("COUNT").arg(1).arg("STREAMS").arg(&self.stream).arg("$");
        let mut last = cmd("XRANGE");
        last.arg(&self.stream).arg("-").arg("+").arg("COUNT").arg(1);
        connection.ask_all([news, last]).await?;
        connection.learn().await;
        Ok(Reader::new(connection, self.stream.clone()))
    }

    /// A connection to the server that has the stream.
    async fn connect(&self, answer: Duration) -> Result<Connection, Failure> {
        let mut target = self.route.target();
        let mut redirections = 0;
        loop {
            let failure = match self.open(&target, answer).await {
                Ok(connection) => return Ok(connection),
                Err(failure) => failure,
            };
            match failure.to {
                Some(to) if redirections < REDIRECTIONS => target = to,
                _ => {
                    self.route.pass_by(&target.addr);
                    return Err(failure);
                }
            }
            redirections += 1;
        }
    }

    /// A connection to this server, which has the stream.
    async fn open(&self, target: &Target, answer: Duration) -> Result<Connection, Failure> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(answer));
        let failed = |error| Failure { error, at: target.addr.clone(), to: None };
        let opened = async {
            let client = Client::open(self.info.clone().set_addr(target.addr.clone()))?;
            client.get_multiplexed_async_connection_with_config(&config).await
        };
        let inner = opened.await.map_err(failed)?;
        let (target, route) = (target.clone(), self.route.clone());
        let mut connection = Connection { inner, target, route };
        match timeout(ANSWER, connection.probe(&self.stream)).await {
            Ok(probed) => probed.map(|()| connection),
            Err(_) => Err(failed((ErrorKind::Io, "timed out").into())),
        }
    }
}

/// What a URL looks like.
const FORM: &str = "it has the form `redis://[[user]:password@]host[:port][,..][/database]`, \
    `rediss://` for TLS, or `redis+unix:///path`";

/// The URLs of all hosts that this one names, `scheme://user@host,host/path`.
fn each(url: &str) -> (String, Vec<String>) {
    let scheme = url.find("://").map_or(0, |at| at + 3);
    let end = url[scheme..].find(['/', '?', '#']).map_or(url.len(), |at| scheme + at);
    let hosts = url[scheme..end].rfind('@').map_or(scheme, |at| scheme + at + 1);
    let mut urls =
        url[hosts..end].split(',').map(|host| [&url[..hosts], host, &url[end..]].concat());
    (urls.next().unwrap_or_default(), urls.collect())
}

/// Without one that the process has chosen, the client would panic.
#[cfg(feature = "redis-rustls")]
fn provide_cryptography(info: &ConnectionInfo) {
    let is_tls = matches!(info.addr(), ConnectionAddr::TcpTls { .. });
    if is_tls && rustls::crypto::CryptoProvider::get_default().is_none() {
        // Another thread may have been quicker.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
}

/// Why there is no answer.
pub(super) struct Failure {
    pub(super) error: RedisError,
    at: ConnectionAddr,
    /// The server has named this one.
    to: Option<Target>,
}

impl Failure {
    /// Whether the server has named another one, to which the next connection leads.
    pub(super) fn is_redirected(&self) -> bool {
        self.to.is_some()
    }

    /// Whether the server has answered, and said no.
    pub(super) fn is_refusal(&self) -> bool {
        self.error.code().is_some()
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        LogFailure::Connection(failure.to_string()).into()
    }
}

/// A connection to one server.
#[derive(Clone)]
pub(super) struct Connection {
    inner: MultiplexedConnection,
    target: Target,
    route: Arc<Route>,
}

impl Connection {
    /// Sends a command. A refusal is a failure.
    pub(super) async fn ask(&mut self, command: &Cmd) -> Result<Value, Failure> {
        if !self.target.is_asking {
            let answer = self.inner.send_packed_command(command).await;
            return answer.and_then(Value::extract_error).map_err(|error| self.failure(error));
        }
        self.ask_all([command.clone()]).await.map(|[answer]| answer)
    }

    /// Sends commands in one go.
    pub(super) async fn ask_all<const N: usize>(
        &mut self,
        commands: [Cmd; N],
    ) -> Result<[Value; N], Failure> {
        let mut pipeline = Pipeline::new();
        for command in commands {
            if self.target.is_asking {
                pipeline.cmd("ASKING");
            }
            pipeline.add_command(command);
        }
        let (each, count) = (1 + usize::from(self.target.is_asking), pipeline.len());
        let answers = self.inner.send_packed_commands(&pipeline, 0, count).await;
        let answers = answers.map_err(|error| self.failure(error))?;
        let answers = answers.into_iter().skip(each - 1).step_by(each);
        let answers: RedisResult<Vec<_>> = answers.map(Value::extract_error).collect();
        let answers = answers.map_err(|error| self.failure(error))?;
        answers.try_into().map_err(|_| self.failure(too_few()))
    }

    /// Whether this server answers, and has the stream.
    pub(super) async fn probe(&mut self, stream: &str) -> Result<(), Failure> {
        self.ask(cmd("XLEN").arg(stream)).await.map(drop)
    }

    /// Whether the stream is only on its way to this server.
    pub(super) fn is_asking(&self) -> bool {
        self.target.is_asking
    }

    /// This server is of no use: whoever connects next tries another one, if one is known.
    pub(super) fn pass_by(&self) {
        self.route.pass_by(&self.target.addr);
    }

    /// Remembers the other servers of a cluster.
    pub(super) async fn learn(&mut self) {
        // Who is not in a cluster refuses to say.
        if let Ok(slots) = self.ask(cmd("CLUSTER").arg("SLOTS")).await {
            self.route.learn(&self.target, &slots);
        }
    }

    fn failure(&self, error: RedisError) -> Failure {
        let to = self.route.follow(&self.target, &error);
        Failure { error, at: self.target.addr.clone(), to }
    }
}

fn too_few() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "there are not as many answers as commands").into()
}

#[cfg(test)]
mod tests {
    use super::each;

    #[test]
    fn a_url_may_name_several_hosts() {
        for (url, expected) in [
            ("redis://a", &["redis://a"][..]),
            ("redis://a,b:2", &["redis://a", "redis://b:2"]),
            ("redis://u:p,@a:1,b/3", &["redis://u:p,@a:1/3", "redis://u:p,@b/3"]),
            ("rediss://u:p@[::1]:1,[::2]/", &["rediss://u:p@[::1]:1/", "rediss://u:p@[::2]/"]),
            ("redis://a,b?x=1,2", &["redis://a?x=1,2", "redis://b?x=1,2"]),
            ("redis+unix:///a,b@c", &["redis+unix:///a,b@c"]),
            ("redis://a,", &["redis://a", "redis://"]),
            ("", &[""]),
            ("a,b", &["a", "b"]),
        ] {
            let (first, others) = each(url);
            let all: Vec<_> = std::iter::once(first).chain(others).collect();
            assert_eq!(all, expected, "{url}");
        }
    }
}
