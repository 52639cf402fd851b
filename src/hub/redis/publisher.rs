//! Appends to the log. There are three outcomes: appended, not appended, and nobody knows.

use std::mem;

use redis::{RedisError, aio::MultiplexedConnection, cmd};
use tokio::sync::Notify;

use super::{
    connection::{Place, position},
    record,
};
use crate::{
    encoder::{Published, PublishedId},
    error::{Error, LogFailure},
    hub::{
        Shared,
        log::Address,
        position::Position,
        sync::{Mutex, lock, read},
    },
    value::EventId,
};

/// The connection to publish by, while there is one.
pub(super) struct Publisher {
    stream: String,
    max_len: usize,
    slot: Mutex<Slot>,
    pub(super) broken: Notify,
}

#[derive(Default)]
struct Slot {
    connection: Option<MultiplexedConnection>,
    /// Which one it is: a failure of an earlier one is no news.
    number: u64,
}

impl Publisher {
    pub(super) fn new(place: &Place, max_len: usize) -> Self {
        let stream = place.stream.clone();
        Self { stream, max_len, slot: Mutex::default(), broken: Notify::new() }
    }

    pub(super) fn set(&self, connection: Option<MultiplexedConnection>) {
        let mut slot = lock(&self.slot);
        slot.number += 1;
        let old = mem::replace(&mut slot.connection, connection);
        // Outside the lock.
        drop(slot);
        drop(old);
    }

    fn current(&self) -> Option<(MultiplexedConnection, u64)> {
        let slot = lock(&self.slot);
        Some((slot.connection.clone()?, slot.number))
    }

    /// Whether the connection that is there answers. One that does not is given up.
    pub(super) async fn is_alive(&self) -> bool {
        let Some((mut connection, number)) = self.current() else { return false };
        let alive = connection.send_packed_command(&cmd("PING")).await.is_ok();
        if !alive {
            self.give_up(number);
        }
        alive
    }

    fn give_up(&self, number: u64) {
        let mut slot = lock(&self.slot);
        let is_current = slot.number == number;
        let old = if is_current { slot.connection.take() } else { None };
        drop(slot);
        if old.is_some() {
            self.broken.notify_one();
        }
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
        published: Published,
    ) -> Result<Option<EventId>, Error> {
        read(&hub.log).check(&published.id)?;
        let fields = record::fields(address, &published)?;
        let Some((mut connection, number)) = self.current() else {
            return Err(LogFailure::NotAppended("there is no connection".into()).into());
        };
        let mut command = cmd("XADD");
        command.arg(&self.stream).arg("MAXLEN").arg("~").arg(self.max_len).arg("*");
        for (name, value) in &fields {
            command.arg(name).arg(&value[..]);
        }
        let answer = connection.send_packed_command(&command).await;
        let position = match answer.and_then(|value| value.extract_error()) {
            Ok(id) => position(&id).ok_or_else(|| {
                Error::from(LogFailure::Unknown("the answer is not an entry's id".into()))
            })?,
            Err(error) => {
                if !is_refusal(&error) || error.code() == Some("READONLY") {
                    self.give_up(number);
                }
                return Err(outcome(&error));
            }
        };
        Ok(id_of(published.id, position))
    }
}

fn id_of(id: PublishedId, position: Position) -> Option<EventId> {
    match id {
        PublishedId::Automatic => Some(position.to_id()),
        PublishedId::Own(id) => Some(id),
        PublishedId::None => None,
    }
}

/// Whether the server has answered, and said no.
fn is_refusal(error: &RedisError) -> bool {
    error.code().is_some()
}

fn outcome(error: &RedisError) -> Error {
    let text = error.to_string();
    if is_refusal(error) {
        LogFailure::NotAppended(text).into()
    } else {
        LogFailure::Unknown(text).into()
    }
}
