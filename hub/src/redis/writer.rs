//! Appends to the log. There are three outcomes: appended, not appended, and unknown.
//!
//! One batch is in flight at a time; the events that arrive meanwhile form the next one.

use std::{mem, time::Duration};

use redis::{Cmd, Value, cmd};
use tokio::{
    select,
    time::{Instant, sleep, sleep_until},
};

use super::{
    answer::numbers,
    backoff::Backoff,
    connection::{Connection, Failure},
    endpoint::{ANSWER, CONNECT, Endpoint, REDIRECTIONS},
    link::Link,
    queue::{Command, NewEntry, Queue, Work},
};
use crate::{error::Error, feed::Feed};

/// How often a quiet connection is probed.
const PROBE: Duration = Duration::from_secs(1);
/// The least length of a full stream: in a shorter one, the entry that was read last could be
/// trimmed before the next read.
const LEAST_LEN: u64 = 256;
/// How many entries the stream keeps at most for each event that can be retained.
const MOST_ENTRIES: u64 = 4;

pub(super) struct Writer<'a> {
    pub(super) endpoint: &'a Endpoint,
    pub(super) link: &'a Link,
    pub(super) queue: Queue,
    /// It retains what the stream has to keep.
    pub(super) feed: &'a Feed,
}

/// Why a connection is given up.
enum End {
    /// The stream is on another server, or on its way there.
    Moved(String),
    /// It is broken, or leads to a replica.
    Useless(String),
}

impl Writer<'_> {
    /// How many entries the stream keeps at least: the retained ones, with the ephemeral and
    /// replaced ones between them, up to [`MOST_ENTRIES`] for each event that can be retained.
    fn max_len(&self) -> i64 {
        let most = (self.feed.settings.bounds.events as u64).saturating_mul(MOST_ENTRIES);
        let max_len = self.feed.read().retained.span().min(most).max(LEAST_LEN);
        // The endings of streams stand between the events.
        let max_len = max_len.saturating_add(self.feed.owners.len() as u64);
        // Redis counts in signed numbers.
        i64::try_from(max_len).unwrap_or(i64::MAX)
    }

    /// Appends events until the end of the hub.
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new();
        let mut pause = Duration::ZERO;
        let mut reason = "there is no connection yet".to_owned();
        // Until then events wait for the connection, and are refused afterwards. A hub can be live
        // before it has its first connection to publish by.
        let mut refuse_from = Instant::now() + CONNECT;
        let mut is_first = true;
        loop {
            let Self { endpoint, link, .. } = self;
            let connect = async {
                select! { () = sleep(pause) => {}, () = link.connected.notified() => {} }
                endpoint.connect(ANSWER).await
            };
            let refuse = async {
                sleep_until(refuse_from).await;
                link.refuse(&reason);
                self.queue.refuse(&reason).await;
            };
            let connected = select! {
                biased;
                () = refuse => return,
                connected = connect => connected,
            };
            let was_first = mem::replace(&mut is_first, false);
            match connected {
                Ok(connection) => {
                    link.accept();
                    match self.append_all(connection, &mut backoff).await {
                        None => return,
                        Some(End::Moved(why)) => {
                            (reason, refuse_from) = (why, Instant::now() + CONNECT);
                        }
                        Some(End::Useless(why)) => (reason, refuse_from) = (why, Instant::now()),
                    }
                }
                Err(failure) => {
                    reason = failure.to_string();
                    if was_first {
                        refuse_from = Instant::now();
                    }
                }
            }
            pause = backoff.next();
        }
    }

    /// Appends events until the connection is useless; `None` at the end of the hub.
    async fn append_all(
        &mut self,
        mut connection: Connection,
        backoff: &mut Backoff,
    ) -> Option<End> {
        loop {
            let batch = select! {
                biased;
                batch = self.queue.batch() => Some(batch?),
                () = self.link.reader_lost.notified() => None,
                () = sleep(PROBE) => None,
            };
            let end = match batch {
                Some(batch) => self.append(&mut connection, batch).await,
                None => self.probe(&mut connection).await,
            };
            if end.is_some() {
                return end;
            }
            *backoff = Backoff::new();
        }
    }

    async fn probe(&self, connection: &mut Connection) -> Option<End> {
        let failure = connection.probe(&self.endpoint.stream).await.err()?;
        let why = failure.to_string();
        Some(if failure.is_moving() { End::Moved(why) } else { End::Useless(why) })
    }

    /// Sends a batch, once: an event that may have been appended is not sent again.
    async fn append(&mut self, connection: &mut Connection, batch: Vec<Command>) -> Option<End> {
        let max_len = self.max_len();
        let answers = match batch.first().map(|command| &command.work) {
            Some(Work::All(entries, _)) => {
                let commands = entries.iter().map(|entry| self.xadd(entry, max_len));
                transact(connection, commands).await
            }
            Some(Work::End(entry, _)) => {
                let commands = [self.xadd(entry, max_len), self.keep_ending(entry)];
                transact(connection, commands.into_iter()).await
            }
            _ => {
                let entries = batch.iter().flat_map(Command::entries);
                connection.ask_each(entries.map(|entry| self.xadd(entry, max_len))).await
            }
        };
        let answers = match answers {
            Ok(answers) => answers,
            Err(failure) => {
                let why = failure.to_string();
                let error = outcome(&failure);
                batch.into_iter().for_each(|event| event.failed(error.clone()));
                return Some(End::Useless(why));
            }
        };
        let (mut end, mut returned) = (None, Vec::new());
        for (mut event, answer) in batch.into_iter().zip(answers) {
            match answer {
                Ok(answer) => match all_numbers(&answer) {
                    Some(numbers) => event.appended(&numbers),
                    None => event.failed(Error::outcome_unknown("the answer is not an entry's id")),
                },
                // A server that redirects has not appended the event.
                Err(failure) if failure.is_moving() && event.redirections < REDIRECTIONS => {
                    event.redirections += 1;
                    returned.push(event);
                    end = Some(End::Moved(failure.to_string()));
                }
                Err(failure) => {
                    if failure.is_read_only() {
                        // Another one of the URL may be the primary.
                        connection.pass_by();
                        end = Some(End::Useless(failure.to_string()));
                    }
                    event.failed(outcome(&failure));
                }
            }
        }
        self.queue.give_back(returned);
        end
    }

    fn xadd(&self, event: &NewEntry, max_len: i64) -> Cmd {
        let mut command = cmd("XADD");
        command.arg(&self.endpoint.stream).arg("MAXLEN").arg("~").arg(max_len).arg("*");
        add_fields(&mut command, event);
        command
    }

    /// Keeps an ending in a key of its own, for servers that start once the stream has lost it.
    fn keep_ending(&self, ending: &NewEntry) -> Cmd {
        let most = i64::try_from(self.feed.owners.most()).unwrap_or(i64::MAX);
        let mut command = cmd("XADD");
        // Exactly: a server that finds so many of them knows that older ones may be gone.
        command.arg(self.endpoint.endings()).arg("MAXLEN").arg("=").arg(most).arg("*");
        add_fields(&mut command, ending);
        command
    }
}

fn add_fields(command: &mut Cmd, entry: &NewEntry) {
    for (name, value) in &entry.fields {
        command.arg(name).arg(&value[..]);
    }
}

/// Runs the commands, which append, in a transaction: one answer, the array of the entries' ids.
async fn transact(
    connection: &mut Connection,
    commands: impl Iterator<Item = Cmd>,
) -> Result<Vec<Result<Value, Failure>>, Failure> {
    // Not in one go: were this refused, the entries would be appended one by one.
    if let Err(refusal) = connection.ask(&cmd("MULTI")).await {
        return if refusal.is_refusal() { Ok(vec![Err(refusal)]) } else { Err(refusal) };
    }
    let mut answers = connection.ask_each(commands.chain([cmd("EXEC")])).await?;
    let done = answers.pop();
    // Of a refused transaction, the entry that was refused says why.
    let refused = answers.into_iter().find(Result::is_err);
    match done {
        Some(Err(aborted)) if aborted.is_abort() => Ok(vec![refused.unwrap_or(Err(aborted))]),
        // The transaction is open still: it ends with the connection.
        Some(Err(refusal)) => Err(refusal),
        done => Ok(done.into_iter().collect()),
    }
}

/// The numbers of one entry, or of several.
fn all_numbers(answer: &Value) -> Option<Vec<(u64, u64)>> {
    match answer {
        Value::Array(ids) => ids.iter().map(numbers).collect(),
        id => numbers(id).map(|numbers| vec![numbers]),
    }
}

fn outcome(failure: &Failure) -> Error {
    let text = failure.to_string();
    if failure.is_refusal() { Error::not_appended(text) } else { Error::outcome_unknown(text) }
}
