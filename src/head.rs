//! The fields that stand before an event's data: id, type and reconnection time.

use crate::{
    error::{Error, Kind},
    field::{self, Fields},
    value::{EventId, EventType, ReconnectionTime},
};

/// What an event says of itself.
#[derive(Clone, Debug)]
pub struct Head {
    pub(crate) id: IdField,
    pub(crate) event_type: EventTypeField,
    pub(crate) retry: Option<ReconnectionTime>,
}

#[derive(Clone, Debug)]
pub(crate) enum IdField {
    Absent,
    Automatic,
    Explicit(EventId),
    /// What cannot be an id, and why.
    Invalid(Error),
}

#[derive(Clone, Debug)]
pub(crate) enum EventTypeField {
    Absent,
    Default,
    Explicit(EventType),
    /// What cannot be a type, and why.
    Invalid(Error),
}

/// What is written for an event that does not say it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    pub(crate) automatic_ids: bool,
    pub(crate) default_type: bool,
}

/// The automatic id that comes next.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NextId<'a> {
    /// What stands before the number.
    pub(crate) prefix: &'a str,
    /// `None` once [`u64::MAX`] has been used.
    pub(crate) number: Option<u64>,
}

impl Head {
    /// Writes the fields, and moves `next` on if its id was used.
    #[inline(always)]
    pub(crate) fn write(
        &self,
        fields: &mut Fields<'_>,
        defaults: Defaults,
        next: &mut NextId<'_>,
    ) -> Result<(), Error> {
        match &self.id {
            IdField::Automatic if defaults.automatic_ids => {
                let Some(number) = next.number else { return Err(Kind::IdsExhausted.into()) };
                next.number = number.checked_add(1);
                let buffer = fields.name(field::ID);
                if !next.prefix.is_empty() {
                    buffer.put(next.prefix.as_bytes());
                }
                buffer.put(itoa::Buffer::new().format(number).as_bytes());
            }
            IdField::Automatic | IdField::Absent => {}
            IdField::Explicit(id) => fields.line(field::ID, id.as_bytes()),
            IdField::Invalid(error) => return Err(error.clone()),
        }
        match &self.event_type {
            EventTypeField::Default if defaults.default_type => {
                fields.name(field::EVENT_MESSAGE);
            }
            EventTypeField::Default | EventTypeField::Absent => {}
            EventTypeField::Explicit(event_type) => {
                fields.line(field::EVENT, event_type.as_bytes());
            }
            EventTypeField::Invalid(error) => return Err(error.clone()),
        }
        if let Some(time) = self.retry {
            write_retry(fields, time);
        }
        Ok(())
    }
}

#[cold]
fn write_retry(fields: &mut Fields<'_>, time: ReconnectionTime) {
    fields.line(field::RETRY, itoa::Buffer::new().format(time.as_millis()).as_bytes());
}
