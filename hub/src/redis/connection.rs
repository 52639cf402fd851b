//! A connection to one server.

use std::{fmt, sync::Arc};

use redis::{
    Cmd, ConnectionAddr, ErrorKind, Pipeline, RedisError, Value, aio::MultiplexedConnection, cmd,
};

use super::route::Route;
use crate::error::Error;

/// The reason why a command has no answer, or not the expected one.
pub(super) struct Failure {
    pub(super) error: RedisError,
    /// The server.
    at: String,
    /// The server that has the stream now.
    to: Option<Box<ConnectionAddr>>,
}

impl Failure {
    pub(super) fn new(error: RedisError, at: &ConnectionAddr) -> Self {
        Self { error, at: at.to_string(), to: None }
    }

    /// The server that this refusal names as the one that has the stream.
    pub(super) fn redirection(&self) -> Option<&ConnectionAddr> {
        self.to.as_deref()
    }

    /// Whether the stream is on another server, or on its way there: the command did not run, and
    /// will once there is a connection to that server.
    pub(super) fn is_moving(&self) -> bool {
        self.to.is_some() || self.error.code() == Some("ASK")
    }

    /// Whether the server has answered with an error.
    pub(super) fn is_refusal(&self) -> bool {
        self.error.code().is_some()
    }

    /// Whether a transaction was given up, as one of its commands was refused.
    pub(super) fn is_abort(&self) -> bool {
        self.error.code() == Some("EXECABORT")
    }

    /// Whether this user may not use the key, or it is of another type.
    pub(super) fn is_useless_key(&self) -> bool {
        matches!(self.error.code(), Some("NOPERM" | "WRONGTYPE"))
    }

    /// Whether the server is a replica, which cannot write.
    pub(super) fn is_read_only(&self) -> bool {
        self.error.code() == Some("READONLY")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.error)
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        Self::connection(failure.to_string())
    }
}

pub(super) struct Connection {
    inner: MultiplexedConnection,
    addr: ConnectionAddr,
    route: Arc<Route>,
}

impl Connection {
    pub(super) const fn new(
        inner: MultiplexedConnection,
        addr: ConnectionAddr,
        route: Arc<Route>,
    ) -> Self {
        Self { inner, addr, route }
    }

    /// Sends a command. A refusal is a failure.
    pub(super) async fn ask(&mut self, command: &Cmd) -> Result<Value, Failure> {
        let answer = self.inner.send_packed_command(command).await;
        answer.and_then(Value::extract_error).map_err(|error| self.failure(error))
    }

    /// Sends commands in one go. A refusal of one of them is a failure.
    pub(super) async fn ask_all<const N: usize>(
        &mut self,
        commands: [Cmd; N],
    ) -> Result<[Value; N], Failure> {
        let answers: Result<Vec<_>, _> = self.ask_each(commands).await?.into_iter().collect();
        answers?.try_into().map_err(|_| self.failure(too_few()))
    }

    /// Sends commands in one go. Each has an answer of its own; a failure concerns them all.
    pub(super) async fn ask_each(
        &mut self,
        commands: impl IntoIterator<Item = Cmd>,
    ) -> Result<Vec<Result<Value, Failure>>, Failure> {
        let mut pipeline = Pipeline::new();
        for command in commands {
            pipeline.add_command(command);
        }
        let count = pipeline.len();
        let answers = self.inner.send_packed_commands(&pipeline, 0, count).await;
        let answers = answers.map_err(|error| self.failure(error))?;
        if answers.len() < count {
            return Err(self.failure(too_few()));
        }
        let answer = |answer: Value| answer.extract_error().map_err(|error| self.failure(error));
        Ok(answers.into_iter().map(answer).collect())
    }

    /// Whether this server answers, and has the stream.
    pub(super) async fn probe(&mut self, stream: &str) -> Result<(), Failure> {
        self.ask(cmd("XLEN").arg(stream)).await.map(drop)
    }

    /// Marks this server as useless: the next connection is to another one, if one is known.
    pub(super) fn pass_by(&self) {
        self.route.pass_by(&self.addr);
    }

    fn failure(&self, error: RedisError) -> Failure {
        let to = self.route.follow(&self.addr, &error).map(Box::new);
        Failure { error, at: self.addr.to_string(), to }
    }
}

fn too_few() -> RedisError {
    (ErrorKind::UnexpectedReturnType, "there are not as many answers as commands").into()
}
