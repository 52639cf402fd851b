//! Connections to the server that has the stream.

use std::{sync::Arc, time::Duration};

use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, Pipeline,
    ProtocolVersion, RedisError, RedisResult, Value, aio::MultiplexedConnection, cmd,
    io::tcp::TcpSettings,
};

use super::{
    reader::{BLOCK, Reader},
    route::{Route, Target},
};
use crate::error::{Error, LogFailure};

/// How long it may take to connect.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// How long an answer may take, beyond what the command itself waits.
const ANSWER: Duration = Duration::from_secs(4);
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
        let route = Arc::new(Route::new(info.addr().clone()));
        Client::open(info.clone()).map_err(wrong)?;
        Ok(Self { stream: stream.to_owned(), info, route })
    }

    /// A connection to publish by.
    pub(super) async fn publisher(&self) -> RedisResult<Connection> {
        self.connect(ANSWER).await
    }

    /// A connection to read by. It waits most of the time, so it is no use for anything else.
    pub(super) async fn reader(&self) -> RedisResult<Reader> {
        let mut connection = self.connect(BLOCK + ANSWER).await?;
        // Who is not in a cluster refuses to say.
        if let Ok(slots) = connection.ask(cmd("CLUSTER").arg("SLOTS")).await {
            self.route.learn(&connection.target, &slots);
        }
        Ok(Reader::new(connection, self.stream.clone()))
    }

    /// A connection to the server that has the stream.
    async fn connect(&self, answer: Duration) -> RedisResult<Connection> {
        let mut redirections = 0;
        loop {
            let mut connection = self.open(answer).await?;
            match connection.probe(&self.stream).await {
                Ok(()) => return Ok(connection),
                Err(Failure { is_redirected: true, .. }) if redirections < REDIRECTIONS => {
                    redirections += 1;
                }
                Err(failure) => return Err(failure.error),
            }
        }
    }

    async fn open(&self, answer: Duration) -> RedisResult<Connection> {
        let target = self.route.target();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(answer));
        let client = Client::open(self.info.clone().set_addr(target.addr.clone()))?;
        match client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(inner) => Ok(Connection { inner, target, route: self.route.clone() }),
            Err(error) => {
                self.route.pass_by(&target);
                Err(error)
            }
        }
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

pub(super) fn failed(failure: impl Into<Failure>) -> Error {
    LogFailure::Connection(failure.into().error.to_string()).into()
}

fn unexpected() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "there are not as many answers as commands").into()
}

/// Why there is no answer.
pub(super) struct Failure {
    pub(super) error: RedisError,
    /// The server has named another one, which the next connection goes to.
    pub(super) is_redirected: bool,
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self { error, is_redirected: false }
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
        answers.try_into().map_err(|_| unexpected().into())
    }

    /// Whether this server answers, and has the stream.
    pub(super) async fn probe(&mut self, stream: &str) -> Result<(), Failure> {
        self.ask(cmd("XLEN").arg(stream)).await.map(drop)
    }

    fn failure(&self, error: RedisError) -> Failure {
        let is_redirected = self.route.follow(&self.target, &error);
        Failure { error, is_redirected }
    }
}
