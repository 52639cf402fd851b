//! Appends to the log. There are three outcomes: appended, not appended, and nobody knows.

use std::{mem, time::Instant};

use bytes::Bytes;
use redis::{Cmd, Value, cmd};
use tokio::{sync::watch, time::timeout};

use super::{
    connection::{CONNECT, Connection, Failure, Place, REDIRECTIONS},
    reader::{ASK_AGAIN, position},
    record,
};
use crate::{
    encoder::Encoded,
    error::{Error, LogFailure},
    hub::{Shared, log::Address, position::Position, sync::read},
    value::EventId,
};

/// A shorter stream would lose what was read last before more can be read.
const LEAST_LEN: usize = 256;

/// The way to publish.
pub(super) struct Publisher {
    stream: String,
    max_len: usize,
    slot: watch::Sender<Slot>,
}

struct Slot {
    way: Way,
    /// Which connection it is, or was: a failure of an earlier one is no news.
    number: u64,
}

enum Way {
    Open(Connection),
    /// The stream is on another server, to which there is going to be a connection.
    Moving,
    /// There is no connection, for this reason.
    Closed(String),
}

impl Publisher {
    pub(super) fn new(place: &Place, max_len: usize) -> Self {
        let way = Way::Closed("the driver does not run yet".into());
        let slot = watch::Sender::new(Slot { way, number: 0 });
        Self { stream: place.stream.clone(), max_len, slot }
    }

    pub(super) fn open(&self, connection: Connection) {
        let number = self.slot.borrow().number + 1;
        self.slot.send_replace(Slot { way: Way::Open(connection), number });
    }

    pub(super) fn close(&self, reason: String) {
        let number = self.slot.borrow().number;
        self.slot.send_replace(Slot { way: Way::Closed(reason), number });
    }

    /// Whether the connection that is there, since `since`, is of use. One that is not is given up.
    pub(super) async fn is_alive(&self, since: Instant) -> bool {
        let Some(Ok((mut connection, number))) = self.current() else { return false };
        if connection.is_asking() && since.elapsed() > ASK_AGAIN {
            self.leave(number, Way::Moving);
            return false;
        }
        let probed = connection.probe(&self.stream).await;
        probed.map_err(|failure| self.give_up(number, &failure)).is_ok()
    }

    /// Remembers the other servers of a cluster.
    pub(super) async fn learn(&self) {
        if let Some(Ok((mut connection, _))) = self.current() {
            connection.learn().await;
        }
    }

    /// Waits until the way leads to another server.
    pub(super) async fn moving(&self) {
        let _ = self.slot.subscribe().wait_for(|slot| matches!(slot.way, Way::Moving)).await;
    }

    /// Waits until there is no connection.
    pub(super) async fn given_up(&self) {
        let mut slots = self.slot.subscribe();
        let _ = slots.wait_for(|slot| !matches!(slot.way, Way::Open(_))).await;
    }

    /// The connection, if the way does not lead elsewhere just now.
    fn current(&self) -> Option<Result<(Connection, u64), Error>> {
        let slot = self.slot.borrow();
        match &slot.way {
            Way::Open(connection) => Some(Ok((connection.clone(), slot.number))),
            Way::Moving => None,
            Way::Closed(reason) => Some(Err(LogFailure::NotAppended(reason.clone()).into())),
        }
    }

    /// The connection; if the way leads elsewhere, the one to there.
    async fn connection(&self) -> Result<(Connection, u64), Error> {
        loop {
            if let Some(current) = self.current() {
                return current;
            }
            let mut slots = self.slot.subscribe();
            let settled = slots.wait_for(|slot| !matches!(slot.way, Way::Moving));
            if timeout(CONNECT, settled).await.is_err() {
                let reason = "there is no connection yet to the server that has the stream";
                return Err(LogFailure::NotAppended(reason.into()).into());
            }
        }
    }

    fn give_up(&self, number: u64, failure: &Failure) {
        self.leave(
            number,
            match failure.is_redirected() {
                true => Way::Moving,
                false => Way::Closed(failure.to_string()),
            },
        );
    }

    fn leave(&self, number: u64, mut way: Way) {
        self.slot.send_if_modified(|slot| {
            let is_current = slot.number == number && matches!(slot.way, Way::Open(_));
            if is_current {
                // The connection is dropped outside the lock.
                mem::swap(&mut slot.way, &mut way);
            }
            is_current
        });
    }

    /// Appends the item, once: what may have been appended is not sent again.
    ///
    /// # Errors
    ///
    /// As [`Hub::publish`](crate::Hub::publish).
    pub(super) async fn publish(
        &self,
        hub: &Shared,
        address: Address<'_>,
        published: Encoded,
    ) -> Result<Option<EventId>, Error> {
        read(&hub.log).check(&published)?;
        let fields = record::fields(address, &published)?;
        // Whether a stream that is not there has not begun yet.
        let mut is_new = false;
        for _ in 0..=REDIRECTIONS {
            let (mut connection, number) = self.connection().await?;
            let is_certain = is_new || !connection.is_asking();
            let failure = match connection.ask(&self.command(&fields, is_certain)).await {
                Ok(Value::Nil) if !is_certain => {
                    // It may have gone back to where it came from: there one has to ask first.
                    is_new = true;
                    self.leave(number, Way::Moving);
                    continue;
                }
                Ok(id) => {
                    let unknown = || LogFailure::Unknown("the answer is not an entry's id".into());
                    return Ok(id_of(&published, position(&id).ok_or_else(unknown)?));
                }
                Err(failure) => failure,
            };
            if failure.error.code() == Some("READONLY") {
                // It may be another one of those that the URL names.
                connection.pass_by();
            }
            if failure.is_redirected() || is_useless(&failure) {
                self.give_up(number, &failure);
            }
            // Who says where the stream is has not appended to it.
            if !failure.is_redirected() {
                return Err(outcome(&failure));
            }
        }
        let reason = "one server names the other as the one that has the stream";
        Err(LogFailure::NotAppended(reason.into()).into())
    }

    /// Appends an entry; to a stream that is not there only if it `may_begin`.
    fn command(&self, fields: &[(&str, Bytes)], may_begin: bool) -> Cmd {
        let mut command = cmd("XADD");
        command.arg(&self.stream);
        if !may_begin {
            command.arg("NOMKSTREAM");
        }
        // Redis counts in signed numbers.
        let max_len = i64::try_from(self.max_len.max(LEAST_LEN)).unwrap_or(i64::MAX);
        command.arg("MAXLEN").arg("~").arg(max_len).arg("*");
        for (name, value) in fields {
            command.arg(name).arg(&value[..]);
        }
        command
    }
}

fn id_of(published: &Encoded, position: Position) -> Option<EventId> {
    if published.lacks_id() { Some(position.to_id()) } else { published.id() }
}

/// Whether the connection is broken, or leads to a replica.
fn is_useless(failure: &Failure) -> bool {
    !failure.is_refusal() || failure.error.code() == Some("READONLY")
}

fn outcome(failure: &Failure) -> Error {
    let text = failure.to_string();
    if failure.is_refusal() {
        LogFailure::NotAppended(text).into()
    } else {
        LogFailure::Unknown(text).into()
    }
}
